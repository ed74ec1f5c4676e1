"""Rounds, looks and a night sheet for the tests of pages in a browser."""

from datetime import timedelta

from cages.models import Cage, Room
from tests.factories import at
from welfare.models import Look, LookResult, NightSheet, Round

ADDRESSES = [
    "/rounds/",
    "/rounds/900/",
    "/rounds/901/",
    "/looks/",
    "/night/",
    "/night/900/2026-03-02/",
    "/night/900/2026-03-01/",
]
NIGHT_END = at("07:00")


def add_rounds(person, now):
    """Something on each of ADDRESSES, in the room 900 with the cages 1 to 4."""
    room = Room.objects.get(pk=900)
    told = {"room": room, "person": person, "by": person.username}
    Round.objects.create(pk=900, begun_at=now, **told)
    came_of = {"cages": [1, 2, 3, 4]}
    ended = Round.objects.create(
        pk=901, begun_at=now, ended_at=now, end_noted_at=now, came_of=came_of, **told
    )
    skipped = {"result": LookResult.SKIPPED, "why": "Not there"}
    results = ({"result": LookResult.FINE}, {"result": LookResult.CONCERN}, skipped)
    for cage, result in enumerate(results, 1):
        Look.objects.create(cage_id=cage, round=ended, at=now, by="tim", noted_at=now, **result)
    NightSheet.objects.create(
        room=room,
        begins_at=NIGHT_END - timedelta(hours=12),
        ends_at=NIGHT_END,
        made_at=NIGHT_END,
        facts=facts_of_room([1, 4], alone=[2], little=[3]),
    )
    assert Cage.objects.filter(room=room, pk__in=range(1, 5)).count() == 4


def facts_of_room(saying, alone=(), little=(), end=NIGHT_END):
    """Facts of a night sheet: these cages have all there is to say, the others nothing."""
    facts = {"cages": len(saying) + len(alone) + len(little), "rest": [], "without": []}
    return {
        **facts,
        "lines": [line_of(pk, end - timedelta(hours=12), end) for pk in saying],
        "alone": [[pk, 540, 720] for pk in alone],
        "little": [[pk, 100, 720] for pk in little],
    }


def line_of(pk, start, end):
    spell = {"first": start.isoformat(), "minutes": 61, "same": 40, "known": 44}
    return {
        "cage": pk,
        "says": ["bad", "unlike", "unseen"],
        "from": start.isoformat(),
        "until": end.isoformat(),
        "minutes": 720,
        "known": 540,
        "bad": 90,
        "not_watched": 0,
        "handled": 61,
        "longest": {**spell, "is_exact": False},
        "unseen": 75,
        "silence": [start.isoformat(), 61],
        "usual": [[1, 540], [20, 540]],
        "phases": 7,
    }
