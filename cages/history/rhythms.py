"""The rhythm of cages, read from their minutes, marks and light."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cached_property

import numpy as np
from django.utils import timezone
from numpy.typing import NDArray

from cages.history import handling
from cages.history.animals import AND, stretches_of
from cages.history.groups import WhyOut, all_groups, slots_by_groups, why_in_no_group
from cages.history.light import LightDay, Runs, days_by_zt, light_of
from cages.history.many_minutes import minutes_of_many
from cages.history.minutes import Minute
from cages.history.window import Window, midnight_of
from cages.models import Cage
from cages.rhythm.actogram import Actogram, actogram_by_zt, actogram_of
from cages.rhythm.days import minutes_by_zt, times_after, times_by_zt
from cages.rhythm.nonparametric import Rhythm, rhythm_of
from cages.rhythm.periodogram import Periodogram, chi_square, lomb_scargle
from cages.rhythm.question import Axis, Question
from cages.rhythm.series import Series, series_of


@dataclass(frozen=True)
class Told:
    """What the minutes of one cage tell. Figures are worked out when they are asked for.

    series: on the axis of time. daily: its minutes that have a place in a day, which figures of the
    day are made of. zero: the moment from which hours of days of 24 hours count. days: where hours
    count from lights on instead, the days with ZT. left_out: minutes around handling that count as
    not known; None where all count. groups: of its animals in minutes that count. why_out: why it
    is in none of them. outside: minutes that are in no figure, as no animal of its group was there.
    """

    cage: Cage
    window: Window
    series: Series
    daily: Series
    runs: Runs
    zero: datetime
    days: list[LightDay]
    question: Question
    left_out: int | None = None
    groups: tuple[str, ...] = ()
    why_out: WhyOut | None = None
    outside: int = 0

    @cached_property
    def rhythm(self) -> Rhythm:
        if self.is_zt:
            return rhythm_of(self.daily, times_by_zt(self.daily, self.days))
        return rhythm_of(self.daily, times_after(self.daily, self.zero))

    @cached_property
    def lomb_scargle(self) -> Periodogram | None:
        return lomb_scargle(self.series)

    @cached_property
    def chi_square(self) -> Periodogram | None:
        return chi_square(self.series)

    @cached_property
    def actogram(self) -> Actogram:
        asked = self.question
        if self.is_zt:
            return actogram_by_zt(self.series, self.days, double=asked.is_double)
        return actogram_of(self.series, self.zero, tau=asked.tau, double=asked.is_double)

    @property
    def group(self) -> str:
        """Its groups as text."""
        return AND.join(self.groups)

    @property
    def is_zt(self) -> bool:
        """Whether hours count from lights on."""
        return bool(self.days)

    @property
    def without_zt(self) -> int:
        """Minutes that have no ZT, where hours count from lights on."""
        minutes = self.window.minutes - sum(day.window.minutes for day in self.days)
        return minutes if self.is_zt else 0

    @property
    def has_changed_light(self) -> bool:
        """Whether more than one light schedule, or none for a part, held in the window."""
        return len({run.schedule.pk if run.schedule else None for run in self.runs}) > 1


def rhythms_of(
    cages: Sequence[Cage], window: Window, question: Question, *, by_group: bool = False
) -> list[Told]:
    """The rhythm of each cage that was there in the window.

    by_group: whether only the minutes with an animal of its group count, where a cage is in one.
    Four queries, and two more where handling is left out, however many cages.
    """
    ids = [cage.pk for cage in cages]
    minutes = minutes_of_many(ids, window)
    light = light_of(ids, window)
    stretches = stretches_of(ids, window)
    around = handling.margin()
    marks = handling.marks_of(ids, window, around) if question.leaves_out else {}
    found = []
    for cage in cages:
        own = window.since(cage.created_at)
        codes = minutes[cage.pk][window.minutes - own.minutes :]
        left_out, counts = None, np.ones(own.minutes, np.bool_)
        if question.leaves_out:
            mask = handling.disturbed(marks[cage.pk], own, around)
            left_out = sum(mask)
            codes, counts = _without(codes, mask), np.frombuffer(mask, np.uint8) == 0
        parts = list(slots_by_groups(stretches[cage.pk], own, counts))
        groups = all_groups(names for names, _slots in parts)
        why_out = why_in_no_group(groups, has_minutes=bool(counts.any()))
        within = np.ones(own.minutes, np.bool_)
        if by_group and why_out is None:
            within[:] = False
            for names, slots in parts:
                within[slots] |= bool(names)
        days = days_by_zt(light[cage.pk], own) if question.axis == Axis.ZT else []
        series = daily = _series(codes, own, question, within)
        if days:
            daily = _series(codes, own, question, within & minutes_by_zt(own, days))
        found.append(
            Told(
                cage,
                own,
                series,
                daily,
                light[cage.pk],
                midnight_of(own.start.astimezone(_zone()).date(), _zone()),
                days,
                question,
                left_out,
                groups,
                why_out,
                int((~within).sum()),
            )
        )
    return found


def _zone() -> tzinfo:
    return timezone.get_default_timezone()


def _without(codes: bytes, mask: bytes) -> bytes:
    """The minutes with those of the mask as not watched: every bin keeps its place in time."""
    kept = np.frombuffer(codes, dtype=np.uint8).copy()
    kept[np.frombuffer(mask, dtype=np.uint8) > 0] = Minute.NOT_WATCHED
    return kept.tobytes()


def _series(codes: bytes, window: Window, question: Question, within: NDArray[np.bool_]) -> Series:
    health, bin_minutes = [question.health], question.bin_minutes
    return series_of(codes, window, health, bin_minutes=bin_minutes, within=within)
