"""What each kind of file has, in order, and what each column means: the data dictionary."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.functional import Promise, lazy
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from cages.history.light import LightPhase
from cages.history.not_known import Why
from cages.models import Outcome
from cages.models.rollups import bin_widths

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

WORDS = ", ".join(outcome.word for outcome in Outcome)


@dataclass(frozen=True, slots=True)
class Column:
    """`kind`: "integer", "number", "text", "moment" (seconds since 1970, UTC) or "clock" (on the
    wall). Only tables of studies have numbers.
    """

    name: str
    kind: str
    meaning: Promise | str


def _times(what: str, meaning: "str | StrPromise") -> list[Column]:
    return [
        Column(f"{what}_utc", "moment", meaning),
        Column(f"{what}_local", "clock", _("The same in facility time.")),
        Column("utc_offset", "text", _("Facility time minus UTC at that moment.")),
    ]


CAGE = [
    Column("cage_id", "integer", _("The id of the cage in the sensor API.")),
    Column("label", "text", _("The cage's label at the time of the export.")),
]
REQUEST = [
    Column(
        "outcome",
        "text",
        format_lazy(
            _("Outcome of the poll of this minute: {words}. Empty: no poll was planned."),
            words=WORDS,
        ),
    ),
    Column("http_status", "integer", _("The HTTP status of the answer. Empty: no answer.")),
    Column(
        "latency_ms",
        "integer",
        _(
            "Time from sending to the complete answer or to giving up, in ms. "
            "Empty: nothing was sent."
        ),
    ),
]
READINGS = [
    *CAGE,
    *_times("slot", _("The beginning of the minute, in UTC.")),
    Column(
        "status", "integer", _("1 Bad, 2 Ok, 3 Perfect. Empty: not known. It is never filled in.")
    ),
    Column("status_label", "text", _("The same as a word: bad, ok, perfect.")),
    *REQUEST,
    Column("watched", "integer", _("1: the sensor was polled in this minute. 0: it was not.")),
    Column(
        "why_not_known",
        "text",
        format_lazy(
            _(
                "Why the health is not known: {words}. "
                "unanswered: polled without a valid answer. skipped: planned, but not polled. "
                "before_cage: the minute began before the cage was created. archived, paused: so "
                "was the cage. outage: no cycle ran, so nobody was watching. no_record: a cycle "
                "ran, and it has no poll of this cage. Empty: the health is known."
            ),
            words=", ".join(Why),
        ),
    ),
    Column(
        "light_phase",
        "text",
        format_lazy(
            _(
                "What the light schedule says: {light}, {dark}. Nobody measured it. "
                "Empty: no schedule is known."
            ),
            light=LightPhase.LIGHT.word,
            dark=LightPhase.DARK.word,
        ),
    ),
    Column(
        "zt_minutes",
        "integer",
        _("Minutes since lights on (ZT). Empty: constant light, constant dark, or no schedule."),
    ),
    Column(
        "schedule_version",
        "integer",
        _(
            "Which light schedule held, since when and where. The file of schedules explains each. "
            "Empty: none."
        ),
    ),
    Column(
        "handling",
        "text",
        _(
            "The kinds of handling noted for this very minute, joined by +. The minutes before and "
            "after, which pages can leave out, are not marked. Empty: none was noted."
        ),
    ),
    Column(
        "group",
        "text",
        _(
            "The group of the animals in the cage on that day. Several are joined by +. "
            "Empty: not known."
        ),
    ),
]
REQUESTS = [
    *CAGE,
    *_times("slot", _("The beginning of the minute, in UTC.")),
    *REQUEST,
    Column("detail", "text", _("Why the poll failed, if the outcome does not say it all.")),
]
HOURLY = [
    *CAGE,
    *_times("hour", _("The beginning of the hour, in UTC.")),
    Column("minutes", "integer", _("Minutes of this hour within the days of the export.")),
    Column("perfect", "integer", _("Minutes known to be Perfect.")),
    Column("ok", "integer", _("Minutes known to be Ok.")),
    Column("bad", "integer", _("Minutes known to be Bad.")),
    Column("no_answer", "integer", _("Minutes polled without a valid answer.")),
    Column(
        "not_watched", "integer", _("Minutes not polled. These five columns add up to minutes.")
    ),
    *(
        Column(
            outcome.word,
            "integer",
            format_lazy(_("Planned polls with this outcome: {outcome}."), outcome=outcome.label),
        )
        for outcome in Outcome
    ),
    Column(
        "latency_p50_ms", "integer", _("Median response time of answered polls, in ms, estimated.")
    ),
    Column(
        "latency_p95_ms",
        "integer",
        _("95th percentile of the response times of answered polls, in ms, estimated."),
    ),
    Column("latency_max_ms", "integer", _("Longest response time of answered polls, in ms.")),
    *(
        Column(
            f"latency_{name}_width_ms",
            "integer",
            format_lazy(
                _(
                    "Width of the bin of {name}, in ms. The estimate is off by less than this. "
                    "Bin widths: {widths}."
                ),
                name=name,
                widths=lazy(bin_widths, str)(),
            ),
        )
        for name in ("p50", "p95")
    ),
]
KINDS = {"readings": READINGS, "requests": REQUESTS, "hourly": HOURLY}
