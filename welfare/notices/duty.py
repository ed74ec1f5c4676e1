"""The people who can be told, what each of them wants to know, and when they are left alone."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from people.models import User
from welfare.models import Channel, Concern, DutyShift, Kind, Wish

# What people on duty are told of and what goes to the next one. A weak sensor wakes nobody.
DUTY_KINDS = frozenset({Kind.BAD_LONG, Kind.BY_EYE, Kind.PLACE_SILENT, Kind.NEUROCAGE})
# Wishes and shifts that are read at once.
PEOPLE_AT_MOST = 500


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person with their wish. duty: 0 for the first one on duty, then 1, 2; None: not on duty.

    rooms: ids; empty for all that the person sees.
    """

    person: User
    wish: Wish
    duty: int | None
    rooms: frozenset[int]

    def wants(self, concern: Concern, kind: Kind | None = None) -> bool:
        """Whether the person's own wish has this concern. Places are told with their room.

        kind: as if it was of this kind.
        """
        if (kind or concern.kind) not in self.wish.kinds:
            return False
        room_id = room_of(concern)
        return not self.rooms or room_id is None or room_id in self.rooms

    def is_first_told(self, concern: Concern) -> bool:
        """Whether the person is told as soon as the concern is raised."""
        return self.wants(concern) or (self.duty == 0 and concern.kind in DUTY_KINDS)

    def is_asked_to_look(self, concern: Concern) -> bool:
        """Whether the person is asked first to look by eye where nothing is read any more.

        Those who wish to know of unseen cages are asked for silent places too.
        """
        return self.duty == 0 or self.wants(concern) or self.wants(concern, Kind.UNSEEN)

    def quiet_until(self, now: datetime) -> datetime | None:
        """The end of the quiet hours that it is now; None outside them."""
        begin, end = self.wish.quiet_from, self.wish.quiet_until
        if begin is None or end is None or begin == end:
            return None
        local = timezone.localtime(now)
        clock = local.time()
        is_over_midnight = begin > end
        is_quiet = (clock >= begin or clock < end) if is_over_midnight else begin <= clock < end
        if not is_quiet:
            return None
        day = local.date()
        if is_over_midnight and clock >= begin:
            day += timedelta(days=1)
        return timezone.make_aware(datetime.combine(day, end))

    def may_be_woken_by(self, concerns: list[Concern]) -> bool:
        """Whether a message of these concerns comes in quiet hours too.

        A check by eye is for the health of animals of which nothing is known.
        """
        on_duty = self.duty is not None and self.wish.wakes_on_duty
        return on_duty and any(concern.is_health or concern.needs_eye for concern in concerns)

    def ways(self, without: set[str]) -> list[Channel | None]:
        """The ways to send; None is mail. without: subjects of ways that fail, "channel:4", "mail".

        Where nothing is left of what the person chose, another way is taken.
        """
        wished: list[Channel | None] = []
        if self.wish.by_mail:
            wished.append(None)
        if self.wish.channel and self.wish.channel.is_on:
            wished.append(self.wish.channel)
        left = [way for way in wished if subject_of(way) not in without]
        if left or not wished:
            return left
        if "mail" not in without and settings.EMAIL_URL and self.person.email:
            return [None]
        others: Any = Channel.objects.filter(is_on=True).order_by("pk")
        return [one for one in others[:50] if subject_of(one) not in without][:1]


def subject_of(way: Channel | None) -> str:
    """The subject of the concern that this way fails."""
    return f"channel:{way.pk}" if way else "mail"


def room_of(concern: Concern) -> int | None:
    """The id of the room that the concern is in; None where it is in no single room."""
    if concern.cage:
        return concern.cage.room_id
    return concern.rack.room_id if concern.rack else concern.room_id


def recipients(now: datetime) -> list[Recipient]:
    """Everybody with a wish, and everybody on duty. Three queries."""
    order: dict[int, User] = {}
    shifts = DutyShift.objects.on(now).filter(person__is_active=True).select_related("person")
    for shift in shifts[:PEOPLE_AT_MOST]:
        order.setdefault(shift.person_id, shift.person)
    places = {pk: place for place, pk in enumerate(order)}
    wishes = Wish.objects.filter(person__is_active=True).select_related("person", "channel")
    found = {
        wish.person_id: Recipient(
            wish.person,
            wish,
            places.get(wish.person_id),
            frozenset(room.pk for room in wish.rooms.all()),
        )
        for wish in wishes.prefetch_related("rooms").order_by("pk")[:PEOPLE_AT_MOST]
    }
    for pk, person in order.items():
        # Somebody on duty who has chosen nothing is told by mail.
        wish = Wish(person=person, by_mail=True)
        found.setdefault(pk, Recipient(person, wish, places[pk], frozenset()))
    return list(found.values())
