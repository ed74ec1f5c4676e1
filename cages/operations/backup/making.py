"""Makes a backup while Neurocage goes on. It never takes more memory than two parts of the file."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from io import BufferedReader
from pathlib import Path
from typing import IO

from django.db import connection, transaction
from django.utils import timezone

from cages.models import Backup
from cages.operations.backup import archive, manifest, programs
from cages.operations.backup.errors import BackupError
from cages.storage import census

# pg_dump waits so long for a table that one of TimescaleDB's jobs has locked.
LOCK_WAIT_MS = 600_000
DUMP_OPTIONS = ("--format=custom", "--no-password", f"--lock-wait-timeout={LOCK_WAIT_MS}")
# So much stays free for the others that write to the same disk.
KEPT_FREE_BYTES = 256 * 1024 * 1024

Progress = Callable[[int], object]


def make(out: IO[bytes], progress: Progress) -> tuple[datetime, int]:
    """Write a backup to the stream; returns (when it was taken, its size in bytes).

    progress: called before each part with its bytes; it may raise BackupError.
    """
    with ExitStack() as held:
        held.enter_context(transaction.atomic())
        snapshot = census.hold_snapshot(connection)
        now = timezone.now()
        noted = manifest.take(now)
        # With its first byte pg_dump has a transaction of its own that sees the same. Ours would
        # keep the database from cleaning up for as long as the backup takes.
        size = archive.write(
            out,
            noted.pack(),
            dump(noted.postgresql_major, [f"--snapshot={snapshot}"], progress, held.close),
        )
    return now, size


def dump(
    server_major: int, options: Sequence[str], progress: Progress, started: Callable[[], object]
) -> Iterator[bytes]:
    """What pg_dump writes, in parts. Raises BackupError before the end of it if pg_dump fails."""
    program = programs.find("pg_dump", server_major)
    with programs.running(
        [program.path, *DUMP_OPTIONS, *options], connection.settings_dict
    ) as stream:
        if isinstance(stream, BufferedReader):
            stream.peek(1)
        started()
        for part in archive.parts_of(stream):
            progress(len(part))
            yield part


def note(taken_at: datetime, size_bytes: int) -> None:
    """Keep in the database that a backup was made, so that a missing one is noticed."""
    Backup.objects.create(taken_at=taken_at, finished_at=timezone.now(), size_bytes=size_bytes)


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that gets its name only when it is whole. Only its owner can read it.

    Raises BackupError if there is such a file, or another backup is writing it.
    """
    if path.exists():
        raise BackupError(f"{path} exists already. Name another file.")
    draft = path.with_name(f"{path.name}.part")
    try:
        descriptor = os.open(draft, os.O_CREAT | os.O_WRONLY, 0o600)
    except OSError as error:
        raise BackupError(f"{draft} cannot be written: {error.strerror}.") from None
    with open(descriptor, "wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError(f"Another backup is writing {draft}.") from None
        try:
            # An earlier backup that was killed may have left something in it.
            file.truncate()
            yield file
            file.flush()
            os.fsync(file.fileno())
            draft.rename(path)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise BackupError(f"{draft} cannot be written: {error.strerror}.") from None
        except BaseException:
            draft.unlink(missing_ok=True)
            raise


def refuse_full_disk(folder: Path, needed: int) -> None:
    """Raise BackupError if the disk has no room for so many bytes more."""
    free = shutil.disk_usage(folder).free
    if free < needed + KEPT_FREE_BYTES:
        raise BackupError(
            f"The disk of {folder} has {free:,} bytes free. The backup needs {needed:,}, and "
            f"{KEPT_FREE_BYTES:,} are left free for others. Name a file on another disk."
        )


def expected_bytes() -> int:
    """The size of the last backup, which the next one will have at least; 0 where there is none."""
    newest = Backup.newest()
    return newest.size_bytes if newest else 0
