"""The rule "Neurocage itself": its own parts, judged from the ledger and from what can be known.

Subjects: "not_started", "not_finished", "clock_wrong", "behind", "disk", "backup", "heartbeat".
That of a channel, "channel:<id>", is raised by those who send notices.
"""

from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings

from cages.models import Backup, PollCycle, Trouble
from cages.models.backup import is_overdue, overdue_since
from cages.models.cycle import Watch
from cages.operations import disk, outage
from cages.slots import SLOT_LENGTH
from welfare.notices import heartbeat
from welfare.rules.facts import Facts
from welfare.rules.parameters import Itself

# Of a finished cycle's polls: with more than BEHIND not asked in time it is behind, and below
# IN_TIME it is not any more.
BEHIND, IN_TIME = 0.5, 0.1
# The disk must have so many percent less in use until it is over.
DISK_OVER = 2


@dataclass(frozen=True, slots=True)
class Part:
    """A part of Neurocage. fails: None where it stays as it was."""

    subject: str
    fails: bool | None
    since: datetime | None = None
    facts: Facts = field(default_factory=dict)


def parts(now: datetime, parameters: Itself) -> list[Part]:
    """How each part is; two queries, and two questions to Redis."""
    watch = PollCycle.objects.watch(now)
    return [
        *_polling(watch),
        _behind(watch),
        _disk(parameters),
        _backup(now),
        heartbeat_part(),
    ]


def _polling(watch: Watch) -> list[Part]:
    trouble = watch.trouble
    newest, finished = watch.newest, watch.finished_at
    since = {
        Trouble.NOT_STARTED: newest.slot + SLOT_LENGTH if newest else None,
        Trouble.NOT_FINISHED: finished or (newest.slot if newest else None),
        Trouble.CLOCK_WRONG: None,
    }
    found = []
    for each, begun in since.items():
        fails: bool | None = trouble == each
        if trouble == Trouble.NO_CYCLE_YET or (each != trouble and trouble == Trouble.NOT_STARTED):
            # What is not started cannot show whether it would finish.
            fails = None
        found.append(Part(each.value, fails, begun))
    return found


def _behind(watch: Watch) -> Part:
    """Minutes are started, and most of their polls are not asked in time."""
    cycle = watch.last_finished
    if cycle is None or not cycle.planned or watch.trouble:
        return Part("behind", None)
    share = cycle.skipped / cycle.planned
    fails = True if share > BEHIND else False if share < IN_TIME else None
    facts = {"skipped": cycle.skipped, "planned": cycle.planned}
    return Part("behind", fails, cycle.slot, facts)


def _disk(parameters: Itself) -> Part:
    """The database's disk: what the database said, and, where it is on this machine, how full."""
    told = outage.told()
    if told and told.cause == outage.Cause.DATABASE_FULL:
        return Part("disk", True, told.since)
    found = disk.database_disk()
    if found is None:
        return Part("disk", False if told is None else None)
    percent = found.used_percent
    fails: bool | None = None
    if percent >= parameters.disk_percent:
        fails = True
    elif percent < parameters.disk_percent - DISK_OVER:
        fails = False
    return Part("disk", fails, None, {"percent": int(percent)})


def _backup(now: datetime) -> Part:
    """Whether a backup is overdue, if the facility expects one (BACKUP_MAX_AGE_HOURS)."""
    newest = Backup.newest()
    return Part("backup", is_overdue(newest, now), overdue_since(newest))


def heartbeat_part() -> Part:
    """The outside service that notices when all of Neurocage is dead."""
    if not settings.HEARTBEAT_URL:
        return Part("heartbeat", False)
    failure = heartbeat.failure()
    if failure is None:
        return Part("heartbeat", None)
    return Part("heartbeat", bool(failure), None, {"error": failure} if failure else {})
