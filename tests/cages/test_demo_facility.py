"""The generated facility: what it contains, and that it is the same each time."""

import io
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.db.models import Count, Max, Min, Sum

from cages.demo import facility, places, work
from cages.exporting.study.package import StudyPackage
from cages.exporting.study.verify import verify
from cages.history.handling import marks_of
from cages.history.light import LightPhase, by_phase, light_of
from cages.history.minutes import minutes_of
from cages.history.rhythms import rhythms_of
from cages.history.window import Window
from cages.models import (
    Animal,
    Cage,
    CageState,
    Condition,
    Health,
    Housing,
    LightSchedule,
    Mark,
    Outcome,
    Poll,
    PollCycle,
    Rack,
    Room,
    Study,
)
from cages.models.cycle import OUTCOME_COUNTS, from_ranges
from cages.models.mark import BuiltIn
from cages.polling.recorder import record_past_codes
from cages.rhythm.periodogram import lomb_scargle
from cages.rhythm.question import Question
from cages.rhythm.series import series_of
from tests.factories import MINUTE, at, make_user, slot

NOW = at("11:07:20")
pytestmark = pytest.mark.usefixtures("clock")
CAGES, DAYS = 64, 8


@pytest.fixture(scope="module")
def loaded(module_database):
    """The facility, loaded once: what was printed."""
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("django.utils.timezone.now", lambda: NOW)
        call_command("load_demo", facility=True, cages=CAGES, days=DAYS, stdout=said)
        connection.check_constraints()
    return said.getvalue()


@pytest.fixture
def cages(loaded, db):
    return list(Cage.objects.select_related("state", "room").order_by("label_sort_key"))


WINDOW = Window(slot("11:07") - DAYS * timedelta(days=1), slot("11:07"))


def test_it_has_the_cages_rooms_and_light_schedules(cages):
    assert len(cages) == CAGES
    assert {room.name for room in Room.objects.all()} == set(places.ROOMS)
    assert Rack.objects.count() == 4
    assert LightSchedule.objects.count() == 5


def test_every_minute_is_in_the_ledger_and_in_the_rows(cages):
    rows = dict(Poll.objects.values_list("slot").annotate(Count("cage_id")))
    cycles = list(PollCycle.objects.all())
    assert {cycle.slot: cycle.planned for cycle in cycles} == rows
    assert all(cycle.recorded == cycle.planned for cycle in cycles)
    for outcome, word in OUTCOME_COUNTS.items():
        counted = PollCycle.objects.aggregate(sum=Sum(word))["sum"]
        assert counted == Poll.objects.filter(outcome=outcome).count()
    last = PollCycle.objects.latest("slot")
    assert len(from_ranges(last.planned_ids)) == last.planned
    assert last.slot == slot("11:06")


def test_neurocage_was_off_three_times(cages):
    slots = sorted(PollCycle.objects.values_list("slot", flat=True))
    gaps = [(b - a) // MINUTE - 1 for a, b in zip(slots, slots[1:], strict=False) if b - a > MINUTE]
    assert sorted(gaps) == sorted(minutes for _, _, minutes in facility.OFF)


def test_a_state_says_what_the_minutes_say(cages):
    last = dict(Poll.objects.values_list("cage_id").annotate(Max("slot")))
    reading = dict(Poll.objects.answered().values_list("cage_id").annotate(Max("slot")))
    for cage in cages:
        assert cage.state.outcome_slot == last[cage.pk]
        assert cage.state.reading_slot == reading[cage.pk]
    assert CageState.objects.count() == CAGES


def test_archived_and_paused_cages_have_no_minutes_afterwards(cages):
    archived = [cage for cage in cages if cage.is_archived]
    assert len(archived) == 3
    for cage in archived:
        newest = Poll.objects.filter(cage=cage).latest("slot").slot
        assert cage.archived_at - 3 * MINUTE <= newest < cage.archived_at
    assert [cage.condition(NOW) for cage in cages].count(Condition.PAUSED) == 2


def test_a_cage_that_came_later_has_no_minutes_before(cages):
    late = [cage for cage in cages if cage.created_at > WINDOW.start]
    assert late
    for cage in late:
        assert Poll.objects.filter(cage=cage).aggregate(m=Min("slot"))["m"] >= cage.created_at


def of(cages, room):
    return [cage for cage in cages if cage.room.name == room and not cage.is_archived]


def shares(cages):
    """{cage id: (share of Perfect in the light, in the dark)} of the last four days."""
    window = Window(WINDOW.end - timedelta(days=4), WINDOW.end)
    light = light_of([cage.pk for cage in cages], window)
    found = {}
    for cage in cages:
        phases = by_phase(minutes_of([cage.pk], window)[cage.pk], light[cage.pk])
        found[cage.pk] = [
            phases[phase].by_status[Health.PERFECT] / phases[phase].known
            for phase in (LightPhase.LIGHT, LightPhase.DARK)
        ]
    return found


@pytest.mark.parametrize("room", [places.USUAL, places.REVERSED])
def test_animals_follow_the_light_of_their_room(cages, room):
    light, dark = np.mean(list(shares(of(cages, room)).values()), axis=0)
    assert dark > light + 0.2


def test_animals_follow_shifted_light_by_and_by(cages):
    onsets = []
    for first in (0, DAYS - 3):
        start = WINDOW.start + timedelta(days=first)
        window = Window(start, start + timedelta(days=3))
        found = rhythms_of(of(cages, places.SHIFTED), window, Question())
        edges = [told.rhythm.onset for told in found if told.rhythm.onset]
        assert len(edges) > len(found) / 2
        onsets.append(np.mean([(edge.at - 12) % 24 for edge in edges]))
    assert 1.5 < onsets[1] - onsets[0] < 5


def test_treated_animals_are_less_active(cages):
    found = shares(of(cages, places.USUAL))
    numbers = {cage.pk: int(cage.label[1:]) - 1 for cage in cages}
    control, treated = (
        np.mean([dark for pk, (_, dark) in found.items() if work.is_treated(numbers[pk]) is group])
        for group in (False, True)
    )
    assert control > treated + 0.1


def test_in_constant_dark_animals_follow_their_own_clock(cages):
    window = Window(WINDOW.start + timedelta(days=4), WINDOW.end)
    peaks = [
        lomb_scargle(series_of(minutes_of([cage.pk], window)[cage.pk], window, bin_minutes=10)).peak
        for cage in of(cages, places.DARK)[:8]
    ]
    assert 23.3 < np.mean(peaks) < 23.9


def test_each_cage_was_changed_each_week(cages):
    found = marks_of([cage.pk for cage in cages], WINDOW)
    for cage in cages:
        codes = [mark.kind.code for mark in found[cage.pk]]
        assert codes.count(BuiltIn.CAGE_CHANGE) in (1, 2)
        assert BuiltIn.FOOD in codes
    swaps = Mark.objects.filter(kind__code=BuiltIn.SENSOR_SWAPPED)
    assert swaps.count() == len(facility.SWAPPED)


def test_a_worn_sensor_answers_better_once_it_is_swapped(cages):
    cage = cages[facility.SWAPPED[0]]
    moment = Mark.objects.get(cage=cage, kind__code=BuiltIn.SENSOR_SWAPPED).starts_at
    polls = Poll.objects.filter(cage=cage)
    rates = []
    for part in (polls.filter(slot__lt=moment), polls.filter(slot__gte=moment)):
        rates.append(part.filter(outcome=Outcome.ANSWERED).count() / part.count())
    assert rates[0] < 0.4 < 0.7 < rates[1]


def test_animals_live_in_their_cages_and_some_were_moved(cages):
    assert Animal.objects.count() == sum(cage.animal_count for cage in cages)
    assert set(Animal.objects.values_list("group", flat=True)) == {"control", "treated"}
    assert Housing.objects.exclude(until=None).exists()


def test_each_person_of_the_facility_signs_in_and_finds_the_cages(loaded, db, client):
    password = loaded.split()[-1]
    for name in ("demo", *places.ROLES):
        assert client.login(username=name, password=password)
        assert client.get("/cages/").context["page_obj"].paginator.count > 50


def test_there_is_a_study_that_can_be_made(loaded, db, tmp_path):
    study = Study.objects.get()
    file = tmp_path / "study.zip"
    file.write_bytes(b"".join(StudyPackage(study).pieces()))
    found = verify(str(file))
    assert found.name == study.name
    assert found.wrong == []


def test_polls_that_are_there_are_not_written_again(loaded, db):
    poll = Poll.objects.first()
    with pytest.raises(IntegrityError), transaction.atomic():
        record_past_codes(poll.slot, [poll.cage_id], b"\1", b"\0")


def test_it_says_which_days_the_clock_was_set_on(loaded):
    assert "Days on which the clock is set: none" in loaded
    window = Window(at("00:00") - timedelta(days=200), at("00:00") + timedelta(days=60))
    assert facility.clock_changes(window) == ["2025-10-26", "2026-03-29"]


def test_the_same_seed_gives_the_same_minutes():
    size = facility.Size(8, 3, NOW)
    made = []
    for seed in (1, 1, 2):
        story = facility.story_of(replace(size, seed=seed), places.Masks(*_no_light()), {})
        made.append(story.day(0)[0])
    assert (made[0] == made[1]).all()
    assert (made[0] != made[2]).any()


def _no_light():
    rows = np.ones((1, 5 * 1440), dtype=np.uint8)
    return rows, np.zeros(8, dtype=np.int64), np.full(8, 2**40)


@pytest.mark.django_db
def test_it_needs_an_empty_database():
    make_user()
    with pytest.raises(CommandError, match="in use"):
        call_command("load_demo", facility=True)
