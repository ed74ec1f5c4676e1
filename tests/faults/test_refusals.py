"""PostgreSQL or Redis answers, but refuses to write: after a failover, or during a restore."""

import contextlib
import time

import psycopg2
import pytest
import redis

from cages.slots import SLOT_LENGTH
from tests.faults.installation import CAGES, PATIENCE, signed_in, status_of
from tests.faults.ledger import assert_ledger_balances, assert_nothing_lost_or_doubled
from tests.processes import wait_for

pytestmark = pytest.mark.faults

SLOW_SENSORS = (1.5, 2.5)
READ_ONLY = (
    "ALTER SYSTEM SET default_transaction_read_only = {}; SELECT pg_reload_conf()",
    ("on", "off"),
)
RENAMED = ("ALTER TABLE {} RENAME TO {}", (("cages_poll", "put_away"), ("put_away", "cages_poll")))
REPLICA = ("REPLICAOF", ("127.0.0.1 1", "NO ONE"))
WITHOUT_REPLICAS = ("CONFIG SET min-replicas-to-write", ("1", "0"))


def assert_everything_is_kept(installation, slot):
    """Nothing that was measured is lost, and polling goes on by itself."""
    polled = installation.wait_for_polling(slot, 100)
    assert polled.slot == slot, "what was measured is not written, but skipped"
    installation.wait_for_polling(slot + SLOT_LENGTH, 130)
    wait_for(installation.is_idle, PATIENCE, "no message is left")
    assert assert_nothing_lost_or_doubled(installation) == len(installation.sensors.asked())
    assert_ledger_balances(installation)
    assert installation.dead() == []


@pytest.mark.parametrize(
    ("statement", "seconds", "words"),
    [(READ_ONLY, 30, "The database is read-only."), (RENAMED, 16, "not complete")],
    ids=["read-only", "a table is missing"],
)
def test_a_database_that_refuses_to_write_loses_nothing(
    install, measured, statement, seconds, words
):
    installation = install("worker", "poller", "beat", "web", latency=SLOW_SENSORS)
    installation.wait_for_polling(installation.this_slot(), 130)
    wait_for(lambda: status_of(installation, "/readyz") == 200, 60, "/readyz is 200")
    slot = installation.wait_for_slot()
    installation.wait_for_asking(len(CAGES), slot)

    def order(value):
        text = statement[0].format(*(value if isinstance(value, tuple) else (value,)))
        with contextlib.closing(psycopg2.connect(installation.postgres.url)) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute("SET default_transaction_read_only = off")
            for each in text.split("; "):
                cursor.execute(each)

    order(statement[1][0])
    refused = time.monotonic()
    wait_for(lambda: status_of(installation, "/readyz") == 503, seconds, "/readyz says so")
    time.sleep(max(0, refused + seconds - time.monotonic()))
    assert installation.waiting()["held"] >= 1
    order(statement[1][1])
    back = time.monotonic()
    assert installation.wait_for_polling(slot, 30).slot == slot
    measured("from the end of refusals to the last waiting result", time.monotonic() - back)
    log = installation.children["worker"].log.read_text()
    assert log.count("No results are written.") == 1
    assert words in log
    assert_everything_is_kept(installation, slot)
    wait_for(lambda: status_of(installation, "/readyz") == 200, 10, "/readyz is 200 again")


@pytest.mark.parametrize(
    "command", [REPLICA, WITHOUT_REPLICAS], ids=["a replica", "without its replicas"]
)
def test_a_redis_that_refuses_to_write_stops_no_process_and_loses_nothing(
    install, measured, command
):
    installation = install("worker", "poller", "poller2", "beat", "web", latency=SLOW_SENSORS)
    browser = signed_in(installation)
    installation.wait_for_polling(installation.this_slot(), 130)
    slot = installation.wait_for_slot()
    installation.wait_for_asking(len(CAGES), slot)
    with redis.from_url(installation.valkey.url) as server:
        server.execute_command(*f"{command[0]} {command[1][0]}".split())
        refused = time.monotonic()
        # The pollers have the results of this slot in hand.
        assert not any(each.answered_at for each in installation.sensors.asked(slot))
        wait_for(lambda: status_of(installation, "/readyz") == 503, 10, "/readyz says so")
        while time.monotonic() < refused + 45:
            assert installation.dead() == []
            assert browser.get(f"{installation.web_url}/cages/", timeout=10).status_code == 200
            time.sleep(3)
        server.execute_command(*f"{command[0]} {command[1][1]}".split())
    back = time.monotonic()
    assert installation.wait_for_polling(slot, 60).slot == slot
    measured("from the end of refusals to the last result in hand", time.monotonic() - back)
    browser.close()
    assert_everything_is_kept(installation, slot)
