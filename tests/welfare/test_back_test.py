"""A rule tried on stored minutes: what it would have raised, and what it would have missed."""

from datetime import timedelta

import numpy as np
import pytest

from cages.history.minutes import minute_number, minutes_of
from cages.history.window import Window
from cages.models import Cage, Health, Outcome
from people.access import Access
from people.models import Lab
from tests.factories import MINUTE, at, make_cage, make_user, slot, write_polls
from tests.pages import queries_of
from welfare.models import Concern, Finding, Kind, Rule, RuleEdition
from welfare.rules import back_test as back_tests
from welfare.rules import replay as replays
from welfare.rules.back_test import back_test
from welfare.rules.parameters import BadLong
from welfare.rules.replay import replay
from welfare.rules.sample import evenly
from welfare.rules.scopes import Scopes, cages_of
from welfare.rules.share_of_window import edges

NOW = at("09:00")
DEFAULT = BadLong()
STRICT = BadLong(window_minutes=60, share_percent=95, least_known=40)
pytestmark = pytest.mark.usefixtures("clock", "db")


def spell(cage, first, minutes, healths=(Health.BAD,)):
    """So many minutes from the slot `first` on, with these healths in turn."""
    polls = [(first + n * MINUTE, healths[n % len(healths)], 1500) for n in range(minutes)]
    write_polls(cage, polls)


def concern_of(cage, raised, finding):
    return Concern.objects.create(
        kind=Kind.BAD_LONG,
        subject=f"cage:{cage.pk}",
        cage=cage,
        raised_slot=raised,
        raised_at=raised,
        since=raised,
        finding=finding,
        closed_at=raised + timedelta(hours=1),
    )


def tried_of(rule, proposed, in_force, seen=None):
    """Of the last 7 days, for a reader who sees all cages, or these."""
    return back_test(rule, proposed, in_force, 7, NOW, Cage.objects.all() if seen is None else seen)


@pytest.fixture
def rule():
    return Rule.objects.get_or_create(kind=Kind.BAD_LONG, room=None, lab=None)[0]


@pytest.fixture
def cages(user):
    """Random cages: long Bad spells, gaps, misreadings, all in one night."""
    draw = np.random.default_rng(3)
    cages = [make_cage(owner=user) for _ in range(6)]
    ends = [Health.BAD, Health.OK, Health.PERFECT, Outcome.TIMEOUT, Outcome.SKIPPED]
    for cage in cages:
        begin, polls = slot("00:00") - 600 * MINUTE, []
        while begin < NOW - 90 * MINUTE:
            chances = draw.dirichlet([0.6, 0.3, 0.3, 0.3, 0.1])
            for _ in range(draw.integers(10, 90)):
                end = ends[draw.choice(5, p=chances)]
                polls.append((begin, end, None if end == Outcome.SKIPPED else 1500))
                begin += MINUTE
            begin += int(draw.integers(0, 30)) * MINUTE
        write_polls(cage, polls)
    return [cage.pk for cage in cages]


def begun(found):
    return sorted(zip(found.cage.tolist(), found.minute.tolist(), strict=True))


@pytest.mark.parametrize(("scan_share", "dense_share"), [(1, 1), (0, 1), (0, 0)])
def test_a_replay_finds_what_judging_every_minute_finds(
    cages, monkeypatch, scan_share, dense_share
):
    monkeypatch.setattr(replays, "SCAN_SHARE", scan_share)
    monkeypatch.setattr(replays, "DENSE_SHARE", dense_share)
    monkeypatch.setattr(replays, "MINUTES_AT_ONCE", 2000)
    monkeypatch.setattr(replays, "CAGES_AT_ONCE", 4)
    monkeypatch.setattr(replays, "FOLLOWED_MINUTES", 7)
    monkeypatch.setattr(replays, "SPANS_A_QUERY", 2)
    rules = [DEFAULT, BadLong(20, 70, 8, 40), BadLong(5, 100, 3, 99)]
    window = Window(slot("00:00"), NOW)
    wide = Window(slot("00:00") - timedelta(days=1), NOW)
    codes = minutes_of(cages, wide)
    matrix = np.array([list(codes[cage]) for cage in cages], np.uint8)
    for rule, found in zip(rules, replay(cages, window, rules), strict=True):
        judged = edges(matrix, rule)
        minutes = judged.minute + minute_number(wide.start)
        wanted = judged.begins & (minutes >= minute_number(window.start))
        assert wanted.any()
        rows = np.array(cages)[judged.row[wanted]].tolist()
        assert begun(found) == sorted(zip(rows, minutes[wanted].tolist(), strict=True))


def test_what_lasts_when_the_window_begins_is_not_raised_in_it(user):
    cage = make_cage(owner=user)
    spell(cage, slot("05:00"), 180)
    assert begun(replay([cage.pk], Window(slot("06:00"), NOW), [DEFAULT])[0]) == []
    assert len(begun(replay([cage.pk], Window(slot("05:00"), NOW), [DEFAULT])[0])) == 1


def test_a_back_test_counts_cages_and_nights(rule, user):
    one, other = make_cage(owner=user), make_cage(owner=user)
    spell(one, slot("05:00"), 60)
    spell(one, slot("06:00"), 60, [Health.OK])
    spell(one, slot("07:30"), 60)
    spell(other, slot("08:00"), 50)
    tried = tried_of(rule, DEFAULT, STRICT)
    proposed = tried.proposed
    assert (tried.cages, tried.cages_of_rule, tried.is_sample) == (2, 2, False)
    # 05:17 is night, 07:48 and 08:17 are day.
    assert (proposed.raised, proposed.cages, proposed.at_night) == (3, 2, 1)
    assert tried.a_day(proposed) == pytest.approx(3 / 7)
    assert tried.in_force.raised == 3


def test_a_back_test_says_which_cases_a_rule_would_have_missed(rule, user):
    caught, missed, healthy = (make_cage(owner=user) for _ in range(3))
    for cage, minutes in ((caught, 60), (missed, 25), (healthy, 60)):
        spell(cage, slot("05:00"), minutes)
    concern_of(caught, slot("05:20"), Finding.SICK)
    lost = concern_of(missed, slot("05:20"), Finding.DEAD)
    concern_of(healthy, slot("05:20"), Finding.NORMAL)
    tried = tried_of(rule, STRICT, DEFAULT)
    assert tried.cases == 2
    proposed, in_force = tried.proposed, tried.in_force
    assert (proposed.raised, proposed.found_real, proposed.found_other) == (2, 1, 1)
    assert [case.concern_id for case in proposed.missed] == [lost.pk]
    assert (in_force.caught, in_force.missed, in_force.not_found) == (2, (), 0)


def test_missed_cases_in_cages_that_the_reader_does_not_see_are_only_counted(rule, user):
    mine, theirs = make_cage(owner=user), make_cage("Secret")
    for cage in (mine, theirs):
        spell(cage, slot("05:00"), 25)
        concern_of(cage, slot("05:20"), Finding.DEAD)
    tried = tried_of(rule, STRICT, DEFAULT, Access(user).sees(Cage.objects.all()))
    assert (tried.cases, tried.proposed.caught, tried.proposed.missed_more) == (2, 0, 1)
    assert [case.label for case in tried.proposed.missed] == [mine.label]


def test_a_drill_is_no_case(rule, user):
    cage = make_cage(owner=user)
    concern = concern_of(cage, slot("05:20"), Finding.SICK)
    Concern.objects.filter(pk=concern.pk).update(is_drill=True)
    assert tried_of(rule, DEFAULT, None).cases == 0


def test_of_more_cages_than_can_be_replayed_some_are_taken_from_everywhere(rule, user, monkeypatch):
    ids = [make_cage(owner=user).pk for _ in range(10)]
    monkeypatch.setattr(back_tests, "CAGE_DAYS_MOST", 5 * 7)
    tried = tried_of(rule, DEFAULT, None)
    assert (tried.cages, tried.cages_of_rule, tried.is_sample) == (5, 10, True)
    assert evenly(ids, 5) == ids[::2]


def test_the_number_of_queries_does_not_grow_with_cages_that_are_well(rule, user):
    make_cage(owner=user)
    few = queries_of(tried_of, rule, DEFAULT, None)
    for _ in range(20):
        make_cage(owner=user)
    assert queries_of(tried_of, rule, DEFAULT, None) == few


def in_force(rule):
    return RuleEdition.objects.create(rule=rule, proposed_at=NOW, in_force_since=NOW)


def test_a_rule_is_tried_on_the_cages_that_it_judges(rule):
    ruth, eve = make_user("ruth"), make_user("eve")
    plain = make_cage(owner=ruth)
    roomed = make_cage(owner=ruth, room="R1")
    both = make_cage(owner=eve, room="R1")
    make_cage(owner=ruth, is_polled=False)
    of_room = Rule.objects.create(kind=Kind.BAD_LONG, room=roomed.room)
    of_lab = Rule.objects.create(kind=Kind.BAD_LONG, lab=Lab.objects.get(own_of=eve))
    assert set(cages_of(rule)) == {plain, roomed, both}
    editions = {each: in_force(each).pk for each in (of_room, of_lab)}
    assert set(cages_of(rule)) == {plain}
    assert set(cages_of(of_room)) == {roomed}
    assert set(cages_of(of_lab)) == {both}
    scopes = Scopes.at(NOW + MINUTE)
    for each, cage in ((of_room, roomed), (of_lab, both)):
        found = scopes.of(Kind.BAD_LONG, cage.lab_id, cage.room_id)
        assert found.edition_id == editions[each]
    assert Cage.objects.count() == 4
