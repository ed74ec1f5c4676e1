"""What crosses Redis: only results that the ledger tells of are written."""

from datetime import timedelta

import pytest
from django.core.cache import cache

from cages.models import CageState, Outcome, Poll, PollCycle
from cages.polling import tasks
from cages.polling.claims import TAKEN_AFTER_CLOSE, NotPlanned, check_results, check_shard
from cages.polling.recorder import record
from cages.polling.results import encode, skipped
from neurocage.celery import app
from tests.factories import MINUTE, at, make_cage, make_cycle, result, slot

SLOT = slot("07:00")
NOW = at("07:00:40")


@pytest.fixture
def cage(db):
    """A cage that was planned in SLOT."""
    cage = make_cage(id=7)
    make_cycle(SLOT, planned=3, planned_ids="5-7", finished=False)
    return cage


@pytest.mark.parametrize(
    ("when", "ids", "why"),
    [
        (SLOT, [5, 6, 7], None),
        (SLOT, [7, 8], "1 cages, such as 8, were not planned"),
        (SLOT - MINUTE, [7], "was not claimed"),
        (SLOT + timedelta(seconds=1), [7], "was not claimed"),
        (SLOT - timedelta(days=1095), [7], "was not claimed"),
        (SLOT + timedelta(days=30), [7], "ahead of now"),
    ],
)
def test_results_are_taken_for_a_claimed_slot_and_planned_cages(cage, when, ids, why):
    if why is None:
        check_results(when, ids, NOW)
    else:
        with pytest.raises(NotPlanned, match=why):
            check_results(when, ids, NOW)


def test_nothing_is_taken_ahead_of_now_even_if_it_was_claimed(cage):
    check_results(SLOT, [7], SLOT - MINUTE)
    with pytest.raises(NotPlanned, match="ahead of now"):
        check_results(SLOT, [7], SLOT - MINUTE - timedelta(seconds=1))


def test_a_cycle_that_was_closed_long_ago_takes_nothing_more(cage):
    # As long as the database is away nobody closes a cycle.
    check_results(SLOT, [7], SLOT + timedelta(days=25))
    PollCycle.objects.update(finished_at=NOW)
    check_results(SLOT, [7], NOW + TAKEN_AFTER_CLOSE)
    with pytest.raises(NotPlanned, match="was closed"):
        check_results(SLOT, [7], NOW + TAKEN_AFTER_CLOSE + MINUTE)


def test_what_nobody_planned_is_refused_and_the_task_goes_on(cage, monkeypatch, caplog):
    monkeypatch.setattr(tasks.timezone, "now", lambda: NOW)
    make_cage(id=9)
    for columns in (encode([result(9)]), encode([result(cage), result(9)])):
        tasks.record_polls(int(SLOT.timestamp()), columns)
    assert not Poll.objects.exists()
    assert not CageState.objects.exists()
    assert caplog.text.count("Results were refused") == 2
    tasks.record_polls(int(SLOT.timestamp()), encode([result(cage)]))
    assert Poll.objects.get().cage == cage


def test_a_shard_costs_one_query_more_than_its_recording(cage, django_assert_num_queries):
    columns = encode([skipped(7, "late")])
    with django_assert_num_queries(5):
        tasks.record_claimed(SLOT, columns, NOW)
    record(SLOT, [result(cage, outcome=Outcome.TIMEOUT)], NOW)


@pytest.mark.parametrize(
    ("ids", "seconds"),
    [
        ([], (0, 0)),
        (list(range(10_001)), (0, 0)),
        (["7/../../admin"], (0, 0)),
        ([True], (0, 0)),
        ([-1], (0, 0)),
        ([2**31], (0, 0)),
        ([7], (-1, 0)),
        ([7], (0, 1e9)),
        ([7], (float("nan"), 0)),
    ],
)
def test_a_shard_that_nobody_can_have_cut_is_not_asked(ids, seconds):
    with pytest.raises(ValueError, match="shard|no id"):
        tasks.poll_cages(int(SLOT.timestamp()), ids, *seconds)


def test_the_largest_shard_is_asked():
    check_shard(list(range(10_000)), 60.0, 44.0)


def test_no_message_and_no_cached_value_is_a_pickle(settings):
    assert set(app.conf.accept_content) == {"json"}
    cache.set("count", 1, timeout=5)
    assert cache.incr("count") == 2
    cache.set("words", {"a": [1, None, "ü"]}, timeout=5)
    assert cache.get("words") == {"a": [1, None, "ü"]}
    client = cache._cache.get_client("count", write=True)
    client.set(cache.make_key("words"), b"\x80\x04N.", ex=5)
    with pytest.raises(ValueError, match="codec|Expecting"):
        cache.get("words")
