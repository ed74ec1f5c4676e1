"""Labs: who sees and changes their cages, and which cages belong to them."""

import re
from importlib import import_module

import pytest
from django.db import connection
from django.urls import reverse

from cages.importing.carry_out import carry_out
from cages.importing.plan import plan_of
from cages.importing.sheet import rows_of
from cages.models import Cage, Housing, Rack
from people.access import Access
from people.models import Lab, Membership, Role
from tests.factories import at, make_animal, make_cage, make_member, make_user
from tests.pages import errors_of, queries_of, text_of

NOW = at("07:02:30")
LABS = reverse("labs")


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


# What each role allows: see, acknowledge, handle, change, find, manage.
TABLE = {
    Role.VIEWER: (True, False, False, False, False, False),
    Role.TECHNICIAN: (True, True, True, False, False, False),
    Role.RESEARCHER: (True, True, True, True, False, False),
    Role.VET: (True, True, False, False, True, False),
    Role.ADMINISTRATOR: (True, True, True, True, True, True),
}


@pytest.mark.parametrize("role", Role)
def test_each_role_allows_what_the_table_says(user, role):
    cage = make_cage()
    make_member(user, cage.lab, role)
    access, cages = Access(user), Cage.objects.all()
    verbs = (access.sees, access.acknowledges, access.handles, access.changes, access.finds)
    got = (*(verb(cages).exists() for verb in verbs), access.managed_labs.exists())
    assert got == TABLE[role]
    assert (access.may_handle(cage), access.may_change(cage)) == TABLE[role][2:4]
    (marked,) = access.marked(cages)
    assert (marked.is_handled, marked.is_changeable) == TABLE[role][2:4]


def test_a_cage_follows_its_owner_into_another_lab(user, staff):
    cage = make_cage(owner=user)
    assert cage.lab == user.own_lab
    animal = make_animal(cage)
    cage = Cage.objects.get()
    cage.owner = staff
    cage.save()
    animal.refresh_from_db()
    assert Cage.objects.get().lab == animal.lab == staff.own_lab


def test_an_import_that_names_another_owner_moves_the_cage_into_their_lab(user, staff):
    animal = make_animal(make_cage("A", owner=user, id=7), "M1")
    rows = rows_of(b"id,label,owner\n7,A,stefan\n8,B,ruth\n")
    carry_out(rows, plan_of(rows, staff).fingerprint, staff, NOW)
    assert {cage.pk: cage.lab for cage in Cage.objects.all()} == {7: staff.own_lab, 8: user.own_lab}
    animal.refresh_from_db()
    assert animal.lab == staff.own_lab
    # It does not go back to where its number is taken.
    make_animal(Cage.objects.get(pk=8), "m1")
    (refused,) = plan_of(rows_of(b"id,label,owner\n7,A,ruth\n"), staff).refused
    assert "has an animal with the number M1" in refused.reason


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
    assert offered == ["cards", "compare", "rhythms", "export"]
    make_cage(owner=user)
    assert "pause" in dict(browser.get("/cages/").context["acts"])


# A lab of several people, without Django's admin


@pytest.fixture
def lab(db):
    """A lab with its administrator, named head."""
    lab = Lab.objects.create(name="Sleep")
    make_member(make_user("head"), lab, Role.ADMINISTRATOR)
    return lab


@pytest.fixture
def head(lab, client_of):
    return client_of(lab.people.get(username="head"))


def address_of(lab):
    return reverse("lab", args=[lab.pk])


def roles_in(lab):
    return dict(lab.memberships.values_list("person__username", "role"))


def test_an_administrator_of_the_facility_makes_a_lab_and_its_limit(administrator, client_of):
    browser = client_of(administrator)
    browser.post(LABS, {"act": "make", "name": "Sleep", "cage_limit": 5})
    lab = Lab.objects.get(name="Sleep")
    assert (lab.cage_limit, lab.own_of) == (5, None)
    assert "Sleep" in text_of(browser.get(LABS, {"q": "slee"}))
    taken = browser.post(LABS, {"act": "make", "name": "SLEEP", "cage_limit": 5})
    assert errors_of(taken) == {"name": ["There is a lab with this name."]}
    browser.post(address_of(lab), {"act": "change", "name": "Sleep", "cage_limit": 7})
    assert Lab.objects.get(name="Sleep").cage_limit == 7


def test_an_administrator_of_a_lab_adds_changes_and_removes_people(lab, head, user):
    page = text_of(
        head.post(
            address_of(lab), {"act": "invite", "username": "Ruth", "role": "vet"}, follow=True
        )
    )
    assert "ruth belongs to the lab now." in page
    head.post(address_of(lab), {"act": "role", "person": user.pk, "role": "viewer"})
    assert roles_in(lab) == {"head": "administrator", "ruth": "viewer"}
    head.post(address_of(lab), {"act": "remove", "person": user.pk})
    assert roles_in(lab) == {"head": "administrator"}


@pytest.mark.parametrize(
    ("person", "error"),
    [
        ("nobody", "Nobody with this username may sign in."),
        ("head", "This person has a role in the lab already."),
        ("", "This field is required."),
    ],
)
def test_who_cannot_be_added_is_not(lab, head, person, error):
    answer = head.post(address_of(lab), {"act": "invite", "username": person, "role": "vet"})
    assert errors_of(answer) == {"username": [error]}
    assert roles_in(lab) == {"head": "administrator"}


@pytest.mark.parametrize("act", [{"act": "remove"}, {"act": "role", "role": "viewer"}])
def test_the_last_administrator_stays(lab, head, act):
    me = lab.people.get()
    # One who may not sign in any more takes care of nobody.
    make_member(make_user("gone", is_active=False), lab, Role.ADMINISTRATOR)
    page = head.post(address_of(lab), {**act, "person": me.pk}, follow=True)
    assert "This is the last administrator of the lab." in text_of(page)
    assert roles_in(lab)["head"] == "administrator"
    make_member(make_user("deputy"), lab, Role.ADMINISTRATOR)
    head.post(address_of(lab), {**act, "person": me.pk})
    assert roles_in(lab).get("head") != "administrator"


def test_an_administrator_of_a_lab_does_not_raise_its_limit(lab, head):
    sent = {"act": "change", "name": "Sleep", "cage_limit": 9999}
    assert head.post(address_of(lab), sent).status_code == 403
    assert head.post(LABS, {"act": "make", "name": "New", "cage_limit": 1}).status_code == 403
    assert Lab.objects.get(pk=lab.pk).cage_limit != 9999
    assert not Lab.objects.filter(name="New").exists()


def test_new_cages_belong_to_the_lab_that_the_person_chose(lab, user, client_of):
    make_member(user, lab, Role.RESEARCHER)
    before = make_cage("Before", owner=user)
    client_of(user).post(LABS, {"act": "home", "lab": lab.pk})
    client_of(user).post(reverse("cage-create"), {"label": "After", "save": "1"})
    assert Cage.objects.get(label="After").lab == lab
    assert Cage.objects.get(pk=before.pk).lab == user.own_lab
    client_of(user).post(LABS, {"act": "home", "lab": user.own_lab.pk})
    assert make_cage(owner=user).lab == user.own_lab


@pytest.mark.parametrize("role", [None, Role.VIEWER, Role.TECHNICIAN])
def test_no_lab_takes_new_cages_of_a_person_who_may_not_change_its_cages(
    lab, user, client_of, role
):
    if role:
        make_member(user, lab, role)
    answer = client_of(user).post(LABS, {"act": "home", "lab": lab.pk})
    assert answer.status_code == 200
    assert not Membership.objects.filter(is_home=True).exists()


def hand_over(browser, lab, *cages):
    which = "&".join(f"cage={cage.pk}" for cage in cages)
    sent = {"count": len(cages), "lab": lab.pk}
    return browser.post(f"{reverse('cage-bulk')}?act=join&{which}", sent, follow=True)


def test_cages_are_handed_over_to_another_lab(lab, user, client_of):
    make_member(user, lab, Role.RESEARCHER)
    cages = [make_cage(owner=user) for _ in range(2)]
    animal, former = make_animal(cages[0]), make_animal(cages[0], until=NOW.date())
    assert "2 cages were handed over." in text_of(hand_over(client_of(user), lab, *cages))
    assert {cage.lab for cage in Cage.objects.all()} == {lab}
    animal.refresh_from_db()
    former.refresh_from_db()
    assert (animal.lab, former.lab) == (lab, user.own_lab)
    event = cages[0].events.get()
    assert (event.kind, event.before, event.after) == ("joined", "ruth", "Sleep")
    # A colleague edits it, and it stays, although its owner left the lab meanwhile.
    Membership.objects.remove(lab, user)
    cage = Cage.objects.get(pk=cages[0].pk)
    cage.notes = "New"
    cage.save()
    assert Cage.objects.get(pk=cage.pk).lab == lab


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("full", "may have at most 1 cages"),
        ("label", "has a cage with the label “same” already"),
        ("stranger", "has no role in the lab “Sleep”"),
        ("number", "has an animal with the number M1"),
        ("home", "lives in cage 4 as well"),
    ],
)
def test_cages_that_do_not_fit_a_lab_stay_where_they_are(
    lab, administrator, user, client_of, fault, said
):
    if fault != "stranger":
        make_member(user, lab, Role.RESEARCHER)
    head = lab.people.get(username="head")
    other = make_cage("Same", owner=head)
    Cage.objects.filter(pk=other.pk).update(lab=lab)
    Lab.objects.filter(pk=lab.pk).update(cage_limit=1 if fault == "full" else 10)
    cage = make_cage("same" if fault == "label" else "Other", owner=user)
    animal = make_animal(cage, "M1")
    if fault == "number":
        make_animal(Cage.objects.get(pk=other.pk), "m1")
    if fault == "home":
        Housing.objects.create(animal=animal, cage=make_cage(owner=user, id=4), since=NOW.date())
    assert said in text_of(hand_over(client_of(administrator), lab, cage))
    animal.refresh_from_db()
    assert Cage.objects.get(pk=cage.pk).lab == animal.lab == user.own_lab


def test_animals_of_cages_that_were_handed_over_before_go_along(lab, user):
    """Migration 0009, for databases in which a cage left its animals in the old lab."""
    here, there = make_cage(owner=user), make_cage(owner=user)
    goes, taken = make_animal(here, "M1"), make_animal(here, "M2")
    Cage.objects.filter(pk=there.pk).update(lab=lab)
    make_animal(Cage.objects.get(pk=there.pk), "m2")
    Cage.objects.filter(pk=here.pk).update(lab=lab)
    with connection.cursor() as cursor:
        cursor.execute(import_module("cages.migrations.0010_animals_go_along").GO_ALONG)
    goes.refresh_from_db()
    taken.refresh_from_db()
    assert (goes.lab, taken.lab) == (lab, user.own_lab)


def test_nobody_hands_a_cage_to_a_lab_in_which_they_change_nothing(lab, user, client_of):
    make_member(user, lab, Role.TECHNICIAN)
    cage = make_cage(owner=user)
    hand_over(client_of(user), lab, cage)
    assert Cage.objects.get(pk=cage.pk).lab == user.own_lab


def test_an_import_makes_no_cages_in_a_lab_that_the_person_may_not_change(user, lab):
    user.memberships.update(role=Role.VIEWER)
    make_member(user, lab, Role.RESEARCHER)
    assert [row.reason for row in plan_of(rows_of(b"label\nNew\n"), user).refused] == [
        "You may not create cages in your lab."
    ]


def test_the_page_of_a_lab_takes_the_same_queries_for_one_as_for_many(lab, head):
    counts = []
    for number in (1, 10):
        for _ in range(number):
            make_member(make_user(), lab, Role.VIEWER)
        counts.append(queries_of(head.get, address_of(lab)))
    assert counts[0] == counts[1] <= 8
