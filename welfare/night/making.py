"""Making the night sheets that are due, once for each room and dark phase."""

import time
from datetime import datetime, timedelta

from django.db import transaction

from cages.history.light import dark_phases, light_of_rooms
from cages.history.window import DAY, Window
from cages.models import Cage
from cages.slots import SLOT_LENGTH, slot_of
from welfare.models import NightSheet
from welfare.night.facts import facts_of
from welfare.night.telling import tell

# After lights on, so that the last minutes are recorded.
MADE_AFTER = timedelta(minutes=2)
# After a longer outage of Neurocage the sheet would be of no use any more.
MADE_WITHIN = timedelta(hours=12)
# A task ends, so that its message is not given to another worker. The next minute goes on.
WORKS_FOR_SECONDS = 50
# Longer than the longest dark phase with the light phase after it.
LOOKED_BACK = 2 * DAY


def make_due(now: datetime) -> int:
    """Make what is due, or begin with it. Returns how many sheets. Three queries at nothing due."""
    begun, count = time.monotonic(), 0
    for room_id, span in due(now):
        if time.monotonic() - begun > WORKS_FOR_SECONDS:
            break
        if NightSheet.objects.filter(room=room_id, ends_at=span.end).exists():
            # The task of the next minute has begun meanwhile.
            continue
        made = {"begins_at": span.start, "made_at": now, "facts": facts_of(room_id, span)}
        with transaction.atomic():
            # Another worker may have made it meanwhile.
            sheet, is_new = NightSheet.objects.get_or_create(
                room_id=room_id, ends_at=span.end, defaults=made
            )
            if is_new:
                tell(sheet, now)
                count += 1
    return count


def due(now: datetime) -> list[tuple[int, Window]]:
    """[(room id, its last dark phase)] for rooms with cages whose sheet is to be made now."""
    cages = Cage.objects.active().exclude(room=None).order_by()
    rooms = list(cages.values_list("room", flat=True).distinct())
    slot = slot_of(now)
    light = light_of_rooms(rooms, Window(slot - LOOKED_BACK, slot + SLOT_LENGTH))
    spans = {room_id: phases[0] for room_id in rooms if (phases := dark_phases(light[room_id], 1))}
    spans = {
        room_id: span
        for room_id, span in spans.items()
        if MADE_AFTER <= now - span.end <= MADE_WITHIN
    }
    made = NightSheet.objects.filter(room__in=spans, ends_at__gte=now - MADE_WITHIN)
    known = set(made.values_list("room", "ends_at")) if spans else set()
    return [(room_id, span) for room_id, span in spans.items() if (room_id, span.end) not in known]
