"""The animals of a cage on pages: who lives in it, and how that is changed."""

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cages.models import Animal, Housing
from people.models import Role
from tests.factories import at, make_animal, make_cage, make_member, make_user

NOW = at("11:07:20")
TODAY, BEFORE = date(2026, 3, 2), date(2026, 2, 20)
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def owner():
    return make_user("rita")


@pytest.fixture
def cage(owner):
    return make_cage("Burrow", owner)


def page(cage):
    return reverse("cage-animals", args=[cage.pk])


def test_it_says_who_lives_in_the_cage_and_who_did(client_of, owner, cage):
    make_animal(cage, "M1", BEFORE, sex="f", born_on=date(2026, 1, 1), group="control")
    make_animal(cage, "M2", BEFORE, until=date(2026, 2, 25))
    response = client_of(owner).get(page(cage))
    assert [(one.animal.number, age) for one, age in response.context["living"]] == [("M1", 60)]
    assert [one.animal.number for one in response.context["former"]] == ["M2"]
    text = response.content.decode()
    assert "control" in text
    assert "60 days" in text


def test_without_recorded_animals_the_number_of_the_cage_is_told(client_of, owner):
    cage = make_cage(owner=owner, animal_count=3)
    assert "is said to have 3 animals" in client_of(owner).get(page(cage)).content.decode()


def new(client_of, owner, cage, **fields):
    data = {"number": "M7", "sex": "m", "strain": "C57", "since": "2026-02-20", **fields}
    return client_of(owner).post(reverse("animal-create", args=[cage.pk]), data)


def test_an_animal_is_added(client_of, owner, cage):
    assert new(client_of, owner, cage, group="treated").status_code == 302
    housing = Housing.objects.select_related("animal").get()
    assert (housing.cage, housing.since, housing.until) == (cage, BEFORE, None)
    assert (housing.animal.number, housing.animal.group) == ("M7", "treated")
    assert housing.animal.lab_id == cage.lab_id


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"number": "m1"}, "has an animal with this number"),
        ({"since": "2026-03-03"}, "in the future"),
        ({"since": "0001-01-01"}, "a year from 1970"),
        ({"born_on": "0001-01-01"}, "a year from 1970"),
        ({"born_on": "2027-01-01"}, "in the future"),
        ({"since": ""}, "required"),
    ],
)
def test_what_cannot_be_is_refused(client_of, owner, cage, fields, words):
    make_animal(cage, "M1")
    response = new(client_of, owner, cage, **fields)
    assert response.status_code == 200
    assert words in response.content.decode()
    assert Animal.objects.count() == 1


def act(client_of, owner, cage, animal, **data):
    return client_of(owner).post(reverse("animal-edit", args=[cage.pk, animal.pk]), data)


def test_an_animal_is_edited(client_of, owner, cage):
    animal = make_animal(cage, "M1", BEFORE)
    act(client_of, owner, cage, animal, what="edit", number="M1", sex="f", group="b")
    animal.refresh_from_db()
    assert (animal.sex, animal.group) == ("f", "b")


def test_an_animal_that_could_not_go_along_with_its_cage_gets_another_number(
    client_of, owner, cage
):
    animal = make_animal(cage, "M1", BEFORE)
    lab = make_user().own_lab
    Animal.objects.filter(pk=animal.pk).update(lab=lab)
    make_animal(make_cage(owner=owner), "M1")
    answer = act(client_of, owner, cage, animal, what="edit", number="M1")
    assert "has an animal with this number" in answer.content.decode()
    act(client_of, owner, cage, animal, what="edit", number="M1b")
    animal.refresh_from_db()
    assert (animal.number, animal.lab) == ("M1b", cage.lab)


def test_an_animal_is_moved_on_a_day(client_of, owner, cage):
    animal, other = make_animal(cage, "M1", BEFORE), make_cage("Den", owner)
    data = {"move-cage": other.pk, "move-day": "2026-02-28"}
    assert act(client_of, owner, cage, animal, what="move", **data).status_code == 302
    day = date(2026, 2, 28)
    told = Housing.objects.order_by("since").values_list("cage", "since", "until")
    assert list(told) == [(cage.pk, BEFORE, day), (other.pk, day, None)]


def test_an_animal_is_not_moved_into_a_cage_of_others(client_of, owner, cage):
    animal, other = make_animal(cage, "M1", BEFORE), make_cage("Theirs")
    data = {"move-cage": other.pk, "move-day": "2026-02-28"}
    response = act(client_of, owner, cage, animal, what="move", **data)
    assert "no such cage" in response.content.decode()
    assert Housing.objects.get().until is None


def test_an_animal_is_taken_out(client_of, owner, cage):
    animal = make_animal(cage, "M1", BEFORE)
    act(client_of, owner, cage, animal, what="end", **{"end-day": "2026-03-01"})
    assert Housing.objects.get().until == date(2026, 3, 1)


def test_it_does_not_leave_before_it_came(client_of, owner, cage):
    animal = make_animal(cage, "M1", BEFORE)
    response = act(client_of, owner, cage, animal, what="end", **{"end-day": "2026-02-20"})
    assert "2026-02-21 or later" in response.content.decode()
    assert Housing.objects.get().until is None


@pytest.mark.parametrize("role", [Role.VIEWER, Role.TECHNICIAN, Role.VET])
def test_only_who_may_change_the_cage_changes_its_animals(client_of, cage, role):
    person = make_user()
    make_member(person, cage.lab, role)
    animal = make_animal(cage, "M1", BEFORE)
    assert client_of(person).get(page(cage)).status_code == 200
    assert new(client_of, person, cage).status_code == 403
    data = {"end-day": "2026-03-01"}
    assert act(client_of, person, cage, animal, what="end", **data).status_code == 403
    assert Housing.objects.get().until is None


def test_animals_of_a_cage_of_others_are_not_found(client_of, cage):
    assert client_of(make_user()).get(page(cage)).status_code == 404


def test_more_animals_do_not_cost_more_queries(client_of, owner, cage):
    make_animal(cage)
    with CaptureQueriesContext(connection) as first:
        client_of(owner).get(page(cage))
    for _ in range(4):
        make_animal(cage)
        make_animal(cage, since=BEFORE, until=TODAY)
    with CaptureQueriesContext(connection) as second:
        client_of(owner).get(page(cage))
    assert len(second) == len(first)


def test_the_page_of_the_cage_says_who_lives_in_it(client_of, owner, cage):
    make_animal(cage, "M1", BEFORE, group="control", born_on=date(2026, 1, 1))
    make_animal(cage, "M2", BEFORE, until=TODAY)
    page = client_of(owner).get(cage.get_absolute_url())
    assert [(animal.number, age) for animal, age in page.context["living"]] == [("M1", 60)]
    assert "60 days, control" in page.content.decode()
