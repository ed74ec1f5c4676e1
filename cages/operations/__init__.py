"""How Neurocage itself is: what keeps it from writing, what is wrong with its database, the verdict
on its parts, and metrics.

Told on the operations page, by /readyz, /metrics and `manage.py check`, and in the log.
"""
