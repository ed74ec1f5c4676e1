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

from cages.history.many_minutes import Minutes, minutes_where
from cages.history.minutes import minute_number
from cages.history.window import Window
from cages.models import Health, Poll
from cages.slots import SLOT_LENGTH
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
# Above this share of all minutes it is quicker to read all.
DENSE_SHARE = 0.2
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

    One query for the minutes that are Bad, and for each CAGES_AT_ONCE cages some more.
    """
    lead = lead_of(*rules)
    wide = Window(window.start - WARM_UP - lead * SLOT_LENGTH, window.end)
    bad_at = minutes_where(Poll.objects.within(cage_ids, wide).filter(status=Health.BAD))
    found: list[list[tuple[Places, Places]]] = [[] for _ in rules]
    # A cage without any Bad minute raises nothing.
    all_cages = sorted(bad_at)
    for first in range(0, len(all_cages), CAGES_AT_ONCE):
        cages = all_cages[first : first + CAGES_AT_ONCE]
        batch = _Batch(cages, wide, {cage: bad_at.pop(cage) for cage in cages}, rules, lead)
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


class _Batch:
    """Some cages with all minutes of the window that the rules need."""

    def __init__(
        self,
        cages: Sequence[int],
        window: Window,
        bad_at: dict[int, Minutes],
        rules: Sequence[BadLong],
        lead: int,
    ) -> None:
        self._cages, self._window, self._lead = cages, window, lead
        self._first = minute_number(window.start)
        self._bad = self._flags(bad_at)
        self._known = self._bad.copy()
        self._spans = self._candidates(bad_at, rules)
        if self._spans.minutes > DENSE_SHARE * self._bad.size:
            self._read_all()
        else:
            self._read_until_over(rules)

    def begins(self, rule: BadLong) -> tuple[Places, Places]:
        """(rows, `minute_number` of each beginning)"""
        rows, minutes = [], []
        for numbers, bad, known in self._matrices():
            edges = edges_of(bad, known, rule, lead=self._lead)
            spans, columns = numbers[edges.row[edges.begins]], edges.minute[edges.begins]
            rows.append(self._spans.row[spans])
            minutes.append(self._spans.start[spans] + columns + self._first)
        nothing = np.zeros(0, np.int64)
        return np.concatenate([nothing, *rows]), np.concatenate([nothing, *minutes])

    def _flags(self, found: dict[int, Minutes]) -> Flags:
        flags = np.zeros((len(self._cages), self._window.minutes), bool)
        self._set(flags, found)
        return flags

    def _set(self, flags: Flags, found: dict[int, Minutes]) -> None:
        for row, cage in enumerate(self._cages):
            if cage in found:
                flags[row, found[cage] - self._first] = True

    def _candidates(self, bad_at: dict[int, Minutes], rules: Sequence[BadLong]) -> _Spans:
        """Around the minutes with so many Bad readings that a condition may begin in them."""
        spans = []
        for row, cage in enumerate(self._cages):
            bad = np.sort(bad_at[cage]).astype(np.int64) - self._first
            for window, enough in _least_bad(rules).items():
                # From the reading that makes them enough to the last minute that sees the first.
                reached = bad[enough - 1 :]
                first = bad[: len(reached)]
                close = (reached - first < window) & (first + window > self._lead)
                start = np.maximum(reached[close] - self._lead, 0)
                end = first[close] + window + FOLLOWED_MINUTES
                spans.append((start * 0 + row, start, np.minimum(end, self._window.minutes)))
        return _Spans(*(np.concatenate(part) for part in zip(*spans, strict=True))).merged()

    def _read_all(self) -> None:
        rows = np.arange(len(self._cages))
        self._set(
            self._known,
            minutes_where(Poll.objects.within(self._cages, self._window).answered()),
        )
        self._spans = _Spans(rows, rows * 0, rows * 0 + self._window.minutes)

    def _read_until_over(self, rules: Sequence[BadLong]) -> None:
        todo, followed = self._spans, FOLLOWED_MINUTES
        while len(todo.row):
            self._read(todo)
            followed *= 2
            lasting = self._lasting(rules)
            start = self._spans.end[lasting]
            end = np.minimum(start + followed, self._window.minutes)
            todo = _Spans(self._spans.row[lasting], start, end)
            self._spans.end[lasting] = end
            self._spans = self._spans.merged()

    def _lasting(self, rules: Sequence[BadLong]) -> Flags:
        """Of each span, whether it has to be followed further: a condition lasts at its end."""
        lasting = np.zeros(len(self._spans.row), bool)
        for numbers, bad, known in self._matrices():
            for rule in rules:
                lasting[numbers] |= edges_of(bad, known, rule, lead=self._lead).is_on
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

    def _matrices(self) -> Iterator[tuple[Places, Flags, Flags]]:
        """(numbers of some spans, their Bad minutes, their known ones), a row for each span.

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
            yield numbers, self._bad[rows, places] & inside, self._known[rows, places] & inside
