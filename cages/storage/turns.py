"""Takes turns with TimescaleDB's jobs and with other commands that change the storage.

TimescaleDB starts a job as soon as its policy is made. The job then compresses or counts what
`setup_storage` is about to compress or count, and one of the two is refused.
"""

import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.db import DatabaseError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from cages.storage.errors import sqlstate_of

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

# Long enough for a job that finds little to do.
WAIT_SECONDS = 600
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 15
# A change of the layout waits for a lock at most so long, because readers and recorders wait behind
# it.
LOCK_SECONDS = 5
# lock_not_available (also TimescaleDB's word for two refreshes at once), deadlock_detected and
# serialization_failure.
IN_THE_WAY = frozenset({"55P03", "40P01", "40001"})
# An internal error without a code of its own: another session changed the same row of a catalogue.
CHANGED_AT_ONCE = re.compile("tuple (already updated|concurrently (updated|deleted))")
# Keys of PostgreSQL's advisory locks, one number for this project and one for each lock.
LAYOUT = (16_2026, 1)
WHOLE_SETUP = (16_2026, 2)


class StillBusyError(Exception):
    """Another session is at work on the same thing and did not end in time."""


def was_in_the_way(error: DatabaseError) -> bool:
    """Whether the same statement may succeed once another session has ended its work."""
    code = sqlstate_of(error)
    return code in IN_THE_WAY or (code == "XX000" and bool(CHANGED_AT_ONCE.search(str(error))))


def retried(work: Callable[[], Result]) -> Result:
    """Do the work, again after growing pauses while another session is in its way.

    The work must be harmless when it is repeated, and not within a transaction.
    Raises StillBusyError after WAIT_SECONDS.
    """
    began, pause = time.monotonic(), FIRST_PAUSE_SECONDS
    while True:
        try:
            return work()
        except DatabaseError as error:
            if not was_in_the_way(error):
                raise
            if time.monotonic() - began + pause > WAIT_SECONDS:
                raise StillBusyError(
                    "Another session, probably one of TimescaleDB's jobs, was at work on the same "
                    f"table for {WAIT_SECONDS // 60} minutes. Run the command again. The database "
                    f"said: {' '.join(str(error).split())}"
                ) from error
            logger.info(
                "Waiting for another session, probably one of TimescaleDB's jobs: %s", error
            )
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def change_layout(connection: BaseDatabaseWrapper, work: Callable[[], Result]) -> Result:
    """Do the work in one transaction, while no other command changes the layout.

    Raises StillBusyError after WAIT_SECONDS.
    """

    def attempt() -> Result:
        with transaction.atomic(using=connection.alias):
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{LOCK_SECONDS}s"])
                cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", LAYOUT)
            return work()

    return retried(attempt)


@contextmanager
def only_one_setup(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Hold the lock of `setup_storage`. Raises StillBusyError at once while another one has it.

    The lock belongs to the session, because there are steps that no transaction allows.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", WHOLE_SETUP)
        if not cursor.fetchone()[0]:
            cursor.execute(
                """SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted
                   AND classid = %s AND objid = %s AND objsubid = 2""",
                WHOLE_SETUP,
            )
            others = ", ".join(str(pid) for (pid,) in cursor.fetchall())
            raise StillBusyError(
                "Another `manage.py setup_storage` is at work on this database (process "
                f"{others or 'unknown'} of PostgreSQL). Wait until it has ended."
            )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", WHOLE_SETUP)
