"""The simulator's settings: read from the environment, overridden by a mapping, checked once."""

import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import time
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .faults import parse_cage_id, parse_faults

LONGEST_WAIT_SECONDS = 600
SHORTEST_PHASE_MINUTES = 60


class SettingsError(ValueError):
    """A setting has a value that cannot be used. The message names it and says why."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting, checked. Fields are named as the variables, without `SENSOR_`."""

    failure_rate: float
    latency_min_seconds: float
    latency_max_seconds: float
    slow_seconds: float
    seed: int
    time_zone: ZoneInfo
    lights_on: time
    lights_off: time
    sick_cages: frozenset[int]
    faults: dict[int, str]


def _number(low: float, high: float, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not low <= number <= high:  # also false for nan
        raise ValueError(f"must be a number from {low} to {high}")
    return number


def _whole_number(text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,18}", text):
        raise ValueError("must be a whole number of at most 18 digits")
    return int(text)


def _time_zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("must be a time zone such as Europe/Madrid") from None


def _time_of_day(text: str) -> time:
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text):
        raise ValueError("must be a time of day from 00:00 to 23:59")
    return time.fromisoformat(text)


def _cage_ids(text: str) -> frozenset[int]:
    return frozenset(parse_cage_id(part) for part in text.split(",") if part.strip())


# Each variable with its default and the function that reads its text. That function raises
# ValueError, which says what is wrong.
SETTINGS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "SENSOR_FAILURE_RATE": ("0.25", partial(_number, 0, 1)),
    "SENSOR_LATENCY_MIN_SECONDS": ("1", partial(_number, 0, LONGEST_WAIT_SECONDS)),
    "SENSOR_LATENCY_MAX_SECONDS": ("3", partial(_number, 0, LONGEST_WAIT_SECONDS)),
    "SENSOR_SLOW_SECONDS": ("15", partial(_number, 0, LONGEST_WAIT_SECONDS)),
    "SENSOR_SEED": ("1", _whole_number),
    "SENSOR_TIME_ZONE": ("UTC", _time_zone),
    "SENSOR_LIGHTS_ON": ("07:00", _time_of_day),
    "SENSOR_LIGHTS_OFF": ("19:00", _time_of_day),
    "SENSOR_SICK_CAGES": ("", _cage_ids),
    "SENSOR_FAULTS": ("", parse_faults),
}


def read_settings(
    config: Mapping[str, Any] | None = None, environ: Mapping[str, str] = os.environ
) -> Settings:
    """Read the settings from `environ`. Those in `config` win.

    Values are texts; numbers may be given as numbers. An empty value means the default. An unknown
    name that begins with `SENSOR_` is refused in `config`, but ignored in `environ`, where it may
    be another program's. Raises SettingsError.
    """
    config = config or {}
    unknown = sorted(k for k in config if k.startswith("SENSOR_") and k not in SETTINGS)
    if unknown:
        raise SettingsError(f"{unknown[0]} is not a setting. Known: {', '.join(SETTINGS)}")
    values = {}
    for name, (default, read) in SETTINGS.items():
        text = str(config.get(name, environ.get(name, ""))).strip() or default
        try:
            values[name.removeprefix("SENSOR_").lower()] = read(text)
        except ValueError as error:
            raise SettingsError(f"{name}={text!r}: {error}") from None
    settings = Settings(**values)
    _check_together(settings)
    return settings


def _check_together(settings: Settings) -> None:
    if settings.latency_max_seconds < settings.latency_min_seconds:
        raise SettingsError(
            f"SENSOR_LATENCY_MAX_SECONDS={settings.latency_max_seconds:g}: must not be less than "
            f"SENSOR_LATENCY_MIN_SECONDS={settings.latency_min_seconds:g}"
        )
    light = minutes_between(settings.lights_on, settings.lights_off)
    if not SHORTEST_PHASE_MINUTES <= light <= 24 * 60 - SHORTEST_PHASE_MINUTES:
        raise SettingsError(
            f"SENSOR_LIGHTS_OFF={settings.lights_off:%H:%M}: must be at least "
            f"{SHORTEST_PHASE_MINUTES} minutes away from "
            f"SENSOR_LIGHTS_ON={settings.lights_on:%H:%M}, before and after"
        )


def minutes_between(start: time, end: time) -> int:
    """Minutes from `start` to the next `end` on a clock without changes of time: 0 to 1439."""
    return ((end.hour - start.hour) * 60 + end.minute - start.minute) % (24 * 60)
