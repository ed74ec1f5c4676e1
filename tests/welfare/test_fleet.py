"""The fleet of sensors: figures by sensor, rack, room and bay, from what was judged."""

from datetime import timedelta

import pytest

from cages.models import Health, Outcome
from tests.factories import MINUTE, make_cage, make_user, slot, write_polls
from tests.pages import text_of
from tests.welfare.judging import set_rule
from welfare import parts
from welfare.fleet import BAYS_KEPT, Spot, bad_bays, fleet
from welfare.models import Kind, SensorStanding, WeakBay

END = slot("12:00")
NOW = END + 5 * MINUTE
DAYS = 3
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def write_minutes(cage, answers_percent, usual_percent=75, ms=1500, hours=2):
    """Three days of polls: of each 20 so many are answered, in the last hours and before."""
    polls = []
    for n in range(1, DAYS * 24 * 60):
        percent = answers_percent if n <= hours * 60 else usual_percent
        is_answered = n % 20 < percent / 5
        polls.append((END - n * MINUTE, Health.OK if is_answered else Outcome.UNAVAILABLE, ms))
    write_polls(cage, polls)


@pytest.fixture
def _rule():
    set_rule(Kind.SENSOR_WEAK, END - timedelta(days=10), hours=2, usual_days=2)


def judge_rack_at_60_percent():
    """Two racks of one room: the sensors of "North" answer 60 % instead of 75 % since 24 h."""
    set_rule(Kind.SENSOR_WEAK, END - timedelta(days=10), hours=24, usual_days=2)
    for number in range(3):
        ill = make_cage(
            label=f"N-{number}", room="Room 1", rack="North", row="A", column=number + 1
        )
        well = make_cage(
            label=f"S-{number}", room="Room 1", rack="South", row="A", column=number + 1
        )
        write_minutes(ill, 60, hours=24)
        write_minutes(well, 75, hours=24)
    parts.judge_sensors(NOW)


def test_a_rack_of_which_all_sensors_answer_less_is_named_first():
    judge_rack_at_60_percent()
    found = fleet()
    assert [(one.rack, one.weak, one.judged) for one in found.racks] == [
        ("North", 3, 3),
        ("South", 0, 3),
    ]
    assert found.racks[0].sensor.answered.percent == pytest.approx(60, abs=0.2)
    assert (found.whole.cages, found.whole.weak, found.rooms[0].room) == (6, 3, "Room 1")
    assert [one.cage.label for one in found.worst[:3]] == ["N-0", "N-1", "N-2"]


def test_staff_see_the_fleet_with_its_denominators(client_of, staff, django_assert_num_queries):
    judge_rack_at_60_percent()
    client = client_of(staff)
    client.get("/sensors/")
    with django_assert_num_queries(10):
        page = client.get("/sensors/")
    text = text_of(page)
    assert "3 of 6 sensors are weak" in text
    assert text.index("Rack North") < text.index("Rack South")
    assert "60.0 % 864 of 1,440" in text


def test_others_may_not_see_the_fleet(client_of):
    assert client_of(make_user("ruth")).get("/sensors/").status_code == 403


def test_before_the_first_round_nothing_is_said(client_of, staff):
    page = client_of(staff).get("/sensors/")
    assert "No sensor was judged yet" in text_of(page)


@pytest.mark.usefixtures("_rule")
def test_a_sensor_without_enough_requests_is_counted_but_not_judged():
    cage = make_cage(room="Room 1", rack="North")
    write_polls(cage, [(END - n * MINUTE, Health.OK, 1500) for n in range(1, 50)])
    parts.judge_sensors(NOW)
    found = fleet()
    assert (found.whole.cages, found.whole.judged) == (1, 0)
    assert found.whole.weak_share.percent is None
    assert found.worst == []


@pytest.mark.usefixtures("_rule")
def test_a_bay_is_named_where_the_sensors_of_different_cages_were_weak():
    first = make_cage(label="first", room="Room 1", rack="North", row="B", column=7)
    write_minutes(first, 20)
    parts.judge_sensors(NOW)
    assert bad_bays() == []
    first.rack = None
    first.row, first.column = "", None
    first.save()
    second = make_cage(label="second", room="Room 1", rack="North", row="B", column=7)
    write_minutes(second, 20)
    parts.judge_sensors(NOW)
    (bay,) = bad_bays()
    assert (bay.rack, bay.bay) == ("North", "B-07")
    assert {label for _id, label in bay.cages} == {"first", "second"}


@pytest.mark.usefixtures("_rule")
def test_what_is_old_is_forgotten():
    cage = make_cage(room="Room 1", rack="North", row="B", column=7)
    write_minutes(cage, 20)
    parts.judge_sensors(NOW)
    assert SensorStanding.objects.get().is_weak is True
    cage.is_polled = False
    cage.save()
    parts.judge_sensors(NOW + BAYS_KEPT + timedelta(hours=1))
    assert not SensorStanding.objects.exists()
    assert not WeakBay.objects.exists()
    assert fleet().hour is None


def test_a_spot_has_the_names_of_the_columns_of_a_cage():
    cage = make_cage(room="Room 1", rack="North", row="B", column=7)
    assert Spot(*(getattr(cage, name) for name in Spot._fields)).row == "B"
