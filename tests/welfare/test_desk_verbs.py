"""What is done to a concern, and by whom it was done first."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from people.models import Change
from tests.factories import at, make_cage, make_user, slot
from tests.welfare.factories import make_concern
from welfare import desk
from welfare.conditions import Case, Conditions
from welfare.filters import facets_of
from welfare.models import Act, Concern, Ending, Finding, Kind, Life, Reason

NOW = at("07:10")


@pytest.fixture
def cage(db):
    return make_cage("PV-Cre pair")


@pytest.fixture
def concern(cage):
    return make_concern(cage)


@pytest.fixture
def mia(db):
    return make_user("mia")


@pytest.fixture
def vera(db):
    return make_user("vera")


def acts(concern):
    return [entry.act for entry in concern.trail.all()]


def test_an_acknowledgement_lasts_for_four_hours(concern, mia):
    taken = desk.acknowledge(concern.pk, mia, Reason.ON_MY_WAY, "", NOW)
    assert taken.acknowledged_until == NOW + timedelta(hours=4)
    assert taken.life(NOW) == Life.TAKEN
    assert taken.life(NOW + timedelta(hours=4)) == Life.NEW


def test_the_time_until_somebody_saw_it_is_that_of_the_first_acknowledgement(concern, mia, vera):
    desk.acknowledge(concern.pk, mia, Reason.ON_MY_WAY, "", NOW)
    later = desk.acknowledge(concern.pk, vera, Reason.LOOKED, "", NOW + timedelta(minutes=5))
    assert (later.seen_at, later.acknowledged_by) == (NOW, vera)


def test_a_drill_is_closed_by_an_acknowledgement(db, mia, vera):
    drill = desk.open_drill("drill", vera, NOW)
    desk.acknowledge(drill.pk, mia, Reason.LOOKED, "", NOW + timedelta(minutes=4))
    drill.refresh_from_db()
    assert (drill.is_open, drill.ending) == (False, Ending.BY_HAND)
    assert (drill.seen_at, drill.acknowledged_by) == (NOW + timedelta(minutes=4), mia)
    assert acts(drill) == [Act.OPENED, Act.ACKNOWLEDGED, Act.CLOSED]


def test_a_drill_that_nobody_acknowledges_ends_by_itself(db, concern, vera):
    drill = desk.open_drill("drill", vera, NOW)
    desk.tidy(NOW + desk.DRILL_LASTS - timedelta(minutes=1))
    assert Concern.objects.open().count() == 2
    desk.tidy(NOW + desk.DRILL_LASTS)
    drill.refresh_from_db()
    assert (drill.ending, drill.seen_at) == (Ending.BY_ITSELF, None)
    assert Concern.objects.open().get() == concern


def test_an_acknowledgement_ends_when_its_time_is_up(concern, mia):
    desk.acknowledge(concern.pk, mia, Reason.ON_MY_WAY, "", NOW)
    desk.tidy(NOW + timedelta(hours=3, minutes=59))
    assert acts(concern) == [Act.RAISED, Act.ACKNOWLEDGED]
    desk.tidy(NOW + timedelta(hours=4))
    concern.refresh_from_db()
    assert (concern.acknowledged_at, concern.acknowledged_by) == (None, None)
    assert acts(concern)[-1] == Act.UNACKNOWLEDGED
    assert concern.is_open


def test_an_acknowledgement_ends_when_the_condition_is_over(concern, mia):
    desk.acknowledge(concern.pk, mia, Reason.ON_MY_WAY, "", NOW)
    Concern.objects.update(over_slot=NOW)
    desk.tidy(NOW)
    concern.refresh_from_db()
    assert concern.acknowledged_until is None
    assert concern.life(NOW) == Life.OVER


@pytest.mark.parametrize("over_slot", [None, NOW])
def test_until_its_recheck_a_finding_is_neither_new_nor_due(concern, vera, over_slot):
    Concern.objects.update(over_slot=over_slot)
    due = NOW + timedelta(hours=1)
    found = desk.find(concern.pk, vera, Finding.SICK, "", NOW, recheck_at=due)
    assert found.life(NOW) == Life.PLANNED
    assert found.life(due) == (Life.OVER if over_slot else Life.NEW)


def test_what_came_back_after_its_finding_is_new(concern, vera):
    desk.find(concern.pk, vera, Finding.SICK, "", NOW, recheck_at=NOW + timedelta(days=1))
    conditions = Conditions([Kind.BAD_LONG], NOW + timedelta(hours=1))
    conditions.end(Kind.BAD_LONG, concern.subject, NOW)
    conditions.begin(Case(Kind.BAD_LONG, concern.subject, None, NOW), slot("07:30"))
    conditions.write()
    now = NOW + timedelta(hours=2)
    concern.refresh_from_db()
    assert concern.life(now) == Life.NEW
    assert facets_of(Concern.objects.open(), now).by_life == {Life.NEW: 1}
    again = desk.find(concern.pk, vera, Finding.SICK, "", now, recheck_at=now + timedelta(days=1))
    assert again.life(now) == Life.PLANNED
    assert facets_of(Concern.objects.open(), now).by_life == {Life.PLANNED: 1}


def test_a_finding_closes_the_concern(concern, vera):
    closed = desk.find(concern.pk, vera, Finding.SICK, "limps", NOW)
    assert (closed.closed_at, closed.ending, closed.finding) == (NOW, Ending.FOUND, Finding.SICK)
    assert acts(concern) == [Act.RAISED, Act.FOUND, Act.CLOSED]


def test_a_finding_with_a_recheck_leaves_it_open_until_the_next_one(concern, vera):
    due = NOW + timedelta(hours=2)
    desk.find(concern.pk, vera, Finding.SICK, "", NOW, recheck_at=due)
    concern.refresh_from_db()
    assert (concern.is_open, concern.recheck_at) == (True, due)
    desk.find(concern.pk, vera, Finding.NORMAL, "", due)
    assert acts(concern)[1:] == [Act.FOUND, Act.PLANNED, Act.RECHECKED, Act.FOUND, Act.CLOSED]


def test_a_lapsed_recheck_is_noted_once(concern, vera):
    due = NOW + timedelta(hours=2)
    desk.find(concern.pk, vera, Finding.SICK, "", NOW, recheck_at=due)
    desk.tidy(due - timedelta(minutes=1))
    assert Act.LAPSED not in acts(concern)
    for minutes in range(3):
        desk.tidy(due + timedelta(minutes=minutes))
    assert acts(concern).count(Act.LAPSED) == 1


def test_a_recheck_that_is_planned_anew_can_lapse_anew(concern, vera):
    first, second = NOW + timedelta(hours=1), NOW + timedelta(hours=3)
    desk.find(concern.pk, vera, Finding.SICK, "", NOW, recheck_at=first)
    desk.tidy(first)
    desk.find(concern.pk, vera, Finding.SICK, "", first, recheck_at=second)
    desk.tidy(second)
    assert acts(concern).count(Act.LAPSED) == 2


def test_a_concern_about_health_is_not_closed_without_a_finding(concern, vera):
    with pytest.raises(desk.FindingNeeded):
        desk.close(concern.pk, vera, NOW)
    concern.refresh_from_db()
    assert concern.is_open


def test_another_concern_is_closed_without_a_finding_and_says_so(cage, vera):
    concern = make_concern(cage, Kind.SENSOR_WEAK)
    assert desk.close(concern.pk, vera, NOW).ending == Ending.BY_HAND


def test_nothing_is_done_to_a_closed_concern(concern, mia, vera):
    desk.find(concern.pk, vera, Finding.NORMAL, "", NOW)
    for act in (
        lambda: desk.acknowledge(concern.pk, mia, Reason.LOOKED, "", NOW),
        lambda: desk.find(concern.pk, mia, Finding.SICK, "", NOW),
        lambda: desk.close(concern.pk, mia, NOW),
    ):
        with pytest.raises(desk.NotOpen):
            act()
    concern.refresh_from_db()
    assert concern.finding == Finding.NORMAL


def test_a_closed_concern_can_be_commented(concern, mia, vera):
    desk.find(concern.pk, vera, Finding.NORMAL, "", NOW)
    desk.comment(concern.pk, mia, "The bottle was stuck.", NOW)
    assert acts(concern)[-1] == Act.COMMENTED


def test_the_second_of_two_people_is_told_what_the_first_one_did(concern, mia, vera):
    seen = concern.trail.last().pk
    desk.acknowledge(concern.pk, mia, Reason.ON_MY_WAY, "", NOW, after=seen)
    with pytest.raises(desk.Overtaken) as caught:
        desk.acknowledge(concern.pk, vera, Reason.ON_MY_WAY, "", NOW, after=seen)
    assert (caught.value.entry.by, caught.value.entry.act) == ("mia", Act.ACKNOWLEDGED)
    assert acts(concern) == [Act.RAISED, Act.ACKNOWLEDGED]


def test_a_comment_of_somebody_else_stops_nobody(concern, mia, vera):
    seen = concern.trail.last().pk
    desk.comment(concern.pk, mia, "I hear squeaking.", NOW)
    assert not desk.find(concern.pk, vera, Finding.SICK, "", NOW, after=seen).is_open


def test_ones_own_act_stops_nobody(concern, mia):
    seen = concern.trail.last().pk
    desk.acknowledge(concern.pk, mia, Reason.ON_MY_WAY, "", NOW, after=seen)
    desk.acknowledge(concern.pk, mia, Reason.LOOKED, "", NOW, after=seen)
    assert acts(concern).count(Act.ACKNOWLEDGED) == 2


def test_a_concern_is_opened_by_hand_once_for_a_cage(cage, mia, vera):
    opened = desk.open_by_hand(cage, vera, "A mouse limps.", NOW)
    assert (opened.kind, opened.subject) == (Kind.BY_EYE, f"cage:{cage.pk}")
    with pytest.raises(desk.AlreadyOpen) as caught:
        desk.open_by_hand(cage, mia, "It limps.", NOW)
    assert caught.value.concern == opened


def test_the_trail_cannot_be_changed(concern):
    entry = concern.trail.get()
    entry.text = "another"
    with pytest.raises(TypeError):
        entry.save()
    with pytest.raises(TypeError):
        concern.trail.update(text="another")


def test_tidying_takes_a_fixed_number_of_statements_where_nothing_is_due(concern):
    with CaptureQueriesContext(connection) as queries:
        desk.tidy(NOW)
    assert len([one for one in queries if one["sql"].startswith("SELECT")]) == 3


def test_a_finding_is_in_the_record_of_changes_with_who_and_why(concern, vera, client_of):
    vera.is_staff = True
    vera.save()
    noted = Change.objects.count()
    form = {"act": "finding", "finding-finding": "sick", "finding-text": "Bruised"}
    client_of(vera).post(reverse("concern-detail", args=[concern.pk]), form)
    concern.refresh_from_db()
    assert concern.finding == Finding.SICK
    lines = Change.objects.order_by("pk")[noted:]
    told = [(line.table, line.words) for line in lines]
    assert told == [
        ("welfare_trailentry", "found"),
        ("welfare_trailentry", "closed"),
        ("welfare_concern", "bad_long"),
    ]
    assert {(line.by, line.reason, line.through) for line in lines} == {
        ("vera", "Bruised", "POST concern-detail")
    }
    assert lines[2].after["finding"] == "sick"


def test_what_the_judge_and_the_sender_write_is_not_in_the_record_of_changes(cage):
    noted = Change.objects.count()
    concern = make_concern(cage)
    conditions = Conditions([Kind.BAD_LONG], NOW)
    conditions.hold(Kind.BAD_LONG, concern.subject, NOW)
    conditions.end(Kind.BAD_LONG, concern.subject, slot("07:05"))
    conditions.write()
    desk.note(concern, Act.TOLD, NOW, text="vera (mail)")
    assert acts(concern) == [Act.RAISED, Act.OVER, Act.TOLD]
    assert Change.objects.count() == noted
    # What was noted is never changed unseen, whoever wrote it.
    concern.trail.get(act=Act.TOLD).delete()
    assert Change.objects.newest_first()[0].words == "told"
