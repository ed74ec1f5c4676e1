"""The demonstration: the story it tells, and that it leaves a database in use alone."""

import io
import json
import re
import stat
from collections import Counter
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Count
from django.urls import reverse

from cages import demo
from cages.history.light import LightPhase, light_of
from cages.history.window import Window
from cages.models import Cage, CageState, Condition, Health, Outcome, Poll, PollCycle
from cages.models.cycle import OUTCOME_COUNTS
from tests.factories import MINUTE, at, give_out_ids, make_cage, make_user, slot

NOW = at("11:07:20")
pytestmark = pytest.mark.usefixtures("clock")
# The story is in the last two days; a fortnight of it takes ten seconds to write.
DAYS = 3
SLOTS = DAYS * 24 * 60 - 120


@pytest.fixture(scope="module")
def loaded(module_database, tmp_path_factory):
    """The demonstration, loaded once: what was printed, and the state file."""
    said, state_file = io.StringIO(), tmp_path_factory.mktemp("demo") / "demo.json"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("django.utils.timezone.now", lambda: NOW)
        patched.setattr(demo, "DAYS", DAYS)
        # As in a new database.
        give_out_ids(first=1)
        call_command("load_demo", state_file=state_file, stdout=said)
        give_out_ids()
        # Now, once, instead of at the end of every test.
        connection.check_constraints()
    return said.getvalue(), state_file


@pytest.fixture
def story(loaded, db):
    """The cages of the demonstration by id, in a database that the test may change."""
    return {cage.pk: cage for cage in Cage.objects.select_related("state")}


def statuses_since(cage, moment):
    return Counter(
        Poll.objects.answered().filter(cage=cage, slot__gte=moment).values_list("status", flat=True)
    )


# A database in use (before the demonstration is loaded for all that follows)


@pytest.mark.django_db
@pytest.mark.parametrize("make", [make_user, make_cage])
def test_a_database_in_use_is_refused_or_quietly_left_alone(make, tmp_path):
    make()
    before = (Cage.objects.count(), get_user_model().objects.count())
    with pytest.raises(CommandError, match="The database is in use"):
        call_command("load_demo", state_file=tmp_path / "demo.json")
    said = io.StringIO()
    call_command("load_demo", if_empty=True, state_file=tmp_path / "demo.json", stdout=said)
    assert said.getvalue() == ""
    assert (Cage.objects.count(), get_user_model().objects.count()) == before
    assert not CageState.objects.exists()
    assert not (tmp_path / "demo.json").exists()


@pytest.mark.django_db
def test_a_demonstration_that_fails_half_way_leaves_nothing(monkeypatch, tmp_path):
    def fail(*args):
        raise RuntimeError("half way")

    monkeypatch.setattr(demo, "DAYS", 1)
    monkeypatch.setattr(demo, "_write_cycles", fail)
    with pytest.raises(RuntimeError):
        call_command("load_demo", state_file=tmp_path / "demo.json", stdout=io.StringIO())
    assert not get_user_model().objects.exists()
    assert not Cage.objects.exists()
    assert not Poll.objects.exists()
    assert not (tmp_path / "demo.json").exists()


# The story


def test_it_is_about_12_cages_in_2_racks_each_in_a_slot_of_its_own(story):
    assert sorted(story) == list(range(1, 13))
    places = Counter((cage.room_name, cage.rack_name) for cage in story.values())
    assert places == {("R2", "A"): 6, ("R2", "B"): 6}
    assert len({cage.position for cage in story.values()}) == 12
    assert len({cage.label for cage in story.values()}) == 12


def test_the_last_full_minute_is_the_last_one_told(story):
    slots = Poll.objects.answered().order_by("slot").values_list("slot", flat=True)
    assert slots.last() == slot("11:06")
    assert slots.first() == slot("11:06") - DAYS * 24 * 60 * MINUTE + MINUTE


def test_two_cages_are_bad_now_and_the_others_are_not(story):
    conditions = {number: cage.condition(NOW) for number, cage in story.items()}
    bad = {number for number, condition in conditions.items() if condition == Condition.BAD}
    assert bad == set(demo.SICK) == {3, 8}
    healthy = set(conditions) - bad - {demo.DEAD}
    assert {conditions[number] for number in healthy} <= {Condition.OK, Condition.PERFECT}


def test_the_sick_are_mostly_bad_since_they_fell_ill_and_were_not_before(story):
    for number, ago in demo.SICK.items():
        ill = statuses_since(story[number], NOW - ago)
        assert ill[Health.BAD] > 0.6 * ill.total()
        before = statuses_since(story[number], NOW - DAYS * timedelta(days=1)) - ill
        assert before[Health.BAD] < 0.3 * before.total()


def test_one_sensor_is_dead_since_yesterday_afternoon(story):
    dead = story[demo.DEAD]
    died_at = slot("16:40") - timedelta(days=1)
    assert dead.condition(NOW) == Condition.UNSEEN
    assert died_at - 30 * MINUTE < dead.state.reading_slot < died_at
    since = Poll.objects.filter(cage=dead, slot__gte=died_at)
    assert set(since.values_list("outcome", flat=True)) == {Outcome.CONNECTION_ERROR}
    assert dead.state.outcome_since == died_at


def test_animals_are_better_in_the_dark(story):
    shares = {}
    for name, first, last in (("light", "08:00", "18:00"), ("dark", "00:00", "06:00")):
        day = timedelta(days=1)
        span = {"slot__gte": at(first) - day, "slot__lt": at(last) - day}
        readings = Poll.objects.answered().filter(**span).exclude(cage__in=[*demo.SICK, demo.DEAD])
        perfect = readings.filter(status=Health.PERFECT).count()
        shares[name] = perfect / readings.count()
    assert shares["dark"] > shares["light"] + 0.2


def test_for_two_hours_neurocage_was_off_without_a_row_and_without_a_cycle(story):
    outage = {"slot__gte": NOW - timedelta(hours=7), "slot__lt": NOW - timedelta(hours=5)}
    for model in (Poll, PollCycle):
        assert not model.objects.filter(**outage).exists()
        assert model.objects.filter(slot__lt=NOW - timedelta(hours=7)).exists()
        assert model.objects.filter(slot__gte=NOW - timedelta(hours=5)).exists()
    assert PollCycle.objects.count() == SLOTS
    assert Poll.objects.count() == 12 * SLOTS


# What every minute keeps to


def test_the_ledger_balances_with_the_rows_of_every_cycle(story):
    rows = Counter()
    counted = Poll.objects.values_list("slot", "outcome").annotate(Count("cage_id"))
    for minute, outcome, count in counted:
        rows[minute, outcome] = count
    for cycle in PollCycle.objects.all():
        assert cycle.recorded == cycle.planned == 12
        assert cycle.finished_at is not None
        for outcome, word in OUTCOME_COUNTS.items():
            assert getattr(cycle, word) == rows[cycle.slot, outcome]


def test_three_of_four_polls_are_answered(story):
    shares = Counter(Poll.objects.exclude(cage=demo.DEAD).values_list("outcome", flat=True))
    assert 0.73 < shares[Outcome.ANSWERED] / shares.total() < 0.77


def test_every_state_is_the_end_of_the_cages_minutes(story):
    for cage in story.values():
        readings = Poll.objects.answered().filter(cage=cage)
        reading, poll = readings.latest("slot"), Poll.objects.filter(cage=cage).latest("slot")
        other = readings.exclude(status=reading.status).latest("slot")
        run = readings.filter(slot__gt=other.slot).earliest("slot")
        state = cage.state
        assert (state.status, state.reading_slot) == (reading.status, reading.slot)
        assert (state.outcome, state.outcome_slot) == (poll.outcome, poll.slot)
        assert state.status_since == run.slot


def test_the_pages_show_it(story, client_of):
    browser = client_of(get_user_model().objects.get(username="demo"))
    listed = browser.get(reverse("cage-list"))
    assert [cage.pk for cage in listed.context["cages"]][:3] in ([3, 8, 11], [8, 3, 11])
    health = browser.get(story[1].get_absolute_url()).context["health_summary"]
    assert health.not_watched == 120
    assert health.minutes == 11 * 60 + 7


# Who it is for, and how it is told


def test_its_user_is_an_administrator_who_owns_every_cage(story):
    user = get_user_model().objects.get()
    assert (user.username, user.is_staff, user.is_superuser) == ("demo", True, True)
    assert {cage.owner for cage in story.values()} == {user}


def test_the_name_and_password_that_are_printed_open_the_door(loaded, story, client):
    said, _ = loaded
    name, password = re.search(r"Sign in as (\w+) with the password (\S+)", said).groups()
    assert client.login(username=name, password=password)
    assert "cage 12 of 12" in said


def test_the_state_file_is_for_its_owner_only(loaded, story):
    said, state_file = loaded
    assert stat.S_IMODE(state_file.stat().st_mode) == 0o600
    state = json.loads(state_file.read_text())
    assert state["username"] == "demo"
    assert state["password"] in said
    assert state["sensor_api_env"] == {
        "SENSOR_SICK_CAGES": "3,8",
        "SENSOR_FAULTS": "11=refuse",
        "SENSOR_TIME_ZONE": "Europe/Berlin",
    }
    assert [path.name for path in state_file.parent.iterdir()] == [state_file.name]


def test_the_light_is_known_for_the_whole_story(story):
    begin = min(Poll.objects.order_by("slot").values_list("slot", flat=True)[:1])
    window = Window(begin, slot("11:07"))
    runs = light_of(story, window)
    phases = {run.phase for found in runs.values() for run in found}
    assert phases == {LightPhase.LIGHT, LightPhase.DARK}
