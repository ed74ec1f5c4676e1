"""Replaying the rule in force over stored minutes gives exactly the concerns that were raised."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from cages.history.minutes import minutes_of
from cages.history.window import Window
from cages.models import Outcome, Poll
from cages.polling.recorder import record
from tests.factories import MINUTE, make_cage, result_of, slot
from tests.welfare.conftest import add_default_rules
from tests.welfare.judging import SECONDS, B, N, O, P, S, edges_of, pass_minute, set_rule
from welfare import late, pieces
from welfare.models import Concern, Ending, Kind
from welfare.rules import bad_long
from welfare.rules.parameters import BadLong

FIRST = slot("07:00")
# Small, so that short stories reach every state.
RULE = BadLong(window_minutes=6, share_percent=80, least_known=3, over_percent=50)
OTHER_RULE = BadLong(window_minutes=5, share_percent=60, least_known=3, over_percent=40)
# Runs of one result, as minutes that each are at random hardly ever make a condition: (result, how
# many minutes, what arrives late instead where they are skipped, after how many more minutes).
RUNS = st.lists(
    st.tuples(
        st.sampled_from([B, B, O, N, S, S, S, None]),
        st.integers(1, 9),
        st.sampled_from([B, B, O, P, N]),
        st.integers(1, 8),
    ),
    min_size=4,
    max_size=9,
)


class Replay(TestCase):
    @given(RUNS, st.sets(st.integers(0, 60)), st.none() | st.integers(1, 50))
    @settings(max_examples=30)
    def test_it_gives_the_concerns_that_were_raised(self, runs, unjudged, rule_at):
        """unjudged: minutes whose message was lost. rule_at: when another edition is in force."""
        add_default_rules()
        set_rule(Kind.BAD_LONG, FIRST - 60 * MINUTE, **_fields(RULE))
        if rule_at is not None:
            set_rule(Kind.BAD_LONG, FIRST + rule_at * MINUTE, **_fields(OTHER_RULE))
        cage, other = make_cage(), make_cage()
        polls, arrivals = [], []
        for result, count, late_result, delay in runs:
            minutes = range(len(polls), len(polls) + count)
            polls += [result] * count
            if result == S:
                arrivals += [(number, late_result, minutes[-1] + delay) for number in minutes]
        polls += [O]
        for number, result in enumerate(polls):
            moment = FIRST + number * MINUTE
            if result is not None:
                is_judged = number not in unjudged or number == len(polls) - 1
                pass_minute(moment, {cage: result, other: O}, judges=is_judged)
            for about, late_result, arrives in arrivals:
                if arrives == number:
                    self.arrive(cage, FIRST + about * MINUTE, late_result, moment + SECONDS)
        replayed = self.replay(cage, len(polls), rule_at)
        assert edges_of(cage) == replayed
        supported = Concern.objects.filter(cage=cage, kind=Kind.BAD_LONG)
        assert {one.raised_slot for one in supported.exclude(ending=Ending.WITHDRAWN)} <= {
            moment for moment, begins in replayed if begins
        }
        lasts = bool(replayed) and replayed[-1][1]
        assert supported.filter(over_slot=None).count() == lasts

    def arrive(self, cage, moment, result, now):
        """What the recorder does with it, and what its message makes the judge do."""
        skipped = Poll.objects.filter(cage=cage, slot=moment, outcome=Outcome.SKIPPED)
        if skipped.exists():
            record(moment, [result_of(cage, result)], now=now)
            pieces.gate()
            late.judge_again(moment, [cage.pk], now)

    def replay(self, cage, count, rule_at):
        lead = 60
        window = Window(FIRST - lead * MINUTE, FIRST + count * MINUTE)
        codes = minutes_of([cage.pk], window)[cage.pk]
        cut = count if rule_at is None else min(rule_at, count)
        found = bad_long.edges(codes[: lead + cut], RULE, False, lead)
        is_on = bool(found) and found[-1][1]
        found += bad_long.edges(codes, OTHER_RULE, is_on, lead + cut)
        return [(window.start + index * MINUTE, begins) for index, begins in found]


def _fields(rule):
    return {name: getattr(rule, name) for name in BadLong.__slots__}
