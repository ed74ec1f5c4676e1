"""The import of animals: what a plan says of each row, and what is written."""

from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cages.importing.animals import DATES, columns_from, plan_of
from cages.importing.sheet import rows_of
from cages.models import Animal, Cage, Housing
from people.access import Access
from people.models import Role
from tests.factories import at, make_animal, make_cage, make_member, make_user

NOW, TODAY = at("11:07:20"), date(2026, 3, 2)
HEAD = "number,sex,born,group,cage,since,until\n"
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def owner():
    return make_user("rita")


@pytest.fixture
def cage(owner):
    return make_cage("Burrow", owner)


def plan(owner, text, head=HEAD):
    rows = rows_of((head + text).encode(), columns_from, DATES)
    return plan_of(rows, Access(owner), TODAY)


def test_a_new_animal_a_changed_one_and_one_as_it_is(owner, cage):
    make_animal(cage, "M1", date(2026, 2, 1), sex="f", group="a")
    make_animal(cage, "M2", date(2026, 2, 1), sex="f", group="a")
    found = plan(
        owner,
        f"M1,f,,a,{cage.pk},2026-02-01,\n"
        f"M2,f,2026-01-02,b,{cage.pk},2026-02-01,\n"
        f"M3,m,,b,{cage.pk},2026-02-20,\n",
    )
    assert [row.name for row in found.unchanged] == ["M1"]
    assert [row.changes for row in found.changed] == [
        [("born", "", "2026-01-02"), ("group", "a", "b")]
    ]
    assert [row.name for row in found.new] == ["M3"]
    assert not found.refused


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (",f,,,{cage},2026-02-20,", "number"),
        ("M9,x,,,{cage},2026-02-20,", "f or m"),
        ("M9,f,1.2.2026,,{cage},2026-02-20,", "born"),
        ("M9,f,,,99999,2026-02-20,", "no such cage"),
        ("M9,f,,,{cage},,", "since when"),
        ("M9,f,,,,,", "needs a cage"),
        ("M9,f,,,{cage},2026-03-03,", "in the future"),
        ("M9,f,,,{cage},0001-01-01,", "a year from 1970"),
        ("M9,f,0001-01-01,,{cage},2026-02-20,", "a year from 1970"),
        ("M9,f,,,{cage},2026-02-20,2026-02-20", "before the first"),
        ("M1,f,,,{cage},2026-01-20,", "in these days"),
    ],
)
def test_rows_that_cannot_be_are_refused_with_a_reason(owner, cage, row, words):
    make_animal(cage, "M1", date(2026, 2, 1))
    found = plan(owner, row.format(cage=cage.pk) + "\n")
    assert [words in one.reason for one in found.refused] == [True], found.refused


def test_a_number_that_is_there_twice_is_refused_once(owner, cage):
    row = f"M9,f,,,{cage.pk},2026-02-20,\n"
    found = plan(owner, row + row)
    assert (len(found.new), len(found.refused)) == (1, 1)


def test_two_labs_each_have_an_animal_with_the_number(owner, cage):
    staff, other = make_user(is_superuser=True), make_cage()
    rows = [f"M9,f,,,{one.pk},2026-02-20,\n" for one in (cage, other)]
    found = plan(staff, "".join(rows))
    assert [row.animal.lab_id for row in found.new] == [cage.lab_id, other.lab_id]
    assert not found.refused


def test_a_cage_of_others_is_refused(owner, cage):
    found = plan(make_user(), f"M9,f,,,{cage.pk},2026-02-20,\n")
    assert "no such cage" in found.refused[0].reason


def test_a_missing_column_changes_nothing(owner, cage):
    animal = make_animal(cage, "M1", date(2026, 2, 1), strain="C57", group="a")
    found = plan(owner, "M1,b\n", head="number,group\n")
    assert found.changed[0].changes == [("group", "a", "b")]
    assert found.changed[0].animal.strain == animal.strain


def send(client_of, owner, text):
    file = SimpleUploadedFile("animals.csv", (HEAD + text).encode())
    browser = client_of(owner)
    shown = browser.post(reverse("animal-import"), {"file": file})
    data = {
        "packed": shown.context["packed"],
        "fingerprint": shown.context["plan"].fingerprint,
    }
    return browser, data


def test_what_was_confirmed_is_written_and_a_move_ends_the_stay_before(client_of, owner, cage):
    make_animal(cage, "M1", date(2026, 2, 1))
    den = make_cage("Den", owner)
    text = f"M1,f,,b,{den.pk},2026-02-20,\nM2,m,,b,{den.pk},2026-02-20,2026-03-01\n"
    browser, data = send(client_of, owner, text)
    assert Housing.objects.count() == 1
    assert browser.post(reverse("animal-import"), data).status_code == 302
    told = Housing.objects.order_by("animal__number", "since")
    assert list(told.values_list("animal__number", "cage", "until")) == [
        ("M1", cage.pk, date(2026, 2, 20)),
        ("M1", den.pk, None),
        ("M2", den.pk, date(2026, 3, 1)),
    ]
    assert set(Animal.objects.values_list("group", flat=True)) == {"b"}
    browser, _data = send(client_of, owner, text)
    assert len(plan(owner, text).unchanged) == 2


def test_a_plan_that_is_no_longer_true_is_not_carried_out(client_of, owner, cage):
    browser, data = send(client_of, owner, f"M1,f,,b,{cage.pk},2026-02-20,\n")
    make_animal(cage, "M1", date(2026, 2, 1))
    response = browser.post(reverse("animal-import"), data)
    assert "have changed since the preview" in response.content.decode()
    assert Housing.objects.count() == 1


def test_who_may_not_change_cages_may_not_import(client_of, cage):
    person = make_user()
    person.own_lab.memberships.all().delete()
    make_member(person, cage.lab, Role.TECHNICIAN)
    assert client_of(person).get(reverse("animal-import")).status_code == 403


def test_more_rows_do_not_cost_more_queries(owner, cage):
    counts = []
    for number in (1, 30):
        rows = "".join(f"M{n},f,,,{cage.pk},2026-02-20,\n" for n in range(number))
        with CaptureQueriesContext(connection) as queries:
            plan(owner, rows)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_an_animal_is_not_taken_out_of_a_cage_that_the_person_may_not_change(owner, cage):
    make_animal(cage, "M1", date(2026, 2, 1))
    den = make_cage("Den", owner)
    Cage.objects.filter(pk=cage.pk).update(lab=make_user().own_lab)
    (refused,) = plan(owner, f"M1,f,,,{den.pk},2026-02-20,\n").refused
    assert refused.reason == f"It lives in cage {cage.pk}, which you may not change."
