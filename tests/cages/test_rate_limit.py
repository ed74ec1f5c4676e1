"""Buckets of units: what they hold, when they fill, in Redis and without it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from cages import rate_limit
from cages.rate_limit import Refusal, take
from tests.factories import at

NOW = at("07:10:30")


@pytest.fixture(params=["in Redis", "without Redis"])
def name(request, settings, monkeypatch):
    """That of a bucket which nobody has used."""
    if request.param == "without Redis":
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(rate_limit, "_own_buckets", rate_limit._OwnBuckets())
    return new_name()


def new_name():
    return f"test-{uuid4()}"


def later(seconds):
    return NOW + timedelta(seconds=seconds)


def test_an_unused_bucket_is_full_and_holds_no_more(name):
    assert [take(name, 3, NOW) for _ in range(4)] == [None, None, None, Refusal(0, 20)]
    other = new_name()
    assert take(other, 3, later(999)) is None


def test_units_come_back_one_after_the_other(name):
    take(name, 3, NOW, 3)
    assert take(name, 3, later(19)) == Refusal(0, 1)
    assert take(name, 3, later(20)) is None
    assert take(name, 3, later(20)) == Refusal(0, 20)
    assert take(name, 3, later(59), 2) == Refusal(1, 1)
    assert take(name, 3, later(60), 2) is None


def test_a_bucket_that_rests_for_long_holds_no_more_than_when_it_was_new(name):
    take(name, 3, NOW, 3)
    assert take(name, 3, later(3600), 3) is None
    assert take(name, 3, later(3600)) == Refusal(0, 20)


def test_what_is_refused_costs_nothing(name):
    take(name, 10, NOW, 7)
    assert [take(name, 10, NOW, 4) for _ in range(5)] == [Refusal(3, 6)] * 5
    assert take(name, 10, NOW, 3) is None


def test_a_clock_that_was_ahead_shuts_nobody_out_for_longer_than_a_bucket_fills_in(name):
    take(name, 3, later(90_000), 3)
    assert take(name, 3, NOW) == Refusal(0, 20)
    take(name, 3, later(20))
    assert take(name, 3, later(40)) is None


def test_a_clock_that_goes_back_a_little_gives_no_units(name):
    take(name, 3, NOW, 3)
    assert take(name, 3, later(-1)) == Refusal(0, 20)


def test_requests_at_the_same_moment_do_not_take_the_same_units(name):
    with ThreadPoolExecutor(8) as threads:
        took = list(threads.map(lambda _: take(name, 30, NOW), range(60)))
    assert took.count(None) == 30


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 10)), max_size=40))
@hypothesis_settings(max_examples=30)
def test_nobody_gets_more_than_a_full_bucket_and_what_came_back(asked):
    name, seconds, got = new_name(), 0, 0
    for pause, units in asked:
        seconds += pause
        refusal = take(name, 10, later(seconds), units)
        if refusal is None:
            got += units
        else:
            # What is said is true, and not a second too much.
            seconds += refusal.seconds - 1
            assert take(name, 10, later(seconds), units) is not None
            seconds += 1
            assert take(name, 10, later(seconds), units) is None
            got += units
        assert got <= 10 + 10 * seconds / 60


def test_without_redis_a_process_keeps_so_many_buckets_and_lets_others_pass(settings, monkeypatch):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(rate_limit, "_own_buckets", rate_limit._OwnBuckets())
    monkeypatch.setattr(rate_limit, "NAMES_AT_MOST", 2)
    names = [new_name() for _ in range(3)]
    for each in names:
        take(each, 1, NOW)
    assert [take(each, 1, NOW) is None for each in names] == [False, False, True]
    # Those that are full again make room.
    assert [take(names[2], 1, later(60)) is None for _ in range(2)] == [True, False]
