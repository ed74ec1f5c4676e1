"""Facts in words: durations, times, shares and spells, in the reader's language."""

from datetime import datetime, timedelta

from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from cages.history.minutes import Minute
from cages.history.summaries import HealthSummary, Share
from cages.history.wall_clock import name_if_twice
from cages.models import Spell
from cages.slots import SLOT_LENGTH


def in_words(duration: timedelta | None) -> str:
    """A duration as people say it: "20 s", "34 min", "2 h 5 min", "3 d 4 h"; "" for None."""
    if duration is None:
        return ""
    seconds = max(int(duration / timedelta(seconds=1)), 0)
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 60:
        return f"{seconds} s"
    if minutes < 60:
        return f"{minutes} min"
    if hours < 24:
        return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
    return f"{days} d {hours % 24} h" if hours % 24 else f"{days} d"


def briefly(duration: timedelta) -> str:
    """A duration in its largest unit, for text that is read from afar: "34 min", "5 h", "3 d"."""
    return " ".join(in_words(duration).split()[:2])


def whole(number: int) -> str:
    """A whole number with its thousands grouped: "12,345"."""
    return formats.number_format(number, use_l10n=True, force_grouping=True)


def spell_in_words(spell: Spell, *, is_over: bool = False, kinds: bool = False) -> str:
    """How long a Spell lasts and how much of it is known.

    "2 h 18 min, 120 of 138 minutes known", or with `kinds`, which says why the others are not:
    "2 h 18 min, of them 18 min without an answer". Contrary readings are counted: "26 of 27 known
    readings Bad". is_over: its end counts too, so "at least" where either end is not known.
    """
    length, open_end = in_words(spell.duration), is_over and not spell.is_ongoing
    if not spell.begins_known or (open_end and not spell.ends_known):
        length = _("at least %(duration)s") % {"duration": length}
    said = [length]
    if kinds and spell.known < spell.minutes:
        said.append(_missing(spell))
    else:
        known = {"known": whole(spell.known), "minutes": whole(spell.minutes)}
        text = ngettext(
            "%(known)s of %(minutes)s minute known",
            "%(known)s of %(minutes)s minutes known",
            spell.minutes,
        )
        said.append(text % known)
    if spell.same < spell.known:
        counts = {"same": whole(spell.same), "known": whole(spell.known)}
        health = {"health": spell.status.label}
        said.append(_("%(same)s of %(known)s known readings %(health)s") % {**counts, **health})
    return ", ".join(said)


def spell_in_brief(spell: Spell) -> str:
    """How long a lasting Spell is, for a line of a list: "2 h 18 min, 120 of 138 known"."""
    told = {"known": whole(spell.known), "minutes": whole(spell.minutes)}
    coverage = _("%(known)s of %(minutes)s known") % told
    length = in_words(spell.duration)
    if not spell.begins_known:
        length = pgettext("brief", "at least %(duration)s") % {"duration": length}
    return f"{length}, {coverage}"


def _missing(spell: Spell) -> str:
    silent = in_words(spell.unanswered * SLOT_LENGTH)
    unwatched = in_words(spell.not_watched * SLOT_LENGTH)
    if not spell.not_watched:
        return _("of them %(duration)s without an answer") % {"duration": silent}
    if not spell.unanswered:
        return _("of them %(duration)s not watched") % {"duration": unwatched}
    both = {"silent": silent, "unwatched": unwatched}
    return _("of them %(silent)s without an answer and %(unwatched)s not watched") % both


def minutes_in_words(minutes: bytes) -> str:
    """What a strip shows, for those who do not see it: "40 Perfect, 2 Bad, 18 no answer"."""
    return _counts_in_words({code: minutes.count(code) for code in Minute})


def health_in_words(health: HealthSummary) -> str:
    """What a bar of shares shows, in the same words as `minutes_in_words`."""
    known = {Minute(status): count for status, count in health.by_status.items()}
    unknown = {Minute.NO_ANSWER: health.unanswered, Minute.NOT_WATCHED: health.not_watched}
    return _counts_in_words({**known, **unknown})


def _counts_in_words(counts: dict[Minute, int]) -> str:
    names = {
        Minute.PERFECT: _("Perfect"),
        Minute.OK: _("Ok"),
        Minute.BAD: _("Bad"),
        Minute.NO_ANSWER: _("no answer"),
        Minute.NOT_WATCHED: _("not watched"),
    }
    return ", ".join(f"{counts[code]} {name}" for code, name in names.items() if counts[code])


def time_of_day(moment: datetime | None) -> str:
    """The facility's "07:01"; "02:30 CEST" where the clock shows this time twice; "" for None."""
    return _clock(moment, "%H:%M")


def date_and_time(moment: datetime | None) -> str:
    """The facility's "2026-03-01 07:01", as `time_of_day`."""
    return _clock(moment, "%Y-%m-%d %H:%M")


def _clock(moment: datetime | None, form: str) -> str:
    if moment is None:
        return ""
    return f"{timezone.localtime(moment):{form}} {name_if_twice(moment)}".strip()


def day_and_time(moment: datetime, now: datetime) -> str:
    """The facility's "07:01" for a moment of today, "2026-03-01 07:01" for one of another day."""
    is_today = timezone.localtime(moment).date() == timezone.localtime(now).date()
    return time_of_day(moment) if is_today else date_and_time(moment)


def ms_as_seconds(milliseconds: float | None) -> str:
    """1234 as "1.2 s"; a dash where there is none."""
    return "–" if milliseconds is None else f"{rounded(milliseconds / 1000, 1)} s"


def percent(share: Share) -> str:
    """A Share as "75.2 %"; a dash where there is nothing to have a share of.

    "100.0 %" and "0.0 %" are all and nothing: else it says "> 99.9 %" and "< 0.1 %".
    """
    return _percent(share.percent, 1)


def fraction(number: float | None) -> str:
    """A share from 0 to 1 as `percent` tells one; a dash for None."""
    return _percent(None if number is None else 100 * number, 1)


def whole_percent(share: Share) -> str:
    """A Share as "76 %", as `percent` has it."""
    return _percent(share.percent, 0)


def percent_and_count(share: Share) -> str:
    """A Share as "75.2 % (1,083)": with what was counted."""
    return percent(share) if share.percent is None else f"{percent(share)} ({whole(share.count)})"


def percent_bound(bound: float) -> str:
    """A bound of a band in percent as "95.2", never rounded to "100.0" or "0.0"."""
    step = 0.1
    return rounded(bound if bound in (0, 100) else min(max(bound, step), 100 - step), 1)


def _percent(number: float | None, decimals: int) -> str:
    if number is None:
        return "–"
    step = 0.1**decimals
    text = f"{number:.{decimals}f}"
    if number < 100 and text == f"{100:.{decimals}f}":
        return f"> {rounded(100 - step, decimals)} %"
    if number > 0 and text == f"{0:.{decimals}f}":
        return f"< {rounded(step, decimals)} %"
    return f"{rounded(number, decimals)} %"


def rounded(number: float, decimals: int) -> str:
    """A number with so many decimals. number_format alone would cut off those that are left."""
    return formats.number_format(f"{number:.{decimals}f}", decimals)
