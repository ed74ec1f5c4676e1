"""How large a rack is: staff say so, and never less than what stands in it."""

import pytest
from django.urls import reverse

from cages import racks
from cages.models import Rack
from tests.factories import at, make_cage
from tests.pages import errors_of, text_of

NOW = at("07:02:30")
RACK, SIZE, B = reverse("rack-detail"), reverse("rack-size"), "?room=R2&rack=B"
pytestmark = pytest.mark.django_db


def stand(owner, row, column):
    return make_cage(owner=owner, room="R2", rack="B", row=row, column=column)


def size_form(rows, columns, **fields):
    return {"row_count": rows, "column_count": columns, **fields}


def test_only_staff_give_a_rack_its_size(client_of, user):
    browser = client_of(user)
    stand(user, "A", 1)
    assert browser.get(SIZE + B).status_code == 403
    assert browser.post(SIZE + B, size_form(2, 2)).status_code == 403
    assert not Rack.objects.exists()


def test_a_size_is_given_and_changed(client_of, user, staff):
    stand(user, "B", 3)
    browser = client_of(staff)
    assert browser.get(SIZE + B).context["form"].initial == {
        "row_count": 2,
        "column_count": 3,
        "rows_are_numbers": False,
    }
    response = browser.post(SIZE + "?room=r2&rack=b", size_form(8, 10))
    assert response["Location"] == RACK + B
    browser.post(SIZE + B, size_form(4, 5))
    rack = Rack.objects.get()
    assert (rack.room, rack.name, rack.row_count, rack.column_count) == ("R2", "B", 4, 5)
    assert text_of(browser.get(RACK + B)).count("Move a cage to") == 19


def test_a_rack_without_slots_begins_without_figures(client_of, user, staff):
    stand(user, "", None)
    page = client_of(staff).get(SIZE + B)
    assert page.context["form"].initial["row_count"] is None
    client_of(staff).post(SIZE + B, size_form(2, 2, rows_are_numbers="on"))
    assert Rack.objects.get().rows_are_numbers


@pytest.mark.parametrize(
    ("given", "errors"),
    [
        (size_form(1, 3), {"row_count": ["A cage stands in row B, so the rack needs 2 or more."]}),
        (
            size_form(2, 2),
            {"column_count": ["A cage stands in column 3, so the rack needs as many or more."]},
        ),
        (
            size_form(9, 9, rows_are_numbers="on"),
            {"rows_are_numbers": ["The cages in this rack stand in rows with letters."]},
        ),
        (
            size_form(31, 31),
            {
                "row_count": ["Ensure this value is less than or equal to 30."],
                "column_count": ["Ensure this value is less than or equal to 30."],
            },
        ),
        (
            size_form("", "x"),
            {"row_count": ["This field is required."], "column_count": ["Enter a whole number."]},
        ),
    ],
)
def test_a_size_that_cannot_be_is_refused_at_its_field(client_of, user, staff, given, errors):
    stand(user, "B", 1)
    stand(user, "A", 3)
    assert errors_of(client_of(staff).post(SIZE + B, given)) == errors
    assert not Rack.objects.exists()


def test_numbered_rows_are_not_called_letters(client_of, user, staff):
    stand(user, "3", 1)
    response = client_of(staff).post(SIZE + B, size_form(3, 3))
    wanted = {"rows_are_numbers": ["The cages in this rack stand in rows with numbers."]}
    assert errors_of(response) == wanted


def test_two_people_who_give_a_size_at_once_are_told(client_of, user, staff, monkeypatch):
    cage = stand(user, "A", 1)
    Rack.objects.create(room="r2", name="b", row_count=3, column_count=3)
    early = racks.grid_of([cage], [], None, NOW)
    monkeypatch.setattr("cages.racks.find", lambda *_: early)
    response = client_of(staff).post(SIZE + B, size_form(5, 5), follow=True)
    assert "Somebody else gave this rack a size just now." in text_of(response)
    assert Rack.objects.get().row_count == 3
