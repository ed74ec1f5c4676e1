"""What people change and see where they may not. test_every_url.py tells who is let in where."""

import re
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from cages.importing.plan import plan_of
from cages.importing.sheet import rows_of
from cages.models import Cage
from people.access import Permission
from people.models import Role, User
from tests.factories import (
    PASSWORD,
    at,
    make_cage,
    make_cycle,
    make_member,
    make_user,
    record_minute,
    slot,
)
from tests.neurocage.test_every_url import ARCHIVED, CAGE, LOGIN, PAGES, meaning_of
from tests.played import played_sensors

NOW = at("07:02:30")
pytestmark = pytest.mark.usefixtures("clock")


ROWS = {
    *("rack", "room", "lab", "rule", "mark", "mark_kind", "period", "schedule", "study", "round"),
    *("animal", "housing"),
}


def addresses():
    """[(name, arguments)] of every page, with cage 7, which is active, and 8, which is archived.

    There is no other row: test_every_url.py asks for those that there are.
    """
    for name, (_get, _post, *rest) in PAGES.items():
        args = [999 if one in ROWS else one for one in (rest or [()])[0]]
        yield name, tuple(args)
        if name.startswith("cage-") and args:
            yield name, (ARCHIVED if CAGE in args else CAGE,)


ADDRESSES = list(addresses())
OF_A_CAGE = [(name, args) for name, args in ADDRESSES if args and name.startswith("cage-")]
# What would do something at each address that takes a form.
NEW_CAGE = {"label": "New", "save": "Create cage", "is_polled": "on"}
FORMS = {
    "cage-create": NEW_CAGE,
    "cage-edit": {**NEW_CAGE, "label": "Changed"},
    "cage-archive": {"reason": "No longer needed"},
    "cage-purge": {"label": "Archived cage", "reason": "No longer needed"},
    "cage-move": {"room": "R9", "rack": "Z", "row": "A", "column": "1"},
    "tokens": {"name": "New"},
    "wall-links": {"name": "New"},
    "login": {"username": "owner", "password": "not the right one"},
    "register": {"username": "eve", "password1": PASSWORD, "password2": PASSWORD},
    "setup": {"username": "eve", "password1": PASSWORD, "password2": PASSWORD},
}


@pytest.fixture(scope="module")
def sessions(module_database):
    """The people, signed in, and two cages of the owner with a reading each."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("django.utils.timezone.now", lambda: NOW)
        people = {
            "owner": make_user("owner"),
            "viewer": make_user("viewer"),
            "other": make_user("other"),
            "staff": make_user("stefan", is_staff=True),
            "administrator": make_user("ada", is_superuser=True),
        }
        make_member(people["viewer"], people["owner"].own_lab, Role.VIEWER)
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
    return keys


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


def test_a_cage_that_does_not_exist_looks_like_somebody_elses(browser_of, sensors):
    browser = browser_of("other")
    for name, args in OF_A_CAGE:
        answers = [browser.get(reverse(name, args=numbers)) for numbers in (args, (999,))]
        assert [answer.status_code for answer in answers] == [404, 404]
        # Before it stands the button to sign out, whose token is another one each time.
        somebody_elses, nobodys = (answer.content.split(b"<main")[1] for answer in answers)
        assert somebody_elses == nobodys


@pytest.mark.parametrize("number", ["0", "2147483648", "9" * 30, "9" * 5000])
def test_an_impossible_cage_id_is_not_found(browser_of, number):
    assert browser_of("staff").get(f"/cages/{number}/").status_code == 404


@pytest.mark.parametrize("role", ["anonymous", "administrator"])
def test_looking_at_anything_changes_nothing(browser_of, sensors, role):
    browser = browser_of(role)
    before = everything_stored()
    for name, args in ADDRESSES:
        for method in (browser.get, browser.head, browser.options):
            method(reverse(name, args=args), FORMS.get(name))
    assert everything_stored() == before
    assert len(sensors.calls) == 0


def test_unusual_methods_change_nothing(browser_of, sensors):
    browser = browser_of("administrator")
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
    # A wrong password is noted.
    after = everything_stored()
    del before["people.SignInAct"], after["people.SignInAct"]
    assert after == before
    assert len(sensors.calls) == 0


@pytest.mark.parametrize("role", ["viewer", "other"])
def test_a_form_about_a_cage_that_one_may_not_change_changes_nothing(browser_of, sensors, role):
    browser = browser_of(role)
    before = everything_stored()
    for name, args in OF_A_CAGE:
        browser.post(reverse(name, args=args), FORMS.get(name))
        browser.post(reverse(name, args=args), {**FORMS.get(name, {}), "test_sensor": "1"})
    assert everything_stored() == before
    assert len(sensors.calls) == 0


def test_a_form_without_the_csrf_token_is_refused(browser_of, sensors):
    browser = browser_of("administrator", enforce_csrf_checks=True)
    before = everything_stored()
    for name, args in ADDRESSES:
        if not name.startswith(("admin:", "api:")):
            response = browser.post(reverse(name, args=args), FORMS.get(name))
            assert response.status_code == 403, name
            assert "This form has expired" in response.content.decode()
    assert everything_stored() == before


def test_a_form_with_the_token_of_its_page_is_taken(browser_of):
    browser = browser_of("owner", enforce_csrf_checks=True)
    page = browser.get(reverse("cage-archive", args=(7,)))
    token = str(page.context["csrf_token"])
    browser.post(
        reverse("cage-archive", args=(7,)), {"csrfmiddlewaretoken": token, **FORMS["cage-archive"]}
    )
    assert Cage.objects.get(pk=7).is_archived


def test_a_person_without_cages_sees_none(browser_of):
    page = browser_of("other").get(reverse("cage-list")).content.decode()
    assert "No cages yet" in page
    assert "Active cage" not in page


def test_facility_staff_see_every_cage_and_whose_it_is(browser_of):
    page = browser_of("staff").get(reverse("cage-list")).content.decode()
    assert "Active cage" in page
    assert '<td class="cell-owner">owner</td>' in page


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


def test_a_viewer_reads_all_of_a_lab_and_selects_nothing_to_change(browser_of):
    browser = browser_of("viewer")
    assert "Active cage" in browser.get(reverse("cage-list")).content.decode()
    for name in ("cage-compare", "cage-cards", "cage-export"):
        assert "Active cage" in browser.get(reverse(name), {"cage": 7}).content.decode()
    for act, leads_to in (("archive", reverse("cage-list")), ("compare", reverse("cage-compare"))):
        answer = browser.get(reverse("cage-bulk"), {"cage": 7, "act": act})
        assert answer["Location"].partition("?")[0] == leads_to


def test_an_import_by_a_viewer_finds_no_cage_to_change(browser_of):
    viewer = User.objects.get(username="viewer")
    (row,) = plan_of(rows_of(b"id,label\n7,Mine\n"), viewer).refused
    assert "somebody else" in row.reason
    by_label = plan_of(rows_of(b"label\nActive cage\n"), viewer)
    assert [row.stored for row in by_label.new] == [None]


def sources(*folders):
    """[(path, text)] of the Python files and templates in these folders of the project."""
    paths = [path for folder in folders for path in Path(settings.BASE_DIR, folder).rglob("*.*")]
    return [(path, path.read_text()) for path in paths if path.suffix in (".py", ".html")]


def test_templates_ask_for_permissions_that_exist():
    asked = {
        name for _path, text in sources("templates") for name in re.findall(r"\bmay\.(\w+)", text)
    }
    assert asked
    assert asked <= {*Permission, "create", "import", "see_rules"}


def test_only_people_asks_for_the_flags_of_an_account():
    flags = re.compile(r"\bis_(staff|superuser)\b")
    asking = [
        path for path, text in sources("cages", "neurocage", "templates") if flags.search(text)
    ]
    assert asking == []


def test_who_may_not_create_cages_is_not_offered_it_and_cannot(client_of, db):
    person = make_user("watching")
    person.memberships.update(role=Role.VIEWER)
    browser = client_of(person)
    pages = [browser.get(reverse(name)) for name in ("cage-list", "rack-index", "wall")]
    for name in ("cage-create", "cage-import"):
        assert not any(f'href="{reverse(name)}"' in page.content.decode() for page in pages)
        assert browser.get(reverse(name)).status_code == 403
        assert browser.post(reverse(name), NEW_CAGE).status_code == 403
    assert not Cage.objects.filter(label="New").exists()
    # Who changes the cages of another lab may import theirs.
    make_member(person, make_user().own_lab, Role.RESEARCHER)
    page = browser.get(reverse("cage-list")).content.decode()
    assert f'href="{reverse("cage-import")}"' in page
    assert f'href="{reverse("cage-create")}"' not in page
