"""Labs: who sees and changes their cages, and which cages belong to them."""

import re

import pytest
from django.urls import reverse

from cages.importing.carry_out import carry_out
from cages.importing.plan import plan_of
from cages.importing.sheet import rows_of
from cages.models import Cage, Rack
from people.access import Access
from people.models import Lab, Role
from tests.factories import at, make_cage, make_member, make_user

NOW = at("07:02:30")


def test_sees_sees_not_and_changes_divide_the_cages(user, staff):
    mine, seen, hidden = make_cage(owner=user), make_cage(), make_cage()
    make_member(user, seen.lab, Role.VIEWER)
    cages, access = Cage.objects.order_by("pk"), Access(user)
    assert list(access.sees(cages)) == [mine, seen]
    assert list(access.sees_not(cages)) == [hidden]
    assert list(access.changes(cages)) == [mine]
    assert [cage for cage in cages if access.may_change(cage)] == [mine]
    assert list(Access(staff).changes(cages)) == [mine, seen, hidden]
    assert not Access(staff).sees_not(cages)


@pytest.mark.parametrize("role", Role)
def test_only_a_viewer_changes_nothing_in_a_lab(user, role):
    cage = make_cage()
    make_member(user, cage.lab, role)
    assert Access(user).may_change(cage) == (role != Role.VIEWER)


def test_a_cage_follows_its_owner_into_another_lab(user, staff):
    cage = make_cage(owner=user)
    assert cage.lab == user.own_lab
    cage.owner = staff
    cage.save()
    assert Cage.objects.get().lab == staff.own_lab


def test_an_import_that_names_another_owner_moves_the_cage_into_their_lab(user, staff):
    make_cage("A", owner=user, id=7)
    rows = rows_of(b"id,label,owner\n7,A,stefan\n8,B,ruth\n")
    carry_out(rows, plan_of(rows, staff).fingerprint, staff, NOW)
    assert {cage.pk: cage.lab for cage in Cage.objects.all()} == {7: staff.own_lab, 8: user.own_lab}


def test_a_new_account_has_a_lab_of_its_own_that_goes_with_it(user):
    assert user.own_lab.name == "ruth"
    assert [(one.lab, one.role) for one in user.memberships.all()] == [
        (user.own_lab, Role.RESEARCHER)
    ]
    user.delete()
    assert not Lab.objects.exists()


CHANGING_LINK = re.compile(r"/(?:edit|move|archive|restore|purge|test-sensor|fill)/")


def test_a_viewer_is_offered_nothing_that_changes_a_cage(user, client_of):
    owner = make_user()
    make_cage("Bay", owner, "R2", "B", "B", 2, id=7)
    make_cage("Beside", owner, "R2", "B")
    make_cage("Archived", owner, id=8, archived_at=NOW)
    make_member(user, owner.own_lab, Role.VIEWER)
    rack = reverse("rack-detail", args=[Rack.objects.get().pk])
    for page in ("/cages/7/", "/cages/8/", "/cages/archived/", rack):
        of_owner, of_viewer = (
            CHANGING_LINK.findall(client_of(person).get(page).content.decode())
            for person in (owner, user)
        )
        assert of_owner, page
        assert not of_viewer, page


def test_a_viewer_can_select_cages_only_for_what_changes_nothing(user, client_of):
    cage = make_cage()
    make_member(user, cage.lab, Role.VIEWER)
    browser = client_of(user)
    offered = [value for value, _name in browser.get("/cages/").context["acts"]]
    assert offered == ["cards", "compare", "export"]
    make_cage(owner=user)
    assert "pause" in dict(browser.get("/cages/").context["acts"])
