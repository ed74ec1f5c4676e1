"""Passkeys, made and used by Chromium's virtual authenticator."""

import re

import pytest
from allauth.mfa.models import Authenticator
from django.urls import reverse
from playwright.sync_api import expect

from people.models import Act, SignInAct
from tests.browser.chromium import sign_in
from tests.browser.test_accessibility import problems_on
from tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db(transaction=True)

LIST = reverse("mfa_list_webauthn")
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def ruth():
    return make_user("ruth")


@pytest.fixture
def page(new_page, live_server, settings, ruth):
    """A browser with a device that keeps passkeys, in which ruth is signed in."""
    settings.BASE_URL = live_server.url
    page = new_page(reduced_motion="reduce")
    devices = page.context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    sign_in(page, "", "ruth", PASSWORD)
    return page


def add_passkey(page, name="the lab's laptop"):
    page.goto(LIST)
    page.get_by_role("link", name="Add a passkey").click()
    if page.get_by_label("Password").count():
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Confirm").click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()


def sign_out(page):
    page.locator("#person summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_passkey_opens_the_account_in_place_of_the_password(page, ruth):
    add_passkey(page)
    sign_out(page)
    page.get_by_role("button", name="Sign in with a passkey").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/cages/$"))
    page.goto(LIST)
    expect(page.get_by_role("rowheader", name="the lab's laptop", exact=True)).to_be_visible()
    acts = SignInAct.objects.filter(person=ruth).order_by("pk").values_list("act", flat=True)
    assert list(acts)[-2:] == [Act.SIGNED_OUT, Act.SIGNED_IN]


def test_a_passkey_is_the_second_factor_after_the_password(page):
    add_passkey(page)
    sign_out(page)
    page.get_by_label("Username").fill("ruth")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
    assert problems_on(page) == {}
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_url(re.compile("/cages/$"))


def test_a_removed_passkey_opens_nothing(page, ruth):
    add_passkey(page)
    page.goto(LIST)
    page.get_by_role("link", name="Remove the lab's laptop").click()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("You have no passkey.")).to_be_visible()
    sign_out(page)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("This passkey was not accepted.")).to_be_visible()
    assert not Authenticator.objects.exists()
    assert SignInAct.objects.filter(act=Act.FAILED, person=None).exists()


def test_a_passkey_is_renamed_and_axe_finds_nothing_on_its_pages(page):
    add_passkey(page)
    page.goto(LIST)
    assert problems_on(page) == {}
    page.get_by_role("link", name="Rename the lab's laptop").click()
    assert problems_on(page) == {}
    page.get_by_label("Name").fill("phone")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("rowheader", name="phone", exact=True)).to_be_visible()
    page.get_by_role("link", name="Add a passkey").click()
    expect(page.get_by_role("heading", name="Add a passkey")).to_be_visible()
    assert problems_on(page) == {}


def test_a_browser_without_a_passkey_tells_so(page, ruth):
    sign_out(page)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.locator("#passkey-trouble")).to_contain_text("The browser gave no passkey.")
