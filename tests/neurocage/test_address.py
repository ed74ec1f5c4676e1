"""Links and codes begin with the facility's own address, whatever Host a request names."""

import pytest
from django.urls import reverse

from tests import programs
from tests.factories import make_cage
from tests.programs import caller_of, get

OWN = "https://cages.example.org"
NOW = programs.NOW
ELSEWHERE = {"headers": {"host": "evil.example"}}


@pytest.fixture
def own_address(settings):
    """Also answers to other names, so that a request of theirs is not simply refused."""
    settings.BASE_URL, settings.ALLOWED_HOSTS = OWN, ["*"]


@pytest.mark.usefixtures("own_address")
def test_the_code_on_a_card_leads_to_the_own_address(browser, user):
    cage = make_cage("Colony 7", user)
    page = browser.get(reverse("cage-cards", query={"cage": cage.pk}), **ELSEWHERE)
    assert page.context["site"] == OWN


@pytest.mark.usefixtures("own_address")
def test_the_link_of_a_screen_leads_to_the_own_address(client_of, administrator):
    page = client_of(administrator).post(reverse("wall-links"), {"name": "Door"}, **ELSEWHERE)
    assert page.context["address"].startswith(f"{OWN}/screen/nc_")


@pytest.mark.usefixtures("own_address")
def test_the_examples_of_the_api_ask_the_own_address(browser):
    page = browser.get(reverse("api-examples"), **ELSEWHERE).content.decode()
    assert f"{OWN}/api/v1" in page
    assert "evil.example" not in page


@pytest.mark.usefixtures("own_address", "clock")
def test_the_next_page_of_the_api_is_at_the_own_address(user):
    for number in (1, 2):
        make_cage(f"Colony {number}", user, id=number)
    following = get(caller_of(user, **ELSEWHERE), "cages", limit=1)["next"]
    assert following.startswith(f"{OWN}/api/v1/cages?limit=1&cursor=")


@pytest.mark.usefixtures("own_address")
def test_the_way_back_after_a_choice_is_a_path(browser):
    choice = {"theme": "dark", "next": "https://evil.example/"}
    answer = browser.post(reverse("preferences"), choice, secure=True, **ELSEWHERE)
    assert answer["Location"] == reverse("cage-list")
