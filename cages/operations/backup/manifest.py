"""What the database held when a backup was taken: noted in it, and compared after a restore."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Max, Min, Sum

from cages.history import ledger
from cages.history.window import DAY, Window
from cages.models import PollCycle
from cages.models.cycle import OUTCOME_COUNTS
from cages.operations.backup.errors import BackupError
from cages.slots import SLOT_LENGTH, slot_of
from cages.storage import census
from cages.storage.engine import engine
from neurocage.version import version

FORMAT = 1


@dataclass(frozen=True, slots=True)
class LastDay:
    """The facility's last whole day in the ledger. start, end: UTC, in ISO format."""

    start: str
    end: str
    checksum: str
    """Of its minutes, as `census.checksum_of_minutes` counts it."""
    faults: int
    """What does not balance from its start to the end of the ledger."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What is to be the same before and after."""

    rows: dict[str, int]
    """How many rows each table has."""
    ledger: dict[str, Any]
    """Number of cycles, the first and last slot, and the sum of each of their counts."""
    last_day: LastDay | None
    """None where the ledger holds no whole day."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything a backup says of itself."""

    taken_at: str
    neurocage: str
    postgresql: str
    timescaledb: str | None
    time_zone: str
    migrations: dict[str, str]
    """The newest migration of each app."""
    contents: Contents
    format: int = field(default=FORMAT)

    @property
    def postgresql_major(self) -> int:
        return int(self.postgresql.partition(".")[0])

    def __str__(self) -> str:
        engine = f"PostgreSQL {self.postgresql}"
        if self.timescaledb:
            engine += f", TimescaleDB {self.timescaledb}"
        rows = sum(self.contents.rows.values())
        return (
            f"A whole backup, taken at {self.taken_at} by Neurocage {self.neurocage} ({engine}): "
            f"{rows:,} rows in {len(self.contents.rows)} tables."
        )

    def pack(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def unpack(cls, packed: dict[str, Any]) -> "Manifest":
        """Raises BackupError for what another version wrote."""
        if packed.get("format") != FORMAT:
            raise BackupError(
                "This backup has a format that this version of Neurocage cannot read."
            )
        try:
            contents = dict(packed["contents"])
            last_day = contents.pop("last_day")
            contents["last_day"] = LastDay(**last_day) if last_day else None
            return cls(**{**packed, "contents": Contents(**contents)})
        except (KeyError, TypeError, ValueError):
            raise BackupError("The manifest of this backup cannot be read.") from None


def take(now: datetime) -> Manifest:
    """Look through the database. Reads every table once."""
    server = engine(connection)
    recorded = MigrationRecorder.Migration.objects.using(connection.alias)
    migrations = dict(recorded.values_list("app").annotate(newest=Max("name")))
    return Manifest(
        taken_at=now.isoformat(),
        neurocage=version(),
        postgresql=server.postgresql,
        timescaledb=server.timescaledb,
        time_zone=settings.FACILITY_TIME_ZONE,
        migrations=migrations,
        contents=contents(now),
    )


def contents(now: datetime, day: LastDay | None = None) -> Contents:
    """What the database holds. day: look at this one instead of the last whole one."""
    sums = {word: Sum(word, default=0) for word in ("planned", *OUTCOME_COUNTS.values())}
    found = PollCycle.objects.aggregate(first=Min("slot"), last=Max("slot"), **sums)
    first, last = found["first"], found["last"]
    counts = {
        **found,
        "cycles": PollCycle.objects.count(),
        "first": first and first.isoformat(),
        "last": last and last.isoformat(),
    }
    if day:
        window = Window(datetime.fromisoformat(day.start), datetime.fromisoformat(day.end))
    elif last is None:
        return Contents(census.row_counts(connection), counts, None)
    else:
        before = min(last, now).astimezone(ZoneInfo(settings.FACILITY_TIME_ZONE)).date() - DAY
        window = Window.whole_day(before)
    start, end = window.start.isoformat(), window.end.isoformat()
    checksum = census.checksum_of_minutes(connection, start, end)
    # What is ahead of now may be years ahead.
    until = max(slot_of(min(last, now)) + SLOT_LENGTH if last else window.end, window.end)
    # A cycle that was under way when the backup was taken stays so in what is restored.
    faults = ledger.check(Window(window.start, until), now, most=0).imbalance_count
    return Contents(census.row_counts(connection), counts, LastDay(start, end, checksum, faults))


def differences(noted: Contents, found: Contents) -> list[str]:
    """What is not as it was, one phrase each."""
    names = sorted({*noted.rows, *found.rows})
    told = [
        f"{name}: {noted.rows.get(name, 'no')} rows in the backup, "
        f"{found.rows.get(name, 'no')} here"
        for name in names
        if noted.rows.get(name) != found.rows.get(name)
    ]
    told += [
        f"the ledger: {name} is {value} in the backup, {found.ledger.get(name)} here"
        for name, value in noted.ledger.items()
        if value != found.ledger.get(name)
    ]
    if noted.last_day != found.last_day and noted.last_day and found.last_day:
        if noted.last_day.checksum != found.last_day.checksum:
            told.append(f"the minutes of the day from {noted.last_day.start} are not the same")
        if noted.last_day.faults != found.last_day.faults:
            told.append(
                f"check_ledger finds {found.last_day.faults} faults since "
                f"{noted.last_day.start}, and {noted.last_day.faults} before the backup"
            )
    return told
