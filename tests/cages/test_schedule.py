"""The schedule: which slot it is, who is due, how a slot is cut, and what became of lost shards."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cages.models import PollCycle
from cages.polling.schedule import CLOSE_AT_MOST, claim, cut, from_ranges, lost, to_ranges
from cages.slots import slot_of
from tests.factories import at, make_cage, make_cycle, slot


@pytest.mark.parametrize("clock", ["07:02", "07:02:00.000001", "07:02:30", "07:02:59.999999"])
def test_a_moment_lies_in_the_minute_that_it_shows(clock):
    assert slot_of(at(clock)) == slot("07:02")


def test_a_slot_is_a_utc_minute_whatever_the_zone_of_the_moment():
    kathmandu = datetime(2026, 3, 2, 11, 47, 30, tzinfo=ZoneInfo("Asia/Kathmandu"))
    assert slot_of(kathmandu) == datetime(2026, 3, 2, 6, 2, tzinfo=UTC)
    assert slot_of(kathmandu).tzinfo is UTC


def test_the_hour_that_summer_time_repeats_has_sixty_slots_twice():
    berlin = ZoneInfo("Europe/Berlin")
    first = datetime(2026, 10, 25, 2, 30, tzinfo=berlin, fold=0)
    second = first.replace(fold=1)
    assert slot_of(second) - slot_of(first) == timedelta(hours=1)


@pytest.mark.parametrize(
    ("ids", "text"),
    [
        ([], ""),
        ([7], "7"),
        ([1, 2], "1-2"),
        ([1, 2, 3, 7], "1-3,7"),
        ([2, 4, 6], "2,4,6"),
        ([1, 5, 6, 2_147_483_647], "1,5-6,2147483647"),
        (list(range(1, 50_001)), "1-50000"),
    ],
)
def test_ids_are_ranges_and_back(ids, text):
    assert to_ranges(ids) == text
    assert from_ranges(text) == ids


# Cutting


@pytest.mark.parametrize("count", [1, 2, 499, 500, 501, 1000, 1234, 2000, 20_000])
def test_every_id_is_in_one_shard_and_in_order(count):
    ids = list(range(10, 10 + count))
    shards = cut(ids, shard_size=500)
    assert [cage_id for shard in shards for cage_id in shard.cage_ids] == ids
    assert all(1 <= len(shard.cage_ids) <= 500 for shard in shards)


def test_nobody_gives_no_shard():
    assert cut([]) == []


def test_the_size_of_a_shard_is_a_setting(settings):
    settings.POLL_SHARD_SIZE = 3
    assert [len(shard.cage_ids) for shard in cut([1, 2, 3, 4, 5, 6, 7])] == [3, 3, 1]


@pytest.mark.parametrize(
    ("count", "seconds"), [(1, 0.02), (12, 0.24), (500, 10), (2000, 40), (50_000, 44)]
)
def test_polls_are_spread_gently_and_over_44_seconds_at_most(count, seconds):
    shards = cut(list(range(count)), shard_size=500)
    last = shards[-1]
    assert last.begin_seconds + last.spread_seconds == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("late", "end"), [(1, 45), (6, 50), (20, 50), (28, 50), (30, 52), (50, 72)]
)
def test_a_slot_that_begins_late_is_asked_up_to_twice_as_fast(late, end):
    shards = cut(list(range(50_000)), late_seconds=late)
    assert shards[0].begin_seconds == late
    assert shards[-1].begin_seconds + shards[-1].spread_seconds == pytest.approx(end)


def test_shards_follow_each_other_without_a_gap_at_one_pace():
    shards = cut(list(range(1300)), shard_size=500)
    assert shards[0].begin_seconds == 0
    for shard, following in zip(shards, shards[1:], strict=False):
        end = shard.begin_seconds + shard.spread_seconds
        assert following.begin_seconds == pytest.approx(end)
    paces = [shard.spread_seconds / len(shard.cage_ids) for shard in shards]
    assert paces == pytest.approx([paces[0]] * 3)


# Claiming


@pytest.mark.storage
def test_a_slot_is_claimed_once(db):
    first, second = make_cage(), make_cage()
    now = at("07:00:00.25")
    assert claim(slot("07:00"), now) == [first.id, second.id]
    cycle = PollCycle.objects.get()
    assert (cycle.slot, cycle.started_at, cycle.planned) == (slot("07:00"), now, 2)
    assert from_ranges(cycle.planned_ids) == [first.id, second.id]
    assert (cycle.finished_at, cycle.duration_ms, cycle.recorded) == (None, None, 0)


@pytest.mark.storage
def test_a_second_claim_gets_nothing_and_changes_nothing(db):
    make_cage()
    claim(slot("07:00"), at("07:00"))
    before = PollCycle.objects.values().get()
    make_cage()
    assert claim(slot("07:00"), at("07:00:05")) is None
    assert PollCycle.objects.values().get() == before


def test_each_slot_is_a_claim_of_its_own(db):
    cage = make_cage()
    assert claim(slot("07:00"), at("07:00")) == [cage.id]
    assert claim(slot("07:01"), at("07:01")) == [cage.id]


def test_archived_and_paused_cages_are_not_planned(db):
    make_cage(archived_at=at("06:00"))
    make_cage(is_polled=False)
    make_cage(is_polled=False, archived_at=at("06:00"))
    polled = make_cage()
    assert claim(slot("07:00"), at("07:00")) == [polled.id]
    assert PollCycle.objects.get().planned == 1


def test_without_cages_the_cycle_is_finished_and_whole(db):
    assert claim(slot("07:00"), at("07:00:01")) == []
    cycle = PollCycle.objects.finished().get()
    assert (cycle.planned, cycle.recorded, cycle.duration_ms) == (0, 0, 0)
    assert cycle.finished_at == at("07:00:01")
    assert claim(slot("07:00"), at("07:00:02")) is None


# Lost shards


def test_a_cycle_open_for_more_than_ten_minutes_has_lost_shards(db, caplog):
    make_cycle(slot("07:00"), planned=4, finished=False, answered=1, planned_ids="1-3,9")
    make_cycle(slot("07:02"), planned=1, finished=False, planned_ids="5")
    make_cycle(slot("07:01"), planned=1, planned_ids="5")
    make_cycle(slot("07:10"), planned=1, finished=False, planned_ids="6")
    assert list(lost(at("07:10"))) == []
    assert list(lost(at("07:12:01"))) == [(slot("07:00"), [1, 2, 3, 9]), (slot("07:02"), [5])]
    assert "lost shards" in caplog.text
    assert "1 of 4 recorded" in caplog.text


def test_lost_cycles_are_closed_oldest_first_and_a_few_at_a_time(db):
    first = slot("07:00")
    slots = [first + timedelta(minutes=number) for number in range(CLOSE_AT_MOST + 5)]
    for each in reversed(slots):
        make_cycle(each, planned=1, finished=False, planned_ids="1")
    found = [lost_slot for lost_slot, _ in lost(at("09:00"))]
    assert found == slots[:CLOSE_AT_MOST]
