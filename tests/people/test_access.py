"""Who may see and change what: every address, every method, every kind of person."""

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.test import Client
from django.urls import reverse

from cages.models import Cage
from cages.urls import urlpatterns
from tests.factories import PASSWORD, at, make_cage, make_cycle, make_user, record_minute, slot
from tests.played import played_sensors

NOW = at("07:02:30")
ROLES = ("anonymous", "owner", "other", "staff", "administrator")
LOGIN = "asked to sign in"
MOVED = "led elsewhere"
# What each kind of person gets, in the order of ROLES. Cage 7 is active, cage 8 is archived, both
# are the owner's. An empty form is posted.
EVERYBODY, SIGNED_IN = (200,) * 5, (LOGIN, 200, 200, 200, 200)
NOBODY, NOT_THERE = (404,) * 5, (LOGIN, 404, 404, 404, 404)
NO_TOKEN = (401,) * 5
NO_SUCH_METHOD = (LOGIN, 405, 405, 405, 405)
ITS_PEOPLE, ITS_PEOPLE_MOVED = (LOGIN, 200, 404, 200, 200), (LOGIN, MOVED, 404, MOVED, MOVED)
MATRIX = {
    "home": [((), (LOGIN, MOVED, MOVED, MOVED, MOVED), (LOGIN, MOVED, MOVED, MOVED, MOVED))],
    "cage-list": [((), SIGNED_IN, NO_SUCH_METHOD)],
    "cage-create": [((), SIGNED_IN, SIGNED_IN)],
    # Nothing is ticked, so it leads back to the list.
    "cage-bulk": [
        ((), (LOGIN, MOVED, MOVED, MOVED, MOVED), (LOGIN, MOVED, MOVED, MOVED, MOVED)),
    ],
    "cage-cards": [((), (LOGIN, MOVED, MOVED, MOVED, MOVED), NO_SUCH_METHOD)],
    "cage-import": [((), SIGNED_IN, SIGNED_IN)],
    "cage-import-template": [((), SIGNED_IN, NO_SUCH_METHOD)],
    "cage-archived": [((), SIGNED_IN, NO_SUCH_METHOD)],
    "cage-detail": [((7,), ITS_PEOPLE, NO_SUCH_METHOD), ((8,), ITS_PEOPLE, NO_SUCH_METHOD)],
    "cage-history": [((7,), ITS_PEOPLE, NO_SUCH_METHOD), ((8,), ITS_PEOPLE, NO_SUCH_METHOD)],
    "cage-export": [((), SIGNED_IN, NO_SUCH_METHOD)],
    "cage-export-file": [((), SIGNED_IN, NO_SUCH_METHOD)],
    "cage-export-dictionary": [((), SIGNED_IN, NO_SUCH_METHOD)],
    # Nothing is ticked, so it leads back to the list.
    "cage-compare": [((), (LOGIN, MOVED, MOVED, MOVED, MOVED), NO_SUCH_METHOD)],
    "cage-edit": [((7,), ITS_PEOPLE, ITS_PEOPLE), ((8,), NOT_THERE, NOT_THERE)],
    "cage-test-sensor": [
        ((7,), ITS_PEOPLE_MOVED, ITS_PEOPLE),
        ((8,), NOT_THERE, NOT_THERE),
    ],
    "cage-archive": [
        ((7,), ITS_PEOPLE, ITS_PEOPLE_MOVED),
        ((8,), ITS_PEOPLE_MOVED, ITS_PEOPLE_MOVED),
    ],
    "cage-restore": [
        ((8,), ITS_PEOPLE, ITS_PEOPLE_MOVED),
        ((7,), ITS_PEOPLE_MOVED, ITS_PEOPLE_MOVED),
    ],
    "cage-purge": [
        ((8,), (LOGIN, 403, 404, 403, 200), (LOGIN, 403, 404, 403, 200)),
        ((7,), (LOGIN, 403, 404, 403, 404), (LOGIN, 403, 404, 403, 404)),
    ],
    "cage-move": [((7,), ITS_PEOPLE, ITS_PEOPLE_MOVED), ((8,), NOT_THERE, NOT_THERE)],
    "rack-index": [((), SIGNED_IN, NO_SUCH_METHOD)],
    # No rack is named, so there is none. test_racks.py asks for one.
    "rack-detail": [((), NOT_THERE, NO_SUCH_METHOD)],
    "rack-sheet": [((), NOT_THERE, NO_SUCH_METHOD)],
    "rack-fill": [((), NOT_THERE, NO_SUCH_METHOD)],
    "rack-size": [((), (LOGIN, 403, 403, 404, 404), (LOGIN, 403, 403, 404, 404))],
    "wall": [((), SIGNED_IN, NO_SUCH_METHOD)],
    "login": [((), (200, MOVED, MOVED, MOVED, MOVED), (200, MOVED, MOVED, MOVED, MOVED))],
    "logout": [((), NO_SUCH_METHOD, (LOGIN, MOVED, MOVED, MOVED, MOVED))],
    "register": [((), NOBODY, NOBODY)],
    "setup": [((), NOBODY, NOBODY)],
    "ops": [((), (LOGIN, 403, 403, 200, 200), (LOGIN, 403, 403, 405, 405))],
    "preferences": [((), NO_SUCH_METHOD, (LOGIN, MOVED, MOVED, MOVED, MOVED))],
    "tokens": [((), SIGNED_IN, SIGNED_IN)],
    "token-revoke": [((), NO_SUCH_METHOD, NOT_THERE)],
    "api-examples": [((), SIGNED_IN, NO_SUCH_METHOD)],
    "watch": [((), SIGNED_IN, NO_SUCH_METHOD)],
    "styleguide": [((), (LOGIN, 403, 403, 200, 200), (LOGIN, 403, 403, 405, 405))],
    "healthz": [((), EVERYBODY, EVERYBODY)],
    "readyz": [((), EVERYBODY, EVERYBODY)],
    "metrics": [((), EVERYBODY, EVERYBODY)],
    # A session opens none of these but the last; test_api.py comes with tokens.
    "api:cages": [((), NO_TOKEN, None)],
    "api:states": [((), NO_TOKEN, None)],
    "api:readings": [((), NO_TOKEN, None)],
    "api:requests": [((), NO_TOKEN, None)],
    "api:hourly": [((), NO_TOKEN, None)],
    "api:openapi": [((), (401, 200, 200, 200, 200), None)],
    # The admin has a door of its own.
    "admin:index": [((), (MOVED, MOVED, MOVED, 200, 200), (MOVED, MOVED, MOVED, 200, 200))],
    "admin:cages_cage_changelist": [((), (LOGIN, MOVED, MOVED, 403, 200), None)],
}
ADDRESSES = [(name, args) for name, rows in MATRIX.items() for args, *_ in rows]
OF_A_CAGE = [(name, args) for name, args in ADDRESSES if args]
# What would do something at each address that takes a form.
NEW_CAGE = {"label": "New", "save": "Create cage", "is_polled": "on"}
FORMS = {
    "cage-create": NEW_CAGE,
    "cage-edit": {**NEW_CAGE, "label": "Changed"},
    "cage-purge": {"label": "Archived cage"},
    "cage-move": {"room": "R9", "rack": "Z", "row": "A", "column": "1"},
    "tokens": {"name": "New"},
    "login": {"username": "owner", "password": "not the right one"},
    "register": {"username": "eve", "password1": PASSWORD, "password2": PASSWORD},
    "setup": {"username": "eve", "password1": PASSWORD, "password2": PASSWORD},
}


def cells():
    for name, rows in MATRIX.items():
        for args, *by_method in rows:
            for method, expected in zip(("get", "post"), by_method, strict=True):
                for role, wanted in zip(ROLES, expected or (), strict=bool(expected)):
                    yield pytest.param(
                        name, args, method, role, wanted, id=f"{role}-{method}-{name}{args or ''}"
                    )


@pytest.fixture(autouse=True)
def _fixed_now(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


@pytest.fixture(scope="module")
def sessions(django_db_setup, django_db_blocker):
    """Made once: the people, signed in, and two cages of the owner with a reading each.

    A test changes them as it likes; the database forgets it at its end.
    """
    with (
        pytest.MonkeyPatch.context() as patched,
        django_db_blocker.unblock(),
        transaction.atomic(),
    ):
        patched.setattr("django.utils.timezone.now", lambda: NOW)
        people = {
            "owner": make_user("owner"),
            "other": make_user("other"),
            "staff": make_user("stefan", is_staff=True),
            "administrator": make_user("ada", is_superuser=True),
        }
        active = make_cage("Active cage", owner=people["owner"], id=7)
        archived = make_cage("Archived cage", owner=people["owner"], id=8, archived_at=at("06:50"))
        make_cycle(slot("07:01"), planned=1)
        record_minute(active, slot("07:00"))
        record_minute(archived, slot("06:40"))
        keys = {}
        for role, person in people.items():
            browser = Client()
            browser.force_login(person)
            keys[role] = browser.session.session_key
        yield keys
        transaction.set_rollback(True)


@pytest.fixture
def browser_of(sessions, db):
    """browser_of(role): with that person signed in."""

    def open_browser(role, **options):
        browser = Client(**options)
        if role != "anonymous":
            browser.cookies[settings.SESSION_COOKIE_NAME] = sessions[role]
        return browser

    return open_browser


@pytest.fixture
def sensors():
    """Every sensor is Ok; what was asked is in `.calls`."""
    with played_sensors(assert_all_requests_are_fired=False) as played:
        for number in (7, 8):
            played.get(
                f"{settings.SENSOR_API_URL}/data/{number}/", json={"cage_id": number, "status": 2}
            )
        yield played


def everything_stored():
    """All rows of all tables, sessions included."""
    models = [model for model in apps.get_models() if model._meta.managed]
    return {model._meta.label: list(model.objects.order_by("pk").values()) for model in models}


def meaning_of(response):
    """A status code, or LOGIN or MOVED for the two kinds of redirect."""
    if response.status_code != 302:
        return response.status_code
    return LOGIN if response["Location"].startswith(f"{reverse('login')}?next=") else MOVED


def test_every_address_of_the_app_is_in_the_matrix():
    assert {path.name for path in urlpatterns} == {name for name in MATRIX if ":" not in name}


@pytest.mark.parametrize(("name", "args", "method", "role", "expected"), list(cells()))
def test_each_person_gets_what_is_theirs(browser_of, sensors, name, args, method, role, expected):
    response = getattr(browser_of(role), method)(reverse(name, args=args))
    assert meaning_of(response) == expected


@pytest.mark.parametrize(("name", "args"), OF_A_CAGE)
def test_a_cage_that_does_not_exist_looks_like_somebody_elses(browser_of, sensors, name, args):
    browser = browser_of("other")
    somebody_elses = browser.get(reverse(name, args=args))
    nobodys = browser.get(reverse(name, args=(999,)))
    assert (somebody_elses.status_code, nobodys.status_code) == (404, 404)
    # Before it stands the button to sign out, whose token is another one each time.
    pages = [response.content.split(b"<main")[1] for response in (somebody_elses, nobodys)]
    assert pages[0] == pages[1]


@pytest.mark.parametrize("number", ["0", "2147483648", "9" * 30, "9" * 5000])
def test_an_impossible_cage_id_is_not_found(browser_of, number):
    assert browser_of("staff").get(f"/cages/{number}/").status_code == 404


@pytest.mark.parametrize("role", ["anonymous", "owner", "administrator"])
def test_looking_at_anything_changes_nothing(browser_of, sensors, role):
    browser = browser_of(role)
    before = everything_stored()
    for name, args in ADDRESSES:
        for method in (browser.get, browser.head, browser.options):
            method(reverse(name, args=args), FORMS.get(name))
    assert everything_stored() == before
    assert len(sensors.calls) == 0


@pytest.mark.parametrize("role", ["owner", "administrator"])
def test_unusual_methods_change_nothing(browser_of, sensors, role):
    browser = browser_of(role)
    before = everything_stored()
    for name, args in ADDRESSES:
        for method in (browser.put, browser.patch, browser.delete, browser.trace):
            assert method(reverse(name, args=args)).status_code < 500
    assert everything_stored() == before


def test_a_form_that_an_anonymous_person_posts_changes_nothing(browser_of, sensors):
    browser = browser_of("anonymous")
    before = everything_stored()
    for name, args in ADDRESSES:
        browser.post(reverse(name, args=args), FORMS.get(name))
    assert everything_stored() == before
    assert len(sensors.calls) == 0


def test_a_form_about_somebody_elses_cage_changes_nothing(browser_of, sensors):
    browser = browser_of("other")
    before = everything_stored()
    for name, args in OF_A_CAGE:
        browser.post(reverse(name, args=args), FORMS.get(name))
        browser.post(reverse(name, args=args), {**FORMS.get(name, {}), "test_sensor": "1"})
    assert everything_stored() == before
    assert len(sensors.calls) == 0


@pytest.mark.parametrize(
    ("name", "args"), [row for row in ADDRESSES if MATRIX[row[0]][0][2] is not None]
)
def test_a_form_without_the_csrf_token_is_refused(browser_of, sensors, name, args):
    browser = browser_of("administrator", enforce_csrf_checks=True)
    before = everything_stored()
    response = browser.post(reverse(name, args=args), FORMS.get(name))
    assert response.status_code == 403
    assert "This form was too old to be taken" in response.content.decode()
    assert everything_stored() == before


def test_a_form_with_the_token_of_its_page_is_taken(browser_of):
    browser = browser_of("owner", enforce_csrf_checks=True)
    page = browser.get(reverse("cage-archive", args=(7,)))
    token = str(page.context["csrf_token"])
    browser.post(reverse("cage-archive", args=(7,)), {"csrfmiddlewaretoken": token})
    assert Cage.objects.get(pk=7).is_archived


def test_a_person_without_cages_sees_none(browser_of):
    page = browser_of("other").get(reverse("cage-list")).content.decode()
    assert "No cages yet" in page
    assert "Active cage" not in page


def test_facility_staff_see_every_cage_and_whose_it_is(browser_of):
    page = browser_of("staff").get(reverse("cage-list")).content.decode()
    assert "Active cage" in page
    assert '<td class="wide-only">owner</td>' in page


def test_only_staff_are_shown_the_way_to_operations_and_admin(browser_of):
    for role, shown in (("owner", False), ("staff", True)):
        page = browser_of(role).get(reverse("cage-list")).content.decode()
        assert (reverse("ops") in page, reverse("admin:index") in page) == (shown, shown)


def test_somebody_elses_archived_cage_is_not_in_the_archive(browser_of):
    assert (
        "Archived cage<" not in browser_of("other").get(reverse("cage-archived")).content.decode()
    )
    assert "Archived cage<" in browser_of("owner").get(reverse("cage-archived")).content.decode()


def test_a_person_switched_off_is_signed_out_at_once(browser_of):
    browser = browser_of("owner")
    get_user_model().objects.filter(username="owner").update(is_active=False)
    assert meaning_of(browser.get(reverse("cage-list"))) == LOGIN


def test_a_person_who_becomes_staff_sees_all_from_the_next_page_on(browser_of):
    browser = browser_of("other")
    get_user_model().objects.filter(username="other").update(is_staff=True)
    assert browser.get(reverse("cage-detail", args=(7,))).status_code == 200
