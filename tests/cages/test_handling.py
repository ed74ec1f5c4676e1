"""Marks of cages, racks and rooms, and the minutes that handling disturbed."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from cages.history import handling
from cages.history.minutes import Minute
from cages.history.window import Window
from cages.models import Cage
from cages.models.mark import LONGEST, BuiltIn, Mark
from people.models import Change
from tests.factories import at, make_cage, make_mark

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
WINDOW = Window(at("06:00"), at("12:00"))


@pytest.fixture
def cage():
    return make_cage(room="R2", rack="A")


def of(cage, window=WINDOW, around=timedelta()):
    return handling.marks_of([cage.pk], window, around)[cage.pk]


def test_marks_of_a_cage_its_rack_and_its_room_are_its_marks(cage):
    make_cage(room="R2", rack="B")
    other = make_cage(room="R3")
    mine = [make_mark(place, at("07:00")) for place in (cage, cage.rack, cage.room)]
    make_mark(other, at("07:00"))
    make_mark(other.room, at("07:00"))
    assert of(cage) == mine


def test_a_cage_that_came_later_was_not_disturbed(cage):
    make_mark(cage.room, at("07:00"))
    late = make_mark(cage.room, at("09:00"))
    Cage.objects.filter(pk=cage.pk).move("R3", "", at("08:00"))
    assert of(cage) != []
    assert late not in of(cage)


def test_a_cage_that_did_not_exist_yet_was_not_disturbed(cage):
    lasting = make_mark(cage.room, at("07:00"), at("09:00"))
    new = make_cage(room="R2", created_at=at("08:00:40"))
    same_minute = make_mark(cage.room, at("08:00"))
    assert of(new) == [same_minute]
    assert of(cage) == [lasting, same_minute]


def test_marks_count_where_they_touch_the_window(cage):
    early = make_mark(cage, at("05:30"), at("06:00"))
    make_mark(cage, at("05:00"), at("05:59"))
    make_mark(cage, at("12:00"))
    assert of(cage) == [early]
    assert len(of(cage, around=HOUR)) == 3


def test_a_withdrawn_mark_counts_nowhere(cage):
    mark = make_mark(cage, at("07:00"))
    mark.withdrawn_at = at("08:00")
    mark.save()
    assert of(cage) == []


def test_handling_and_an_hour_around_it_can_be_left_out(cage):
    make_mark(cage, at("08:00"), at("08:10"))
    minutes = bytes([Minute.BAD]) * WINDOW.minutes
    mask = handling.disturbed(of(cage), WINDOW, HOUR)
    kept = handling.without(minutes, mask)
    assert kept.left_out == 60 + 11 + 60
    assert kept.health.minutes == WINDOW.minutes - 131
    assert mask.index(b"\1") == 60


def test_what_begins_before_the_window_is_cut(cage):
    make_mark(cage, at("05:30"))
    assert handling.disturbed(of(cage, around=HOUR), WINDOW, HOUR) == b"\1" * 31 + b"\0" * 329


def test_swapping_a_sensor_disturbs_nobody(cage):
    make_mark(cage, at("07:00"), kind=BuiltIn.SENSOR_SWAPPED)
    assert 1 not in handling.disturbed(of(cage), WINDOW, HOUR)
    assert not handling.is_handled(of(cage), at("07:00"))
    assert handling.sensor_since(cage.pk, at("08:00")) == at("07:00")
    assert handling.sensor_since(cage.pk, at("06:00")) is None


def test_a_slot_inside_a_mark_is_handled(cage):
    make_mark(cage, at("07:00:30"), at("07:10:30"))
    found = [handling.is_handled(of(cage), at(clock)) for clock in ("06:59", "07:00", "07:10")]
    assert found == [False, True, True]
    assert not handling.is_handled(of(cage), at("07:11"))


def test_marks_of_many_cages_take_two_queries(cage, django_assert_num_queries):
    other = make_cage(room="R2")
    make_mark(cage.room, at("07:00"))
    with django_assert_num_queries(2):
        found = handling.marks_of([cage.pk, other.pk], WINDOW)
    assert [len(marks) for marks in found.values()] == [1, 1]


def test_a_mark_is_at_one_place_and_ends_after_its_start(cage):
    for fields in ({"room": cage.room}, {"end": at("06:00")}, {"end": at("07:00") + 2 * LONGEST}):
        with pytest.raises(IntegrityError), transaction.atomic():
            make_mark(cage, at("07:00"), **fields)


def test_a_correction_is_noted(cage):
    mark = make_mark(cage, at("07:00"))
    mark.note = "bedding only"
    mark.save()
    changes = Change.objects.filter(table=Mark._meta.db_table, row=str(mark.pk))
    assert [change.verb for change in changes.order_by("id")] == ["added", "changed"]
