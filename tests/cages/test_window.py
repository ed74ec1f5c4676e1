"""The span a page shows, and what its minutes add up to, whatever the clocks do."""

import random
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cages.history.window import Window
from cages.models import Health, Outcome
from tests.factories import FACILITY, MINUTE, at, make_cage, write_polls

SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)  # the days of 23 and 25 hours in Berlin


def today_in(zone, *moment):
    """Today's window where clocks in the zone show the moment: year, month, day, hour, minute."""
    zone = ZoneInfo(zone)
    return Window.today(datetime(*moment, tzinfo=zone).astimezone(UTC), zone)


def test_today_begins_at_the_facilitys_midnight_and_ends_with_the_last_full_minute():
    window = Window.today(at("07:02:59"), FACILITY)
    assert window == Window(start=at("00:00"), end=at("07:02"))
    assert window.minutes == 7 * 60 + 2


def test_the_zone_is_the_facilitys_unless_another_is_given():
    assert Window.today(at("00:30")) == Window.today(at("00:30"), FACILITY)
    assert Window.today(at("00:30"), UTC).start == datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("clock", "minutes"), [("00:00", 0), ("00:00:59", 0), ("00:01", 1), ("23:59:59", 1439)]
)
def test_minutes_are_those_that_are_over(clock, minutes):
    assert Window.today(at(clock), FACILITY).minutes == minutes


@pytest.mark.parametrize(
    ("day", "clock", "minutes"),
    [
        (SPRING, "01:59:30", 119),
        (SPRING, "03:00:30", 120),
        (SPRING, "23:59:30", 23 * 60 - 1),
        (AUTUMN, "02:59:30", 179),
        (AUTUMN, "03:00:30", 240),
        (AUTUMN, "23:59:30", 25 * 60 - 1),
    ],
)
def test_a_day_has_23_or_25_hours_when_the_clocks_change(day, clock, minutes):
    window = Window.today(at(clock, day), FACILITY)
    assert (window.start, window.minutes) == (at("00:00", day), minutes)


def test_the_hour_that_comes_twice_is_counted_twice():
    first = datetime(2026, 10, 25, 2, 30, tzinfo=FACILITY)
    second = first.replace(fold=1)
    counted = [Window.today(moment.astimezone(UTC), FACILITY).minutes for moment in (first, second)]
    assert counted == [150, 210]


@pytest.mark.parametrize(
    ("zone", "moment", "minutes"),
    [
        # Clocks in Cairo go from 00:00 to 01:00: the day has no midnight.
        ("Africa/Cairo", (2026, 4, 24, 1, 0), 0),
        ("Africa/Cairo", (2026, 4, 24, 23, 59), 23 * 60 - 1),
        # Clocks in Havana go from 01:00 back to 00:00: the day has two midnights.
        ("America/Havana", (2026, 11, 1, 23, 59), 25 * 60 - 1),
        # A zone of quarters of an hour, and a change by half an hour.
        ("Asia/Kathmandu", (2026, 3, 2, 0, 10), 10),
        ("Australia/Lord_Howe", (2026, 10, 4, 23, 59), 24 * 60 - 31),
        ("Pacific/Kiritimati", (2026, 3, 2, 12, 0), 720),
    ],
)
def test_a_day_is_right_wherever_the_facility_stands(zone, moment, minutes):
    assert today_in(zone, *moment).minutes == minutes


def test_a_window_without_minutes_has_no_hours_and_no_days():
    empty = Window.today(at("07:20:59"), FACILITY).since(at("07:20:30"))
    assert (empty.minutes, empty.hours(), empty.days(FACILITY)) == (0, [], [])


def test_a_window_never_ends_before_it_begins():
    # Every minute of two years in which the clocks changed, as they come.
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    for zone in map(ZoneInfo, ("Europe/Berlin", "America/Sao_Paulo", "Africa/Cairo")):
        for number in range(0, 2 * 365 * 24 * 60, 97):
            window = Window.today(moment + timedelta(minutes=number), zone)
            assert 0 <= window.minutes < 25 * 60


# What the minutes add up to


# What may have come of a minute. By name, since Health.OK and Outcome.UNAVAILABLE are both 2.
KINDS = {
    **{status.name: status for status in Health},
    **{outcome.name: outcome for outcome in Outcome if outcome != Outcome.ANSWERED},
    "NOT_WATCHED": None,
}


@dataclass
class Minute:
    slot: datetime
    kind: str
    latency_ms: int = 1500


def random_day(chance, window):
    """What came of each minute of the window, with chances of their own for this day."""
    weights = [chance.random() ** 3 for _ in KINDS]
    kinds = chance.choices(list(KINDS), weights, k=window.minutes)
    return [
        Minute(window.start + number * MINUTE, kind, chance.randint(1, 10_000))
        for number, kind in enumerate(kinds)
    ]


def write(cage, minutes):
    polls = [(minute.slot, KINDS[minute.kind], minute.latency_ms) for minute in minutes]
    write_polls(cage, [poll for poll in polls if poll[1] is not None])


def percentile(values, fraction):
    """As PostgreSQL's percentile_cont: between the two nearest of the sorted values."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * fraction
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


RANDOM_NOWS = [
    at("00:01"),
    at("00:07:59"),
    at("07:02:30"),
    at("13:37"),
    at("23:59:59"),
    at("01:59:30", SPRING),
    at("03:00:30", SPRING),
    at("23:59:30", SPRING),
    datetime(2026, 10, 25, 2, 30, tzinfo=FACILITY).astimezone(UTC),
    datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=FACILITY).astimezone(UTC),
    at("23:59:30", AUTUMN),
    *[at("12:00") + timedelta(minutes=random.Random(117).randint(0, 500_000)) for _ in range(4)],
]


@pytest.mark.parametrize("seed", range(len(RANDOM_NOWS)))
def test_on_any_day_the_parts_add_up_to_the_minutes_elapsed(client_of, user, monkeypatch, seed):
    now = RANDOM_NOWS[seed]
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)
    cage = make_cage(owner=user)
    midnight = datetime.combine(now.astimezone(FACILITY), datetime.min.time(), FACILITY)
    elapsed = int((now - midnight.astimezone(UTC)).total_seconds() // 60)
    window = Window.today(now)
    minutes = random_day(random.Random(seed), window)
    write(cage, minutes)
    # Minutes that belong to another day, or are not over yet.
    write(cage, [Minute(window.start - MINUTE, "BAD"), Minute(window.end, "BAD")])
    counts = Counter(minute.kind for minute in minutes)
    answered_ms = [minute.latency_ms for minute in minutes if minute.kind in Health.names]
    watched = elapsed - counts["NOT_WATCHED"]
    asked = watched - counts["SKIPPED"]

    shown = client_of(user).get(cage.get_absolute_url()).context
    health, sensor = shown["health_summary"], shown["sensor"]

    assert health.minutes == elapsed
    assert sum(share.count for share in health.shares) + health.not_known == elapsed
    assert health.by_status == {status: counts[status.name] for status in Health}
    assert health.not_watched == counts["NOT_WATCHED"] + counts["SKIPPED"]
    assert health.unanswered == asked - len(answered_ms)
    assert sensor.planned == watched
    assert sensor.requests == sensor.answered.total == asked
    assert sensor.answered.count == len(answered_ms)
    assert sensor.skipped == counts["SKIPPED"]
    assert sum(count for _, count in sensor.failures) == asked - len(answered_ms)
    assert shown["readings"].paginator.count == len(answered_ms)
    assert shown["requests"].paginator.count == watched
    if answered_ms:
        assert sensor.latency_p50_ms == pytest.approx(percentile(answered_ms, 0.5))
        assert sensor.latency_p95_ms == pytest.approx(percentile(answered_ms, 0.95))
        assert sensor.latency_max_ms == max(answered_ms)
    else:
        assert sensor.latency_p50_ms is sensor.latency_p95_ms is sensor.latency_max_ms is None
