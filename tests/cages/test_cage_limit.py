"""How many cages a lab may have: an administrator sets it, and everything respects it."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.urls import reverse

from cages.importing.plan import plan_of
from cages.importing.sheet import rows_of
from cages.models import Cage
from people.models import Lab
from people.models.lab import DEFAULT_CAGE_LIMIT
from tests.factories import at, make_cage, make_user
from tests.pages import queries_of, text_of

FULL = "may have at most 2 cages, archived ones included. An administrator can raise this limit."


@pytest.fixture
def lab(user):
    """The lab of `user`, with one of two cages, which is archived."""
    Lab.objects.filter(own_of=user).update(cage_limit=2)
    make_cage(owner=user, archived_at=at("07:00"))
    return user.own_lab


def plan(text, person, **options):
    return plan_of(rows_of(text.encode()), person, **options)


def test_the_form_refuses_a_cage_beyond_the_limit(browser, lab):
    assert browser.post(reverse("cage-create"), {"label": "A"}).status_code == 302
    assert FULL in text_of(browser.post(reverse("cage-create"), {"label": "B"}))
    assert Cage.objects.filter(lab=lab).count() == 2


def test_a_cage_of_a_full_lab_can_be_changed(browser, user, lab):
    cage = make_cage("A", owner=user)
    make_cage("B", owner=user)
    response = browser.post(reverse("cage-edit", args=[cage.pk]), {"label": "C"})
    assert response.status_code == 302


def test_a_cage_is_not_given_into_a_full_lab(client_of, staff, user, lab):
    make_cage(owner=user)
    cage = make_cage("A")
    form = {"label": "A", "owner": user.pk}
    address = reverse("cage-edit", args=[cage.pk])
    assert FULL in text_of(client_of(staff).post(address, form))


def test_the_import_refuses_the_rows_beyond_the_limit(user, lab):
    found = plan("label\nA\nB\nC\n", user)
    assert [row.name for row in found.new] == ["A"]
    assert [row.name for row in found.refused] == ["B", "C"]
    assert FULL in found.refused[0].reason


def test_the_import_counts_a_cage_that_changes_its_lab(staff, user, lab):
    make_cage(owner=user)
    cage = make_cage("A")
    assert FULL in plan(f"id,owner\n{cage.pk},{user.username}\n", staff).refused[0].reason


def test_the_number_of_queries_does_not_grow_with_the_labs(staff):
    people = [make_user() for _ in range(10)]
    one, ten = (
        "label,owner\n" + "".join(f"A,{person.username}\n" for person in some)
        for some in (people[:1], people)
    )
    assert queries_of(plan, one, staff) == queries_of(plan, ten, staff)


@pytest.mark.django_db(transaction=True)
def test_two_imports_at_once_do_not_share_the_last_place(user, lab):
    from django.db import connection, transaction

    with transaction.atomic():
        plan("label\nA\n", user, lock=True)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT mode FROM pg_locks WHERE relation = 'people_lab'::regclass AND granted"
            )
            assert ("RowShareLock",) in cursor.fetchall()


def test_an_administrator_sets_the_limit(client_of, administrator, lab, user):
    browser = client_of(administrator)
    assert user.username in text_of(browser.get("/admin/people/lab/"))
    address = f"/admin/people/lab/{lab.pk}/change/"
    assert browser.post(address, {"cage_limit": "0"}).status_code == 200
    assert browser.post(address, {"cage_limit": "3"}).status_code == 302
    lab.refresh_from_db()
    assert (lab.cage_limit, lab.name) == (3, user.username)
    assert browser.get("/admin/people/lab/add/").status_code == 403


def test_facility_staff_do_not_set_it(client_of, staff, lab):
    assert client_of(staff).get(f"/admin/people/lab/{lab.pk}/change/").status_code == 403


def test_the_admin_refuses_a_cage_beyond_the_limit(client_of, administrator, user, lab):
    make_cage(owner=user)
    browser = client_of(administrator)
    form = {"label": "A", "owner": user.pk}
    assert FULL in text_of(browser.post("/admin/cages/cage/add/", form))


def test_a_new_lab_has_the_usual_limit(user):
    assert user.own_lab.cage_limit == DEFAULT_CAGE_LIMIT


def test_make_cages_leaves_room_in_the_lab_that_it_fills(user, lab):
    call_command("make_cages", "5", owner=user.username, stdout=StringIO())
    lab.refresh_from_db()
    assert lab.cage_limit == 6 + DEFAULT_CAGE_LIMIT
