"""What makes a concern begin, last, end and come back."""

import pytest

from cages.polling.recorder import record
from people.models import Lab
from tests.factories import MINUTE, make_cage, make_user, result_of, slot
from tests.welfare.judging import (
    SECONDS,
    B,
    N,
    O,
    S,
    edges_of,
    open_concerns,
    pass_minute,
    pass_minutes,
    set_rule,
)
from welfare import desk, judge
from welfare.models import Act, Concern, Ending, Finding, JudgedSlot, Kind

pytestmark = pytest.mark.django_db
FIRST = slot("07:00")


def test_a_cage_that_has_been_bad_for_long_makes_a_concern():
    cage = make_cage()
    pass_minutes(FIRST, {cage: [B] * 17})
    assert open_concerns() == []
    pass_minute(FIRST + 17 * MINUTE, {cage: B})
    (concern,) = open_concerns()
    assert (concern.kind, concern.subject, concern.cage) == (Kind.BAD_LONG, f"cage:{cage.pk}", cage)
    assert concern.raised_slot == FIRST + 17 * MINUTE
    assert concern.since == FIRST
    assert not concern.is_since_known
    assert concern.facts == {"bad": 18, "known": 18, "minutes": 30}
    assert [entry.act for entry in concern.trail.all()] == [Act.RAISED]


def test_it_is_raised_once():
    cage = make_cage()
    pass_minutes(FIRST, {cage: [B] * 40})
    assert Concern.objects.count() == 1


def test_too_few_known_readings_make_no_concern():
    cage = make_cage()
    pass_minutes(FIRST, {cage: [B, N] * 20})
    assert Concern.objects.count() == 0


def test_the_share_must_reach_the_threshold():
    cage = make_cage()
    pass_minutes(FIRST, {cage: [B, B, B, B, O] * 8})
    assert Concern.objects.count() == 0


def test_it_is_over_only_below_the_lower_threshold_and_waits_for_a_finding():
    cage = make_cage()
    end = pass_minutes(FIRST, {cage: [B] * 30 + [O] * 15})
    (concern,) = open_concerns()
    assert concern.over_slot is None
    pass_minute(end, {cage: O})
    (concern,) = open_concerns()
    assert concern.over_slot == end
    assert concern.is_open
    assert [entry.act for entry in concern.trail.all()] == [Act.RAISED, Act.OVER]


def test_an_open_concern_goes_on_when_it_is_so_again():
    cage = make_cage()
    pass_minutes(FIRST, {cage: [B] * 30 + [O] * 20 + [B] * 30})
    (concern,) = Concern.objects.all()
    assert concern.over_slot is None
    assert [entry.act for entry in concern.trail.all()] == [Act.RAISED, Act.OVER, Act.AGAIN]


def test_one_that_a_vet_closed_comes_back_only_after_it_was_over():
    cage, vet = make_cage(), make_user()
    end = pass_minutes(FIRST, {cage: [B] * 30})
    (concern,) = open_concerns()
    desk.find(concern.pk, vet, Finding.SICK, "", end)
    end = pass_minutes(end, {cage: [B] * 10 + [O] * 20})
    concern.refresh_from_db()
    assert concern.over_slot is not None
    assert Concern.objects.count() == 1
    pass_minutes(end, {cage: [B] * 30})
    assert Concern.objects.count() == 2


def test_it_is_held_while_the_cage_is_unseen():
    cage, other = make_cage(), make_cage()
    end = pass_minutes(FIRST, {cage: [B] * 30 + [N] * 40, other: [O] * 70})
    concern = Concern.objects.get(kind=Kind.BAD_LONG)
    assert concern.over_slot is None
    assert concern.held_since == FIRST + 41 * MINUTE
    pass_minute(end, {cage: B, other: O})
    concern.refresh_from_db()
    assert concern.held_since is None
    assert Concern.objects.filter(kind=Kind.BAD_LONG).count() == 1


def test_twenty_minutes_without_neurocage_make_no_concern():
    cages = [make_cage() for _ in range(6)]
    end = pass_minutes(FIRST, {cage: [O] * 20 + [None] * 20 for cage in cages})
    pass_minutes(
        end,
        {cage: [N] * (number % 3) + [O] * (5 - number % 3) for number, cage in enumerate(cages)},
    )
    assert Concern.objects.count() == 0


def test_a_paused_cage_is_silent_and_its_health_still_needs_a_finding():
    bad, silent, other = make_cage(), make_cage(), make_cage()
    end = pass_minutes(FIRST, {bad: [B] * 20, silent: [N] * 20, other: [O] * 20})
    assert {one.kind for one in open_concerns()} == {Kind.BAD_LONG, Kind.UNSEEN}
    type(bad).objects.filter(pk__in=[bad.pk, silent.pk]).update(is_polled=False)
    pass_minute(end, {other: O})
    (concern,) = open_concerns()
    assert concern.kind == Kind.BAD_LONG
    assert concern.held_since == end
    closed = Concern.objects.get(kind=Kind.UNSEEN)
    assert (closed.ending, closed.over_slot) == (Ending.NOT_WATCHED, end)


def test_an_archived_cage_makes_no_concern():
    cage, other = make_cage(), make_cage()
    end = pass_minutes(FIRST, {cage: [B] * 17, other: [O] * 17})
    type(cage).objects.filter(pk=cage.pk).update(archived_at=end)
    pass_minute(end, {cage: B, other: O})
    assert Concern.objects.count() == 0


def test_a_rule_that_is_switched_off_says_nothing():
    set_rule(Kind.BAD_LONG, FIRST, is_on=False)
    cage = make_cage()
    pass_minutes(FIRST, {cage: [B] * 30})
    assert Concern.objects.count() == 0


def test_an_unseen_cage_makes_a_concern_that_closes_by_itself():
    cage, other = make_cage(), make_cage()
    end = pass_minutes(FIRST, {cage: [O] + [N] * 11, other: [O] * 12})
    assert open_concerns() == []
    pass_minute(end, {cage: N, other: O})
    (concern,) = open_concerns()
    assert (concern.kind, concern.since) == (Kind.UNSEEN, FIRST + MINUTE)
    assert concern.is_since_known
    pass_minute(end + MINUTE, {cage: O, other: O})
    concern.refresh_from_db()
    assert concern.over_slot == end + MINUTE
    assert concern.ending == Ending.BY_ITSELF


def test_after_an_hour_somebody_has_to_look_by_eye_and_is_told_once():
    cage, other = make_cage(), make_cage()
    end = pass_minutes(FIRST, {cage: [O] + [N] * 60, other: [O] * 61})
    (concern,) = open_concerns()
    assert concern.facts["by_eye"] is False
    pass_minutes(end, {cage: [N] * 3, other: [O] * 3})
    concern.refresh_from_db()
    assert concern.facts["by_eye"] is True
    assert concern.trail.filter(act=Act.BY_EYE).count() == 1


def test_a_rack_that_falls_silent_is_one_concern():
    rack = [make_cage(room="R1", rack="A") for _ in range(10)]
    others = [make_cage(room="R1", rack=name) for name in "BC" for _ in range(20)]
    story = {cage: [O] * 3 + [N] * 20 for cage in rack} | {cage: [O] * 23 for cage in others}
    end = pass_minutes(FIRST, story)
    (concern,) = open_concerns()
    assert (concern.kind, concern.rack) == (Kind.PLACE_SILENT, rack[0].rack)
    assert concern.since == FIRST + 3 * MINUTE
    assert (concern.facts["silent"], concern.facts["cages"]) == (10, 10)
    pass_minute(end, dict.fromkeys(rack + others, O))
    concern.refresh_from_db()
    assert concern.ending == Ending.BY_ITSELF


def test_a_room_is_told_of_rather_than_its_racks():
    room = [make_cage(room="R1", rack=name) for name in "AB" for _ in range(6)]
    others = [make_cage(room="R2", rack=name) for name in "CD" for _ in range(12)]
    pass_minutes(FIRST, {c: [O] * 3 + [N] * 6 for c in room} | {c: [O] * 9 for c in others})
    (concern,) = open_concerns()
    assert (concern.kind, concern.subject) == (Kind.PLACE_SILENT, f"room:{room[0].room_id}")


def test_everything_silent_is_one_concern():
    cages = [make_cage(room=name, rack="A") for name in ("R1", "R2") for _ in range(6)]
    pass_minutes(FIRST, {cage: [O] * 3 + [N] * 20 for cage in cages})
    (concern,) = open_concerns()
    assert (concern.kind, concern.subject) == (Kind.PLACE_SILENT, "everything")


def test_twelve_cages_that_all_fall_silent_are_told_of_after_one_minute():
    cages = [make_cage(room="R1", rack=name) for name in "AB" for _ in range(6)]
    end = pass_minutes(FIRST, {cage: [O, N] for cage in cages})
    (concern,) = open_concerns()
    assert (concern.subject, concern.raised_slot) == ("everything", FIRST + MINUTE)
    assert concern.since == FIRST + MINUTE
    # It lasts while its cages are not silent for long enough to be counted.
    end = pass_minutes(end, {cage: [N] * 4 for cage in cages})
    concern.refresh_from_db()
    assert concern.over_slot is None
    pass_minute(end, dict.fromkeys(cages, O))
    concern.refresh_from_db()
    assert (concern.over_slot, concern.ending) == (end, Ending.BY_ITSELF)
    assert Concern.objects.count() == 1


def test_the_rule_of_the_lab_goes_before_the_rooms_and_that_before_the_facilitys():
    lab = Lab.objects.create(name="Neuro")
    of_lab, of_room, of_none = (make_cage(room=name) for name in ("R1", "R1", "R2"))
    type(of_lab).objects.filter(pk=of_lab.pk).update(lab=lab)
    set_rule(Kind.BAD_LONG, FIRST, lab=lab, window_minutes=10, least_known=8)
    set_rule(Kind.BAD_LONG, FIRST, room=of_room.room, window_minutes=20, least_known=12)
    pass_minutes(FIRST, dict.fromkeys((of_lab, of_room, of_none), [B] * 30))
    raised = {one.cage_id: one.raised_slot for one in Concern.objects.all()}
    minutes = [(raised[c.pk] - FIRST) // MINUTE + 1 for c in (of_lab, of_room, of_none)]
    assert minutes == [8, 12, 18]


def test_judging_a_slot_again_changes_nothing():
    cage = make_cage()
    end = pass_minutes(FIRST, {cage: [B] * 30})
    before = list(Concern.objects.values()), edges_of(cage)
    assert not judge.judge(end - MINUTE, end)
    assert (list(Concern.objects.values()), edges_of(cage)) == before


def test_slots_that_were_not_judged_are_judged_with_the_next_one():
    cage = make_cage()
    pass_minutes(FIRST, {cage: [B] * 10})
    for number in range(10, 30):
        pass_minute(FIRST + number * MINUTE, {cage: B}, judges=False)
    pass_minute(FIRST + 30 * MINUTE, {cage: B})
    assert edges_of(cage) == [(FIRST + 17 * MINUTE, True)]


def test_a_slot_is_judged_by_what_was_so_then():
    cage = make_cage()
    pass_minutes(FIRST, {cage: [B] * 17})
    for number, health in ((17, O), (18, B), (19, B)):
        pass_minute(FIRST + number * MINUTE, {cage: health}, judges=False)
    judge.judge(FIRST + 17 * MINUTE, FIRST + 20 * MINUTE)
    (concern,) = open_concerns()
    assert concern.facts == {"bad": 17, "known": 18, "minutes": 30}


def test_the_beat_finds_finished_cycles_that_nobody_judged():
    cage = make_cage()
    pass_minute(FIRST, {cage: O})
    for number in (1, 2):
        pass_minute(FIRST + number * MINUTE, {cage: O}, judges=False)
    now = FIRST + 3 * MINUTE
    assert judge.unjudged(now) == [FIRST + MINUTE, FIRST + 2 * MINUTE]


def test_judged_slots_ahead_of_now_are_forgotten():
    cage = make_cage()
    ahead = FIRST + 600 * MINUTE
    pass_minute(ahead, {cage: O})

    judge.judge(FIRST, FIRST + SECONDS)
    assert list(JudgedSlot.objects.values_list("slot", flat=True)) == [FIRST]


def test_a_late_result_raises_a_concern_in_the_past():
    cage, other = make_cage(), make_cage()
    polls = [B] * 15 + [O] * 2 + [S] + [O] * 3
    end = pass_minutes(FIRST, {cage: polls, other: [O] * 21})
    assert open_concerns() == []
    late = FIRST + 17 * MINUTE
    record(late, [result_of(cage, B)], now=end)
    judge_late(late, [cage], end)
    (concern,) = open_concerns()
    assert (concern.raised_slot, concern.raised_at) == (late, end)
    assert edges_of(cage) == [(late, True)]


def test_late_results_withdraw_a_concern_that_they_do_not_support():
    cage, other = make_cage(), make_cage()
    end = pass_minutes(FIRST, {cage: [S] * 6 + [B] * 18, other: [O] * 24})
    (concern,) = open_concerns()
    for number in range(6):
        record(FIRST + number * MINUTE, [result_of(cage, O)], now=end)
    judge_late(FIRST, [cage], end)
    concern.refresh_from_db()
    assert concern.ending == Ending.WITHDRAWN
    assert not concern.is_open
    assert edges_of(cage) == []


def judge_late(first, cages, now):
    from welfare import late

    late.judge_again(first, [cage.pk for cage in cages], now)
