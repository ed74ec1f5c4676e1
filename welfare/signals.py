"""What welfare tells of concerns once it is stored: a Django signal, sent after the commit."""

from django.db import transaction
from django.dispatch import Signal

# Somebody may have to be told of a concern now. No arguments.
concerns_changed = Signal()


def changed_after_commit() -> None:
    """Send `concerns_changed` once when the transaction is committed. Errors are only logged."""
    waiting = transaction.get_connection().run_on_commit
    if not any(told is _send for _savepoints, told, *_robust in waiting):
        transaction.on_commit(_send, robust=True)


def _send() -> None:
    concerns_changed.send_robust(sender=None)
