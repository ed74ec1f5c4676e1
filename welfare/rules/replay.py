"""The rule "Bad for long" replayed over months of stored minutes.

Reading all minutes would take most of the time, and nearly all of them say nothing: a condition
can only begin where enough readings of a window are Bad. So the minutes that are Bad are read
first, and what else is known only around those, until the condition is over.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import reduce
from operator import or_

import numpy as np
import numpy.typing as npt
from django.db.models import Q

from cages.history.many_minutes import (
    BLOCK_MINUTES,
    Minutes,
    block_keys,
    in_blocks,
    minutes_where,
)
from cages.history.minutes import minute_number
from cages.history.window import Window
from cages.models import Health, Poll
from cages.slots import SLOT_LENGTH
from welfare.rules.handling import Waiting, waiting
from welfare.rules.parameters import BadLong
from welfare.rules.share_of_window import NEVER, Flags, edges_of, lead_of, least_bad

# What lasts when the window begins has begun in this time before it, or counts as not lasting.
WARM_UP = timedelta(days=1)
# Cages whose minutes are in memory at the same time, two bytes for each minute.
CAGES_AT_ONCE = 50
# Minutes that are read behind the last one in which a condition can begin. If it is not over there,
# twice as many, and so on.
FOLLOWED_MINUTES = 60
SPANS_A_QUERY = 100
# Above this share of all minutes it is quicker to look at each once than to search for the spans.
SCAN_SHARE = 0.02
# Above this share the blocks are no use: nearly all are read.
DENSE_SHARE = 0.5
# Minutes of spans that are read together, eight bytes each.
MINUTES_AT_ONCE = 10_000_000
Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Beginnings:
    """The begins of one rule within the window: cage ids, and the `minute_number` of each."""

    cage: Places
    minute: Places


@dataclass(slots=True)
class _Spans:
    """Parts of rows in which everything is known that was recorded: [start, end) columns."""

    row: Places
    start: Places
    end: Places

    @property
    def minutes(self) -> int:
        return int((self.end - self.start).sum())

    def blocks(self, first: int) -> Places:
        """The numbers of all blocks that they touch, of one row. first: the minute of column 0."""
        low = (self.start + first) // BLOCK_MINUTES
        counts = (self.end + first - 1) // BLOCK_MINUTES - low + 1
        # The place of each block within its span.
        places = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return np.unique(np.repeat(low, counts) + places)

    def merged(self) -> "_Spans":
        """Those that touch or overlap as one, in order."""
        order = np.lexsort((self.start, self.row))
        row, start, end = self.row[order], self.start[order], self.end[order]
        if not len(row):
            return _Spans(row, start, end)
        # The furthest end so far in the row. A row's columns are below `wide`.
        wide = int(end.max()) + 1
        furthest = np.maximum.accumulate(row * wide + end) - row * wide
        first = np.ones(len(row), bool)
        first[1:] = (row[1:] != row[:-1]) | (start[1:] > furthest[:-1])
        last = np.append(np.flatnonzero(first)[1:] - 1, len(row) - 1)
        return _Spans(row[first], start[first], furthest[last])


def replay(cage_ids: Sequence[int], window: Window, rules: Sequence[BadLong]) -> list[Beginnings]:
    """What each of the rules would have raised in the window.

    Rules wait as they did then: for marks of handling as soon as these were noted. One query for
    the minutes that are Bad, some more for the others around those, and two for the marks.
    """
    lead = lead_of(*rules)
    wide = Window(window.start - WARM_UP - lead * SLOT_LENGTH, window.end)
    bad_at = minutes_where(Poll.objects.within(cage_ids, wide).filter(status=Health.BAD))
    found: list[list[tuple[Places, Places]]] = [[] for _ in rules]
    # A cage without any Bad minute raises nothing.
    spans = {cage: _candidates(bad_at[cage], wide, rules, lead) for cage in sorted(bad_at)}
    minutes = sum(one.minutes for one in spans.values())
    waits = waiting(wide, set(spans))
    scans = minutes > SCAN_SHARE * len(spans) * wide.minutes
    for group in _groups(spans):
        known_at = _read_around({cage: spans[cage] for cage in group}, wide) if scans else None
        for first in range(0, len(group), CAGES_AT_ONCE):
            cages = group[first : first + CAGES_AT_ONCE]
            of_cages = [spans.pop(cage) for cage in cages]
            batch = _Batch(cages, wide, bad_at, of_cages, lead, waits)
            batch.read_until_over(rules, known_at)
            for cage in cages:
                del bad_at[cage]
            for one, rule in zip(found, rules, strict=True):
                row, minute = batch.begins(rule)
                kept = minute >= minute_number(window.start)
                one.append((np.array(cages)[row[kept]], minute[kept]))
    nothing = np.zeros(0, np.int64)
    return [
        Beginnings(*(np.concatenate([nothing, *part]) for part in zip(*one, strict=True)))
        if one
        else Beginnings(nothing, nothing)
        for one in found
    ]


def _least_bad(rules: Sequence[BadLong]) -> dict[int, int]:
    """{minutes of a window: the least count of Bad with which any of the rules begins}"""
    found: dict[int, int] = {}
    for rule in rules:
        enough = least_bad(rule)
        least = int(enough[enough < NEVER].min())
        found[rule.window_minutes] = min(least, found.get(rule.window_minutes, NEVER))
    return found


def _candidates(bad_at: Minutes, window: Window, rules: Sequence[BadLong], lead: int) -> _Spans:
    """Around the minutes of a cage with so many Bad readings that a condition may begin there."""
    bad = np.sort(bad_at).astype(np.int64) - minute_number(window.start)
    spans = []
    for length, enough in _least_bad(rules).items():
        # From the reading that makes them enough to the last minute that sees the first.
        reached = bad[enough - 1 :]
        first = bad[: len(reached)]
        close = (reached - first < length) & (first + length > lead)
        start = np.maximum(reached[close] - lead, 0)
        end = first[close] + length + FOLLOWED_MINUTES
        spans.append((start * 0, start, np.minimum(end, window.minutes)))
    return _Spans(*(np.concatenate(part) for part in zip(*spans, strict=True))).merged()


def _groups(spans: dict[int, _Spans]) -> list[list[int]]:
    """The cages with spans, cut so that those of each group have MINUTES_AT_ONCE about."""
    groups: list[list[int]] = [[]]
    minutes = 0
    for cage, one in spans.items():
        if not len(one.row):
            continue
        minutes += one.minutes
        if minutes > MINUTES_AT_ONCE and groups[-1]:
            groups.append([])
            minutes = one.minutes
        groups[-1].append(cage)
    return groups


def _read_around(spans: dict[int, _Spans], window: Window) -> dict[int, Minutes]:
    """{cage: the minutes around its spans with a reading that is not Bad}; one query."""
    first = minute_number(window.start)
    polls = Poll.objects.within(spans, window).answered().exclude(status=Health.BAD)
    minutes = sum(one.minutes for one in spans.values())
    if minutes < DENSE_SHARE * len(spans) * window.minutes:
        polls = in_blocks(
            polls,
            np.concatenate([block_keys(cage, one.blocks(first)) for cage, one in spans.items()]),
        )
    return minutes_where(polls)


class _Batch:
    """Some cages with all minutes of the window that the rules need."""

    def __init__(
        self,
        cages: Sequence[int],
        window: Window,
        bad_at: dict[int, Minutes],
        spans: Sequence[_Spans],
        lead: int,
        waits: Waiting,
    ) -> None:
        """spans: for each of the cages. bad_at and waits: for these cages, and maybe others."""
        self._cages, self._window, self._lead = cages, window, lead
        self._first = minute_number(window.start)
        self._bad = np.zeros((len(cages), window.minutes), bool)
        self._set(self._bad, bad_at)
        self._known = self._bad.copy()
        self._waits = self._masks(waits)
        self._spans = _Spans(
            np.repeat(np.arange(len(cages)), [len(one.row) for one in spans]),
            np.concatenate([one.start for one in spans]),
            np.concatenate([one.end for one in spans]),
        )

    def _masks(self, waits: Waiting) -> Flags | None:
        """Where rules wait; None where none of the cages was handled."""
        masks = {row: waits.mask(cage, self._window) for row, cage in enumerate(self._cages)}
        if not any(masks.values()):
            return None
        flags = np.zeros(self._bad.shape, bool)
        for row, mask in masks.items():
            if mask:
                flags[row] = np.frombuffer(mask, bool)
        return flags

    def begins(self, rule: BadLong) -> tuple[Places, Places]:
        """(rows, `minute_number` of each beginning)"""
        rows, minutes = [], []
        for numbers, bad, known, waits in self._matrices():
            edges = edges_of(bad, known, rule, lead=self._lead, waits=waits)
            spans, columns = numbers[edges.row[edges.begins]], edges.minute[edges.begins]
            rows.append(self._spans.row[spans])
            minutes.append(self._spans.start[spans] + columns + self._first)
        nothing = np.zeros(0, np.int64)
        return np.concatenate([nothing, *rows]), np.concatenate([nothing, *minutes])

    def _set(self, flags: Flags, found: dict[int, Minutes]) -> None:
        for row, cage in enumerate(self._cages):
            if cage in found:
                flags[row, found[cage] - self._first] = True

    def read_until_over(
        self, rules: Sequence[BadLong], known_at: dict[int, Minutes] | None
    ) -> None:
        """Read what is known in the spans, and follow what lasts at their ends.

        known_at: what was read already around the spans.
        """
        if known_at is None:
            self._read(self._spans)
        else:
            self._set(self._known, known_at)
        followed = FOLLOWED_MINUTES
        while (lasting := self._lasting(rules)).any():
            followed *= 2
            start = self._spans.end[lasting]
            end = np.minimum(start + followed, self._window.minutes)
            self._read(_Spans(self._spans.row[lasting], start, end))
            self._spans.end[lasting] = end
            self._spans = self._spans.merged()

    def _lasting(self, rules: Sequence[BadLong]) -> Flags:
        """Of each span, whether it has to be followed further: a condition lasts at its end."""
        lasting = np.zeros(len(self._spans.row), bool)
        for numbers, bad, known, waits in self._matrices():
            for rule in rules:
                lasting[numbers] |= edges_of(bad, known, rule, lead=self._lead, waits=waits).is_on
        return lasting & (self._spans.end < self._window.minutes)

    def _read(self, spans: _Spans) -> None:
        for first in range(0, len(spans.row), SPANS_A_QUERY):
            part = range(first, min(first + SPANS_A_QUERY, len(spans.row)))
            of_spans = [
                Q(
                    cage=self._cages[spans.row[number]],
                    slot__gte=self._window.start + int(spans.start[number]) * SLOT_LENGTH,
                    slot__lt=self._window.start + int(spans.end[number]) * SLOT_LENGTH,
                )
                for number in part
            ]
            self._set(
                self._known, minutes_where(Poll.objects.filter(reduce(or_, of_spans)).answered())
            )

    def _matrices(self) -> Iterator[tuple[Places, Flags, Flags, Flags | None]]:
        """(numbers of some spans, their Bad minutes, their known ones, where rules wait).

        A row for each span.

        Spans of similar length are together. A shorter one goes on with minutes of which nothing
        is known, in which nothing changes.
        """
        lengths = self._spans.end - self._spans.start
        classes = np.ceil(np.log2(np.maximum(lengths, 1)))
        for one in np.unique(classes):
            numbers = np.flatnonzero(classes == one)
            columns = np.arange(int(lengths[numbers].max()))
            places = self._spans.start[numbers][:, None] + columns
            inside = columns < lengths[numbers][:, None]
            places = np.minimum(places, self._window.minutes - 1)
            rows = self._spans.row[numbers][:, None]
            waits = None if self._waits is None else self._waits[rows, places]
            bad, known = self._bad[rows, places] & inside, self._known[rows, places] & inside
            yield numbers, bad, known, waits
