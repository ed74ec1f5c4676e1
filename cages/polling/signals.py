"""What polling tells others once it is stored: Django signals, sent after the commit.

A receiver must be quick. What it raises is logged and changes nothing here.
"""

from django.dispatch import Signal

# A cycle has all its results. Arguments: slot, an aware datetime.
cycle_finished = Signal()
# Polls that were stored as skipped have a reading now. Arguments: slot, and cage_ids, a list.
minutes_changed = Signal()
