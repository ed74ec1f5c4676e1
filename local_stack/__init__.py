"""The local stack: `make up` runs every part of Neurocage on one machine, servers included.

`embedded` is the one place that starts and stops the embedded PostgreSQL and Valkey; the tests use
it too. Nothing here imports Django's settings, so that the program is there at once.
"""
