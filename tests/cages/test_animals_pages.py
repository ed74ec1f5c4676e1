"""The animals of a cage on pages: who lives in it, and how that is changed."""

from datetime import date

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cages.history.animals import stretches_of
from cages.history.window import Window
from cages.housing import correct, end, move
from cages.models import Animal, Cage, Housing
from people.models import Change, Role
from tests.factories import at, make_animal, make_cage, make_member, make_user
from tests.pages import text_of

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


def test_an_animal_that_went_along_with_its_cage_meanwhile_is_not_moved_back(owner, cage):
    housing = make_animal(cage, "M1", BEFORE).housings.select_related("animal").get()
    other, lab = make_cage("Den", owner), make_user().own_lab
    make_member(owner, lab, Role.VIEWER)
    Cage.objects.filter(pk=cage.pk).join(lab, NOW)
    with pytest.raises(ValidationError, match="another lab"):
        move(housing, other, TODAY, TODAY)
    assert Animal.objects.get().lab == lab


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


def days(client_of, person, cage, housing, **data):
    """The answer to what is sent to the page of these days; to looking at it without data."""
    address = reverse("animal-housing", args=[cage.pk, housing.pk])
    browser = client_of(person)
    return browser.post(address, data) if data else browser.get(address)


def correction(since, until=""):
    told = {"correct-since": since, "correct-until": until, "correct-reason": "typed wrong"}
    return {"what": "correct", **told}


def test_the_days_in_a_cage_are_corrected_with_a_reason(client_of, owner, cage):
    housing = make_animal(cage, "M1", BEFORE, until=TODAY).housings.get()
    data = correction("2026-02-18", "2026-02-25")
    assert days(client_of, owner, cage, housing, **data).status_code == 302
    assert (got := Housing.objects.get()).since == date(2026, 2, 18)
    assert got.until == date(2026, 2, 25)
    change = Change.objects.of_row("cages_housing", housing.pk).newest_first()[0]
    assert (change.by, change.reason) == ("rita", "typed wrong")
    assert change.before == {"since": "2026-02-20", "until": "2026-03-02"}
    assert change.after == {"since": "2026-02-18", "until": "2026-02-25"}
    shown = text_of(days(client_of, owner, cage, housing))
    assert "by rita : typed wrong" in shown or "by rita: typed wrong" in shown
    assert "2026-02-20 → 2026-02-18" in shown
    # The group of a day follows.
    window = Window.whole_day(date(2026, 2, 19))
    (stretch,) = stretches_of([cage.pk], window)[cage.pk]
    assert [str(animal) for animal in stretch.animals] == ["M1"]


@pytest.mark.parametrize(
    ("since", "until", "words"),
    [
        ("2026-02-20", "2026-02-20", "2026-02-21 or later"),
        ("2026-02-20", "2026-03-03", "in the future"),
        ("0001-01-01", "", "a year from 1970"),
        ("2026-02-20", "2026-02-27", "M1 lives in cage Den from 2026-02-25 on"),
        ("2026-02-20", "", "M1 lives in cage Den from 2026-02-25 on"),
    ],
)
def test_days_that_cannot_be_are_refused(client_of, owner, cage, since, until, words):
    animal = make_animal(cage, "M1", BEFORE, until=date(2026, 2, 25))
    housing = animal.housings.get()
    Housing.objects.create(animal=animal, cage=make_cage("Den", owner), since=date(2026, 2, 25))
    answer = days(client_of, owner, cage, housing, **correction(since, until))
    assert words in answer.content.decode()
    housing.refresh_from_db()
    assert (housing.since, housing.until) == (BEFORE, date(2026, 2, 25))


def test_of_a_cage_of_another_lab_only_the_day_is_told(client_of, owner, cage):
    animal = make_animal(cage, "M1", BEFORE, until=date(2026, 2, 25))
    housing, theirs = animal.housings.get(), make_cage("Their den")
    Housing.objects.create(animal=animal, cage=theirs, since=date(2026, 2, 25))
    Animal.objects.filter(pk=animal.pk).update(lab=theirs.lab)
    data = correction("2026-02-20", "2026-02-27")
    shown = days(client_of, owner, cage, housing, **data).content.decode()
    assert "M1 lives in a cage of another lab from 2026-02-25 on." in shown
    # It cannot come back by a correction either.
    shown = days(client_of, owner, cage, housing, **correction("2026-02-20")).content.decode()
    assert "belongs to another lab than the animal" in shown


def test_what_was_noted_of_an_animal_is_withdrawn_with_a_reason(client_of, owner, cage):
    housing = make_animal(cage, "M1", BEFORE).housings.get()
    data = {"what": "withdraw", "withdraw-reason": "another animal"}
    assert days(client_of, owner, cage, housing, **data).status_code == 302
    assert not Housing.objects.exists()
    change = Change.objects.of_row("cages_housing", housing.pk).newest_first()[0]
    assert (change.reason, list(change.after)) == ("another animal", ["withdrawn_at"])
    response = client_of(owner).get(page(cage))
    assert (response.context["living"], response.context["former"]) == ([], [])
    assert response.context["withdrawn"] == [housing]
    shown = text_of(days(client_of, owner, cage, housing))
    assert "It counts nowhere." in shown
    # A correction that was begun before does not bring it back.
    answer = days(client_of, owner, cage, housing, **correction("2026-02-18"))
    assert answer["Location"] == reverse("animal-housing", args=[cage.pk, housing.pk])
    with pytest.raises(ValidationError, match="withdrawn already"):
        correct(housing, date(2026, 2, 18), None, TODAY)
    with pytest.raises(ValidationError, match="withdrawn already"):
        end(housing, TODAY, TODAY)
    # The number means the same animal again.
    assert new(client_of, owner, cage, number="m1").status_code == 302
    assert Animal.objects.get().number == "m1"
    assert Housing.objects.get().since == BEFORE


@pytest.mark.parametrize("role", [Role.VIEWER, Role.TECHNICIAN, Role.VET])
def test_only_who_may_change_the_cage_changes_its_animals(client_of, cage, role):
    person = make_user()
    make_member(person, cage.lab, role)
    animal = make_animal(cage, "M1", BEFORE)
    assert client_of(person).get(page(cage)).status_code == 200
    assert new(client_of, person, cage).status_code == 403
    data = {"end-day": "2026-03-01"}
    assert act(client_of, person, cage, animal, what="end", **data).status_code == 403
    housing = animal.housings.get()
    assert days(client_of, person, cage, housing).status_code == 403
    assert days(client_of, person, cage, housing, **correction("2026-02-18")).status_code == 403
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
