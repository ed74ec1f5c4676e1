"""Figures about the rules: from findings, and of what one person has to bear."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from people.access import Access
from tests.factories import MINUTE, at, make_cage, make_user
from tests.welfare.factories import make_concern
from welfare import desk
from welfare.models import Act, Concern, Finding, Kind, Reason
from welfare.quality import load_of, quality_of, stale_in, times_of, wilson

NOW = at("12:00")
START = NOW - timedelta(days=30)


@pytest.fixture
def staff_access(staff):
    return Access(staff)


def figures(access, start=START):
    return quality_of(Concern.objects.seen_by(access), start, NOW)


# From Newcombe (1998), table I, method 3.
@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    [(81, 263, 25.53, 36.62), (15, 148, 6.24, 16.05), (0, 20, 0, 16.11), (1, 29, 0.61, 17.18)],
)
def test_the_interval_is_that_of_wilson(count, total, low, high):
    assert wilson(count, total) == pytest.approx((low, high), abs=0.01)


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_share(counts):
    count, total = counts
    low, high = wilson(count, total)
    assert 0 <= low <= 100 * count / total + 1e-9
    assert 100 * count / total - 1e-9 <= high <= 100


def test_nothing_has_no_interval():
    assert wilson(0, 0) is None


@pytest.mark.parametrize(("count", "median", "p90"), [(1, 1, 1), (10, 5.5, 9), (11, 6, 10)])
def test_times_have_a_median_and_a_90th_percentile(count, median, p90):
    times = times_of(number * MINUTE for number in range(count, 0, -1))
    assert (times.count, times.median, times.p90) == (count, median * MINUTE, p90 * MINUTE)


def test_each_concern_is_real_not_real_or_without_a_finding(staff, staff_access):
    for finding in (Finding.SICK, Finding.BEDDING, Finding.NORMAL, Finding.SENSOR, None):
        concern = make_concern(make_cage())
        if finding:
            desk.find(concern.pk, staff, finding, "", NOW)
    (rule,) = figures(staff_access).rules
    assert (rule.raised, rule.real, rule.not_real, rule.unknown) == (5, 2, 2, 1)
    assert rule.precision.percent == 50


def test_a_sensor_at_fault_makes_a_concern_about_sensors_real(staff, staff_access):
    concern = make_concern(make_cage(), Kind.SENSOR_WEAK)
    desk.find(concern.pk, staff, Finding.SENSOR, "", NOW)
    (rule,) = figures(staff_access).rules
    assert (rule.real, rule.not_real) == (1, 0)


def test_times_are_from_the_raising_on(staff, staff_access):
    concern = make_concern(make_cage(), raised="07:00")
    desk.acknowledge(concern.pk, staff, Reason.LOOKED, "", at("07:04"))
    desk.find(concern.pk, staff, Finding.SICK, "", at("07:30"))
    (rule,) = figures(staff_access).rules
    assert (rule.seen.median, rule.found.median) == (4 * MINUTE, 30 * MINUTE)


def test_drills_are_never_counted(staff_access):
    make_concern(make_cage(), is_drill=True)
    found = figures(staff_access)
    assert (found.rules, found.top_cages, found.load.raised) == ([], [], 0)


def test_only_what_was_raised_within_the_window_is_counted(staff_access):
    make_concern(make_cage(), raised_at=START - MINUTE)
    make_concern(make_cage(), raised_at=START)
    found = figures(staff_access)
    assert (found.rules[0].raised, found.load.raised) == (1, 1)


def test_a_person_reads_figures_of_what_that_person_sees(db):
    owner = make_user("owner")
    make_concern(make_cage(owner=owner))
    make_concern(make_cage())
    assert figures(Access(owner)).load.raised == 1


def test_the_cages_with_the_most_concerns_stand_first(staff_access):
    often, once = make_cage("Often"), make_cage("Once")
    make_concern(once)
    make_concern(often)
    make_concern(often, Kind.UNSEEN)
    top = figures(staff_access).top_cages
    assert [(label, count) for _id, label, count in top] == [("Often", 2), ("Once", 1)]


def test_what_nobody_has_acknowledged_for_a_day_is_stale(staff, staff_access):
    stale = make_concern(make_cage(), raised_at=NOW - timedelta(hours=24))
    seen = make_concern(make_cage(), raised_at=NOW - timedelta(hours=30))
    desk.acknowledge(seen.pk, staff, Reason.LOOKED, "", NOW)
    make_concern(make_cage(), raised_at=NOW - timedelta(hours=23))
    assert list(stale_in(Concern.objects.seen_by(staff_access), NOW)) == [stale]


# What one person has to bear


def load(*minutes, what="a"):
    moments = [(START + minute * MINUTE, what) for minute in minutes]
    return load_of(moments, START, START + timedelta(days=1))


def test_one_in_ten_minutes_is_borne_and_two_are_not():
    assert load(0, 10, 20).is_span_borne
    assert not load(0, 9).is_span_borne
    assert (load(0, 9).crowded.count, load(0, 9).crowded.total) == (1, 144)


def test_150_a_day_are_borne_and_151_are_not():
    # At noon a facility day is within one UTC day.
    noon = START.replace(hour=0)
    day = timedelta(days=1)
    moments = [(noon + number * MINUTE, str(number)) for number in range(151)]
    assert load_of(moments[:150], noon, noon + day).is_day_borne
    assert not load_of(moments, noon, noon + day).is_day_borne


def test_more_than_ten_in_ten_minutes_are_a_flood():
    assert load(*[0] * 10).flooded.count == 0
    assert load(*[0] * 11).flooded.count == 1


def test_a_flood_is_borne_below_one_percent_of_the_time():
    # A day has 144 spans: one is 0.7 %, two are 1.4 %.
    assert load(*[0] * 11).is_flood_borne
    assert not load(*[0] * 11, *[20] * 11).is_flood_borne


def test_three_times_within_an_hour_is_chattering():
    assert load(0, 30, 59).chattering == 1
    assert load(0, 30, 60).chattering == 0
    assert load_of([(START, "a"), (START, "b"), (START, "c")], START, NOW).chattering == 0


def test_a_concern_that_is_there_again_counts_as_raised_again(staff_access):
    concern = make_concern(make_cage())
    for minutes in (10, 20):
        desk.note(concern, Act.AGAIN, concern.raised_at + minutes * MINUTE)
    found = figures(staff_access).load
    assert (found.raised, found.chattering) == (3, 1)


def test_the_page_tells_shares_with_their_denominators(client_of, staff, clock):
    clock(NOW)
    for finding in (Finding.SICK, Finding.NORMAL):
        desk.find(make_concern(make_cage()).pk, staff, finding, "", NOW)
    page = " ".join(client_of(staff).get("/concerns/quality/?days=7").content.decode().split())
    assert "1 of 2; 95 % interval 9 to 91 %" in page
