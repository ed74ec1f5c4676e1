"""What each kind of rule can be set to: names, units, bounds and defaults."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from cages.models.state import HOUR_MINUTES, UNSEEN_AFTER
from cages.slots import SLOT_LENGTH
from welfare.models.rule import Kind

UNSEEN_MINUTES = UNSEEN_AFTER // SLOT_LENGTH


def _number(default: float, least: float, most: float) -> Any:
    return field(default=default, metadata={"least": least, "most": most})


@dataclass(frozen=True, slots=True)
class BadLong:
    """Bad in at least `share_percent` of the known readings of the last `window_minutes`.

    At least `least_known` of these minutes must be known. It is over when the share is below
    `over_percent`. On 500 cages with a quarter of the minutes unknown and random health the
    defaults raise 0.18 false concerns a day, on cages like animals 0.03 (bench/README.md).
    """

    # CageState keeps no more minutes.
    window_minutes: int = _number(30, 5, HOUR_MINUTES)
    share_percent: int = _number(85, 51, 100)
    least_known: int = _number(18, 3, HOUR_MINUTES)
    over_percent: int = _number(50, 1, 99)


@dataclass(frozen=True, slots=True)
class Unseen:
    """No reading for `after_minutes`; after `by_eye_minutes` people on duty are asked to look."""

    after_minutes: int = _number(UNSEEN_MINUTES, 3, 24 * 60)
    by_eye_minutes: int = _number(60, 5, 7 * 24 * 60)


@dataclass(frozen=True, slots=True)
class SensorWeak:
    """A sensor that answers less often or more slowly than it used to.

    Its share of answers over `hours`, of at least `least_requests`, is more than `sigmas` standard
    deviations below its own share over `usual_days`; or its p95 is `times` its usual p95. Each
    hour is judged, so a few deviations are reached by chance: on 500 healthy sensors that fail for
    a quarter of the polls, 3 raise 4.4 false concerns a day (bench/README.md).
    """

    hours: int = _number(24, 1, 72)
    least_requests: int = _number(60, 20, 5000)
    sigmas: float = _number(4.5, 2.0, 10.0)
    usual_days: int = _number(7, 2, 30)
    times: float = _number(2.0, 1.2, 20.0)


@dataclass(frozen=True, slots=True)
class PlaceSilent:
    """Sensors that fell silent within `within_minutes`, in one place more than by chance.

    At least `least_cages` did. The chance is below 1 in 10 to the power `rarity`.
    """

    within_minutes: int = _number(3, 1, 15)
    least_cages: int = _number(3, 2, 100)
    rarity: int = _number(5, 2, 12)


@dataclass(frozen=True, slots=True)
class Itself:
    """Neurocage does not start minutes, does not finish them, or something it needs is failing."""

    disk_percent: int = _number(90, 50, 99)


Parameters = BadLong | Unseen | SensorWeak | PlaceSilent | Itself
CLASSES: dict[Kind, type[Parameters]] = {
    Kind.BAD_LONG: BadLong,
    Kind.UNSEEN: Unseen,
    Kind.SENSOR_WEAK: SensorWeak,
    Kind.PLACE_SILENT: PlaceSilent,
    Kind.NEUROCAGE: Itself,
}


def pack(parameters: Parameters) -> dict[str, Any]:
    """As RuleEdition.parameters holds it."""
    return asdict(parameters)


def unpack(kind: Kind, stored: dict[str, Any]) -> Parameters:
    """The parameters of an edition. A name that is missing has its default.

    Raises ValidationError with {name: message} for a value out of bounds or of another type.
    """
    found, wrong = {}, {}
    cls = CLASSES[kind]
    for one in fields(cls):
        value = stored.get(one.name, one.default)
        least, most = one.metadata["least"], one.metadata["most"]
        whole = isinstance(one.default, int)
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            wrong[one.name] = _("Enter a number.")
        elif not least <= value <= most:
            limits = {"least": least, "most": most}
            wrong[one.name] = _("Enter a number from %(least)s to %(most)s.") % limits
        found[one.name] = value
    if not wrong and kind == Kind.BAD_LONG:
        if found["least_known"] > found["window_minutes"]:
            wrong["least_known"] = _("This cannot be more than the window.")
        if found["over_percent"] > found["share_percent"]:
            wrong["over_percent"] = _("This cannot be more than the share that raises a concern.")
    if not wrong and kind == Kind.UNSEEN and found["by_eye_minutes"] < found["after_minutes"]:
        wrong["by_eye_minutes"] = _("This cannot be less than the time until it is unseen.")
    if wrong:
        raise ValidationError(wrong)
    return cls(**found)
