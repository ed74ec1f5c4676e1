"""Hours and days of a window: whatever the minutes and the clocks do, the parts add up to it, and
they say what the minutes themselves say."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from math import ceil

import pytest
from django.core.management import call_command
from django.test import override_settings
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from cages.history.buckets import buckets_of, percentile, total_of
from cages.history.minutes import minutes_of
from cages.history.span import LONGEST_DAYS, Span
from cages.history.summaries import health_of, sensor_in
from cages.history.window import Window
from cages.models import Health, Outcome
from cages.models.rollups import LATENCY_BINS, LATENCY_EDGES_MS, bin_widths, latency_bin
from tests.factories import MINUTE, at, make_cage, write_polls

DAY = timedelta(days=1)
# Around the changes of the clock in Berlin, and where nothing changes.
BEGINS = [
    datetime(2026, 3, 28, 10, tzinfo=UTC),
    datetime(2026, 10, 24, 10, tzinfo=UTC),
    datetime(2026, 2, 11, 3, tzinfo=UTC),
]
POLLS = st.lists(
    st.tuples(
        st.integers(0, 60 * 60), st.sampled_from([*Health, *Outcome]), st.integers(0, 11_000)
    ),
    max_size=40,
    unique_by=lambda poll: poll[0],
)


@pytest.mark.storage
class PartsAddUp(TestCase):
    @settings(max_examples=30)
    @given(
        st.sampled_from(BEGINS),
        POLLS,
        POLLS,
        st.integers(0, 60 * 60),
        st.integers(0, 60 * 60),
        st.booleans(),
        st.sampled_from(["Europe/Berlin", "Asia/Kolkata", "UTC", "Australia/Lord_Howe"]),
    )
    def test_in_any_window_of_any_minutes(self, begin, first, second, start, length, by_hour, zone):
        # The roll-ups by day are made for Berlin. In another zone the days begin at other moments
        # than PostgreSQL's, as they do where the two have different data of one zone.
        cages = [make_cage(), make_cage()]
        for cage, polls in zip(cages, (first, second), strict=True):
            write_polls(cage, [(begin + minute * MINUTE, *ended) for minute, *ended in polls])
        window = Window(begin + start * MINUTE, begin + (start + length) * MINUTE)
        with override_settings(TIME_ZONE=zone):
            found = buckets_of([cage.pk for cage in cages], window, by_hour)
        minutes = minutes_of([cage.pk for cage in cages], window)
        for cage in cages:
            buckets = found[cage.pk]
            assert sum(bucket.minutes for bucket in buckets) == window.minutes
            for bucket in buckets:
                health = bucket.health
                assert health.known + health.unanswered + health.not_watched == bucket.minutes
                part = (bucket.window.start - window.start) // MINUTE
                assert health == health_of(minutes[cage.pk][part : part + bucket.minutes])
            total = total_of(buckets, window)
            assert total.health == health_of(minutes[cage.pk])
            raw = sensor_in(cage, window)
            assert total.sensor.by_outcome == raw.by_outcome
            assert total.sensor.latency_max_ms == raw.latency_max_ms


@pytest.mark.storage
@pytest.mark.parametrize(
    ("zone", "day"),
    [
        # A midnight that comes twice, and one that never comes.
        ("Atlantic/Azores", date(2026, 10, 25)),
        ("America/Havana", date(2026, 11, 1)),
        ("Africa/Cairo", date(2026, 4, 24)),
    ],
)
def test_days_are_right_where_the_clock_is_set_at_midnight(storage_of_its_own, settings, zone, day):
    settings.FACILITY_TIME_ZONE = settings.TIME_ZONE = zone
    call_command("setup_storage")
    window = Window.of_days(day - DAY, day + DAY, datetime(2027, 1, 1, tzinfo=UTC))
    cage = make_cage()
    minutes = range(0, window.minutes, 10)
    write_polls(cage, [(window.start + n * MINUTE, Health.BAD, 1500) for n in minutes])
    call_command("setup_storage")
    buckets = buckets_of([cage.pk], window, by_hour=False)[cage.pk]
    assert [b.known for b in buckets] == [b.minutes // 10 for b in buckets]
    assert sorted(b.minutes for b in buckets) != [1440, 1440, 1440]


@pytest.mark.parametrize("by_hour", [True, False])
def test_the_queries_are_few_whatever_is_asked(db, django_assert_max_num_queries, by_hour):
    ids = [make_cage().pk for _ in range(8)]
    window = Window(at("07:13") - timedelta(days=60), at("07:02"))
    with django_assert_max_num_queries(3):
        assert len(buckets_of(ids, window, by_hour)) == 8


def test_days_have_23_24_or_25_hours():
    now = at("07:02") + timedelta(days=365)
    spring = Window.of_days(datetime(2026, 3, 28).date(), datetime(2026, 3, 30).date(), now)
    assert [part.minutes // 60 for _day, part in spring.days()] == [24, 23, 24]
    autumn = Window.of_days(datetime(2026, 10, 24).date(), datetime(2026, 10, 26).date(), now)
    assert [part.minutes // 60 for _day, part in autumn.days()] == [24, 25, 24]
    assert len(autumn.hours()) == 73


@given(st.lists(st.integers(0, 12_000), min_size=1), st.sampled_from([0.5, 0.95]))
def test_the_true_percentile_lies_within_the_bounds_that_are_told(latencies, fraction):
    told = percentile(Counter(map(latency_bin, latencies)), max(latencies), fraction)
    ordered = sorted(latencies)
    true = ordered[max(ceil(fraction * len(ordered)) - 1, 0)]
    assert told.low_ms <= true <= told.high_ms <= max(latencies)
    assert told.low_ms <= told.ms <= told.high_ms
    assert told.width_ms >= abs(told.ms - true)


def test_the_width_of_a_bin_is_told_where_it_is_wide():
    slow = percentile(Counter([latency_bin(7400)] * 100), 9000, 0.5)
    assert (slow.ms, slow.low_ms, slow.high_ms, slow.width_ms) == (6250, 5000, 7500, 2500)
    beyond = percentile(Counter([LATENCY_BINS[-1]] * 2), 10_300, 0.5)
    assert (beyond.low_ms, beyond.high_ms) == (LATENCY_EDGES_MS[-1], 10_300)
    assert bin_widths().startswith("50 ms up to 100 ms, 100 ms up to 300 ms, 200 ms up to 500 ms,")
    assert bin_widths().endswith("1000 ms up to 5000 ms, 2500 ms up to 10000 ms")


def test_without_answers_there_is_no_percentile():
    assert percentile(Counter(), None, 0.5) is None


@pytest.mark.parametrize(
    ("query", "name", "minutes", "days"),
    [
        ({}, "today", 422, 1),
        ({"span": "today"}, "today", 422, 1),
        ({"span": "nonsense"}, "today", 422, 1),
        ({"span": "24h"}, "24h", 1440, 2),
        ({"span": "7d"}, "7d", 6 * 1440 + 422, 7),
        ({"span": "30d"}, "30d", 29 * 1440 + 422, 30),
        ({"from": "2026-03-01"}, "custom", 1440, 1),
        ({"to": "2026-03-01"}, "custom", 1440, 1),
        ({"from": "2026-02-27", "to": "2026-03-01"}, "custom", 3 * 1440, 3),
        ({"from": "2026-03-02", "to": "2026-03-02"}, "today", 422, 1),
        ({"from": "2026-03-01", "to": "2026-03-09"}, "custom", 1440 + 422, 2),
        ({"from": "2025-03-29", "to": "2025-03-31", "span": "7d"}, "custom", 71 * 60, 3),
    ],
)
def test_an_address_names_its_window(query, name, minutes, days):
    span = Span.from_query(query, at("07:02:30"))
    assert (span.name, span.window.minutes, span.day_count) == (name, minutes, days)
    assert span.error == ""
    again = dict(pair.split("=") for pair in span.query.split("&"))
    assert Span.from_query(again, at("07:02:30")) == span


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"from": "yesterday"}, "Write a day like this: 2026-03-31."),
        ({"from": "2026-03-01", "to": "2026-02-30"}, "Write a day like this: 2026-03-31."),
        ({"from": "2026-03-02", "to": "2026-03-01"}, "The first day is after the last one."),
        ({"from": "2026-03-03"}, "These days are in the future."),
        ({"from": "2000-01-01", "to": "2026-03-01"}, f"At most {LONGEST_DAYS} days at a time."),
    ],
)
def test_days_that_make_no_sense_are_told(query, error):
    span = Span.from_query(query, at("07:02:30"))
    assert (span.error, span.name) == (error, "today")
