"""The host names to which Neurocage answers, and its address where the environment names none."""

from io import StringIO

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cages.doctor import network
from neurocage import address
from people.models import Change, OwnAddress, User
from tests.factories import PASSWORD
from tests.pages import text_of

HOME, SETUP, LOGIN = reverse("home"), reverse("setup"), reverse("login")
CODE = "abcd-efgh"
FIRST = {"code": CODE, "username": "eve", "password1": PASSWORD, "password2": PASSWORD}
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_is_set(settings):
    """As in Compose without a .env."""
    settings.BASE_URL, settings.LEARNS_HOSTS, settings.ALLOWED_HOSTS = "", True, ["*"]
    settings.SETUP_CODE = CODE
    address.forget()
    yield
    address.forget()


def asked_as(host):
    return Client(headers={"host": host})


def set_up(host="cages.test:8080", **changed):
    return asked_as(host).post(SETUP, {**FIRST, "address": f"http://{host}", **changed})


def said_by(command, *arguments):
    out = StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue().strip()


# Before the set-up


def test_the_set_up_answers_to_any_name_and_shows_it():
    page = asked_as("cages.test:8080").get(SETUP)
    assert page.context["form"]["address"].value() == "http://cages.test:8080"
    assert "answers only to its host name" in text_of(page)


def test_the_first_page_leads_to_the_set_up():
    assert asked_as("cages.test").get(HOME)["Location"] == SETUP


@pytest.mark.parametrize("page", [LOGIN, reverse("register"), "/api/v1/cages", "/readyz"])
def test_no_other_page_answers_to_an_unknown_name(page):
    assert asked_as("cages.test").get(page).status_code == 400


def test_the_start_names_no_address_that_nobody_has_said():
    assert f"on the page {SETUP}?code={CODE} of this server" in said_by("setup_code")


# The set-up


def test_what_was_said_at_the_set_up_is_the_address_of_links():
    assert set_up(address="https://cages.example.org/").status_code == 302
    assert address.absolute("/cages/7/") == "https://cages.example.org/cages/7/"


def test_after_the_set_up_other_names_are_refused():
    set_up()
    assert asked_as("cages.test").get(LOGIN).status_code == 200
    for page in (SETUP, HOME, LOGIN):
        assert asked_as("evil.test").get(page).status_code == 400


def test_who_made_a_mistake_in_the_address_is_not_locked_out():
    set_up("10.0.0.7", address="http://cagse.example.org")
    assert asked_as("10.0.0.7").get(LOGIN).status_code == 200
    assert asked_as("cagse.example.org").get(LOGIN).status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        *("", "cages.example.org", "ftp://cages.example.org", "http://", "http://*", "http://a b"),
        *("http://cages.example.org/x", "http://me@cages.example.org", "http://a:99999"),
        *("http://.example.org", "http://a/?q=1", "http://[::1", f"http://{'a' * 300}"),
    ],
)
def test_what_is_no_address_stands_at_its_field(wrong):
    assert set_up(address=wrong).context["form"].errors["address"]
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("good", "host"),
    [
        ("http://cages", "cages"),
        ("HTTPS://Cages.Example.org:8443", "cages.example.org"),
        ("http://[fd00::7]:8080", "[fd00::7]"),
        ("http://10.0.0.7/", "10.0.0.7"),
    ],
)
def test_neurocage_answers_to_the_host_of_an_address(good, host):
    assert OwnAddress.objects.say(good).hosts == {host}


def test_where_the_environment_names_the_hosts_the_set_up_does_not(settings):
    settings.LEARNS_HOSTS, settings.ALLOWED_HOSTS = False, ["cages.test"]
    page = asked_as("cages.test").get(SETUP)
    assert "answers only" not in text_of(page)
    assert page.context["form"]["address"].value() == "http://cages.test"


def test_where_the_environment_names_the_address_nobody_is_asked(settings):
    settings.BASE_URL = "https://cages.example.org"
    set_up()
    assert User.objects.exists()
    assert not OwnAddress.objects.exists()


def test_the_environment_wins(settings):
    OwnAddress.objects.say("http://old.test")
    settings.BASE_URL = "https://cages.example.org"
    assert address.own_address() == "https://cages.example.org"


# How it is known later


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1:8000", "[::1]:8000"])
def test_this_machine_is_answered_without_asking_the_database(name):
    OwnAddress.objects.say("http://cages.test")
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert asked_as(name).get("/healthz").status_code == 200
        asked_as(name).get("/api/v1/nothing")
    assert not [one for one in asked if "ownaddress" in one["sql"]]


def test_whether_the_process_lives_is_answered_to_any_name():
    OwnAddress.objects.say("http://cages.test")
    assert asked_as("10.1.2.3").get("/healthz").status_code == 200


def test_the_database_is_not_asked_again_at_each_request(django_assert_num_queries):
    OwnAddress.objects.say("http://cages.test")
    with django_assert_num_queries(1):
        for _ in range(3):
            address.absolute("/")


def test_a_process_learns_what_another_one_changed(monkeypatch):
    OwnAddress.objects.say("http://old.test")
    assert address.own_address() == "http://old.test"
    OwnAddress.objects.say("http://new.test")
    monkeypatch.setattr(address, "HELD_SECONDS", 0)
    assert address.own_address() == "http://new.test"


def test_what_is_known_holds_while_the_database_is_away(monkeypatch):
    def away(*_):
        raise OperationalError

    OwnAddress.objects.say("http://cages.test")
    address.own_address()
    monkeypatch.setattr(address, "HELD_SECONDS", 0)
    monkeypatch.setattr(OwnAddress.objects, "first", away)
    assert address.own_address() == "http://cages.test"
    address.forget()
    # The page says that the database is away, and not that the name is wrong.
    browser = Client(headers={"host": "cages.test"}, raise_request_exception=False)
    assert browser.get(LOGIN).status_code == 503


def test_there_is_one_address_and_its_changes_are_noted():
    for said in ("http://old.test", "http://new.test"):
        OwnAddress.objects.say(said)
    assert [one.address for one in OwnAddress.objects.all()] == ["http://new.test"]
    changed = Change.objects.filter(table="people_ownaddress").latest("id")
    assert (changed.before["address"], changed.after["address"]) == (
        "http://old.test",
        "http://new.test",
    )


# The command, and the doctor


def test_the_command_says_and_sets_the_address(settings):
    assert said_by("address") == "Nobody has said the address yet."
    assert said_by("address", "http://cages.test") == "http://cages.test"
    assert asked_as("cages.test").get(LOGIN, follow=True).status_code == 200
    with pytest.raises(CommandError, match="looks like"):
        said_by("address", "cages.test")
    settings.BASE_URL = "https://cages.example.org"
    assert said_by("address") == "https://cages.example.org"
    with pytest.raises(CommandError, match="BASE_URL is set"):
        said_by("address", "http://other.test")


def test_the_doctor_tells_that_nobody_has_said_the_address(settings):
    (found,) = network.own_address()
    assert found.level == "warning"
    assert "answers only to localhost" in found.words
    OwnAddress.objects.say("http://cages.test")
    (found,) = network.own_address()
    assert (found.level, found.words) == ("ok", "http://cages.test (in the database).")


def test_only_an_address_is_kept():
    with pytest.raises(ValidationError):
        OwnAddress.objects.say("nonsense")
