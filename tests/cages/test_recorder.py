"""The recorder: everything once, all or nothing, and a failure never hides what is known."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection

from cages.models import Cage, CageState, Health, Outcome, Poll, PollCycle
from cages.polling.recorder import LONGEST_DURATION_MS, record
from cages.polling.results import skipped
from cages.polling.schedule import claim
from tests.factories import (
    MINUTE,
    at,
    make_cage,
    make_cycle,
    make_user,
    record_minute,
    record_minutes,
    result,
    slot,
)

SLOT = slot("07:00")
DONE = at("07:00:12.5")
FAILURES = [outcome for outcome in Outcome if outcome != Outcome.ANSWERED]


def state_of(cage):
    return CageState.objects.get(cage=cage)


def ledger(each=SLOT):
    """The counts that are not zero of the slot's cycle, by outcome."""
    cycle = PollCycle.objects.get(slot=each)
    return {outcome: count for outcome, count in zip(Outcome, cycle.counts, strict=True) if count}


def stored():
    return list(Poll.objects.order_by("slot", "cage_id").values())


# What is kept


@pytest.mark.storage
@pytest.mark.parametrize("health", Health)
def test_every_health_is_kept_with_its_answer(db, health):
    cage = make_cage()
    make_cycle(SLOT, planned=1, finished=False)
    assert record(SLOT, [result(cage, health)], DONE) == 1
    poll = Poll.objects.get()
    assert (poll.cage_id, poll.slot, poll.health) == (cage.id, SLOT, health)
    assert (poll.outcome, poll.latency_ms, poll.detail) == (Outcome.ANSWERED, 1500, None)
    assert ledger() == {Outcome.ANSWERED: 1}
    assert (state_of(cage).status, state_of(cage).outcome_slot) == (health, SLOT)


@pytest.mark.storage
@pytest.mark.parametrize("outcome", FAILURES)
def test_every_failure_is_kept_without_a_reading(db, outcome):
    cage = make_cage()
    make_cycle(SLOT, planned=1, finished=False)
    assert record(SLOT, [result(cage, outcome=outcome, detail="why")], DONE) == 1
    poll = Poll.objects.get()
    assert (poll.outcome, poll.health, poll.detail) == (outcome, None, "why")
    assert poll.latency_ms == (None if outcome == Outcome.SKIPPED else 1500)
    assert ledger() == {outcome: 1}
    assert (state_of(cage).outcome, state_of(cage).outcome_slot) == (outcome, SLOT)


@pytest.mark.storage
def test_the_http_status_and_a_long_detail_are_kept(db):
    cages = [make_cage(), make_cage()]
    long = "\u00fc" * 200
    outcome = Outcome.HTTP_ERROR
    first = result(cages[0], outcome=outcome, http_status=999, detail=long)
    record(SLOT, [first, result(cages[1], outcome=outcome, detail="")], DONE)
    kept = Poll.objects.order_by("cage_id").values_list("http_status", "detail")
    assert list(kept) == [(999, long), (None, None)]


@pytest.mark.storage
def test_an_http_status_that_the_outcome_implies_is_told_and_not_stored(db):
    cages = {outcome: make_cage() for outcome in Outcome}
    fields = {Outcome.HTTP_ERROR: {"http_status": 500}}
    polled = [result(cage, outcome=o, **fields.get(o, {})) for o, cage in cages.items()]
    record(SLOT, polled, DONE)
    assert set(Poll.objects.values_list("http_status", flat=True)) == {None, 500}
    told = {asked.outcome: asked.answer_status for asked in Poll.objects.all()}
    implied = {Outcome.ANSWERED: 200, Outcome.MALFORMED: 200, Outcome.UNAVAILABLE: 503}
    assert told == dict.fromkeys(Outcome) | implied | {Outcome.HTTP_ERROR: 500}
    with connection.cursor() as cursor:
        cursor.execute("SELECT outcome, http_status FROM cages_sensorrequest")
        assert dict(cursor.fetchall()) == told


@pytest.mark.storage
@pytest.mark.parametrize(
    "wrong",
    [
        {"outcome": Outcome.ANSWERED, "status": None},
        {"outcome": Outcome.TIMEOUT, "status": Health.OK},
        {"outcome": Outcome.ANSWERED, "status": 4},
        {"outcome": 8, "status": None},
    ],
)
def test_the_database_refuses_a_reading_without_an_answer_and_the_reverse(db, wrong):
    with pytest.raises(IntegrityError, match="cages_poll_status_exactly_if_answered"):
        Poll.objects.create(cage=make_cage(), slot=SLOT, **wrong)


@pytest.mark.storage
@pytest.mark.parametrize("detail", ["a\x00b", "'; DROP TABLE cages_poll; --", '{a,b}\\"%s', "é☃"])
def test_an_odd_detail_is_kept_and_harms_nothing(db, detail):
    record_minute(make_cage(), SLOT, outcome=Outcome.HTTP_ERROR, detail=detail)
    assert Poll.objects.get().detail == detail.replace("\x00", " ")


def test_nothing_to_record_asks_the_database_nothing(django_assert_num_queries, db):
    with django_assert_num_queries(0):
        assert record(SLOT, [], DONE) == 0


def test_a_shard_costs_as_many_statements_as_one_cage(db, django_assert_max_num_queries):
    make_cycle(SLOT, planned=60, finished=False)
    owner = make_user()
    cages = [make_cage(owner=owner) for _ in range(60)]
    with django_assert_max_num_queries(4):  # the transaction's two and the two of the recorder
        record(SLOT, [result(cage) for cage in cages], DONE)
    assert PollCycle.objects.finished().get().answered == 60


# Known health


@pytest.mark.storage
@pytest.mark.parametrize("failure", FAILURES)
def test_a_failure_keeps_the_last_known_health_and_its_age(db, failure):
    cage = make_cage()
    record_minute(cage, SLOT, status=Health.BAD)
    record_minute(cage, slot("07:01"), outcome=failure)
    state = state_of(cage)
    assert (state.status, state.reading_slot, state.status_since) == (Health.BAD, SLOT, SLOT)
    assert state.age(at("07:02")) == timedelta(minutes=2)
    assert (state.outcome, state.outcome_slot) == (failure, slot("07:01"))
    assert state.outcome_since == slot("07:01")


@pytest.mark.storage
def test_a_sensor_that_has_only_failed_has_no_known_health(db):
    cage = make_cage()
    record_minutes(cage, SLOT, [Outcome.TIMEOUT] * 3)
    state = state_of(cage)
    assert (state.status, state.reading_slot, state.status_since) == (None, None, None)
    assert (state.outcome, state.outcome_since) == (Outcome.TIMEOUT, SLOT)
    assert state.outcome_slot == slot("07:02")


@pytest.mark.storage
def test_since_is_the_beginning_of_the_unbroken_run(db):
    cage = make_cage()
    polls = [Health.OK, Health.BAD, Outcome.TIMEOUT, Health.BAD, Outcome.TIMEOUT, Outcome.TIMEOUT]
    record_minutes(cage, SLOT, polls)
    state = state_of(cage)
    assert (state.status, state.status_since) == (Health.BAD, slot("07:01"))
    assert state.reading_slot == slot("07:03")
    assert (state.outcome, state.outcome_since) == (Outcome.TIMEOUT, slot("07:04"))
    assert state.outcome_slot == slot("07:05")


# Twice, late and out of order


@pytest.mark.storage
def test_the_same_message_twice_changes_nothing(db):
    cages = [make_cage(), make_cage()]
    make_cycle(SLOT, planned=3, finished=False)
    results = [result(cages[0]), result(cages[1], outcome=Outcome.TIMEOUT)]
    assert record(SLOT, results, DONE) == 2
    before = stored(), ledger()
    states = list(CageState.objects.order_by("cage").values())
    assert record(SLOT, results, at("07:03")) == 0
    assert (stored(), ledger()) == before
    assert list(CageState.objects.order_by("cage").values()) == states


@pytest.mark.storage
@pytest.mark.parametrize(
    "second",
    [
        {"status": Health.PERFECT},
        {"outcome": Outcome.UNAVAILABLE},
        {"outcome": Outcome.SKIPPED, "detail": "lost"},
    ],
)
@pytest.mark.parametrize("first", [{"status": Health.BAD}, {"outcome": Outcome.TIMEOUT}])
def test_of_two_results_for_one_slot_the_first_stays(db, first, second):
    cage = make_cage()
    make_cycle(SLOT, planned=1, finished=False)
    record(SLOT, [result(cage, **first)], DONE)
    before = stored(), ledger(), state_of(cage).status
    assert record(SLOT, [result(cage, **second)], at("07:03")) == 0
    assert (stored(), ledger(), state_of(cage).status) == before
    assert PollCycle.objects.get().finished_at == DONE


@pytest.mark.storage
@pytest.mark.parametrize("real", [o for o in Outcome if o != Outcome.SKIPPED])
def test_skipped_gives_way_to_a_real_result_and_the_count_moves(db, real):
    cage, other = make_cage(), make_cage()
    make_cycle(SLOT, planned=2, finished=False)
    record(SLOT, [skipped(cage.id, "lost"), skipped(other.id, "lost")], DONE)
    assert ledger() == {Outcome.SKIPPED: 2}

    assert record(SLOT, [result(cage, outcome=real)], at("07:20")) == 1
    poll = Poll.objects.get(cage=cage)
    assert (poll.outcome, poll.latency_ms, poll.detail) == (real, 1500, None)
    assert ledger() == {real: 1, Outcome.SKIPPED: 1}
    assert (poll.status == Health.OK) == (real == Outcome.ANSWERED)
    assert state_of(cage).outcome == real
    assert Poll.objects.get(cage=other).detail == "lost"
    cycle = PollCycle.objects.get()
    assert (cycle.recorded, cycle.finished_at) == (2, DONE)

    assert record(SLOT, [result(cage, outcome=real)], at("07:21")) == 0
    assert ledger() == {real: 1, Outcome.SKIPPED: 1}


@pytest.mark.storage
def test_skipped_twice_is_counted_once(db):
    cage = make_cage()
    make_cycle(SLOT, planned=1, finished=False)
    assert record(SLOT, [skipped(cage.id, "its minute was over")], DONE) == 1
    assert record(SLOT, [skipped(cage.id, "lost")], at("07:20")) == 0
    assert Poll.objects.get().detail == "its minute was over"
    assert ledger() == {Outcome.SKIPPED: 1}


@pytest.mark.storage
def test_a_shard_of_new_replaced_and_known_results_counts_each_rightly(db):
    new, replaced, known = make_cage(), make_cage(), make_cage()
    make_cycle(SLOT, planned=3, finished=False)
    record(SLOT, [skipped(replaced.id, "lost"), result(known, outcome=Outcome.TIMEOUT)], DONE)
    assert record(SLOT, [result(cage) for cage in (known, replaced, new)], at("07:20")) == 2
    assert ledger() == {Outcome.ANSWERED: 2, Outcome.TIMEOUT: 1}
    assert PollCycle.objects.get().finished_at == at("07:20")


LATEST = ("status", "reading_slot", "outcome", "outcome_slot", "outcome_since")


@pytest.mark.storage
@pytest.mark.parametrize("first", [None, Outcome.SKIPPED])
def test_a_late_shard_does_not_turn_a_state_back(db, first):
    cage = make_cage()
    record_minutes(cage, slot("07:03"), [first, None, Health.BAD])
    before = CageState.objects.values(*LATEST).get()
    record_minutes(cage, slot("07:03"), [Health.PERFECT, Outcome.TIMEOUT])
    assert CageState.objects.values(*LATEST).get() == before
    assert (Poll.objects.count(), Poll.objects.answered().count()) == (3, 2)


@pytest.mark.storage
def test_a_late_reading_is_news_where_only_failures_came_since(db):
    cage = make_cage()
    record_minutes(cage, slot("07:04"), [Outcome.TIMEOUT, Outcome.UNAVAILABLE])
    record_minute(cage, slot("07:03"), status=Health.BAD)
    state = state_of(cage)
    assert (state.status, state.reading_slot) == (Health.BAD, slot("07:03"))
    assert (state.outcome, state.outcome_slot) == (Outcome.UNAVAILABLE, slot("07:05"))
    assert state.outcome_since == slot("07:05")


# The ledger


@pytest.mark.storage
def test_a_cycle_finishes_with_its_last_result_and_not_before(db):
    cages = [make_cage() for _ in range(3)]
    claim(SLOT, at("07:00:00.250"))
    record(SLOT, [result(cages[0])], at("07:00:05"))
    record(SLOT, [result(cages[1], outcome=Outcome.TIMEOUT)], at("07:00:11"))
    assert PollCycle.objects.open().get().recorded == 2
    record(SLOT, [result(cages[2])], DONE)
    cycle = PollCycle.objects.finished().get()
    assert (cycle.planned, cycle.recorded) == (3, 3)
    assert (cycle.finished_at, cycle.duration_ms) == (DONE, 12_250)
    assert ledger() == {Outcome.ANSWERED: 2, Outcome.TIMEOUT: 1}


@pytest.mark.parametrize(
    ("after", "duration_ms"),
    [(timedelta(seconds=-10), 0), (timedelta(days=26), LONGEST_DURATION_MS)],
    ids=["the clock was set back", "nothing ran for 26 days"],
)
def test_the_duration_of_a_cycle_can_always_be_stored(db, after, duration_ms):
    cage = make_cage()
    claim(SLOT, at("07:00:20"))
    record(SLOT, [result(cage)], at("07:00:20") + after)
    assert PollCycle.objects.get().duration_ms == duration_ms


@pytest.mark.storage
def test_cycles_do_not_count_for_each_other(db):
    cage = make_cage()
    for each in (SLOT, slot("07:01")):
        claim(each, each)
    record(slot("07:01"), [result(cage)], at("07:01:09"))
    assert [cycle.slot for cycle in PollCycle.objects.open()] == [SLOT]
    assert ledger(slot("07:01")) == {Outcome.ANSWERED: 1}
    assert ledger() == {}


@pytest.mark.storage
def test_results_of_a_purged_cage_go_nowhere_and_those_beside_it_do(db):
    cage, purged = make_cage(), make_cage()
    Cage.objects.filter(id=purged.id).delete()
    make_cycle(SLOT, planned=1, finished=False)
    assert record(SLOT, [result(purged), result(cage)], DONE) == 1
    assert [row["cage_id"] for row in stored()] == [cage.id]
    assert list(CageState.objects.values_list("cage_id", flat=True)) == [cage.id]
    assert ledger() == {Outcome.ANSWERED: 1}


# All or nothing


@pytest.mark.storage
def test_what_fails_half_way_has_written_nothing(db, monkeypatch):
    cage = make_cage()
    make_cycle(SLOT, planned=1, finished=False)
    with monkeypatch.context() as broken:
        broken.setattr("cages.polling.recorder.COUNT", "SELECT nonsense")
        with pytest.raises(DatabaseError):
            record(SLOT, [result(cage)], DONE)
    assert (stored(), ledger()) == ([], {})
    assert not CageState.objects.exists()

    assert record(SLOT, [result(cage)], DONE) == 1
    assert ledger() == {Outcome.ANSWERED: 1}


@pytest.mark.storage
def test_a_result_that_the_database_refuses_takes_its_shard_along(db):
    cages = [make_cage(), make_cage()]
    with pytest.raises(DatabaseError):
        record(SLOT, [result(cages[0]), result(cages[1], detail="x" * 201)], DONE)
    assert stored() == []


# Two workers at once


def at_the_same_time(*functions):
    """Run the functions on threads, each with a database connection of its own."""
    together = threading.Barrier(len(functions))

    def run(function):
        try:
            with connection.cursor():
                together.wait(60)
            return function()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(functions)) as threads:
        return list(threads.map(run, functions))


def test_two_workers_with_one_message_write_it_once(transactional_db):
    owner = make_user()
    cages = [make_cage(owner=owner) for _ in range(30)]
    for number in range(5):
        each = SLOT + number * MINUTE
        make_cycle(each, planned=30, finished=False)
        results = [result(cage) for cage in cages]
        written = at_the_same_time(
            lambda each=each, results=results: record(each, results, DONE),
            lambda each=each, results=results: record(each, results[::-1], DONE),
        )
        assert sum(written) == 30
        assert ledger(each) == {Outcome.ANSWERED: 30}
    assert Poll.objects.answered().count() == 150
    assert PollCycle.objects.finished().count() == 5


def test_two_beats_claim_a_slot_once(transactional_db):
    cage = make_cage()
    for number in range(5):
        each = SLOT + number * MINUTE
        claims = at_the_same_time(*[lambda each=each: claim(each, each)] * 3)
        assert claims.count(None) == 2
        assert [cage.id] in claims
    assert PollCycle.objects.count() == 5
