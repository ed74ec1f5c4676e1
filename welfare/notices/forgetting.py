"""Old notices, night sheets and shifts of duty are deleted.

Concerns, findings and trails are kept for good.

A night sheet is a summary of minutes that stay, for the morning after.
"""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef

from welfare.models import Delivery, DutyShift, NightSheet, Notice, Told

KEPT_FOR = timedelta(days=400)
# In one run. What is left goes the next day.
AT_ONCE = 20_000
IN_ONE_QUERY = 1000


def forget(now: datetime) -> int:
    """Delete notices with their deliveries, tests of channels, night sheets, and shifts of duty.

    Returns how many of them.

    A notice about a concern that is still open stays: it says what people were told of it already.
    """
    before = now - KEPT_FOR
    is_open = Told.objects.filter(notice=OuterRef("pk"), concern__closed_at=None)
    old = Notice.objects.filter(~Exists(is_open), made_at__lt=before)
    tests = Delivery.objects.filter(notice=None, made_at__lt=before)
    # Their notices go first, and are as old.
    sheets = NightSheet.objects.filter(made_at__lt=before)
    shifts = DutyShift.objects.filter(ends_at__lt=before)
    gone = 0
    for rows in (old, tests, sheets, shifts):
        while gone < AT_ONCE and (ids := list(rows.values_list("pk", flat=True)[:IN_ONE_QUERY])):
            rows.model._default_manager.filter(pk__in=ids).delete()
            gone += len(ids)
    return gone
