"""How the health of the simulated cages moves: in spells, and by day and night."""

import itertools
import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sensor_api.config import read_settings
from sensor_api.health import BAD, OK, PERFECT, HealthModel

ROOT = Path(__file__).resolve().parents[2]
NOON = datetime(2024, 3, 5, 12, 0, tzinfo=UTC)
MIDNIGHT = datetime(2024, 3, 5, tzinfo=UTC)
DAY = 24 * 60


def health_of(cage_id, days=1, start=MIDNIGHT, **config):
    """The cage's health for each minute of `days`."""
    model = HealthModel(read_settings(config, environ={}))
    return [model.at(cage_id, start + timedelta(minutes=m)) for m in range(days * DAY)]


def spells_of(healths):
    """(value, minutes) of each run of the same value."""
    return [(value, len(list(run))) for value, run in itertools.groupby(healths)]


def test_health_is_the_same_in_any_order_and_any_process():
    forwards = health_of(7, days=2)
    model = HealthModel(read_settings({}, environ={}))
    backwards = [model.at(7, MIDNIGHT + timedelta(minutes=m)) for m in reversed(range(2 * DAY))]
    assert forwards == backwards[::-1]

    code = (
        "from datetime import *; from sensor_api.config import *; from sensor_api.health import *\n"
        "model = HealthModel(read_settings({}, {})); start = datetime(2024, 3, 5, tzinfo=UTC)\n"
        "print(*[model.at(7, start + timedelta(minutes=m)) for m in range(0, 2880, 10)])"
    )
    other = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "12345"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert [int(value) for value in other.stdout.split()] == forwards[::10]


def test_health_stays_as_it_was_in_earlier_versions():
    """A changed model would rewrite the past of every cage: meant to be changed knowingly."""
    spells = spells_of(health_of(7))
    assert spells[:4] == [(PERFECT, 70), (OK, 33), (PERFECT, 55), (OK, 17)]


def test_seconds_do_not_matter_but_seeds_and_cages_do():
    model = HealthModel(read_settings({}, environ={}))
    assert len({model.at(7, NOON.replace(second=s)) for s in range(60)}) == 1
    assert health_of(7) != health_of(8)
    assert health_of(7) != health_of(7, SENSOR_SEED="2")


def test_health_comes_in_spells_not_dice():
    spells = [minutes for cage in range(1, 9) for _, minutes in spells_of(health_of(cage, days=3))]
    mean = sum(spells) / len(spells)
    assert 30 <= mean <= 90
    assert sum(minutes <= 3 for minutes in spells) / len(spells) < 0.05


def test_animals_are_perfect_in_the_dark_and_rest_in_the_light():
    light, dark = Counter(), Counter()
    for cage in range(1, 21):
        for minute, value in enumerate(health_of(cage, days=2)):
            hour = minute // 60 % 24
            if hour != 7 and hour != 19:  # while cages follow the lights, each in its own time
                (light if 7 < hour < 19 else dark)[value] += 1
    assert dark[PERFECT] / dark.total() > 0.65
    assert light[OK] / light.total() > 0.65


def test_the_day_is_the_one_of_the_time_zone():
    tokyo = {"SENSOR_TIME_ZONE": "Asia/Tokyo"}
    midnight = datetime(2024, 3, 5, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert health_of(7) == health_of(7, start=midnight, **tokyo)


def test_lights_may_be_reversed():
    night = Counter()
    reversed_lights = {"SENSOR_LIGHTS_ON": "19:00", "SENSOR_LIGHTS_OFF": "07:00"}
    for cage in range(1, 21):
        healths = health_of(cage, **reversed_lights)
        night.update(healths[8 * 60 : 19 * 60])
    assert night[PERFECT] / night.total() > 0.65


@pytest.mark.parametrize("month", [3, 10])
def test_health_has_no_hole_when_clocks_change(month):
    start = datetime(2024, month, 30 if month == 3 else 26, tzinfo=UTC)
    lights = {"SENSOR_LIGHTS_ON": "23:30", "SENSOR_LIGHTS_OFF": "02:30"}
    healths = health_of(7, days=3, start=start, SENSOR_TIME_ZONE="Europe/Madrid", **lights)
    assert set(healths) <= {BAD, OK, PERFECT}


def test_a_healthy_cage_is_seldom_bad_and_not_for_long():
    spells = [spell for cage in range(1, 21) for spell in spells_of(health_of(cage, days=5))]
    bad = [minutes for value, minutes in spells if value == BAD]
    assert 0 < sum(bad) / (20 * 5 * DAY) < 0.02
    assert max(bad) <= 45


def test_a_sick_cage_is_mostly_bad_for_long_and_sometimes_ok():
    healths = health_of(3, days=7, SENSOR_SICK_CAGES="3, 8")
    share = {value: healths.count(value) / len(healths) for value in (BAD, OK, PERFECT)}
    assert share[BAD] > 0.6
    assert share[OK] > 0.1
    assert share[PERFECT] < 0.05
    bad = [minutes for value, minutes in spells_of(healths) if value == BAD]
    assert sum(bad) / len(bad) > 60
