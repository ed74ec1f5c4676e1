"""Rules wait while people work on a cage, and a replay of stored minutes waits as they did."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from cages.history.minutes import minute_number, minutes_of
from cages.history.window import Window
from cages.models import Cage
from cages.models.mark import BuiltIn
from cages.polling.recorder import record
from tests.factories import MINUTE, make_cage, make_mark, result_of, slot
from tests.pages import queries_of
from tests.welfare.conftest import add_default_rules
from tests.welfare.judging import (
    SECONDS,
    B,
    N,
    O,
    P,
    S,
    edges_of,
    open_concerns,
    pass_minute,
    pass_minutes,
    set_rule,
)
from welfare import late, pieces
from welfare.models import Kind
from welfare.rules import bad_long
from welfare.rules.handling import waiting
from welfare.rules.parameters import BadLong
from welfare.rules.replay import replay

FIRST = slot("07:00")
RULE = {"window_minutes": 6, "share_percent": 80, "least_known": 3, "over_percent": 50}
MARGIN = 5


@pytest.fixture(autouse=True)
def _margin(settings):
    settings.HANDLING_MARGIN_MINUTES = MARGIN


@pytest.fixture
def cage(db):
    set_rule(Kind.BAD_LONG, FIRST - 60 * MINUTE, **RULE)
    return make_cage(room="R1", rack="A")


def minute(number):
    return FIRST + number * MINUTE


def begun(cage):
    return [(when - FIRST) // MINUTE for when, begins in edges_of(cage) if begins]


def test_without_a_mark_a_cage_is_bad_for_long_as_soon_as_enough_is_known(cage):
    pass_minutes(FIRST, {cage: [B] * 20})
    assert begun(cage) == [2]


@pytest.mark.parametrize("place", ["cage", "rack", "room"])
def test_it_waits_inside_a_mark_and_for_the_margin_after_it(cage, place):
    where = cage if place == "cage" else getattr(cage, place)
    make_mark(where, minute(0) - MINUTE, minute(6))
    pass_minutes(FIRST, {cage: [B] * 20})
    assert begun(cage) == [6 + MARGIN + 1]


def test_what_is_no_handling_and_what_is_done_elsewhere_lets_nothing_wait(cage):
    make_mark(cage, minute(0) - MINUTE, minute(6), kind=BuiltIn.SENSOR_SWAPPED)
    make_mark(make_cage(room="R1", rack="B"), minute(0) - MINUTE, minute(6))
    make_mark(make_cage(room="R2").room, minute(0) - MINUTE, minute(6))
    pass_minutes(FIRST, {cage: [B] * 20})
    assert begun(cage) == [2]


def test_a_cage_that_came_into_the_room_later_does_not_wait(cage):
    make_mark(make_cage(room="R2").room, minute(0) - MINUTE, minute(6))
    Cage.objects.filter(pk=cage.pk).move("R2", "", minute(1))
    pass_minutes(FIRST, {cage: [B] * 20})
    assert begun(cage) == [2]


def test_it_is_over_inside_a_mark_as_anywhere(cage):
    pass_minutes(FIRST, {cage: [B] * 8})
    make_mark(cage, minute(8), minute(30), noted_at=minute(7))
    pass_minutes(minute(8), {cage: [P] * 8})
    assert [begins for _, begins in edges_of(cage)] == [True, False]


def test_a_concern_that_was_raised_before_the_mark_was_noted_stays(cage):
    pass_minutes(FIRST, {cage: [B] * 8})
    make_mark(cage, FIRST, minute(7), noted_at=minute(8))
    pass_minutes(minute(8), {cage: [B] * 4})
    record(minute(4), [result_of(cage, B)], now=minute(12))
    pieces.gate()
    late.judge_again(minute(1), [cage.pk], minute(12))
    assert begun(cage) == [2]
    assert len(open_concerns(Kind.BAD_LONG)) == 1
    found = replay([cage.pk], Window(FIRST, minute(12)), [BadLong(**RULE)])[0]
    assert found.minute.tolist() == [minute_number(minute(2))]


def test_it_does_not_wait_any_more_when_the_mark_is_withdrawn(cage):
    mark = make_mark(cage, FIRST - MINUTE, minute(12))
    pass_minutes(FIRST, {cage: [B] * 8})
    mark.withdrawn_at = minute(7)
    mark.save()
    pass_minutes(minute(8), {cage: [B] * 2})
    assert begun(cage) == [8]
    found = replay([cage.pk], Window(FIRST, minute(10)), [BadLong(**RULE)])[0]
    assert found.minute.tolist() == [minute_number(minute(8))]


def test_unseen_waits_inside_the_mark_and_not_after_it(cage):
    make_mark(cage, FIRST - MINUTE, minute(20))
    pass_minutes(FIRST, {cage: [O] + [N] * 20})
    assert open_concerns(Kind.UNSEEN) == []
    pass_minutes(minute(21), {cage: [N]})
    assert [one.raised_slot for one in open_concerns(Kind.UNSEEN)] == [minute(21)]


def test_marks_are_read_once_for_all_cages(cage):
    def read():
        return waiting(Window(FIRST, minute(6)))

    assert not read()
    make_mark(cage.rack, FIRST)
    few = queries_of(read)
    others = [make_cage(room="R1", rack="A") for _ in range(3)]
    for other in others:
        make_mark(other, FIRST)
    assert queries_of(read) == few == 2
    assert all(1 in read().mask(one.pk, Window(FIRST, minute(9))) for one in (cage, *others))


RUNS = st.lists(st.tuples(st.sampled_from([B, B, B, O, N, S, None]), st.integers(1, 9)), min_size=4)
# (minute in which it is noted, how long before it began, how long it took of that, after how many
# minutes it is withdrawn)
MARKS = st.lists(
    st.tuples(
        st.integers(0, 50),
        st.integers(0, 9),
        st.integers(0, 9),
        st.none() | st.integers(0, 12),
    ),
    max_size=4,
)


class Replay(TestCase):
    @given(RUNS, MARKS, st.sets(st.integers(0, 60)), st.sampled_from(["cage", "rack", "room"]))
    @hypothesis_settings(max_examples=25)
    def test_it_gives_the_concerns_that_were_raised(self, runs, marks, unjudged, where):
        add_default_rules()
        set_rule(Kind.BAD_LONG, FIRST - 60 * MINUTE, **RULE)
        cage, other = make_cage(room="R1", rack="A"), make_cage()
        place = cage if where == "cage" else getattr(cage, where)
        polls = [result for result, count in runs for _ in range(count)][:60] + [O]
        made = []
        for number, result in enumerate(polls):
            if result is not None:
                judges = number not in unjudged or number == len(polls) - 1
                pass_minute(minute(number), {cage: result, other: O}, judges=judges)
            for mark, gone in made:
                if gone == number:
                    mark.withdrawn_at = minute(number) + SECONDS
                    mark.save()
            for noted, back, length, withdrawn in marks:
                if noted == number:
                    start = minute(number - back)
                    end = min(start + length * MINUTE, minute(number))
                    mark = make_mark(place, start, end, noted_at=minute(number) + SECONDS)
                    made.append((mark, None if withdrawn is None else number + withdrawn + 1))
        window = Window(FIRST, minute(len(polls)))
        wide = Window(FIRST - 60 * MINUTE, window.end)
        codes = minutes_of([cage.pk], wide)[cage.pk]
        mask = waiting(wide).mask(cage.pk, window)
        one_by_one = bad_long.edges(codes, BadLong(**RULE), False, 60, mask)
        assert edges_of(cage) == [(wide.start + at * MINUTE, begins) for at, begins in one_by_one]
        found = replay([cage.pk], window, [BadLong(**RULE)])[0]
        begins = [minute_number(when) for when, begins in edges_of(cage) if begins]
        assert sorted(found.minute.tolist()) == begins


def test_a_mark_that_is_noted_long_after_it_changes_no_replay(cage):
    pass_minutes(FIRST, {cage: [B] * 12})
    make_mark(cage, FIRST, minute(3), noted_at=FIRST + timedelta(days=1))
    found = replay([cage.pk], Window(FIRST, minute(12)), [BadLong(**RULE)])[0]
    assert found.minute.tolist() == [minute_number(minute(2))]
