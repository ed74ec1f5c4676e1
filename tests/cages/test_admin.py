"""Django's admin: cages and users, and nothing that was measured."""

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.urls import reverse

from cages.models import Cage
from tests.factories import PASSWORD, at, make_cage, make_user
from tests.pages import queries_of

CAGES = reverse("admin:cages_cage_changelist")
ADD = reverse("admin:cages_cage_add")
FORM = {"label": "Colony", "is_polled": "on", "_save": "Save"}


@pytest.fixture
def browser(client_of, administrator):
    return client_of(administrator)


def change_url(cage):
    return reverse("admin:cages_cage_change", args=(cage.pk,))


def listed(response):
    return [cage.label for cage in response.context["cl"].result_list]


def test_only_cages_labs_and_users_can_be_administered():
    models = {model._meta.label for model in admin.site._registry}
    assert models == {"cages.Cage", "people.Lab", "people.User"}


def test_the_start_page_has_our_name(browser):
    assert "Neurocage administration" in browser.get(reverse("admin:index")).content.decode()


def test_cages_are_listed_with_position_and_owner(browser, user):
    make_cage("Colony", owner=user, room="R2", rack="B", row="B", column=7)
    make_cage("Gone", owner=user, archived_at=at("06:00"))
    response = browser.get(CAGES)
    assert listed(response) == ["Colony", "Gone"]
    page = response.content.decode()
    assert "R2 · rack B · B-07" in page
    assert "ruth" in page


@pytest.mark.parametrize(
    ("words", "found"), [("colo", ["Colony"]), ("117", ["Pair"]), ("nothing", []), ("1%", [])]
)
def test_cages_are_searched_by_label_and_id(browser, user, words, found):
    make_cage("Colony", owner=user, id=7)
    make_cage("Pair", owner=user, id=117)
    assert listed(browser.get(CAGES, {"q": words})) == found


def test_archived_cages_can_be_filtered(browser, user):
    make_cage("Here", owner=user)
    make_cage("Gone", owner=user, archived_at=at("06:00"))
    assert listed(browser.get(CAGES, {"archived_at__isempty": "1"})) == ["Here"]
    assert listed(browser.get(CAGES, {"archived_at__isempty": "0"})) == ["Gone"]


def test_the_list_takes_as_many_queries_for_1_cage_as_for_40(browser, user):
    counts = []
    for number in (1, 40):
        while Cage.objects.count() < number:
            make_cage(owner=user)
        counts.append(queries_of(browser.get, CAGES))
    assert counts[0] == counts[1] <= 12


def test_a_cage_is_added_and_changed(browser, user):
    assert browser.post(ADD, {**FORM, "owner": user.pk}).status_code == 302
    cage = Cage.objects.get()
    assert (cage.label, cage.owner) == ("Colony", user)
    browser.post(change_url(cage), {**FORM, "label": "Other", "owner": user.pk})
    cage.refresh_from_db()
    assert cage.label == "Other"


def test_a_bay_that_is_taken_is_refused_here_too(browser, user):
    place = {"room": "R2", "rack": "B", "row": "B", "column": 7}
    make_cage(owner=user, **place)
    response = browser.post(ADD, {**FORM, **place, "rack": "b", "owner": user.pk})
    assert response.status_code == 200
    assert response.context["errors"]
    assert Cage.objects.count() == 1


def test_what_is_not_a_persons_to_choose_is_only_shown(browser, user):
    cage = make_cage("Colony", owner=user, id=7)
    page = browser.get(change_url(cage)).content.decode()
    forged = dict.fromkeys(("archived_at_0", "archived_at", "purge_ordered_at"), "2020-01-01")
    for name in ("id", "created_at", "archived_at", "purge_ordered_at"):
        assert f'name="{name}' not in page
    browser.post(change_url(cage), {**FORM, **forged, "id": 8, "owner": user.pk})
    cage = Cage.objects.get()
    assert (cage.pk, cage.archived_at, cage.purge_ordered_at) == (7, None, None)


def test_no_cage_is_deleted_here(browser, user):
    cage = make_cage(owner=user)
    address = reverse("admin:cages_cage_delete", args=(cage.pk,))
    assert browser.get(address).status_code == 403
    assert browser.post(address, {"post": "yes"}).status_code == 403
    action = {"action": "delete_selected", "_selected_action": cage.pk, "post": "yes"}
    browser.post(CAGES, action)
    assert Cage.objects.filter(pk=cage.pk).exists()


def test_a_person_is_added_and_can_sign_in(browser, client):
    passwords = dict.fromkeys(("password1", "password2"), PASSWORD)
    form = {"username": "eve", "usable_password": "true", **passwords, "_save": "Save"}
    browser.post(reverse("admin:people_user_add"), form)
    assert client.login(username="eve", password=PASSWORD)


def test_when_an_account_was_made_and_last_used_cannot_be_typed(browser, user):
    page = browser.get(reverse("admin:people_user_change", args=(user.pk,))).text
    assert 'name="username"' in page
    assert not [name for name in ("date_joined", "last_login") if f'name="{name}' in page]


def test_a_person_who_owns_cages_cannot_be_deleted(browser, user):
    make_cage("Colony", owner=user)
    response = browser.post(reverse("admin:people_user_delete", args=(user.pk,)), {"post": "yes"})
    assert "Cannot delete user" in response.content.decode()
    assert get_user_model().objects.filter(pk=user.pk).exists()


def test_a_person_without_cages_can_be_deleted(browser):
    leaving = make_user("leaving")
    browser.post(reverse("admin:people_user_delete", args=(leaving.pk,)), {"post": "yes"})
    assert not get_user_model().objects.filter(username="leaving").exists()


def test_only_administrators_administer_whatever_permissions_of_django_staff_have(
    client_of, administrator, staff, user
):
    cage = make_cage(owner=user)
    own = reverse("admin:people_user_change", args=(staff.pk,))
    form = client_of(administrator).get(own).context["adminform"].form
    assert not {"groups", "user_permissions"} & set(form.fields)
    staff.user_permissions.set(Permission.objects.all())
    browser = client_of(staff)
    page = browser.get(reverse("admin:index"))
    assert page.status_code == 200
    assert page.context["app_list"] == []
    for address in (
        *(CAGES, ADD, change_url(cage), reverse("admin:people_user_changelist"), own),
        reverse("admin:people_user_add"),
        reverse("admin:auth_user_password_change", args=(administrator.pk,)),
        reverse("admin:people_lab_change", args=(user.own_lab.pk,)),
    ):
        assert browser.get(address).status_code == 403
    assert browser.post(own, {"username": "stefan", "is_superuser": "on"}).status_code == 403
    staff.refresh_from_db()
    assert not staff.is_superuser
