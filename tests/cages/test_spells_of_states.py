"""A cage's state says the same as its stored minutes, in whatever order these were recorded."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from cages.history.minutes import KNOWN, minutes_of
from cages.history.spells import spells_in
from cages.history.window import Window
from cages.models import CageState, Health, Minute, Outcome, Poll
from cages.models.state import MINUTES_KEPT
from cages.polling.ahead import keep_to_the_present
from cages.polling.recorder import record
from cages.polling.states import LOOKED_AT, day_of
from cages.slots import FUTURE_TOLERANCE
from tests.factories import MINUTE, make_cage, record_minute, record_minutes, result_of, slot

# Over midnight, so that the day begins anew.
FIRST = slot("23:20")
ENDED = [*Health, *Health, Outcome.UNAVAILABLE, Outcome.SKIPPED]


@st.composite
def histories(draw):
    """[(minute, how its poll ended)], in the order of recording: some twice, some with a gap."""
    step = draw(st.sampled_from([1, 1, 2, 7]))
    healths = draw(st.sampled_from([ENDED, [Health.BAD, Health.BAD, Health.BAD, *ENDED]]))
    polls = draw(
        st.lists(
            st.tuples(st.integers(0, 40).map(lambda n: n * step), st.sampled_from(healths)),
            min_size=1,
            max_size=60,
        )
    )
    return draw(st.sampled_from([polls, sorted(polls, key=lambda poll: poll[0])]))


def record_all(cage, polls):
    for minute, ended in polls:
        record(FIRST + minute * MINUTE, [result_of(cage, ended)], FIRST)


def minutes_say(cage, newest):
    """The codes of the stored minutes from FIRST up to the slot `newest`."""
    return minutes_of([cage.pk], Window(FIRST, newest + MINUTE))[cage.pk]


def assert_equals_the_minutes(cage):
    state = CageState.objects.get(cage=cage)
    minutes = minutes_say(cage, state.outcome_slot)
    kept = state.minutes_until(state.outcome_slot + MINUTE, MINUTES_KEPT)
    assert kept == minutes[-MINUTES_KEPT:].rjust(MINUTES_KEPT, b"\0")
    spells = spells_in(minutes, FIRST)
    today = (Window.whole_day(day_of(state.outcome_slot)).start - FIRST) // MINUTE
    of_today = minutes[max(today, 0) :]
    assert state.day_known == sum(of_today.count(code) for code in KNOWN)
    if not spells:
        assert state.spell is None
        assert state.silent_count == minutes.count(Minute.NO_ANSWER)
        return
    spell, told = spells[-1], state.spell
    for name in ("status", "first", "last", "same", "known", "unanswered", "begins_known"):
        assert getattr(told, name) == getattr(spell, name), name
    after = minutes[(spell.last - FIRST) // MINUTE :]
    assert state.silent_count == after.count(Minute.NO_ANSWER)
    before = spells[-2] if spell.known == 1 and len(spells) > 1 else None
    assert (state.before_status, state.before_since, state.before_known, state.before_same) == (
        (before.status, before.first, before.known, before.same) if before else (None,) * 4
    )


@pytest.mark.storage
class StatesEqualMinutes(TestCase):
    @settings(max_examples=40)
    @given(histories())
    def test_for_any_minutes_in_any_order(self, polls):
        cage = make_cage()
        record_all(cage, polls)
        assert_equals_the_minutes(cage)

    @settings(max_examples=25)
    @given(histories(), st.integers(-2, 290), histories())
    def test_also_after_a_clock_was_set_back_below_some_of_them(self, polls, now, later):
        cage = make_cage()
        record_all(cage, polls)
        newest = FIRST + now * MINUTE
        past = Poll.objects.filter(slot__lte=newest).order_by("-slot")
        keep_to_the_present(newest - FUTURE_TOLERANCE)
        if not past:
            assert not CageState.objects.exists()
            return
        state = CageState.objects.get()
        assert (state.outcome_slot, state.outcome) == (past[0].slot, past[0].outcome)
        assert_equals_the_minutes(cage)
        # What was ahead is asked anew when its time comes.
        Poll.objects.filter(slot__gt=newest).delete()
        record_all(cage, later)
        assert_equals_the_minutes(cage)


@pytest.mark.django_db
def test_a_reading_of_days_ago_is_still_known_after_the_clock_was_set_back(user):
    cage = make_cage(owner=user)
    record_minute(cage, FIRST, Health.BAD)
    record_minute(cage, FIRST + timedelta(days=3), outcome=Outcome.TIMEOUT)
    record_minute(cage, FIRST + timedelta(days=9), Health.OK)
    keep_to_the_present(FIRST + timedelta(days=3))
    state = CageState.objects.get()
    assert (state.status, state.reading_slot, state.silent_count) == (Health.BAD, FIRST, 1)
    assert (state.outcome, state.known_count) == (Outcome.TIMEOUT, 1)


@pytest.mark.django_db
def test_a_late_reading_into_a_spell_of_days_needs_the_states_own_minutes_only(user, monkeypatch):
    cage = make_cage(owner=user)
    record_minutes(cage, FIRST, [Health.BAD, Health.OK])
    CageState.objects.update(status_since=FIRST - 3 * LOOKED_AT, known_count=4000, same_count=3990)
    record_minutes(cage, FIRST + 2 * MINUTE, [Health.OK, Health.OK, Outcome.SKIPPED, Health.OK])
    monkeypatch.delattr("cages.polling.states.minutes_of")
    record_minute(cage, FIRST + 4 * MINUTE, Health.BAD)
    state = CageState.objects.get()
    assert (state.status, state.status_since) == (Health.OK, FIRST - 3 * LOOKED_AT)
    assert (state.known_count, state.same_count) == (4004, 3993)


@pytest.mark.django_db
def test_a_reading_that_comes_days_late_counts_in_its_day_only(user):
    cage = make_cage(owner=user)
    record_minute(cage, FIRST, Health.OK)
    before = CageState.objects.values().get()
    record_minute(cage, FIRST - LOOKED_AT - timedelta(hours=1), Health.BAD)
    assert CageState.objects.values().get() == before
