"""The figures of rules in words."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cages.drawing.words import rounded
from welfare.models.rule import Kind
from welfare.rules.parameters import Parameters

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

SENTENCES = {
    Kind.BAD_LONG: gettext_lazy(
        "Bad in at least %(share_percent)s %% of the known readings of %(window_minutes)s min, at "
        "least %(least_known)s known; over below %(over_percent)s %%"
    ),
    Kind.UNSEEN: gettext_lazy(
        "no reading for %(after_minutes)s min; to be looked at by eye after %(by_eye_minutes)s min"
    ),
    Kind.SENSOR_WEAK: gettext_lazy(
        "share of answers over %(hours)s h, of at least %(least_requests)s requests, more than "
        "%(sigmas)s standard deviations below that of %(usual_days)s days; or p95 above "
        "%(times)s times its usual"
    ),
    Kind.PLACE_SILENT: gettext_lazy(
        "at least %(least_cages)s sensors silent within %(within_minutes)s min, by chance less "
        "than once in %(one_in)s"
    ),
    Kind.NEUROCAGE: gettext_lazy(
        "disk filled to %(disk_percent)s %%, a backup that is overdue, or minutes that do not "
        "start or finish"
    ),
}
# (name, what it means) of each parameter.
FIELDS: dict[str, "tuple[StrPromise, StrPromise]"] = {
    "window_minutes": (
        gettext_lazy("Window (min)"),
        gettext_lazy("So many last minutes are looked at."),
    ),
    "share_percent": (
        gettext_lazy("Share of Bad (%)"),
        gettext_lazy("It is raised when this share of the known readings is Bad."),
    ),
    "least_known": (
        gettext_lazy("Known minutes"),
        gettext_lazy("With fewer known minutes nothing is decided."),
    ),
    "over_percent": (
        gettext_lazy("Over below (%)"),
        gettext_lazy("It is over when the share of Bad is below this."),
    ),
    "after_minutes": (
        gettext_lazy("Minutes without a reading"),
        gettext_lazy("It is raised after so many."),
    ),
    "by_eye_minutes": (
        gettext_lazy("By eye after (min)"),
        gettext_lazy("After so many minutes whoever is on duty is asked to look at it."),
    ),
    "hours": (gettext_lazy("Hours"), gettext_lazy("Over so many last hours the share is taken.")),
    "least_requests": (
        gettext_lazy("Requests"),
        gettext_lazy("With fewer requests nothing is decided."),
    ),
    "sigmas": (
        gettext_lazy("Standard deviations"),
        gettext_lazy("How far below its usual share of answers a sensor has to be."),
    ),
    "usual_days": (
        gettext_lazy("Usual days"),
        gettext_lazy("What is usual for a sensor comes from so many days."),
    ),
    "times": (
        gettext_lazy("Times its p95"),
        gettext_lazy("It is raised too when answers take so many times as long as usual."),
    ),
    "within_minutes": (
        gettext_lazy("Within (min)"),
        gettext_lazy("Sensors that fell silent within this time count together."),
    ),
    "least_cages": (gettext_lazy("Cages"), gettext_lazy("Fewer silent sensors say nothing.")),
    "rarity": (
        gettext_lazy("Rarity"),
        gettext_lazy("By chance it happens less than once in 10 to this power."),
    ),
    "disk_percent": (
        gettext_lazy("Disk (%)"),
        gettext_lazy("It is raised when the disk is filled so far."),
    ),
}
LEAST_TOLD = 0.001


def in_words(kind: Kind, parameters: Parameters) -> str:
    """What the rule looks at, with its figures."""
    figures = asdict(parameters)
    if kind == Kind.PLACE_SILENT:
        figures["one_in"] = formats.number_format(10 ** figures["rarity"], force_grouping=True)
    for name, value in figures.items():
        if isinstance(value, float):
            whole = value == int(value)
            figures[name] = formats.number_format(int(value) if whole else value, use_l10n=True)
    return SENTENCES[kind] % figures


def number_in_words(number: float) -> str:
    """A number with two figures that count: 0.18, 12, 0.0047; "less than 0.001" below that."""
    if 0 < number < LEAST_TOLD:
        return _("less than %(number)s") % {"number": formats.number_format(LEAST_TOLD)}
    places = 0 if number >= 10 or not number else 1 if number >= 1 else 2 if number >= 0.1 else 4
    return rounded(number, places)
