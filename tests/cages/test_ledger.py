"""The check of the ledger: what it calls balanced, what not, and what it forgives a purge.

The command that people run is tested in test_check_ledger.py.
"""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F

from cages.history import ledger
from cages.history.window import Window
from cages.models import Cage, CageState, Outcome, Poll, PollCycle
from cages.models.cycle import LOST_AFTER, to_ranges
from cages.polling import schedule
from cages.polling.recorder import record
from cages.storage import purge
from tests.factories import MINUTE, at, make_cage, make_cycle, make_user, result, slot

FIRST = slot("07:00")
NOW = at("12:00")
MIXED = [Outcome.ANSWERED, Outcome.ANSWERED, Outcome.UNAVAILABLE, Outcome.TIMEOUT]

pytestmark = pytest.mark.django_db


@pytest.fixture
def cages():
    """As many as MIXED has outcomes; without states, which are no matter here."""
    owner = make_user()
    return [make_cage(owner=owner) for _ in MIXED]


def poll(cages, slot, outcomes=MIXED, of=None):
    """A minute as Neurocage makes it: claimed with all the cages, of which some are recorded."""
    cycle = make_cycle(
        slot, planned=len(cages), finished=False, planned_ids=to_ranges([cage.id for cage in cages])
    )
    results = [result(c, outcome=o) for c, o in zip(cages, outcomes, strict=True)]
    record(slot, results[:of], now=slot + timedelta(seconds=3))
    return cycle


def look(minutes=60, start=FIRST, now=NOW, **more):
    return ledger.check(Window(start, start + minutes * MINUTE), now, **more)


def faults(**span):
    return [(fault.slot, fault.what) for fault in look(**span).imbalances]


def of_cage(cage):
    return Poll.objects.filter(cage=cage, slot=FIRST)


# What balances


@pytest.mark.storage
def test_what_was_polled_and_recorded_balances(cages):
    for number in range(3):
        poll(cages, FIRST + number * MINUTE)
    found = look(minutes=5)
    assert found.balances
    assert (found.minutes, found.cycles, found.polls, found.not_watched) == (5, 3, 12, 2)
    assert (found.under_way, found.imbalances) == (0, [])


def test_every_outcome_balances(cages):
    owner = cages[0].owner
    poll([make_cage(owner=owner) for _ in Outcome], FIRST, list(Outcome))
    assert look().balances


def test_a_minute_with_nobody_to_ask_balances():
    schedule.claim(FIRST, FIRST)
    found = look(minutes=1)
    assert (found.balances, found.cycles, found.polls, found.not_watched) == (True, 1, 0, 0)


def test_minutes_without_a_cycle_were_not_watched_and_are_no_fault():
    found = look(minutes=150)
    assert (found.balances, found.minutes, found.not_watched) == (True, 150, 150)


def test_only_the_window_is_looked_at(cages):
    for number in range(4):
        poll(cages, FIRST + number * MINUTE)
    Poll.objects.filter(slot__in=[FIRST, FIRST + 3 * MINUTE]).delete()
    assert look(start=FIRST + MINUTE, minutes=2).balances
    assert not look(minutes=1).balances
    assert not look(start=FIRST + 3 * MINUTE, minutes=1).balances


def test_a_skipped_poll_that_was_answered_after_all_balances(cages):
    poll(cages, FIRST, [Outcome.SKIPPED] * 4)
    record(FIRST, [result(cages[0])], now=NOW)
    assert look().balances


# What does not


def within(field, change):
    return lambda cages: PollCycle.objects.update(**{field: F(field) + change})


IMBALANCES = {
    "planned": (within("planned", 1), ["planned 5, but its outcomes add up to 4"]),
    "a count": (
        within("timeout", 1),
        ["planned 4, but its outcomes add up to 5", "2 timeout in the ledger, but 1 poll"],
    ),
    "two counts": (
        lambda cages: PollCycle.objects.update(answered=1, malformed=1),
        ["1 answered in the ledger, but 2 polls", "1 malformed in the ledger, but 0 polls"],
    ),
    "a poll is missing": (
        lambda cages: of_cage(cages[3]).delete(),
        ["1 timeout in the ledger, but 0 polls"],
    ),
    "a poll too many": (
        lambda cages: Poll.objects.create(cage=make_cage(), slot=FIRST, outcome=Outcome.SKIPPED),
        ["0 skipped in the ledger, but 1 poll"],
    ),
    "another outcome": (
        lambda cages: of_cage(cages[2]).update(outcome=Outcome.TIMEOUT),
        ["1 unavailable in the ledger, but 0 polls", "1 timeout in the ledger, but 2 polls"],
    ),
    "no rows": (
        lambda cages: Poll.objects.all().delete(),
        [
            "2 answered in the ledger, but 0 polls",
            "1 unavailable in the ledger, but 0 polls",
            "1 timeout in the ledger, but 0 polls",
        ],
    ),
    "no cycle": (lambda cages: PollCycle.objects.all().delete(), ["no cycle, but 4 polls"]),
}


@pytest.mark.storage
@pytest.mark.parametrize("name", IMBALANCES)
def test_each_imbalance_is_said_with_its_slot(cages, name):
    corrupt, phrases = IMBALANCES[name]
    poll(cages, FIRST)
    assert look().balances
    corrupt(cages)
    assert faults() == [(FIRST, phrase) for phrase in phrases]


def test_faults_come_in_the_order_of_time_and_the_list_has_an_end(cages):
    for number in reversed(range(0, 150, 10)):
        poll(cages, FIRST + number * MINUTE)
    Poll.objects.filter(cage=cages[0]).delete()
    found = look(minutes=180, most=7)
    assert (found.imbalance_count, len(found.imbalances), found.not_listed) == (15, 7, 8)
    assert [fault.slot for fault in found.imbalances] == [
        FIRST + number * MINUTE for number in range(0, 70, 10)
    ]
    assert (found.cycles, found.polls) == (15, 60)


# Cycles that are not finished


def test_a_cycle_under_way_is_counted_and_not_judged(cages):
    poll(cages, FIRST, of=3)
    found = look(minutes=1, now=FIRST + LOST_AFTER)
    assert (found.balances, found.cycles, found.under_way) == (True, 1, 1)
    assert (found.polls, found.not_watched) == (0, 0)


def test_a_cycle_that_stays_open_is_a_fault(cages):
    poll(cages, FIRST, of=3)
    late = FIRST + LOST_AFTER + timedelta(seconds=1)
    assert faults(now=late) == [(FIRST, "still open after 10 minutes: 3 of 4 recorded")]


def test_a_lost_shard_that_was_recorded_as_skipped_balances(cages):
    poll(cages, FIRST, of=3)
    for lost_slot, cage_ids in schedule.lost(NOW):
        record(lost_slot, [result(i, outcome=Outcome.SKIPPED) for i in cage_ids], now=NOW)
    assert PollCycle.objects.get().skipped == 1
    assert look().balances


def test_what_is_recorded_while_the_check_runs_is_no_fault(cages):
    poll(cages, FIRST, [Outcome.SKIPPED] * 4)
    waiting = [result(cages[0])]

    def record_before(execute, sql, *args):
        if 'FROM "cages_poll"' in sql and waiting:
            record(FIRST, [waiting.pop()], now=NOW)
        return execute(sql, *args)

    with connection.execute_wrapper(record_before):
        assert look().balances
    assert not waiting


# Purges


def order_purge(cage):
    Cage.objects.filter(id=cage.id).update(archived_at=NOW - MINUTE, purge_ordered_at=NOW - MINUTE)


@pytest.mark.storage
@pytest.mark.parametrize("number", range(len(MIXED)))
def test_a_purged_cage_is_no_fault_before_while_and_after(cages, number):
    poll(cages, FIRST)
    poll(cages, FIRST + MINUTE)
    order_purge(cages[number])
    looks = [look().balances]
    while purge.step(cages[number].id, NOW) is not None:
        looks.append(look().balances)
    assert looks == [True] * 2
    assert look().balances
    assert not Cage.objects.filter(id=cages[number].id).exists()


def vanish(cage):
    for model in (Poll, CageState):
        model.objects.filter(cage=cage).delete()
    Cage.objects.filter(id=cage.id).delete()


def test_a_purge_explains_only_as_many_missing_rows_as_cages_are_gone(cages):
    poll(cages, FIRST)
    vanish(cages[3])
    assert look().balances
    of_cage(cages[2]).delete()
    assert faults() == [
        (FIRST, "1 unavailable in the ledger, but 0 polls"),
        (FIRST, "1 timeout in the ledger, but 0 polls"),
    ]


def test_a_purge_explains_no_row_too_many(cages):
    poll(cages, FIRST)
    vanish(cages[3])
    of_cage(cages[2]).update(outcome=Outcome.MALFORMED)
    assert [what for _, what in faults()] == [
        "1 unavailable in the ledger, but 0 polls",
        "1 timeout in the ledger, but 0 polls",
        "0 malformed in the ledger, but 1 poll",
    ]


def test_a_purge_of_a_cage_that_was_not_planned_explains_nothing(cages):
    poll(cages[:3], FIRST, MIXED[:3])
    vanish(cages[3])
    of_cage(cages[2]).delete()
    assert faults() == [(FIRST, "1 unavailable in the ledger, but 0 polls")]


# What it costs


@pytest.mark.parametrize("slots", [1, 60])
def test_an_hour_costs_two_queries(cages, django_assert_num_queries, slots):
    for number in range(slots):
        poll(cages[:1], FIRST + number * MINUTE, MIXED[:1])
    with django_assert_num_queries(2):
        assert look().polls == slots
    with django_assert_num_queries(6):
        look(minutes=180)


def test_an_hour_full_of_missing_rows_costs_six(cages, django_assert_num_queries):
    for number in range(20):
        poll(cages, FIRST + number * MINUTE)
    Poll.objects.filter(cage__in=cages[2:]).delete()
    with django_assert_num_queries(6):
        assert not look().balances
