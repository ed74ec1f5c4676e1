"""The methods of a study in words, as a paper needs them. In English, as papers are.

The items are those of ARRIVE 2.0 (Percie du Sert et al. 2020, PLoS Biol 18:e3000410).
"""

from collections import Counter
from dataclasses import dataclass

from django.conf import settings

from cages.exporting.study.minutes import CageSums
from cages.exporting.study.order import StudyOrder
from cages.history.groups import Comparison, GroupPart, WhyOut, Within
from cages.models import LightSchedule
from cages.slots import SLOT_LENGTH


@dataclass(frozen=True, slots=True)
class Facts:
    """What the words are made of. kinds: how many marks of each kind.

    sentences, items: of the tables of other apps (`cages.exporting.study.tables.More`).
    """

    order: StudyOrder
    cages: list[CageSums]
    schedules: list[LightSchedule]
    groups: Counter[str]
    kinds: Counter[str]
    sentences: list[str]
    items: list[str]
    comparison: Comparison


def methods(study: str, title: str, facts: Facts) -> str:
    """Return the text of methods.md."""
    paragraphs = [f"# {title} ({study})", _what(facts), _watching(facts), _light(facts)]
    paragraphs += [_handling(facts), *facts.sentences, _exclusions(facts), _comparison(facts)]
    paragraphs.append("\n".join([ARRIVE, *(f"- {item}" for item in facts.items)]))
    return "\n\n".join(paragraphs) + "\n"


# The numbers are those of its Essential 10 and its Recommended Set.
ARRIVE = """\
## Items of ARRIVE 2.0

- 1b (experimental unit): the cage. The sensor judges a cage and not an animal.
- 3a, 3b (inclusion and exclusion): minutes.csv says of each minute whether and why it is excluded.
- 8a, 8b (animals): animals.csv. What is empty there was not entered.
- 14 (ethical statement): animals.csv has the numbers of protocols. The committee and the licence
  are not in this package.
- 15 (housing and husbandry): schedules.csv for light, animals.csv for who shared a cage, events.csv
  for moves, marks.csv for cage changes, food and water. Temperature, humidity, bedding and
  enrichment are not in this package.
- 16a (steps to reduce pain and distress): not in this package.
- 16b (adverse events): minutes.csv says when a cage was Bad. What was found then is not in this
  package.
- 16c (humane endpoints, signs, frequency of monitoring): the sign is the health that the sensor
  says. coverage.csv says how many minutes of each cage were watched. Humane endpoints are not in
  this package.
- 20 (data access): the id of this package, and the SHA-256 that Neurocage keeps of it."""


def _what(facts: Facts) -> str:
    window, cages = facts.order.window, facts.cages
    minutes = sum(cage.minutes for cage in cages)
    groups = ", ".join(f"{name}: {count}" for name, count in sorted(facts.groups.items()))
    return (
        f"{len(cages)} cages from {window.start:%Y-%m-%d %H:%M} to {window.end:%Y-%m-%d %H:%M} "
        f"UTC (facility time: {settings.FACILITY_TIME_ZONE}), {minutes} minutes in all. "
        "The minutes of a cage begin when it was created in Neurocage. "
        f"Animals by group: {groups or 'none is entered'}.{_purged(facts.order)}"
    )


def _purged(order: StudyOrder) -> str:
    if not order.gone:
        return ""
    cages = ", ".join(f"{cage_id} {label}" for cage_id, label, _created_at in order.gone)
    return (
        f" Purged since the study was ordered: {cages}. Nothing is known of them any more, and "
        "their minutes count as not watched."
    )


def _watching(facts: Facts) -> str:
    total: Counter[str] = Counter()
    for cage in facts.cages:
        total.update(cage.counts)
    counted = total.total() - total["excluded"]
    known = total["perfect"] + total["ok"] + total["bad"]
    asked = known + total["unanswered"]
    shares = [
        cage.known / of for cage in facts.cages if (of := cage.minutes - cage.counts["excluded"])
    ]
    each = f" By cage it was {_percent(min(shares))} to {_percent(max(shares))}." if shares else ""
    return (
        f"Each sensor was polled every {SLOT_LENGTH.total_seconds():.0f} s, and given "
        f"{settings.POLL_TIMEOUT_SECONDS:g} s to answer (the setting when this file was made). "
        "The sensor says 1 Bad, 2 Ok or 3 Perfect. "
        f"Of {counted} minutes that are not excluded, {known} are known ({_share(known, counted)})."
        f"{each} "
        f"Of {asked} minutes polled, {total['unanswered']} had no valid answer "
        f"({_share(total['unanswered'], asked)}), and {total['not_watched']} minutes were not "
        "polled. A minute that is not known is never filled in."
    )


def _light(facts: Facts) -> str:
    if not facts.schedules:
        return "No light schedule is known for these cages and days."
    told = "; ".join(_schedule(one) for one in facts.schedules)
    return f"Light schedules, as entered and not measured: {told}."


def _schedule(schedule: LightSchedule) -> str:
    if schedule.lights_on is None or schedule.lights_off is None:
        return f"{schedule.name}: constant {schedule.regime}"
    offset = schedule.utc_offset_minutes
    clock = settings.FACILITY_TIME_ZONE if offset is None else f"UTC{offset / 60:+g} h all year"
    return (
        f"{schedule.name}: lights on at {schedule.lights_on:%H:%M} and off at "
        f"{schedule.lights_off:%H:%M} ({clock})"
    )


def _handling(facts: Facts) -> str:
    kinds = ", ".join(f"{count} {name}" for name, count in sorted(facts.kinds.items()))
    return f"Marks noted by staff for these cages, their racks and rooms: {kinds or 'none'}."


def _exclusions(facts: Facts) -> str:
    order = facts.order
    excluded = sum(cage.counts["excluded"] for cage in facts.cages)
    reasons = [
        f"{one.window.start:%Y-%m-%d %H:%M} to {one.window.end:%Y-%m-%d %H:%M} UTC ({one.reason})"
        for one in order.exclusions
    ]
    if order.margin is not None:
        minutes = order.margin // SLOT_LENGTH
        reasons.insert(0, f"handling and {minutes} minutes before and after it")
    if not reasons:
        return "No minute is excluded."
    return f"Excluded, {excluded} minutes of all cages together: {'; '.join(reasons)}."


def _comparison(facts: Facts) -> str:
    found = facts.comparison
    if not found.parts:
        return "No groups are compared: no cage has animals of one group."
    left_out = Counter(why for _cage, why in found.left_out)
    told = [_group(part) for part in found.parts if part.within == Within.ALL]
    text = (
        "Groups are compared with the cage as the unit (groups.csv, group-cages.csv). The share "
        "of Perfect, Ok and Bad in the known minutes that are not excluded is made for each cage "
        "first, of all minutes and of those of the dark and of the light phase. Median, quartiles, "
        "mean and standard deviation are over the cages, each with the same weight. Minutes "
        "without an animal of a group are not of the group. A cage of which less than "
        f"{_percent(found.least)} is known is withheld. {' '.join(told)}"
    )
    if left_out:
        why = ", ".join(f"{left_out[one]} {WHY_OUT[one]}" for one in WhyOut if left_out[one])
        text += f" Cages in no group: {why}."
    return f"{text} No test of significance is made."


WHY_OUT = {
    WhyOut.NO_MINUTES: "without a minute that counts",
    WhyOut.NO_GROUP: "without an animal of a group",
    WhyOut.SEVERAL_GROUPS: "with animals of more than one group",
}


def _group(part: GroupPart) -> str:
    coverage = part.coverage
    told = f"{part.group}: n = {len(part.cages)} cages"
    if coverage:
        told += f", coverage {_percent(coverage.median)} (median), {_percent(coverage.lowest)}"
        told += " (lowest)"
    return f"{told}; withheld: {len(part.withheld)}."


def _share(count: int, of: int) -> str:
    return _percent(count / of) if of else "no share of none"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
