"""Compare what the sensors answered with the database and the ledger, row by row."""

import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cages.models import Outcome
from local_stack.config import BASE_DIR, child_environment
from tests.processes import wait_for


@dataclass(frozen=True, slots=True)
class Cycle:
    slot: datetime
    planned: int
    finished_at: datetime | None
    counts: tuple  # in the order of Outcome

    @property
    def skipped(self):
        return self.counts[list(Outcome).index(Outcome.SKIPPED)]


def assert_whole(installation, dead=(), gone=(), all_kept=True):
    """Check the end of a scenario: nothing waits, nothing is lost, and the ledger balances.

    dead: names of the processes that were killed. gone: as below.
    all_kept: whether every request but those has an answer that is kept.
    """
    wait_for(installation.is_idle, 30)
    kept = assert_nothing_lost_or_doubled(installation, gone)
    assert not all_kept or kept == len(installation.sensors.asked()) - len(gone)
    assert_ledger_balances(installation)
    assert installation.dead() == list(dead)


def assert_nothing_lost_or_doubled(installation, gone=()):
    """Compare the answers of the sensors with the database in both directions.

    - Every answer that was sent completely is recorded exactly once, in the slot in which it was
      asked for, with its HTTP status, the health in it and, for errors, the number in it.
    - Every recorded answer was really sent.
    - No cage was asked twice in one slot.

    gone: answers to a process that was killed before it could hand them on.

    Return the number of answers found.
    """
    kept = _kept_polls(installation)
    of_answer, lost, asked = {}, [], Counter()
    for each in installation.sensors.asked():
        keys = [(each.cage_id, slot) for slot in each.possible_slots]
        found = [key for key in keys if key not in of_answer and _tells_of(kept.get(key), each)]
        asked[(found or keys)[0]] += 1
        if each.answered_at and found:
            of_answer[found[0]] = each
        elif each.answered_at and each.number not in gone:
            lost.append((each, [(key, kept.get(key)) for key in keys]))
    twice = [key for key, times in asked.items() if times > 1]
    assert not twice, f"asked more than once: {_show(twice)}"
    assert not lost, f"{len(lost)} answers are not kept as they were given, such as {lost[:3]}"

    told = {Outcome.ANSWERED, Outcome.UNAVAILABLE, Outcome.HTTP_ERROR, Outcome.MALFORMED}
    invented = {k for k, row in kept.items() if row[0] in told and k not in of_answer}
    assert not invented, f"kept, but never said: {_show(invented)}"
    return len(of_answer)


def _tells_of(row, asked):
    return row == (asked.outcome, asked.status, asked.detail, asked.health)


def _kept_polls(installation):
    """{(cage id, slot): (Outcome, HTTP status, detail, health)}"""
    query = "SELECT cage_id, slot, outcome, http_status, detail, status FROM cages_poll"
    found = [
        (
            (cage_id, slot.astimezone(UTC)),
            (Outcome(outcome), http_status or Outcome(outcome).http_status, detail or "", status),
        )
        for cage_id, slot, outcome, http_status, detail, status in installation.rows(query)
    ]
    kept = dict(found)
    assert len(kept) == len(found), "two rows of one cage and slot"
    return kept


def assert_ledger_balances(installation):
    """Check that each cycle is finished, and that its counts are those of its rows and add up."""
    by_slot = defaultdict(Counter)
    for (_, slot), (outcome, *_) in _kept_polls(installation).items():
        by_slot[slot][outcome] += 1
    cycles = installation.cycles()
    assert not by_slot.keys() - cycles.keys(), "polls of a slot that no cycle knows"
    for slot, cycle in cycles.items():
        assert dict(zip(Outcome, cycle.counts, strict=True)) == {
            outcome: by_slot[slot][outcome] for outcome in Outcome
        }, f"the ledger of {slot} differs from its rows"
        assert cycle.finished_at, f"{slot} was never finished"
        assert sum(cycle.counts) == cycle.planned, f"{slot} is finished but does not balance"
    check_ledger(installation, min(cycles, default=installation.now()))


def check_ledger(installation, since):
    """Run `manage.py check_ledger`, as a person does."""
    since = (since - timedelta(minutes=1)).isoformat()
    code, said = manage(installation, "check_ledger", "--since", since)
    assert code == 0, f"check_ledger: {said}"


def manage(installation, *arguments):
    """Run a command of manage.py, as a person does. Return its exit code and what it printed."""
    environment = {
        "DATABASE_URL": installation.postgres.url,
        "REDIS_URL": installation.valkey.url,
        **installation.clock.environment,
    }
    done = subprocess.run(
        [sys.executable, "manage.py", *map(str, arguments)],
        env=child_environment(**environment),
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def _show(keys):
    return sorted(f"cage {cage_id} at {slot:%H:%M}" for cage_id, slot in keys)[:5]
