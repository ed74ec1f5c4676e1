"""What rooms and racks are called, and how large a rack is: staff say so."""

import pytest
from django.urls import reverse

from cages.models import Cage, CageEvent, Rack, Room
from tests.factories import at, make_cage
from tests.pages import errors_of, text_of

NOW = at("07:02:30")
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def stand(owner, row="", column=None, room="R2", rack="B"):
    return make_cage(owner=owner, room=room, rack=rack, row=row, column=column)


def url(name):
    return reverse(name, args=(Rack.objects.get(name="B").pk,))


def room_url(cage):
    return reverse("room-edit", args=(cage.room_id,))


def size_form(rows="", columns="", name="B", numbered=""):
    size = {"row_count": rows, "column_count": columns}
    return {"name": name, **size, "rows_are_numbers": numbered}


# Size


def test_only_staff_give_a_rack_its_size(client_of, user):
    browser = client_of(user)
    cage = stand(user, "A", 1)
    for address in (url("rack-size"), room_url(cage)):
        assert browser.get(address).status_code == 403
        assert browser.post(address, size_form(2, 2, "C")).status_code == 403
    assert not Rack.objects.get(name="B").has_size


def test_a_size_is_given_changed_and_taken_back(client_of, user, staff):
    stand(user, "B", 3)
    browser = client_of(staff)
    page = browser.get(url("rack-size")).content.decode()
    assert ('placeholder="2"' in page, 'placeholder="3"' in page) == (True, True)
    assert browser.post(url("rack-size"), size_form(8, 10))["Location"] == url("rack-detail")
    browser.post(url("rack-size"), size_form(4, 5))
    rack = Rack.objects.get()
    assert (rack.name, rack.row_count, rack.column_count) == ("B", 4, 5)
    assert text_of(browser.get(url("rack-detail"))).count("Move a cage to") == 19
    browser.post(url("rack-size"), size_form())
    assert text_of(browser.get(url("rack-detail"))).count("Move a cage to") == 5


def test_a_rack_without_bays_may_have_numbered_rows(client_of, user, staff):
    stand(user)
    client_of(staff).post(url("rack-size"), size_form(2, 2, numbered="on"))
    assert Rack.objects.get().rows_are_numbers


@pytest.mark.parametrize(
    ("given", "field", "said"),
    [
        ((1, 3), "row_count", "There is a cage in row B, so the rack needs at least 2."),
        ((2, 2), "column_count", "There is a cage in column 3, so the rack needs at least"),
        ((9, 9, "B", "on"), "rows_are_numbers", "The rows of this rack have letters."),
        ((31, 9), "row_count", "Ensure this value is less than or equal to 30."),
        ((9, 31), "column_count", "Ensure this value is less than or equal to 30."),
        (("", 3), "row_count", "Enter both rows and columns, or neither."),
    ],
)
def test_a_size_that_cannot_be_is_refused_at_its_field(client_of, user, staff, given, field, said):
    stand(user, "B", 1)
    stand(user, "A", 3)
    response = client_of(staff).post(url("rack-size"), size_form(*given))
    ((found, (words,)),) = errors_of(response).items()
    assert (found, words[: len(said)]) == (field, said)
    assert not Rack.objects.get().has_size


def test_numbered_rows_are_not_called_letters(client_of, user, staff):
    stand(user, "3", 1)
    response = client_of(staff).post(url("rack-size"), size_form(3, 3))
    assert errors_of(response) == {"rows_are_numbers": ["The rows of this rack have numbers."]}


# Names


def test_a_room_is_renamed_in_one_place(client_of, user, staff):
    cage = stand(user, "A", 1)
    browser = client_of(staff)
    room = reverse("rack-index", query={"room": cage.room_id})
    assert room_url(cage) in browser.get(room).content.decode()
    page = browser.post(room_url(cage), {"name": " Su\u0308d \u00a0 2 "}, follow=True)
    assert page.redirect_chain == [(reverse("rack-index"), 302)]
    assert "Saved." in text_of(page)
    changed = Cage.objects.with_place().get()
    assert (changed.position, changed.updated_at) == ("Süd 2 · rack B · A-01", NOW)
    assert not CageEvent.objects.exists()


def test_a_rack_is_renamed_beside_its_size(client_of, user, staff):
    stand(user, "A", 1)
    address = url("rack-size")
    client_of(staff).post(address, size_form(name="North"))
    assert Cage.objects.with_place().get().position == "R2 · rack North · A-01"


def test_a_name_may_be_written_in_another_way(client_of, user, staff):
    cage = stand(user, room="r2")
    client_of(staff).post(room_url(cage), {"name": "R2"})
    assert Room.objects.get().name == "R2"


def test_two_rooms_or_racks_are_not_made_one_by_a_name(client_of, user, staff):
    cage = stand(user)
    stand(user, room="Süd")
    stand(user, rack="C")
    elsewhere = stand(user, room="Süd", rack="D")
    browser = client_of(staff)
    wanted = "“Süd” exists already. To merge the two, move the cages there."
    assert errors_of(browser.post(room_url(cage), {"name": "SÜD"})) == {"name": [wanted]}
    address = reverse("rack-size", args=(cage.rack_id,))
    assert set(errors_of(browser.post(address, size_form(name="c")))) == {"name"}
    assert browser.post(address, size_form(name="D")).status_code == 302
    assert {cage.position for cage in Cage.objects.with_place().filter(room=cage.room)} == {
        "R2 · rack D",
        "R2 · rack C",
    }
    elsewhere.refresh_from_db()
    assert elsewhere.position == "Süd · rack D"


def test_the_name_of_a_room_that_all_cages_have_left_stays_with_their_past(client_of, user, staff):
    cage = stand(user)
    stand(user, room="R3", rack="C")
    Cage.objects.filter(room__name="R3").move("R2", "B", NOW)
    response = client_of(staff).post(room_url(cage), {"name": "R3"})
    assert (
        "“R3” exists already. To merge the two, move the cages there."
        in errors_of(response)["name"]
    )
    # Nothing ever stood in this one.
    Room.objects.create(name="R4")
    client_of(staff).post(room_url(cage), {"name": "R4"})
    assert sorted(Room.objects.values_list("name", flat=True)) == ["R3", "R4"]


def test_a_name_that_cannot_be_read_is_refused_here_too(client_of, user, staff):
    cage = stand(user)
    for name in ("", "R\u200b2", "R\n2"):
        assert set(errors_of(client_of(staff).post(room_url(cage), {"name": name}))) == {"name"}


def test_two_people_who_give_a_name_at_once_are_told(client_of, user, staff, monkeypatch):
    cage = stand(user)
    stand(user, room="R3")
    monkeypatch.setattr(Room, "is_used", False)
    monkeypatch.setattr(Room, "namesakes", lambda *_: [])
    response = client_of(staff).post(room_url(cage), {"name": "R3"}, follow=True)
    assert "Somebody else has just used this name." in text_of(response)
    cage.refresh_from_db()
    assert cage.room.name == "R2"
