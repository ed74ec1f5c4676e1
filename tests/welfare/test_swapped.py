"""A swapped sensor begins a series of its own. The health of its cage goes on."""

from datetime import timedelta

import pytest

from cages.history.band import band_around, expected
from cages.history.handling import sensors_since
from cages.history.window import Window
from cages.models import Health, Outcome
from cages.models.mark import BuiltIn
from tests.factories import MINUTE, at, make_cage, make_mark, write_polls
from tests.pages import queries_of, text_of
from tests.welfare.judging import open_concerns, set_rule
from tests.welfare.test_fleet import END, NOW, write_minutes
from welfare import parts
from welfare.fleet import fleet
from welfare.models import Concern, Ending, Kind, SensorStanding

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
HOUR = timedelta(hours=1)


@pytest.fixture
def cage(user):
    set_rule(Kind.SENSOR_WEAK, END - timedelta(days=10), hours=2, usual_days=2)
    return make_cage("Colony", user, room="R1", rack="A", created_at=END - timedelta(days=20))


def swap(cage, when):
    return make_mark(cage, when, kind=BuiltIn.SENSOR_SWAPPED)


@pytest.mark.storage
def test_it_is_not_weak_beside_what_the_sensor_before_it_did(cage):
    write_minutes(cage, 20)
    swap(cage, END - 26 * HOUR)
    parts.judge_sensors(NOW)
    assert open_concerns(Kind.SENSOR_WEAK) == []
    standing = SensorStanding.objects.get()
    # No whole day is over since then.
    assert (standing.requests, standing.usual_requests) == (120, 0)


@pytest.mark.storage
def test_what_was_said_of_the_sensor_before_it_is_over(cage):
    write_minutes(cage, 20)
    parts.judge_sensors(NOW)
    assert len(open_concerns(Kind.SENSOR_WEAK)) == 1
    swap(cage, NOW + MINUTE)
    parts.judge_sensors(NOW + HOUR)
    assert open_concerns(Kind.SENSOR_WEAK) == []
    assert Concern.objects.get().ending == Ending.BY_ITSELF


@pytest.mark.storage
def test_an_older_swap_changes_nothing(cage):
    write_minutes(cage, 20)
    swap(cage, END - timedelta(days=9))
    parts.judge_sensors(NOW)
    assert len(open_concerns(Kind.SENSOR_WEAK)) == 1
    assert fleet().worst[0].since is None


@pytest.mark.storage
def test_the_fleet_says_since_when_the_sensor_is_another_one(cage, client_of, staff):
    write_minutes(cage, 60, hours=2)
    swap(cage, at("00:00") - 36 * HOUR)
    parts.judge_sensors(NOW)
    page = text_of(client_of(staff).get("/sensors/"))
    assert "since the sensor was swapped on 2026-02-28 12:00:" in page


@pytest.mark.storage
def test_the_band_of_a_cage_counts_from_the_swap_on(cage):
    window = Window(at("00:00"), at("07:00"))
    polls = [
        (window.start - n * MINUTE, Health.OK if n % 2 or n <= 1200 else Outcome.TIMEOUT, 1500)
        for n in range(1, 4000)
    ]
    write_polls(cage, polls)
    assert expected(cage, window, 400).high < 90
    assert expected(cage, window, 400, window.start - 1200 * MINUTE) == band_around(1.0, 400)
    # Too few requests of this sensor, or none before the window.
    assert expected(cage, window, 400, window.start - 900 * MINUTE) is None
    assert expected(cage, window, 400, window.start + MINUTE) is None


def test_the_page_of_the_cage_says_it_and_its_health_goes_on(cage, browser):
    write_polls(cage, [(END - n * MINUTE, Health.BAD, 1500) for n in range(1, 100)])
    before = browser.get(cage.get_absolute_url()).context["health_summary"]
    swap(cage, END - 50 * MINUTE)
    page = browser.get(cage.get_absolute_url())
    words = "What is expected counts since the sensor was swapped on 2026-03-02 11:10."
    assert words in text_of(page)
    assert page.context["health_summary"] == before


def test_swaps_of_many_cages_take_one_query(cage):
    others = [make_cage(), make_cage()]
    swap(cage, at("06:00"))
    swap(cage, at("07:00"))
    withdrawn = swap(others[0], at("07:00"))
    withdrawn.withdrawn_at = at("07:30")
    withdrawn.save()
    ids = [one.pk for one in (cage, *others)]
    assert sensors_since(ids, NOW) == {cage.pk: at("07:00")}
    assert queries_of(sensors_since, ids, NOW) == 1
