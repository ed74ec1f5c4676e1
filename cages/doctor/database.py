"""The database: whether it answers, its role, what is wrong with it, its jobs, disk and clock."""

from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.core.checks import ERROR, CheckMessage
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.template.defaultfilters import filesizeformat
from django.utils import timezone

from cages import checks
from cages.doctor.findings import Finding, clock, ok, unknown, warning, wrong
from cages.operations import disk, outage, verdict
from cages.operations.verdict import Findings, Part, State
from cages.storage import report
from cages.storage.clock import clock_of
from cages.storage.engine import engine
from cages.storage.roles import rights
from neurocage.secrecy import without_secrets

NAME = "Database"
# Told of roles that may do too much.
OF_ROLES = ("cages.W007", "cages.W008")
# Told by `jobs`, one line for each job.
OF_JOBS = checks.WARNINGS[checks.database_faults.Kind.JOBS]
WHAT_TO_DO = {
    outage.Cause.DATABASE_AWAY: "See whether it runs, and compare DATABASE_URL.",
    outage.Cause.DATABASE_FULL: "Make room on its disk.",
    outage.Cause.DATABASE_READ_ONLY: "See whether DATABASE_URL names a replica.",
    outage.Cause.DATABASE_INCOMPLETE: "Run manage.py migrate, then manage.py setup_storage.",
}
SEE_LOG = "See docs/operate.md (What happens when a part fails) and the logs."


def look() -> Iterator[Finding]:
    """Everything that needs the database. Ends with the first thing that it refuses."""
    try:
        yield from _look(timezone.now())
    except Error as error:
        cause = outage.cause_of(error) or outage.Cause.DATABASE_REFUSES
        said = without_secrets(outage.words_of(error))
        yield wrong(NAME, f"{cause.label} {said}", WHAT_TO_DO.get(cause, SEE_LOG))


def _look(now: datetime) -> Iterator[Finding]:
    messages = checks.database_is_usable(None, ["default"])
    if settings.DATABASES["default"]["ENGINE"].endswith("dummy"):
        yield from map(_of_message, messages)
        return
    server = engine(connection)
    extension = f" with TimescaleDB {server.timescaledb}" if server.timescaledb else ""
    yield ok(NAME, f"PostgreSQL {server.postgresql}{extension} answers.")
    if not any(one.id in OF_ROLES for one in messages):
        role = rights(connection).name
        yield ok("Database role", f"{role} runs Neurocage, and another role owns the tables.")
    yield from (_of_message(one) for one in messages if one.id != OF_JOBS)
    plan = MigrationExecutor(connection)
    waiting = plan.migration_plan(plan.loader.graph.leaf_nodes())
    if waiting:
        words = f"{len(waiting)} migrations are not applied."
        yield wrong(NAME, words, "Run manage.py migrate, then manage.py setup_storage.")
        return
    yield from _time()
    if not any(one.id == "cages.W006" for one in messages):
        zone = settings.FACILITY_TIME_ZONE
        yield ok("Time zone", f"Python and PostgreSQL begin the days of {zone} alike.")
    if server.timescaledb:
        yield from jobs(now)
    findings = Findings(now)
    yield from _disk(findings)
    for part in verdict.parts_of(findings):
        yield _of_part(part)


def _of_message(message: CheckMessage) -> Finding:
    find = wrong if message.level >= ERROR else warning
    name = "Database role" if message.id in OF_ROLES else NAME
    return find(name, str(message.msg), str(message.hint or SEE_LOG))


def _time() -> Iterator[Finding]:
    before = timezone.now()
    shown = clock_of(connection)
    took = timezone.now() - before
    yield clock("the database", shown, before + took / 2, took / 2)


def jobs(now: datetime) -> Iterator[Finding]:
    """One finding for each of TimescaleDB's jobs."""
    for job in report.jobs(connection):
        started = job.last_started_at
        last = f"last started {started:%Y-%m-%d %H:%M} UTC" if started else "never started yet"
        words = f"{job.name} of {job.relation}: {last}, {job.failures} failures in all."
        if job.is_failing:
            yield warning("TimescaleDB", f"{words} It failed: {job.error}", SEE_LOG)
        elif job.is_overdue(now):
            todo = "Check timescaledb.max_background_workers and the database's log."
            yield warning("TimescaleDB", f"{words} It is overdue.", todo)
        else:
            yield ok("TimescaleDB", words)


def _disk(findings: Findings) -> Iterator[Finding]:
    found, part = disk.outlook(findings.series, findings.now), "Disk of the database"
    grows = f" It grows by about {filesizeformat(found.growth)} a day." if found.growth else ""
    if found.disk is None:
        size = filesizeformat(found.minutes_bytes)
        words = f"It cannot be seen from here. The minutes take {size} of it.{grows}"
        yield unknown(part, words, "Watch the free space on the database's machine.")
        return
    words = f"{filesizeformat(found.disk.free)} free, {found.disk.used_percent:.0f} % used.{grows}"
    if found.days is None:
        yield ok(part, words)
        return
    least = "at least " if found.is_at_least else ""
    words += f" At this rate it is full in {least}{found.days} days or so."
    todo = "Make room, or limit what is kept (manage.py retention)."
    find = wrong if found.days < disk.WRONG_DAYS else warning
    yield find(part, words, todo) if found.is_short else ok(part, words)


def _of_part(part: Part) -> Finding:
    """What /ops/ says of a part of Neurocage itself."""
    since = f" Since {part.since:%Y-%m-%d %H:%M} UTC." if part.since else ""
    words = f"{part.words}{since}"
    if part.state == State.ILL:
        return wrong(part.name, words, SEE_LOG)
    find = unknown if part.state == State.UNKNOWN else ok
    return find(part.name, words)
