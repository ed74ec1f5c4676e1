"""Whose notices a person may see."""

from django.db.models import Prefetch, QuerySet

from cages.models import Cage
from people.access import Access, Permission
from welfare.models import Concern, Delivery, Notice


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


def is_seen_by_recipient(notice: Notice) -> bool:
    """Whether its recipient may see, now, any of the concerns or cages that it is about.

    True for what is about neither, such as that a drill is due. Two queries at most.
    """
    access = Access(notice.recipient)
    if notice.night_sheet:
        return access.sees(Cage.objects.filter(room=notice.night_sheet.room_id)).exists()
    concerns = Concern.objects.filter(told__notice=notice)
    return concerns.seen_by(access).exists() or not concerns.exists()
