"""PostgreSQL is stopped in the middle of a slot and comes back after a while."""

import time

import pytest
import requests
from celery import Celery

from cages.polling.results import encode
from cages.slots import SLOT_LENGTH, slot_of
from neurocage.celery import app
from tests.factories import result
from tests.faults.installation import CAGES, Sampled, signed_in, status_of
from tests.faults.ledger import assert_whole
from tests.processes import PATIENCE, wait_for

pytestmark = pytest.mark.faults

# Long enough that no result has arrived when the last poll of a slot begins.
SLOW_SENSORS = (4, 5)


def stop_postgres_while_sensors_are_asked(installation):
    """Stop PostgreSQL. Return the slot whose results find no database."""
    slot = installation.wait_for_asking(len(CAGES))
    installation.postgres.stop(30)
    assert not any(each.answered_at for each in installation.sensors.asked(slot))
    return slot


def stored(installation, slot):
    query = "SELECT count(*) FROM cages_poll WHERE slot = %s"
    return installation.rows(query, slot)[0][0]


def test_three_minutes_without_postgresql_lose_nothing_that_was_measured(install, measured):
    installation = install("worker", "poller", "beat", "web", latency=SLOW_SENSORS)
    browser = signed_in(installation)
    slot = stop_postgres_while_sensors_are_asked(installation)
    stopped, stopped_at = time.monotonic(), installation.now()
    slowest = 0.0
    while time.monotonic() < stopped + 180:
        began = time.monotonic()
        page = browser.get(f"{installation.web_url}/cages/", timeout=10)
        slowest = max(slowest, time.monotonic() - began)
        assert page.status_code == 503
        assert "The database does not answer" in page.text
        ready = requests.get(f"{installation.web_url}/readyz", timeout=10)
        assert ready.status_code == 503
        assert "database" in ready.json()["problems"]
        assert status_of(installation, "/healthz") == 200
        time.sleep(5)  # a person who tries again now and then
    measured("the slowest page that said 503 meanwhile", slowest)
    waiting = installation.waiting()
    assert waiting["records"] + waiting["held"] >= 4, "the shards' results do not wait in Redis"
    assert {each.slot for each in installation.sensors.asked(since=slot)} == {slot}

    installation.postgres.start()
    back, back_at = time.monotonic(), installation.now()
    wait_for(lambda: stored(installation, slot) == len(CAGES), 30, "what waited is stored")
    measured("from PostgreSQL's return to the last waiting result", time.monotonic() - back)
    page = browser.get(f"{installation.web_url}/cages/", timeout=10)
    assert page.status_code == 200
    measured("from PostgreSQL's return to the pages", time.monotonic() - back)
    polled = installation.wait_for_polling(slot_of(back_at), 90)
    measured("from PostgreSQL's return to the next full cycle", time.monotonic() - back)
    # At the latest, this is the first minute that began with a database.
    assert polled.slot <= slot_of(back_at) + SLOT_LENGTH
    wait_for(lambda: status_of(installation, "/readyz") == 200, 10, "/readyz is 200 again")
    browser.close()
    next_one = installation.wait_for_polling(polled.slot + SLOT_LENGTH, 70)
    assert next_one.slot == polled.slot + SLOT_LENGTH

    wait_for(installation.is_idle, PATIENCE, "no message is left")
    watched = [s for s in installation.cycles() if stopped_at < s and s + SLOT_LENGTH <= back_at]
    assert watched == [], "a minute without a database has a cycle"
    assert_whole(installation)


def test_retries_without_a_database_do_not_pile_up_and_write_once(install, measured):
    # One message for each cage, so that there are many.
    installation = install(
        "worker", "poller", "beat", latency=SLOW_SENSORS, POLL_SHARD_SIZE=1, poller_threads=40
    )
    first = installation.wait_for_polling(installation.this_slot(), 130).slot
    wait_for(installation.is_idle, PATIENCE, "no message is left")
    installation.wait_for_slot()
    slot = stop_postgres_while_sensors_are_asked(installation)
    stopped = time.monotonic()
    # The results of the minute before are delivered ten more times, with other values.
    with Celery(broker=installation.valkey.url, set_as_current=False) as sender:
        sender.conf.task_routes = app.conf.task_routes
        for cage_id in list(CAGES) * 10:
            again = (int(first.timestamp()), encode([result(cage_id)]))
            sender.send_task("cages.polling.tasks.record_polls", again)
    most = len(CAGES) * 11

    def under_way():
        waiting = installation.waiting()
        return waiting["records"] + waiting["held"]

    wait_for(lambda: under_way() >= most, 30, "every result waits in Redis")
    with Sampled(under_way) as messages, Sampled(lambda: memory_mb(installation)) as memory:
        time.sleep(max(0, stopped + 120 - time.monotonic()))  # many retries
    # What a worker holds for two minutes is handed out again while it is still at it.
    assert most <= messages.most <= most * 1.1, messages
    # It takes some rounds of retries until Python has all the memory that it needs.
    third = len(memory.values) // 3
    growth = max(memory.values[-third:]) - max(memory.values[third:-third])
    measured(f"that the recorder grew by at last, while {most} messages retried", growth, "MB")
    assert growth < 10

    installation.postgres.start()
    back = time.monotonic()
    wait_for(lambda: stored(installation, slot) == len(CAGES), 40, "what waited is stored")
    measured(f"from PostgreSQL's return to the last of {most} results", time.monotonic() - back)
    installation.wait_for_polling(slot + SLOT_LENGTH, 130)
    assert_whole(installation)


def memory_mb(installation):
    return installation.memory_bytes("worker") / 2**20
