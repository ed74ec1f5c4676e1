"""Purge: only as ordered, in bounded steps, and nobody else's."""

from datetime import timedelta

import pytest
from django.utils import timezone

from cages.models import Cage, CageState, Health, Outcome, Poll
from cages.polling import tasks
from cages.storage import purge
from tests.factories import at, make_cage, make_cycle, record_minute, slot

NOW = at("12:00")
DAY = timedelta(days=1)


def ordered_cage(days=(), **fields):
    """An archived cage whose purge is ordered, with a reading so many days before noon."""
    cage = make_cage(**{"archived_at": at("11:00"), "purge_ordered_at": at("11:30"), **fields})
    for day in days:
        record_minute(cage, slot("07:00") - day * DAY, status=Health.OK)
        record_minute(cage, slot("07:01") - day * DAY, outcome=Outcome.TIMEOUT)
    return cage


def left_of(cage):
    """(polls, states, cages) that are still there."""
    return (
        Poll.objects.filter(cage=cage).count(),
        CageState.objects.filter(cage_id=cage.id).count(),
        Cage.objects.filter(id=cage.id).count(),
    )


@pytest.mark.storage
def test_a_purge_goes_in_steps_of_a_week_and_leaves_nothing(db, caplog):
    cage = ordered_cage(days=[0, 3, 6.5, 7.5, 20])
    steps = []
    while (pause := purge.step(cage.id, NOW)) is not None:
        assert pause == purge.SECONDS_BETWEEN_STEPS
        steps.append(left_of(cage))
    assert steps == [(8, 1, 1), (2, 1, 1), (0, 1, 1)]
    assert left_of(cage) == (0, 0, 0)
    assert f"Cage {cage.id} was purged" in caplog.text


@pytest.mark.storage
def test_other_cages_keep_everything(db):
    cage, other = ordered_cage(days=[0]), make_cage()
    record_minute(other, slot("07:00"), status=Health.BAD)
    also_ordered = ordered_cage(days=[0])
    while purge.step(cage.id, NOW) is not None:
        pass
    assert left_of(other) == (1, 1, 1)
    assert left_of(also_ordered) == (2, 1, 1)


@pytest.mark.storage
def test_a_cage_without_any_minute_is_gone_in_one_step(db):
    cage = ordered_cage()
    assert purge.step(cage.id, NOW) is None
    assert left_of(cage) == (0, 0, 0)


@pytest.mark.parametrize(
    "fields", [{"purge_ordered_at": None}, {"purge_ordered_at": None, "archived_at": None}]
)
def test_without_an_order_nothing_is_deleted(db, fields):
    cage = ordered_cage(days=[0], **fields)
    assert purge.step(cage.id, NOW) is None
    assert left_of(cage) == (2, 1, 1)


def test_a_cage_that_is_gone_already_is_done(db):
    assert purge.step(2_147_483_647, NOW) is None


@pytest.mark.parametrize(
    ("cycle", "waits"),
    [("10:59", True), ("11:00", True), ("11:01", True), ("11:30", True), ("11:31", False)],
)
def test_it_waits_for_cycles_that_may_still_bring_a_record(db, cycle, waits):
    # One that was claimed while the archiving was under way begins after archived_at.
    cage = ordered_cage(days=[0])
    make_cycle(slot("10:00"), planned=1)
    make_cycle(slot(cycle), planned=1, finished=False)
    pause = purge.step(cage.id, NOW)
    assert pause == (purge.SECONDS_TO_WAIT_FOR_CYCLES if waits else purge.SECONDS_BETWEEN_STEPS)
    assert left_of(cage) == ((2, 1, 1) if waits else (0, 1, 1))


def test_the_task_does_one_step_and_orders_the_next(db, monkeypatch):
    cage = ordered_cage(days=[0])
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    orders = []
    monkeypatch.setattr(
        tasks.purge_cage, "apply_async", lambda args, countdown: orders.append((args, countdown))
    )
    tasks.purge_cage(cage.id)
    assert left_of(cage) == (0, 1, 1)
    assert orders == [((cage.id,), purge.SECONDS_BETWEEN_STEPS)]
    tasks.purge_cage(cage.id)
    assert left_of(cage) == (0, 0, 0)
    assert len(orders) == 1


@pytest.mark.django_db
def test_of_a_restore_and_an_order_to_purge_at_once_one_wins():
    cage = make_cage(archived_at=at("06:00"))
    seen_before = Cage.objects.get(pk=cage.pk)
    assert cage.restore(at("06:30"))
    assert not seen_before.order_purge(at("07:00"))
    cage.archive(at("07:01"))
    seen_before = Cage.objects.get(pk=cage.pk)
    assert cage.order_purge(at("07:02"))
    assert not seen_before.restore(at("07:03"))
    assert Cage.objects.archived().get().purge_ordered_at == at("07:02")
