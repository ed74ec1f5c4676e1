"""Events: who did what to a cage, and when."""

import pytest

from cages.models import Cage, CageEvent, EventKind
from tests.factories import at, make_cage

pytestmark = pytest.mark.django_db

NOW = at("07:02")


def events():
    """(cage id, kind, person's name, before, after) of all events, oldest first."""
    rows = CageEvent.objects.newest_first().reverse().select_related("person")
    return [(e.cage_id, e.kind, e.person and e.person.username, e.before, e.after) for e in rows]


def test_pausing_many_pauses_those_that_are_polled_and_notes_each(user):
    make_cage(owner=user, id=1)
    make_cage(owner=user, id=2, is_polled=False)
    make_cage(owner=user, id=3, archived_at=at("06:00"))
    assert Cage.objects.all().pause(NOW, user) == 1
    assert events() == [(1, "paused", "ruth", "", "")]
    assert not Cage.objects.get(pk=1).is_polled
    assert Cage.objects.all().pause(NOW, user) == 0


def test_resuming_many_leaves_archived_cages_alone(user):
    make_cage(owner=user, id=1, is_polled=False)
    make_cage(owner=user, id=2, is_polled=False, archived_at=at("06:00"))
    assert Cage.objects.all().resume(NOW, user) == 1
    assert events() == [(1, "resumed", "ruth", "", "")]
    assert not Cage.objects.get(pk=2).is_polled


def test_archiving_many_notes_each_once(user):
    make_cage(owner=user, id=1)
    make_cage(owner=user, id=2, archived_at=at("06:00"))
    assert Cage.objects.all().archive(NOW, user) == 1
    assert Cage.objects.get(pk=1).archived_at == NOW
    assert Cage.objects.get(pk=2).archived_at == at("06:00")
    assert events() == [(1, "archived", "ruth", "", "")]


def test_moving_many_clears_their_bays_and_says_from_where_to_where(user):
    make_cage(owner=user, id=1, room="R2", rack="B", row="B", column=7)
    make_cage(owner=user, id=2, room="R3", rack="c", row="A", column=1)
    assert Cage.objects.all().move("R3", "C", NOW, user) == 1
    moved, there = Cage.objects.order_by("id")
    assert (moved.room_name, moved.rack_name, moved.row, moved.column) == ("R3", "c", "", None)
    assert there.bay_name == "A-01"
    assert events() == [(1, "moved", "ruth", "R2 · rack B · B-07", "R3 · rack c")]


def test_every_change_dates_the_cage(user):
    cage = make_cage(owner=user)
    changes = (Cage.objects.pause, Cage.objects.resume, Cage.objects.archive)
    for hour, change in enumerate(changes, 20):
        change(at(f"{hour}:00"), user)
        assert Cage.objects.get(pk=cage.pk).updated_at == at(f"{hour}:00")
    assert Cage.objects.get(pk=cage.pk).restore(at("23:01"), user)
    assert Cage.objects.get(pk=cage.pk).updated_at == at("23:01")


def test_archive_and_restore_of_one_cage_are_noted_once(user):
    cage = make_cage(owner=user, id=1)
    cage.archive(NOW, user)
    cage.archive(NOW, user)
    assert cage.restore(NOW, user)
    assert cage.restore(NOW, user)
    assert [kind for _, kind, *_ in events()] == [EventKind.ARCHIVED, EventKind.RESTORED]


@pytest.mark.parametrize(
    ("fields", "noted"),
    [
        ({"label": "Renamed"}, []),
        (
            {"row": "C", "column": "1"},
            [(1, "moved", "ruth", "R2 · rack B · B-07", "R2 · rack B · C-01")],
        ),
        ({"is_polled": ""}, [(1, "paused", "ruth", "", "")]),
    ],
)
def test_what_the_form_changes_is_noted(client_of, user, fields, noted):
    make_cage("Colony", owner=user, id=1, room="R2", rack="B", row="B", column=7)
    form = {"label": "Colony", "room": "R2", "rack": "B", "row": "B", "column": 7}
    answer = client_of(user).post("/cages/1/edit/", {**form, "is_polled": "on", **fields})
    assert answer.status_code == 302
    assert events() == noted


def test_an_event_stays_when_its_person_goes(user, staff):
    make_cage(owner=user, id=1).archive(NOW, staff)
    staff.delete()
    assert events() == [(1, "archived", None, "", "")]
