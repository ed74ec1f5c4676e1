"""What a dark phase of a room held, cage by cage, as plain values that are kept as JSON.

{"cages": count, "lines": [line], "alone": [short], "rest": [short], "little": [short],
"without": [cage id]}. short: [cage id, known minutes, minutes]. A line is about a cage that has
something to say; `line_of` has its values. Moments are ISO 8601 in UTC.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from cages.history.handling import margin, marks_of
from cages.history.light import light_of
from cages.history.minutes import minutes_of
from cages.history.nights import LOOKED_BACK, Night, night_of
from cages.history.spells import longest_bad, silences_in
from cages.history.summaries import Share
from cages.history.window import Window
from cages.models import Cage, Spell
from cages.slots import SLOT_LENGTH

Facts = dict[str, Any]
# A Bad spell as long as this is told. "Bad for long" looks at as many minutes by default.
BAD_MINUTES = 30
# A silence as long as this: somebody has to look by eye.
BY_EYE_MINUTES = 60
# Percent of the dark phase known. Above it a cage with nothing to say need not be opened. Sensors
# answer three of four times; of 720 minutes chance alone leaves fewer than this to none of 500.
ALONE_COVERAGE = 65
CAGES_AT_MOST = 2000
# Ten days of so many cages are held in memory at once.
CAGES_AT_ONCE = 40


def facts_of(room_id: int, span: Window) -> Facts:
    """The facts of the active cages of a room in the dark phase `span`.

    A cage with a light schedule of its own is told by its own last dark phase. Six queries, and one
    for each CAGES_AT_ONCE cages.
    """
    cages = list(Cage.objects.active().filter(room=room_id).order_by("pk")[:CAGES_AT_MOST])
    facts: Facts = {name: [] for name in ("lines", "alone", "rest", "little", "without")}
    for cage, night, minutes in _nights(cages, span):
        if night is None:
            facts["without"].append(cage.pk)
            continue
        line = line_of(cage, night, minutes)
        if line["says"]:
            facts["lines"].append(line)
            continue
        coverage = 100 * night.health.known
        name = "alone" if coverage >= ALONE_COVERAGE * night.health.minutes else "rest"
        name = name if night.is_known else "little"
        facts[name].append([cage.pk, night.health.known, night.health.minutes])
    return {"cages": len(cages), **facts}


def _nights(cages: Sequence[Cage], span: Window) -> Iterator[tuple[Cage, Night | None, bytes]]:
    """Each cage with its Night and the minutes of that."""
    window = Window(span.end - LOOKED_BACK, span.end)
    ids = [cage.pk for cage in cages]
    runs = light_of(ids, Window(window.start, span.end + SLOT_LENGTH))
    marks = marks_of(ids, window, margin())
    for first in range(0, len(cages), CAGES_AT_ONCE):
        some = cages[first : first + CAGES_AT_ONCE]
        found = minutes_of([cage.pk for cage in some], window)
        for cage in some:
            night = night_of(found[cage.pk], window, runs[cage.pk], marks[cage.pk])
            if night is None or night.window.start < cage.created_at:
                yield cage, None, b""
                continue
            begin = (night.window.start - window.start) // SLOT_LENGTH
            yield cage, night, found[cage.pk][begin : begin + night.window.minutes]


def line_of(cage: Cage, night: Night, minutes: bytes) -> Facts:
    """The values of one cage. says: any of "bad", "unseen" and "unlike"."""
    start, health = night.window.start, night.health
    longest = longest_bad(minutes, start)
    silences = silences_in(minutes, start)
    says = []
    if longest and longest.minutes >= BAD_MINUTES:
        says.append("bad")
    if night.is_unlike:
        says.append("unlike")
    if silences:
        says.append("unseen")
    return {
        "cage": cage.pk,
        "says": says,
        "from": start.isoformat(),
        "until": night.window.end.isoformat(),
        "minutes": health.minutes,
        "known": health.known,
        "bad": night.bad.count,
        "not_watched": health.not_watched,
        "handled": night.handled,
        "longest": _spell(longest) if longest else None,
        "unseen": sum(silence.minutes for silence in silences),
        "silence": [silences[0].first.isoformat(), silences[0].minutes] if silences else None,
        "usual": _range((night.usual.low, night.usual.high)) if night.usual else None,
        "phases": night.usual.phases if night.usual else night.known_before,
    }


def _spell(spell: Spell) -> Facts:
    return {
        "first": spell.first.isoformat(),
        "minutes": spell.minutes,
        "same": spell.same,
        "known": spell.known,
        "is_exact": spell.begins_known and spell.ends_known,
    }


def _range(shares: Iterable[Share]) -> list[list[int]]:
    return [[share.count, share.total] for share in shares]
