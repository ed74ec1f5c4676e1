"""Who may see and do what with concerns: every address, every method, every kind of person."""

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from neurocage.ids import advance_ids
from people.models import Role
from tests.factories import at, make_cage, make_member, make_user
from tests.neurocage.test_every_url import LOGIN
from tests.pages import text_of
from tests.welfare.factories import make_concern
from welfare.models import Concern, Finding, Kind
from welfare.urls import urlpatterns

NOW = at("07:10")
MOVED = "led elsewhere"
pytestmark = pytest.mark.usefixtures("clock")
ROLES = (
    *("anonymous", "viewer", "technician", "researcher", "vet", "administrator"),
    *("other", "staff"),
)
SIGNED_IN = (LOGIN, *[200] * 7)
NO_SUCH_METHOD = (LOGIN, *[405] * 7)
WHO_SEES = (LOGIN, 200, 200, 200, 200, 200, 404, 200)
NOBODY_WITHOUT_AN_ACT = (LOGIN, 403, 403, 403, 403, 403, 404, 403)
WHO_OPENS = (LOGIN, 403, 403, 403, 200, 200, 404, 200)
MATRIX = {
    "concern-list": ("", SIGNED_IN, NO_SUCH_METHOD),
    "concern-closed": ("", SIGNED_IN, NO_SUCH_METHOD),
    "concern-export": ("", SIGNED_IN, NO_SUCH_METHOD),
    "concern-quality": ("", SIGNED_IN, NO_SUCH_METHOD),
    "concern-create": ("?cage=7", WHO_OPENS, WHO_OPENS),
    "concern-detail": ("", WHO_SEES, NOBODY_WITHOUT_AN_ACT),
}
# What is sent, and who may. The others get what they get without an act.
ACKNOWLEDGES = (LOGIN, 403, MOVED, MOVED, MOVED, MOVED, 404, MOVED)
FINDS = (LOGIN, 403, 403, 403, MOVED, MOVED, 404, MOVED)
ACTS = {
    "acknowledge": ({"acknowledge-reason": "looked"}, ACKNOWLEDGES),
    "comment": ({"comment-text": "It sleeps."}, ACKNOWLEDGES),
    "finding": ({"finding-finding": "normal"}, FINDS),
    "close": ({}, FINDS),
}


def meaning_of(response):
    """A status code, or LOGIN or MOVED for the two kinds of redirect."""
    if response.status_code != 302:
        return response.status_code
    return LOGIN if response["Location"].startswith(f"{reverse('login')}?next=") else MOVED


@pytest.fixture(scope="module")
def sessions(module_database):
    """The people, signed in, and concerns of a cage, its rack, and Neurocage itself."""
    owner = make_user("owner")
    people = {role: make_user(role) for role in ROLES[1:-1]}
    for role in Role:
        make_member(people[role], owner.own_lab, role)
    people["staff"] = make_user("staff", is_staff=True)
    cage = make_cage("Cage", owner=owner, id=7, room="R1", rack="B", row="A", column=1)
    make_concern(cage, pk=1, finding=Finding.NORMAL)
    make_concern(None, Kind.PLACE_SILENT, pk=2, rack=cage.rack, subject=f"rack:{cage.rack_id}")
    make_concern(None, Kind.NEUROCAGE, pk=3)
    make_concern(None, Kind.PLACE_SILENT, pk=4, subject="everything")
    make_concern(None, Kind.BY_EYE, pk=5, subject="drill", is_drill=True)
    advance_ids(Concern)
    browsers = {"anonymous": Client()}
    for role, person in people.items():
        browsers[role] = Client()
        browsers[role].force_login(person)
    return browsers


def each(sessions, ask):
    """{role: what `ask(browser)` means}, each undone."""
    got = {}
    for role, browser in sessions.items():
        with transaction.atomic():
            got[role] = meaning_of(ask(browser))
            transaction.set_rollback(True)
    return got


def wanted(expected):
    return dict(zip(ROLES, expected, strict=True))


def test_every_address_is_in_the_matrix():
    assert {path.name for path in urlpatterns} == set(MATRIX)


@pytest.mark.parametrize("name", MATRIX)
def test_each_person_gets_what_is_theirs(sessions, db, name):
    query, *by_method = MATRIX[name]
    address = reverse(name, args=[1] if name == "concern-detail" else []) + query
    for method, expected in zip(("get", "post"), by_method, strict=True):
        assert each(sessions, lambda who, method=method: getattr(who, method)(address)) == wanted(
            expected
        ), method


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("number", [1, 2])
def test_each_person_does_what_is_theirs(sessions, db, act, number):
    sent, expected = ACTS[act]
    address = reverse("concern-detail", args=[number])
    got = each(sessions, lambda browser: browser.post(address, {"act": act, **sent}))
    assert got == wanted(expected)


@pytest.mark.parametrize("act", ACTS)
def test_only_staff_acts_on_neurocage_itself(sessions, db, act):
    address = reverse("concern-detail", args=[3])
    got = each(sessions, lambda browser: browser.post(address, {"act": act, **ACTS[act][0]}))
    assert got == wanted((LOGIN, *[403] * 6, MOVED))


@pytest.mark.parametrize("act", ACTS)
def test_whoever_takes_care_of_any_cage_may_acknowledge_a_drill(sessions, db, act):
    address = reverse("concern-detail", args=[5])
    got = each(sessions, lambda browser: browser.post(address, {"act": act, **ACTS[act][0]}))
    takes_part = (LOGIN, 403, *[MOVED] * 4, 403, MOVED)
    # A drill is closed by an acknowledgement.
    runs_it = (LOGIN, *[403] * 6, 200 if act == "close" else MOVED)
    assert got == wanted(takes_part if act in ("acknowledge", "comment") else runs_it)


# They silence it for the cages of others.
COMMENTS = (LOGIN, 403, MOVED, MOVED, MOVED, MOVED)


@pytest.mark.parametrize("act", ACTS)
def test_only_staff_acts_on_all_places_together_and_others_comment(sessions, db, act):
    address = reverse("concern-detail", args=[4])
    got = each(sessions, lambda browser: browser.post(address, {"act": act, **ACTS[act][0]}))
    assert got == wanted((*(COMMENTS if act == "comment" else (LOGIN, *[403] * 5)), 403, MOVED))


@pytest.mark.parametrize("act", ACTS)
def test_a_place_with_a_cage_of_another_lab_is_left_to_who_has_all_of_them(sessions, db, act):
    rack = Concern.objects.get(pk=2).rack
    cage = make_cage("Theirs", make_user(), room="R1", rack="B", row="A", column=2)
    address = reverse("concern-detail", args=[2])
    sent = {"act": act, **ACTS[act][0]}
    got = each(sessions, lambda browser: browser.post(address, sent))
    assert got == wanted((*(COMMENTS if act == "comment" else (LOGIN, *[403] * 5)), 404, MOVED))
    page = text_of(sessions["vet"].get(address))
    assert "This is also about cages that you do not take care of." in page
    cage.archive(NOW)
    assert rack.cages.count() == 2
    got = each(sessions, lambda browser: browser.post(address, sent))
    assert got == wanted(ACTS[act][1])


def test_the_desk_shows_each_person_the_concerns_of_their_cages(sessions, db):
    shown = {
        role: [one.pk for one in browser.get(reverse("concern-list")).context["concerns"]]
        for role, browser in sessions.items()
        if role != "anonymous"
    }
    assert {role for role, numbers in shown.items() if 1 in numbers} == set(ROLES) - {
        *("anonymous", "other")
    }
    # Of Neurocage itself and of all places.
    assert sorted(shown["other"]) == [3, 4]


def test_a_form_without_the_csrf_token_changes_nothing(sessions, db):
    browser = Client(enforce_csrf_checks=True)
    browser.cookies = sessions["vet"].cookies
    sent = {"act": "finding", "finding-finding": "normal"}
    assert browser.post(reverse("concern-detail", args=[1]), sent).status_code == 403
    assert Concern.objects.get(pk=1).is_open


@pytest.mark.parametrize("number", ["0", "999", "2147483648", "9" * 30])
def test_a_concern_that_does_not_exist_is_not_found(sessions, db, number):
    assert sessions["staff"].get(f"/concerns/{number}/").status_code == 404


@pytest.mark.parametrize("cage", ["", "8", "x", "9" * 30])
def test_nothing_is_opened_about_a_cage_that_does_not_exist(sessions, db, cage):
    assert sessions["staff"].get(f"/concerns/new/?cage={cage}").status_code == 404


def test_a_concern_about_a_place_that_is_gone_is_left_to_staff(sessions, db):
    concern = make_concern(None, Kind.PLACE_SILENT, subject="rack:999")
    sent = {"act": "acknowledge", **ACTS["acknowledge"][0]}
    got = each(sessions, lambda browser: browser.post(concern.get_absolute_url(), sent))
    assert got == wanted((LOGIN, *[403] * 6, MOVED))
