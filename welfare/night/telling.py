"""Who is sent a night sheet by mail: once, through the same outbox as every notice."""

from datetime import datetime

from django.urls import reverse
from django.utils import timezone, translation

from cages.models import Cage
from people.access import Access
from welfare.models import Delivery, NightSheet, Notice, Why, Wish
from welfare.night.sheet import Sheet, sheet_of
from welfare.notices import texts
from welfare.notices.duty import PEOPLE_AT_MOST


def tell(kept: NightSheet, now: datetime) -> int:
    """Make a notice with a delivery for each person who wants the sheet. Returns how many.

    A person without a cage in the room gets none. The room is asked of each person who wishes it.
    """
    wishes = Wish.objects.filter(night_by_mail=True, person__is_active=True)
    wishes = wishes.exclude(person__email="").select_related("person").prefetch_related("rooms")
    told = 0
    for wish in wishes.order_by("pk")[:PEOPLE_AT_MOST]:
        rooms = {room.pk for room in wish.rooms.all()}
        if rooms and kept.room_id not in rooms:
            continue
        sheet = sheet_of(kept, Access(wish.person).sees(Cage.objects.all()), now)
        if sheet.cages:
            _write(kept, sheet, wish, now)
            told += 1
    return told


def _write(kept: NightSheet, sheet: Sheet, wish: Wish, now: datetime) -> None:
    day = f"{timezone.localtime(kept.ends_at):%Y-%m-%d}"
    address = reverse("night-sheet", args=[kept.room_id, day])
    with translation.override(wish.language):
        subject, text = texts.night_sheet(
            kept.room.name, day, len(sheet.lines), sheet.cages, address
        )
    notice = Notice.objects.create(
        recipient=wish.person,
        why=Why.NIGHT,
        subject=subject,
        text=text,
        made_at=now,
        night_sheet=kept,
    )
    Delivery.objects.create(notice=notice, channel=None, made_at=now, due_at=now)
