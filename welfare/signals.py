"""What welfare tells of concerns once it is stored: a Django signal, sent after the commit."""

from django.db import transaction
from django.dispatch import Signal

# Somebody may have to be told of a concern now. No arguments.
concerns_changed = Signal()


def changed_after_commit() -> None:
    """Send `concerns_changed` when the transaction is committed. Errors are only logged."""
    transaction.on_commit(_send, robust=True)


def _send() -> None:
    concerns_changed.send_robust(sender=None)
