"""Judging what does not need a cycle: Neurocage itself each minute, the sensors each hour."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction

from cages.history.buckets import Bucket, buckets_of, total_of, whole_since
from cages.history.handling import sensors_since
from cages.history.window import DAY, HOUR, Window, midnight_of
from cages.models import Cage, PollCycle, Trouble
from cages.slots import slot_of
from welfare.conditions import Case, Conditions, silence
from welfare.fleet import Collected, Spot, requests_of
from welfare.models import Kind
from welfare.pieces import gate
from welfare.rules import facts, itself, sensor_weak
from welfare.rules.parameters import Itself, SensorWeak
from welfare.rules.scopes import InForce, Scopes

CAGES_AT_ONCE = 500
# Neurocage that was just started says for a moment that nothing is started or finished.
NEEDS_A_WHILE = frozenset({Trouble.NOT_STARTED.value, Trouble.NOT_FINISHED.value})


def check_itself(now: datetime, looked_for: timedelta = timedelta.max) -> None:
    """Judge Neurocage itself. looked_for: how long the caller has been running."""
    slot = slot_of(now)
    rule = Scopes.at(slot).of(Kind.NEUROCAGE)
    # Redis and the disk are asked before anything is locked.
    found = itself.parts(now, _itself(rule)) if rule else []
    with transaction.atomic():
        gate()
        conditions = Conditions([Kind.NEUROCAGE], now)
        for part in found:
            if part.fails is False:
                conditions.end(Kind.NEUROCAGE, part.subject, slot)
            elif part.subject in NEEDS_A_WHILE and looked_for < PollCycle.STALE_AFTER:
                continue
            elif part.fails and rule:
                since = part.since or slot
                case = Case(
                    Kind.NEUROCAGE,
                    part.subject,
                    rule.edition_id,
                    since,
                    part.since is not None,
                    part.facts,
                )
                conditions.begin(case, slot)
        if rule is None:
            silence(conditions, list(conditions.of(Kind.NEUROCAGE)), [Kind.NEUROCAGE], slot)
        conditions.write()


def _itself(rule: InForce) -> Itself:
    if not isinstance(rule.parameters, Itself):
        raise TypeError(rule.parameters)
    return rule.parameters


def judge_sensors(now: datetime) -> None:
    """Compare each sensor's last hours with its usual days. Called once an hour.

    Four queries and a transaction for each CAGES_AT_ONCE cages with the same parameters.
    """
    hour = slot_of(now).replace(minute=0)
    scopes = Scopes.at(hour)
    groups: dict[InForce, dict[int, Spot]] = {}
    cages = Cage.objects.polled().order_by("pk")
    for pk, lab, *spot in cages.values_list("pk", "lab_id", *Spot._fields):
        if rule := scopes.of(Kind.SENSOR_WEAK, lab, spot[0]):
            groups.setdefault(rule, {})[pk] = Spot(*spot)
    fleet = Collected(hour)
    for rule, spots in groups.items():
        each = iter(spots.items())
        while some := dict(islice(each, CAGES_AT_ONCE)):
            _judge_some(some, rule, hour, now, fleet)
    fleet.write()


def _judge_some(
    spots: dict[int, Spot], rule: InForce, hour: datetime, now: datetime, fleet: Collected
) -> None:
    ids = list(spots)
    parameters = rule.parameters
    if not isinstance(parameters, SensorWeak):
        raise TypeError(parameters)
    recent = Window(hour - parameters.hours * HOUR, hour)
    zone = ZoneInfo(settings.FACILITY_TIME_ZONE)
    # Whole days of the facility, as the daily roll-up has them.
    end = recent.start.astimezone(zone).date()
    first = midnight_of(end - parameters.usual_days * DAY, zone)
    usual = Window(first, midnight_of(end, zone))
    # What an earlier sensor of the cage did says nothing about this one.
    swapped = sensors_since(ids, now)
    of_now = _totals(buckets_of(ids, recent, by_hour=True), recent, swapped)
    of_usual = _totals(buckets_of(ids, usual, by_hour=False), usual, swapped)
    with transaction.atomic():
        gate()
        conditions = Conditions([Kind.SENSOR_WEAK], now, [facts.cage(pk) for pk in ids])
        for pk in ids:
            one, before = requests_of(of_now[pk]), requests_of(of_usual[pk])
            subject = facts.cage(pk)
            is_weak = sensor_weak.verdict(one, before, parameters)
            fleet.add(pk, spots[pk], of_now[pk], of_usual[pk], is_weak, parameters)
            lasting = conditions.lasting.get((Kind.SENSOR_WEAK, subject))
            is_gone = lasting and pk in swapped and lasting.raised_at <= swapped[pk]
            if is_weak is False or is_gone:
                conditions.end(Kind.SENSOR_WEAK, subject, hour)
            elif is_weak:
                told = sensor_weak.facts_of(one, before, parameters)
                case = Case(
                    Kind.SENSOR_WEAK,
                    subject,
                    rule.edition_id,
                    recent.start,
                    False,
                    told,
                    cage_id=pk,
                )
                conditions.begin(case, hour)
        conditions.write()
    fleet.keep()


def _totals(
    buckets: Mapping[int, list[Bucket]], window: Window, since: Mapping[int, datetime]
) -> dict[int, Bucket]:
    """The Buckets of each cage as one; of a cage in `since` only those from that moment on."""
    return {pk: total_of(whole_since(each, since.get(pk)), window) for pk, each in buckets.items()}
