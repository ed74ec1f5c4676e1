"""Whose notices a person may see."""

from django.db.models import Prefetch, QuerySet

from people.access import Access, Permission
from welfare.models import Delivery, Notice


def notices_seen_by(access: Access) -> QuerySet[Notice]:
    """Their own; those of everybody for people who make channels.

    With recipient, concerns and deliveries: four queries.
    """
    notices = Notice.objects.all()
    if not access.may(Permission.CHANNELS):
        notices = notices.filter(recipient=access.person)
    deliveries = Delivery.objects.select_related("channel").order_by("pk")
    return notices.select_related("recipient").prefetch_related(
        "told", Prefetch("deliveries", deliveries)
    )
