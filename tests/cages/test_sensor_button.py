"""Trying a sensor, before its cage is saved and after."""

import re

import pytest
import requests
from django.conf import settings
from django.urls import reverse

from cages.models import Cage, Poll
from neurocage.limits import SENSOR_TESTS
from tests.factories import make_cage, make_user
from tests.pages import errors_of
from tests.played import played_sensors

NEW = reverse("cage-create")
BAY = {"room": "R2", "rack": "B", "row": "B", "column": 7}


@pytest.fixture
def sensors(monkeypatch):
    """Plays the sensors; every answer takes 1234 ms."""
    monkeypatch.setattr("cages.polling.sensor_client._ms_since", lambda started: 1234)
    with played_sensors() as played:
        yield played


def sensor_url(number):
    return f"{settings.SENSOR_API_URL}/data/{number}/"


def edit_url(cage):
    return reverse("cage-edit", args=(cage.pk,))


TYPED = {
    **BAY,
    "id": 117,
    "label": "Half-typed <label>",
    "strain": "PV-Cre",
    "animal_count": 3,
    "notes": "Not saved yet",
    "test_sensor": "1",
}


def test_a_sensor_is_tried_before_its_cage_is_saved(browser, sensors):
    sensors.get(sensor_url(117), json={"cage_id": 117, "status": 3})
    response = browser.post(NEW, TYPED)
    page = response.content.decode()
    assert "The sensor of cage 117 answered:" in page
    assert '<span class="word">Perfect</span>' in page
    assert "after 1.2 s." in page
    assert "This was a test. Nothing was recorded." in page
    assert not Cage.objects.exists()
    assert not Poll.objects.exists()


def test_trying_the_sensor_keeps_what_was_typed(browser, sensors):
    sensors.get(sensor_url(117), json={"cage_id": 117, "status": 2})
    response = browser.post(NEW, TYPED)
    page = response.content.decode()
    form = response.context["form"]
    for name in ("id", "label", "room", "rack", "row", "column", "strain", "animal_count", "notes"):
        assert form[name].value() == str(TYPED[name])
    assert 'value="Half-typed &lt;label&gt;"' in page
    assert "Not saved yet" in page
    assert not re.search(r'<input[^>]*name="is_polled"[^>]*checked', page)
    assert errors_of(response) == {}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"status": 503, "json": {"cage_id": 117, "status": "N/A"}}, "unavailable (503)"),
        ({"status": 500, "body": "<b>oops"}, "HTTP error (HTTP 500: &lt;b&gt;oops)"),
        ({"body": "nonsense"}, "malformed answer (not JSON: nonsense)"),
        ({"json": {"cage_id": 8, "status": 1}}, "malformed answer (not this cage"),
        ({"body": requests.Timeout("late")}, "timeout"),
        ({"body": requests.ConnectionError("refused")}, "connection error (refused)"),
    ],
)
def test_a_sensor_that_gives_no_reading_says_why(browser, sensors, answer, words):
    sensors.get(sensor_url(117), **answer)
    page = browser.post(NEW, TYPED).content.decode()
    assert "The sensor of cage 117 gave no reading:" in page
    assert words in page
    assert "after 1.2 s." in page


def test_mistakes_elsewhere_in_the_form_do_not_matter_for_a_try(browser, sensors):
    sensors.get(sensor_url(117), json={"cage_id": 117, "status": 1})
    response = browser.post(NEW, {**TYPED, "label": "", "column": "x"})
    assert errors_of(response) == {}
    assert '<span class="word">Bad</span>' in response.content.decode()


@pytest.mark.parametrize(
    ("number", "message"),
    [
        ("", "Enter the cage id to test its sensor before you save the cage."),
        ("x", "Enter a whole number."),
        ("0", "Ensure this value is greater than or equal to 1."),
    ],
)
def test_without_a_usable_id_no_sensor_is_asked(browser, sensors, number, message):
    response = browser.post(NEW, {**TYPED, "id": number})
    assert errors_of(response) == {"id": [message]}
    assert len(sensors.calls) == 0
    assert response.context["form"]["label"].value() == TYPED["label"]


def test_the_sensor_of_somebody_elses_cage_is_not_asked(browser, sensors):
    make_cage(id=117)
    response = browser.post(NEW, TYPED)
    assert set(errors_of(response)) == {"id"}
    assert "The sensor of cage" not in response.content.decode()
    assert len(sensors.calls) == 0


def test_trying_from_the_edit_form_asks_this_cage_and_saves_nothing(browser, user, sensors):
    sensors.get(sensor_url(118), json={"cage_id": 118, "status": 2})
    cage = make_cage("Colony", owner=user, id=118)
    response = browser.post(edit_url(cage), TYPED)
    page = response.content.decode()
    assert "The sensor of cage 118 answered:" in page
    assert 'value="Half-typed &lt;label&gt;"' in page
    cage.refresh_from_db()
    assert (cage.label, cage.strain, cage.is_polled) == ("Colony", "", True)


def test_the_button_on_the_page_of_a_cage_shows_the_live_answer(browser, user, sensors):
    sensors.get(sensor_url(118), json={"cage_id": 118, "status": 2})
    cage = make_cage("Colony", owner=user, id=118)
    page = browser.post(reverse("cage-test-sensor", args=(118,))).content.decode()
    assert "The sensor of cage 118 answered:" in page
    assert '<span class="word">Ok</span>' in page
    assert "after 1.2 s." in page
    assert cage.get_absolute_url() in page
    assert not Poll.objects.exists()


def test_reloading_the_answer_leads_back_to_the_cage_and_asks_nothing(browser, user, sensors):
    cage = make_cage(owner=user)
    response = browser.get(reverse("cage-test-sensor", args=(cage.pk,)))
    assert response["Location"] == cage.get_absolute_url()
    assert len(sensors.calls) == 0


def test_one_person_asks_one_sensor_at_a_time(browser, user, client_of, sensors):
    sensors.get(sensor_url(118), json={"cage_id": 118, "status": 2})
    make_cage(owner=user, id=118)
    with SENSOR_TESTS.taken(user.pk):
        for address, typed in (("/cages/118/test-sensor/", {}), (NEW, TYPED)):
            page = browser.post(address, typed).content.decode()
            assert "A sensor test of yours is running, or 4 of other people." in page
        assert len(sensors.calls) == 0
        response = client_of(make_user(is_staff=True)).post("/cages/118/test-sensor/")
        assert "The sensor of cage 118 answered:" in response.content.decode()
    assert len(sensors.calls) == 1
