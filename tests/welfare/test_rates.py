"""The rule "Bad for long" over many minutes at once, and how often chance alone raises it."""

import json

import numpy as np
import pytest
from django.core.cache import cache
from hypothesis import given
from hypothesis import strategies as st

from cages.models import Health, Minute, Outcome
from cages.models.minute import KNOWN
from tests.factories import at, make_cage, slot, write_polls
from tests.pages import queries_of
from welfare.rules import bad_long, rates
from welfare.rules.parameters import UNSEEN_MINUTES, BadLong
from welfare.rules.rates import Rate, Shares, facility_shares, rate_of
from welfare.rules.share_of_window import edges, edges_of

NOW = at("09:30")
SHORT = BadLong(window_minutes=10, share_percent=80, least_known=5, over_percent=50)


def edges_minute_by_minute(codes, rule, is_on):
    """The rule in the words of the design, one minute after the other."""
    found = []
    for minute in range(len(codes)):
        window = codes[max(0, minute - rule.window_minutes + 1) : minute + 1]
        known = sum(code in KNOWN for code in window)
        bad = window.count(Minute.BAD)
        is_seen = any(
            code in KNOWN for code in codes[max(0, minute - UNSEEN_MINUTES + 1) : minute + 1]
        )
        if known < rule.least_known or not is_seen:
            continue
        if not is_on and 100 * bad >= rule.share_percent * known:
            is_on = True
            found.append((minute, True))
        elif is_on and 100 * bad < rule.over_percent * known:
            is_on = False
            found.append((minute, False))
    return found, is_on


@st.composite
def rules(draw):
    window = draw(st.integers(5, 60))
    share = draw(st.integers(51, 100))
    return BadLong(
        window_minutes=window,
        share_percent=share,
        least_known=draw(st.integers(3, min(window, 20))),
        over_percent=draw(st.integers(1, min(share, 99))),
    )


# Runs of one code, so that windows are full of Bad now and then, and cages are unseen for long.
RUNS = st.lists(st.tuples(st.sampled_from(list(Minute)), st.integers(1, 40)), max_size=12)


@given(rules(), st.lists(st.tuples(RUNS, st.booleans()), min_size=1, max_size=4))
def test_many_minutes_at_once_have_the_edges_of_each_minute_alone(rule, cages):
    rows = [[code for code, count in runs for _ in range(count)] for runs, _on in cages]
    width = max(map(len, rows))
    codes = np.array([row + [0] * (width - len(row)) for row in rows], np.uint8)
    found = edges(codes, rule, np.array([is_on for _runs, is_on in cages]))
    for number, (row, (_runs, is_on)) in enumerate(zip(codes.tolist(), cages, strict=True)):
        wanted, ends_on = edges_minute_by_minute(row, rule, is_on)
        of_row = found.row == number
        pairs = zip(found.minute[of_row].tolist(), found.begins[of_row].tolist(), strict=True)
        assert list(pairs) == bad_long.edges(bytes(row), rule, is_on) == wanted
        assert found.is_on[number] == ends_on


def test_minutes_of_the_lead_are_looked_back_at_and_not_judged():
    codes = np.full((1, 40), Minute.BAD, np.uint8)
    assert edges(codes, BadLong()).minute.tolist() == [17]
    assert edges(codes, BadLong(), lead=29).minute.tolist() == [29]


@pytest.mark.parametrize(("bad", "missing"), [(1 / 3, 0.25), (0.5, 0.25), (0.4, 0.6)])
def test_the_exact_rate_of_a_short_window_is_what_happens(bad, missing):
    rate = rate_of(SHORT, bad, missing)
    draw = np.random.default_rng(5)
    shape = (400, 5000)
    known = draw.random(shape) >= missing
    happened = edges_of(known & (draw.random(shape) < bad), known, SHORT, lead=100).begins.sum()
    expected = rate.a_day * 400 * 4900 / (24 * 60)
    assert rate.is_exact
    # Of so many, chance differs by less than this.
    assert abs(happened - expected) < 4.5 * expected**0.5 + 0.002 * expected


def test_a_drawn_rate_is_the_exact_one_within_its_error():
    exact = rates._rate_of(SHORT, 1 / 3, 0.25)
    drawn = rates._by_drawing(SHORT, 1 / 3, 0.25)
    assert 0 < drawn.error < 0.02 * exact.a_day
    assert abs(drawn.a_day - exact.a_day) < 4 * drawn.error


def test_a_drawn_rate_heeds_that_unseen_cages_are_not_judged():
    # Of windows of an hour with 3 known readings, most are of cages that were not seen lately.
    rule = BadLong(window_minutes=60, share_percent=100, least_known=3, over_percent=50)
    rate = rate_of(rule, 0.5, 0.95)
    draw = np.random.default_rng(6)
    shape = (1000, 6000)
    known = draw.random(shape) >= 0.95
    happened = edges_of(known & (draw.random(shape) < 0.5), known, rule, lead=500).begins.sum()
    simulated = happened * 24 * 60 / (1000 * 5500)
    assert abs(rate.a_day - simulated) < 4 * rate.error + 0.02 * simulated


def test_the_same_question_has_the_same_answer():
    rates._rate_of.cache_clear()
    first = rate_of(BadLong(), 1 / 3, 0.25)
    rates._rate_of.cache_clear()
    assert rate_of(BadLong(), 1 / 3, 0.25) == first
    assert not first.is_exact


def test_the_default_raises_a_fifth_of_a_false_concern_a_day_in_500_cages():
    assert rate_of(BadLong(), 1 / 3, 0.25).of(500).a_day == pytest.approx(0.18, abs=0.01)


@pytest.mark.parametrize(("bad", "missing"), [(0.0, 0.25), (1.0, 0.25), (0.3, 1.0)])
def test_nothing_is_raised_where_nothing_ever_changes(bad, missing):
    assert rate_of(BadLong(), bad, missing) == Rate(0.0)


@pytest.fixture
def hours(clock, user):
    """An hour of one cage: 20 Bad, 20 Ok, 20 without an answer, and one minute not watched."""
    cache.clear()
    cage = make_cage("A", user)
    ends = [Health.BAD, Health.OK, Outcome.TIMEOUT] * 20
    write_polls(cage, [(slot(f"07:{n:02}"), end, 1500) for n, end in enumerate(ends[:59])])


def test_the_shares_are_those_of_the_facility(hours):
    assert facility_shares(NOW) == Shares(
        bad=pytest.approx(0.5), missing=pytest.approx(19 / 59), known=40, asked=59, cages=1
    )


def test_the_shares_are_read_once_an_hour(hours):
    assert queries_of(facility_shares, NOW) == 2
    assert queries_of(facility_shares, NOW) == 0


def test_the_shares_are_of_some_cages_where_there_are_many(hours, user, monkeypatch):
    for number in range(3):
        write_polls(make_cage(owner=user), [(slot(f"07:0{number}"), Health.OK, 1500)])
    monkeypatch.setattr(rates, "SHARES_CAGES", 2)
    shares = facility_shares(NOW)
    assert (shares.cages, shares.asked) == (2, 60)


def test_shares_that_cannot_be_kept_are_read_each_time(hours):
    cache.set("facility-shares:2026-03-02T08", json.dumps({"bad": 1, "wrong": 2}))
    assert facility_shares(NOW).known == 40


@pytest.mark.usefixtures("db")
def test_without_any_minutes_the_shares_are_assumed():
    cache.clear()
    assert facility_shares(NOW).is_assumed
