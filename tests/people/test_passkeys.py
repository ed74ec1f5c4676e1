"""Passkeys and their limits. tests/browser/test_passkeys.py makes and uses them in a browser."""

import json

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.urls import reverse

from people import locks
from people.forms.passkeys import NOTED_AS
from people.models import Act, Registration, SignInAct
from people.passkeys import AT_MOST
from tests.factories import PASSWORD, make_user
from tests.pages import text_of
from tests.people.devices import PRESENT, Device

ADD, CAGES, CODE, LIST, LOGIN, SIGN_IN = map(
    reverse,
    (
        "mfa_add_webauthn",
        "cage-list",
        "mfa_authenticate",
        "mfa_list_webauthn",
        "login",
        "mfa_login_webauthn",
    ),
)


@pytest.fixture(autouse=True)
def _address(settings):
    settings.BASE_URL = "http://localhost:8000"


def browser(host="localhost:8000"):
    return Client(headers={"host": host})


def signed_in(person):
    client = browser()
    client.post(LOGIN, {"username": person.username, "password": PASSWORD})
    # To add a passkey it is asked again.
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    return client


def add(client, device, **options):
    made = device.make(client.get(ADD).context["js_data"]["creation_options"], **options)
    return client.post(ADD, {"name": "laptop", "credential": json.dumps(made)})


def copy(times):
    """Add the one passkey that there is so many times more."""
    one = Authenticator.objects.get(type="webauthn")
    for _ in range(times):
        one.pk = None
        one.save()


@pytest.fixture
def device(user):
    """It has a passkey of the user."""
    device = Device()
    add(signed_in(user), device)
    assert Authenticator.objects.filter(user=user, type="webauthn").exists()
    return device


def sign_in_with(device, client=None, **options):
    client = client or browser()
    options_of_server = client.get(SIGN_IN, headers={"accept": "application/json"}).json()
    answer = device.use(options_of_server["request_options"], **options)
    return client.post(SIGN_IN, {"credential": json.dumps(answer)}, follow=True)


def test_a_passkey_signs_in(device, user):
    assert sign_in_with(device).wsgi_request.user == user


def test_it_goes_on_to_the_page_that_was_asked_for(device):
    client = browser()
    page = client.get(f"{LOGIN}?next=/racks/")
    assert '<input type="hidden" name="next" value="/racks/">' in page.content.decode()


def test_it_signs_in_nobody_who_was_deactivated(device, user):
    user.is_active = False
    user.save()
    assert "This passkey was not accepted." in text_of(sign_in_with(device))


def test_it_signs_in_nobody_who_waits_for_an_administrator(device, user):
    Registration.objects.create(person=user)
    assert "This passkey was not accepted." in text_of(sign_in_with(device))


def test_a_device_that_did_not_check_who_holds_it_opens_nothing(device):
    assert "This passkey was not accepted." in text_of(sign_in_with(device, flags=PRESENT))


def test_another_key_opens_nothing_and_locks_nobody(device, user):
    stranger = Device()
    stranger.handle = device.handle
    for _ in range(locks.FAILURES):
        sign_in_with(stranger)
    assert SignInAct.objects.filter(act=Act.FAILED, name=NOTED_AS).count() == locks.FAILURES
    assert sign_in_with(device).wsgi_request.user == user


def test_wrong_passkeys_lock_the_address(device):
    stranger = Device()
    stranger.handle = device.handle
    for _ in range(locks.ADDRESS_FAILURES):
        sign_in_with(stranger)
    assert "Too many attempts" in text_of(sign_in_with(device))


def test_a_locked_account_is_not_opened_by_its_passkey(device, user):
    for _ in range(locks.FAILURES):
        browser().post(LOGIN, {"username": user.username, "password": "wrong"})
    assert "Too many attempts" in text_of(sign_in_with(device))


@pytest.mark.parametrize("whose", ["the person's", "a stranger's"])
def test_the_lock_of_the_address_is_looked_at_once(device, monkeypatch, whose):
    looks, look = [], locks.address_locked_until
    monkeypatch.setattr(
        locks, "address_locked_until", lambda *where: looks.append(where) or look(*where)
    )
    stranger = Device()
    stranger.handle = device.handle
    sign_in_with(device if whose == "the person's" else stranger)
    assert len(looks) == 1


def test_an_answer_to_another_challenge_opens_nothing(device):
    other = browser()
    options = other.get(SIGN_IN, headers={"accept": "application/json"}).json()
    answer = device.use(options["request_options"])
    client = browser()
    client.get(SIGN_IN, headers={"accept": "application/json"})
    page = client.post(SIGN_IN, {"credential": json.dumps(answer)}, follow=True)
    assert "This passkey was not accepted." in text_of(page)


def test_a_site_with_another_address_gets_nothing(device):
    device.origin = "https://evil.test"
    assert "This passkey was not accepted." in text_of(sign_in_with(device))


MALFORMED = ["[]", '"x"', "{}", '{"response": 1}', '{"response": {"userHandle": "eg"}}', "7", "{"]


@pytest.mark.parametrize("body", MALFORMED)
def test_what_no_browser_sends_is_refused(db, user, body):
    client = signed_in(user)
    assert client.post(ADD, {"name": "x", "credential": body}).status_code == 200
    assert not Authenticator.objects.exists()
    anonymous = browser()
    anonymous.get(SIGN_IN, headers={"accept": "application/json"})
    assert anonymous.post(SIGN_IN, {"credential": body}).status_code == 302


def test_nothing_is_kept_of_what_a_sign_in_does_not_need(user):
    client = signed_in(user)
    made = Device().make(client.get(ADD).context["js_data"]["creation_options"])
    made["note"] = made["response"]["note"] = "\x00" * 1000
    client.post(ADD, {"name": "laptop", "credential": json.dumps(made)})
    kept = Authenticator.objects.get(type="webauthn").data["credential"]
    assert "note" not in json.dumps(kept)


def test_wrong_passkeys_after_the_password_are_limited_as_codes_are(device, user):
    client = signed_in(user)
    stranger = Device()
    for _ in range(locks.FAILURES):
        options = client.get(CODE).context["js_data"]["request_options"]
        client.post(CODE, {"credential": json.dumps(stranger.use(options))})
    options = client.get(CODE).context["js_data"]["request_options"]
    client.post(CODE, {"credential": json.dumps(device.use(options))})
    assert client.get(CAGES).status_code == 302
    assert SignInAct.objects.filter(person=user, act=Act.LOCKED).exists()


def test_a_refused_passkey_after_the_password_is_told(device, user):
    client = signed_in(user)
    options = client.get(CODE).context["js_data"]["request_options"]
    page = client.post(CODE, {"credential": json.dumps(Device().use(options))})
    assert "This passkey was not accepted." in text_of(page)


def test_a_passkey_confirms_that_it_is_the_same_person(device, user):
    client = browser()
    sign_in_with(device, client)
    confirm = f"{reverse('mfa_reauthenticate_webauthn')}?next=/tokens/"
    options = client.get(confirm).context["js_data"]["request_options"]
    wrong = client.post(confirm, {"credential": json.dumps(Device().use(options))})
    assert wrong["Location"] == confirm
    options = client.get(confirm).context["js_data"]["request_options"]
    right = client.post(confirm, {"credential": json.dumps(device.use(options))})
    assert right["Location"] == "/tokens/"


def test_a_passkey_of_somebody_else_is_not_there(device, user):
    passkey = Authenticator.objects.get(type="webauthn")
    client = signed_in(make_user("eve"))
    for name in ("mfa_edit_webauthn", "mfa_remove_webauthn"):
        assert client.post(reverse(name, args=[passkey.pk]), {"name": "x"}).status_code == 404


def test_a_person_has_a_limited_number_of_passkeys(user):
    client = signed_in(user)
    add(client, Device())
    copy(AT_MOST - 1)
    page = add(client, Device())
    assert "You have too many passkeys." in text_of(page)
    assert Authenticator.objects.filter(type="webauthn").count() == AT_MOST


@pytest.mark.parametrize(
    ("address", "host", "words"),
    [
        ("http://cages.test", "cages.test", "https://"),
        ("https://192.0.2.7", "192.0.2.7", "has a name"),
        ("https://cages.test", "localhost", "Passkeys work only at https://cages.test."),
    ],
)
def test_it_tells_where_passkeys_cannot_work(user, settings, address, host, words):
    settings.BASE_URL, settings.ALLOWED_HOSTS = address, ["*"]
    client = browser(host)
    assert "Sign in with a passkey" not in text_of(client.get(LOGIN))
    client.force_login(user)
    assert words in text_of(client.get(LIST))
    assert client.get(ADD)["Location"] == LIST


def test_the_list_takes_the_same_number_of_queries_for_many_passkeys(
    device, user, django_assert_num_queries
):
    client = browser()
    sign_in_with(device, client)
    with django_assert_num_queries(QUERIES):
        client.get(LIST)
    copy(3)
    with django_assert_num_queries(QUERIES):
        client.get(LIST)


QUERIES = 6


def test_pages_may_ask_the_browser_for_passkeys_and_frames_may_not(db, client):
    policy = set(client.get(LOGIN)["Permissions-Policy"].split(", "))
    assert {"publickey-credentials-get=(self)", "publickey-credentials-create=(self)"} <= policy
