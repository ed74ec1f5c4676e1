"""States: what a page says of a cage, the same in Python and in SQL."""

import itertools
from collections import Counter
from datetime import timedelta

import pytest

from cages.models import Cage, CageState, Condition, Health, Outcome, Rank
from cages.models.state import LATE_AFTER, UNSEEN_AFTER, condition_of
from cages.slots import FUTURE_TOLERANCE
from tests.factories import at, make_cage, make_user, record_minute, slot

NOW = at("12:00")
MICROSECOND = timedelta(microseconds=1)
AGES = {
    "none": None,
    "fresh": timedelta(),
    "from a clock ahead": -FUTURE_TOLERANCE,
    "of the future": -FUTURE_TOLERANCE - MICROSECOND,
    "late": LATE_AFTER,
    "last seen": UNSEEN_AFTER - MICROSECOND,
    "unseen": UNSEEN_AFTER,
    "long unseen": timedelta(days=40),
}


def cage_seen(age=None, health=Health.OK, **fields):
    """A cage whose last reading is so old at NOW; None: no state at all."""
    cage = make_cage(**fields)
    if age is not None:
        CageState.objects.create(
            cage=cage, status=health, reading_slot=NOW - age, outcome=Outcome.ANSWERED
        )
    return cage


@pytest.mark.storage
def test_python_and_sql_agree_on_every_combination(db):
    owner = make_user()
    new = [-timedelta(days=1), timedelta(), UNSEEN_AFTER - MICROSECOND, UNSEEN_AFTER]
    combinations = itertools.product(AGES.values(), Health, [True, False], new)
    for age, health, is_polled, existed in combinations:
        cage_seen(age, health, owner=owner, is_polled=is_polled, created_at=NOW - existed)
    # A sensor that has only ever failed has a state without a reading.
    for existed in new:
        failed = make_cage(owner=owner, created_at=NOW - existed)
        CageState.objects.create(cage=failed, outcome=Outcome.TIMEOUT, outcome_slot=NOW)

    cages = list(Cage.objects.with_rank(NOW).select_related("state"))
    assert len(cages) == len(AGES) * 3 * 2 * 4 + 4
    for cage in cages:
        assert cage.current_rank(NOW) == cage.rank, (cage.known_state, cage.is_polled)
        assert Rank(cage.rank).condition == cage.condition(NOW)
    assert {cage.rank for cage in cages} == set(Rank)
    counts = Cage.objects.tally(NOW)
    assert counts.by_rank == Counter(cage.rank for cage in cages)
    assert counts.trouble == Cage.objects.in_trouble(NOW).count()
    assert counts.of(Condition.UNSEEN) == Cage.objects.with_rank(NOW).in_condition("unseen").count()


@pytest.mark.parametrize(
    ("age", "health", "condition"),
    [
        ("fresh", Health.BAD, Condition.BAD),
        ("fresh", Health.OK, Condition.OK),
        ("fresh", Health.PERFECT, Condition.PERFECT),
        ("from a clock ahead", Health.BAD, Condition.BAD),
        ("of the future", Health.BAD, Condition.UNSEEN),
        ("last seen", Health.BAD, Condition.BAD),
        ("unseen", Health.BAD, Condition.UNSEEN),
        ("none", None, Condition.UNSEEN),
    ],
)
def test_a_health_is_the_condition_only_while_it_is_known(db, age, health, condition):
    assert cage_seen(AGES[age], health).condition(NOW) == condition


def test_a_new_cage_waits_for_twelve_minutes_before_it_is_missed(db):
    cage = make_cage(created_at=at("11:50"))
    assert cage.condition(at("11:50")) == Condition.WAITING
    assert cage.condition(at("12:02") - MICROSECOND) == Condition.WAITING
    assert cage.condition(at("12:02")) == Condition.UNSEEN


def test_being_paused_or_archived_comes_before_any_health(db):
    assert cage_seen(timedelta(), is_polled=False).condition(NOW) == Condition.PAUSED
    archived = cage_seen(timedelta(), archived_at=NOW)
    assert archived.condition(NOW) == Condition.ARCHIVED
    archived.is_polled = False
    assert condition_of(archived, archived.state, NOW) == Condition.ARCHIVED


@pytest.mark.parametrize(
    ("age", "late"),
    [
        (timedelta(), False),
        (LATE_AFTER - MICROSECOND, False),
        (LATE_AFTER, True),
        (UNSEEN_AFTER, True),
        (None, True),
        (AGES["of the future"], True),
    ],
)
def test_a_reading_is_late_after_five_minutes(db, age, late):
    assert cage_seen(age).is_late(NOW) is late


def test_nobody_waits_for_a_paused_archived_or_new_cage(db):
    old = timedelta(days=3)
    assert not cage_seen(old, is_polled=False).is_late(NOW)
    assert not cage_seen(old, archived_at=NOW).is_late(NOW)
    assert not make_cage(created_at=at("11:55")).is_late(NOW)


def test_the_limits_are_the_ones_that_were_reckoned():
    assert timedelta(minutes=5) == LATE_AFTER
    assert timedelta(minutes=12) == UNSEEN_AFTER


@pytest.mark.storage
def test_the_worst_come_first_and_then_the_label(db):
    cage_seen(timedelta(), Health.PERFECT, label="a perfect")
    cage_seen(timedelta(), Health.BAD, label="b bad", is_polled=False)
    cage_seen(timedelta(), Health.OK, label="B ok")
    cage_seen(timedelta(), Health.OK, label="a ok")
    cage_seen(UNSEEN_AFTER, Health.PERFECT, label="c unseen")
    cage_seen(UNSEEN_AFTER, Health.BAD, label="y was bad")
    cage_seen(label="A never seen")
    make_cage("z new", created_at=NOW)
    cage_seen(timedelta(), Health.BAD, label="z bad")
    labels = list(Cage.objects.worst_first(NOW).values_list("label", flat=True))
    assert labels == [
        "z bad",
        "y was bad",
        "A never seen",
        "c unseen",
        "z new",
        "a ok",
        "B ok",
        "a perfect",
        "b bad",
    ]


def test_one_label_twice_keeps_one_order(db):
    same = [make_cage("Same").id for _ in range(5)]
    assert list(Cage.objects.worst_first(NOW).values_list("id", flat=True)) == same


def test_a_state_knows_its_age(db):
    cage = make_cage()
    assert cage.known_state is None
    record_minute(cage, slot("07:00"), outcome=Outcome.TIMEOUT)
    cage.refresh_from_db()
    assert cage.state.age(at("07:02")) is None
    record_minute(cage, slot("07:01"), status=Health.BAD)
    cage.refresh_from_db()
    assert cage.state.age(at("07:03:30")) == timedelta(minutes=2, seconds=30)
    assert cage.state.age(at("07:00")) == timedelta()
    assert cage.state.age(at("06:59:59")) is None
