"""What the ledger says of Neurocage itself: whether minutes are started, and whether they end."""

from datetime import timedelta

import pytest

from cages.models import PollCycle, Trouble, Watch
from tests.factories import MINUTE, at, make_cycle, slot

BEGIN = slot("07:00")


def line(begin, finished_after=None):
    """A line of the ledger, not kept; finished so many seconds after the minute's start."""
    finished_at = None if finished_after is None else begin + timedelta(seconds=finished_after)
    return PollCycle(slot=begin, started_at=begin, planned=1, finished_at=finished_at)


def trouble(newest, last_finished, now):
    return Watch(newest, last_finished, now).trouble


def test_a_ledger_without_a_line_has_had_no_cycle_yet():
    assert trouble(None, None, at("07:00:30")) == Trouble.NO_CYCLE_YET


@pytest.mark.parametrize(
    ("seconds", "found"), [(0, None), (90, None), (90.001, Trouble.NOT_STARTED)]
)
def test_minutes_are_not_started_any_more_90_seconds_after_the_newest_began(seconds, found):
    cycle = line(BEGIN, finished_after=56)
    assert trouble(cycle, cycle, BEGIN + timedelta(seconds=seconds)) == found


@pytest.mark.parametrize(
    ("seconds", "found"), [(0, None), (120, None), (120.001, Trouble.NOT_FINISHED)]
)
def test_minutes_are_not_finished_any_more_two_minutes_after_the_last_ended(seconds, found):
    last = line(BEGIN, finished_after=56)
    now = last.finished_at + timedelta(seconds=seconds)
    newest = line(now.replace(second=0, microsecond=0))
    assert trouble(newest, last, now) == found


def test_whenever_in_a_minute_beat_dies_it_is_known_91_seconds_later():
    # Beat had started this minute before it died in it.
    cycle = line(BEGIN, finished_after=58)
    for died_at in range(60):
        now = BEGIN + timedelta(seconds=died_at + 91)
        assert trouble(cycle, cycle, now) == Trouble.NOT_STARTED


def test_what_is_not_started_is_not_called_unfinished():
    last, newest = line(BEGIN, finished_after=3), line(BEGIN + MINUTE)
    assert trouble(newest, last, BEGIN + timedelta(hours=1)) == Trouble.NOT_STARTED
    assert trouble(newest, None, BEGIN + timedelta(hours=1)) == Trouble.NOT_STARTED


@pytest.mark.parametrize("minutes", [0, 1, 60])
def test_pollers_dead_from_the_first_minute_on_are_told_from_a_dead_beat(minutes):
    now = BEGIN + minutes * MINUTE + timedelta(seconds=30)
    assert trouble(line(BEGIN + minutes * MINUTE), None, now) == Trouble.NOT_FINISHED


def test_an_end_that_a_clock_ahead_noted_counts_as_the_beginning():
    last = line(BEGIN, finished_after=7 * 86_400)
    assert trouble(last, last, BEGIN + MINUTE) is None
    now = BEGIN + 2 * MINUTE + timedelta(seconds=1)
    assert trouble(line(now), last, now) == Trouble.NOT_FINISHED


def test_a_late_minute_that_is_started_at_last_ends_the_warning():
    last = line(BEGIN, finished_after=56)
    now = BEGIN + timedelta(seconds=100)
    assert trouble(last, last, now) == Trouble.NOT_STARTED
    assert trouble(line(BEGIN + MINUTE), last, now) is None


# The query


@pytest.mark.django_db
@pytest.mark.parametrize("cycles", [0, 1, 200])
def test_the_ledger_is_read_with_one_query_however_long_nothing_was_finished(
    django_assert_num_queries, cycles
):
    make_cycle(BEGIN - 2 * MINUTE, planned=1)
    make_cycle(BEGIN - MINUTE, planned=1)
    for number in range(cycles):
        make_cycle(BEGIN + number * MINUTE, planned=1, finished=False)
    with django_assert_num_queries(1):
        watch = PollCycle.objects.watch(BEGIN + cycles * MINUTE)
    assert watch.newest.slot == BEGIN + (cycles - 1) * MINUTE
    assert watch.last_finished.slot == BEGIN - MINUTE


@pytest.mark.django_db
def test_cycles_that_finish_out_of_turn_are_told_apart_by_their_minute():
    make_cycle(BEGIN, planned=1, finished_at=BEGIN + 5 * MINUTE)
    make_cycle(BEGIN + MINUTE, planned=1)
    assert PollCycle.objects.watch(BEGIN).last_finished.slot == BEGIN + MINUTE


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("ahead", "is_wrong"), [(timedelta(seconds=60), False), (timedelta(seconds=61), True)]
)
def test_a_slot_more_than_a_minute_ahead_means_a_wrong_clock(ahead, is_wrong):
    now = BEGIN - ahead
    make_cycle(BEGIN, planned=1)
    make_cycle(now - MINUTE, planned=1, finished_at=now)
    watch = PollCycle.objects.watch(now)
    assert (watch.trouble == Trouble.CLOCK_WRONG) is is_wrong
    assert watch.ahead_by == (ahead if is_wrong else timedelta())
    assert watch.newest.slot == (now - MINUTE if is_wrong else BEGIN)


@pytest.mark.django_db
def test_what_is_ahead_hides_no_other_trouble():
    now = BEGIN - timedelta(hours=2)
    make_cycle(BEGIN, planned=1)
    assert PollCycle.objects.watch(now).trouble == Trouble.CLOCK_WRONG
    make_cycle(now - timedelta(minutes=5), planned=1)
    watch = PollCycle.objects.watch(now)
    assert (watch.trouble, watch.ahead.slot) == (Trouble.NOT_STARTED, BEGIN)


@pytest.mark.django_db
def test_an_empty_ledger_has_neither():
    now = at("07:00:30")
    assert PollCycle.objects.watch(now) == Watch(newest=None, last_finished=None, now=now)
