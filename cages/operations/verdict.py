"""The verdict on Neurocage itself: which of its parts are well, which are ill, and since when.

A new part is one function in PARTS, which judges by the Findings.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from itertools import pairwise

from django.db import connection
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from cages.drawing.words import whole
from cages.history import chance
from cages.models import Backup, PollCycle, Trouble
from cages.models.backup import is_overdue, longest_allowed, overdue_since
from cages.models.cycle import Watch
from cages.operations import database_faults, outage
from cages.slots import SLOT_LENGTH
from cages.storage import report

# The page lists all of them below.
FAULTS_TOLD = 2
# How many cycles are read back for "since when": of polling and, with their counts, of the sensors.
CYCLES_READ, COUNTS_READ = 24 * 60, 60


class State(StrEnum):
    """How a part is."""

    WELL = "well"
    ILL = "ill"
    # What it depends on is ill, or nothing has happened yet.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of Neurocage. `since` is None where nobody knows.

    is_at_least: it has been so since then, or for longer.
    """

    name: str
    state: State
    words: str
    since: datetime | None = None
    is_at_least: bool = False


class Findings:
    """What the parts are judged by. Each is asked for once, when it is first needed."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    @cached_property
    def watch(self) -> Watch:
        return PollCycle.objects.watch(self.now)

    @cached_property
    def outage(self) -> outage.Outage | None:
        return outage.told()

    @cached_property
    def backup(self) -> Backup | None:
        return Backup.newest()

    @cached_property
    def faults(self) -> list[database_faults.Fault]:
        return database_faults.faults(self.now)

    @cached_property
    def series(self) -> list[report.Series]:
        return report.series(connection)


def parts_of(findings: Findings) -> list[Part]:
    """Every part, the ill ones first. The number of queries is fixed."""
    found = [part for find in (*PARTS, *MORE_PARTS) if (part := find(findings))]
    return sorted(found, key=lambda part: part.state != State.ILL)


def polling(findings: Findings) -> Part:
    """Beat and the workers: whether minutes are started and finished."""
    name, watch, now = _("Polling"), findings.watch, findings.now
    if watch.trouble == Trouble.CLOCK_WRONG:
        return Part(name, State.ILL, _("The server's clock is wrong, or it was."))
    if watch.newest is None:
        return Part(name, State.ILL, _("No cycle yet. Check beat and worker."))
    if watch.trouble == Trouble.NOT_STARTED:
        words = _("No minute is started. Check beat, worker and Redis.")
        return Part(name, State.ILL, words, watch.newest.slot + SLOT_LENGTH)
    if watch.trouble:
        words = _("Minutes are started, but do not finish. Check poller and worker.")
        finished = watch.last_finished
        return Part(name, State.ILL, words, finished.finished_at if finished else None)
    slots = list(
        PollCycle.objects.until(now).order_by("-slot").values_list("slot", flat=True)[:CYCLES_READ]
    )
    gaps = (
        number
        for number, (one, before) in enumerate(pairwise(slots), 1)
        if one - before > SLOT_LENGTH
    )
    first = next(gaps, len(slots))
    words = _("Every minute is started and finished.")
    return Part(name, State.WELL, words, slots[first - 1], first == CYCLES_READ)


def sensors(findings: Findings) -> Part:
    """The sensors together, and rack by rack: whether chance explains who was silent."""
    name, watch, now = _("Sensors"), findings.watch, findings.now
    newest = watch.last_finished
    if newest is None or watch.finished_at is None:
        return Part(name, State.UNKNOWN, _("No cycle has finished yet."))
    if now - watch.finished_at > PollCycle.STALE_AFTER:
        return Part(name, State.UNKNOWN, _("They are not asked now."))
    if not newest.asked:
        return Part(name, State.UNKNOWN, _("No sensor was asked."))
    silence = chance.silence_of(newest, now)
    counts = {"answered": whole(newest.answered), "asked": whole(newest.asked)}
    if silence is None:
        words = _("%(answered)s of %(asked)s answered, as usual.")
        return Part(name, State.WELL, words % counts)
    finished = PollCycle.objects.until(now).finished().defer("planned_ids").order_by("-slot")
    cycles = list(finished[:COUNTS_READ])
    few = [chance.is_too_few(cycle.answered, cycle.asked, silence.usual) for cycle in cycles]
    lasting = few.index(False) if False in few else len(few)
    since = cycles[lasting - 1].slot if lasting else None
    if silence.is_total:
        words = _("0 of %(asked)s answered: the sensors' gateway is probably away.")
    elif silence.is_everywhere:
        words = _("%(answered)s of %(asked)s answered, fewer than chance allows.")
    else:
        racks = [f"{one.rack} ({one.room})" if one.room else one.rack for one in silence.named]
        counts = {"racks": ", ".join(racks)}
        words = _("Too few sensors answered in these racks: %(racks)s.")
        since = min((one.since for one in silence.racks if one.since), default=None)
    return Part(name, State.ILL, words % counts, since, lasting == len(few))


def message_store(findings: Findings) -> Part:
    """Redis: whether it answers and writes."""
    return _told(findings, "redis", "Redis") or Part("Redis", State.WELL, _("It answers."))


def database(findings: Findings) -> Part:
    """The storage of minutes. The database itself answers, or there would be no page."""
    name = _("Database")
    if ill := _told(findings, "database", name):
        return ill
    if findings.faults:
        words = " ".join(fault.words for fault in findings.faults[:FAULTS_TOLD])
        return Part(name, State.ILL, words)
    if any(series.is_large_plain for series in findings.series):
        return Part(name, State.ILL, _("Too many minutes for plain PostgreSQL (see Storage)."))
    return Part(name, State.WELL, _("It answers."))


def backup(findings: Findings) -> Part | None:
    """The newest backup, where one is expected (BACKUP_MAX_AGE_HOURS)."""
    if longest_allowed() is None:
        return None
    newest, name = findings.backup, _("Backup")
    if newest is None:
        return Part(name, State.ILL, _("No backup was ever made. See manage.py backup."))
    told = {"size": filesizeformat(newest.size_bytes)}
    if is_overdue(newest, findings.now):
        words = _("The newest backup (%(size)s) is too old. See manage.py backup.") % told
        return Part(name, State.ILL, words, overdue_since(newest))
    return Part(name, State.WELL, _("The newest one has %(size)s.") % told, newest.taken_at)


def _told(findings: Findings, part: str, name: str) -> Part | None:
    """The outage that those who write have told of, if it is of this part."""
    found = findings.outage
    if found is None or found.cause.part != part:
        return None
    return Part(name, State.ILL, f"{found.cause.label} {found.words}".strip(), found.since)


# Each gives a part, or None where it does not apply.
PARTS: tuple[Callable[[Findings], Part | None], ...] = (
    polling,
    sensors,
    message_store,
    database,
    backup,
)
# Those of apps that come after this one and that it knows nothing of. They add to it.
MORE_PARTS: list[Callable[[Findings], Part | None]] = []
