"""A clock that was ahead is set back: what was recorded ahead gives way, is listed and removed."""

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from cages.models import CageState, Health, Outcome, Poll, PollCycle
from cages.polling.ahead import keep_to_the_present
from cages.polling.schedule import claim
from neurocage.beat import Scheduler
from neurocage.celery import app
from tests.factories import MINUTE, at, make_cage, make_cycle, make_user, record_minute, slot
from tests.pages import text_of

NOW = at("07:02:01")
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def cage():
    """A cage that was Bad at 07:00, and Perfect for the clock that was ahead."""
    cage = make_cage(owner=make_user("ruth"))
    poll(cage, slot("07:00"), Health.BAD)
    for clock in ("07:05", "07:06", "09:00"):
        poll(cage, slot(clock), Health.PERFECT)
    return cage


def poll(cage, when, health):
    make_cycle(when, planned=1, planned_ids=str(cage.pk), finished=False)
    record_minute(cage, when, health)


def run(command, *arguments):
    """(what was printed, the error or None)"""
    said, error = io.StringIO(), None
    try:
        call_command(command, *arguments, stdout=said)
    except CommandError as failed:
        error = failed
    return said.getvalue(), error


def test_the_wall_says_that_a_reading_is_ahead_of_now(cage, client_of):
    page = client_of(cage.owner).get("/wall/?room=")
    assert "Unseen last known Perfect, 2026-03-02 09:00, ahead of now" in text_of(page)


def test_a_state_from_the_future_is_unseen_until_it_gives_way(cage, client_of):
    page = client_of(cage.owner).get(f"/cages/{cage.pk}/")
    assert "2026-03-02 09:00, ahead of now" in text_of(page)
    assert " 0 s ago" not in text_of(page)
    keep_to_the_present(NOW)
    state = CageState.objects.get()
    assert (state.status, state.reading_slot) == (Health.BAD, slot("07:00"))
    record_minute(cage, slot("07:02"), Health.BAD)
    state = CageState.objects.get()
    assert (state.outcome_slot, state.status_since, state.known_count) == (
        *(slot("07:02"), slot("07:00")),
        2,
    )


def test_a_cage_that_only_the_future_knows_has_no_state(cage):
    other = make_cage(owner=cage.owner)
    record_minute(other, slot("09:00"), Health.OK)
    keep_to_the_present(NOW)
    assert list(CageState.objects.values_list("cage", flat=True)) == [cage.pk]


def test_a_slot_that_was_claimed_ahead_is_asked_when_its_time_comes(cage):
    for clock in ("07:02:01", "07:03:01", "07:04:01"):
        keep_to_the_present(at(clock))
    assert claim(slot("07:05"), at("07:05:01")) == [cage.pk]
    record_minute(cage, slot("07:05"), outcome=Outcome.TIMEOUT)
    assert Poll.objects.get(slot=slot("07:05")).outcome == Outcome.TIMEOUT
    state = CageState.objects.get()
    assert (state.status, state.outcome) == (Health.BAD, Outcome.TIMEOUT)
    # Nothing more than the next minutes is touched.
    assert PollCycle.objects.filter(slot=slot("09:00")).exists()


def test_the_present_slot_and_the_next_one_are_never_released(cage):
    keep_to_the_present(at("07:04"))
    assert PollCycle.objects.filter(slot=slot("07:05")).exists()


def test_where_all_is_well_it_costs_two_queries(cage, django_assert_num_queries):
    with django_assert_num_queries(2):
        keep_to_the_present(at("09:00"))


def test_check_ledger_lists_what_is_recorded_ahead(cage):
    said, error = run("check_ledger")
    assert said.splitlines() == [
        "2026-03-02 06:05Z: 1 of 1 recorded, ahead of now",
        "2026-03-02 06:06Z: 1 of 1 recorded, ahead of now",
        "2026-03-02 08:00Z: 1 of 1 recorded, ahead of now",
        "The ledger balances. 1,440 minutes: 1 slot with 1 poll checked, 1,439 not watched.",
    ]
    assert str(error).startswith("3 minutes recorded ahead of now: a clock was wrong")
    assert error.returncode == 1


def test_what_is_ahead_is_shown_first_and_then_removed(cage, caplog):
    said, error = run("remove_ahead")
    assert error is None
    assert said.splitlines() == [
        "It is 2026-03-02 06:02:01Z by the clock of this machine.",
        "2026-03-02 06:05Z: 1 of 1 recorded",
        "2026-03-02 06:06Z: 1 of 1 recorded",
        "2026-03-02 08:00Z: 1 of 1 recorded",
        "3 minutes are recorded ahead of now.",
        "To remove them and their polls: remove_ahead --remove 3 --by NAME",
    ]
    assert PollCycle.objects.count() == 4
    said, error = run("remove_ahead", "--remove", "3", "--by", "Ada Facility")
    assert error is None
    assert said.endswith("Removed 3 minutes with 3 polls.\n")
    assert "Ada Facility removed 3 minutes" in caplog.text
    assert list(Poll.objects.values_list("slot", flat=True)) == [slot("07:00")]
    assert CageState.objects.get().status == Health.BAD
    assert run("check_ledger")[1] is None
    assert run("remove_ahead")[0].endswith("0 minutes are recorded ahead of now.\n")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--remove", "2", "--by", "Ada"], "3 minutes are ahead of now, not 2."),
        (["--remove", "3"], "Say who decided this: --by NAME."),
    ],
)
def test_nothing_is_removed_without_the_number_that_was_shown_and_a_name(cage, options, words):
    assert str(run("remove_ahead", *options)[1]) == words
    assert PollCycle.objects.count() == 4


def test_the_operations_page_says_what_is_ahead_and_lists_it_not_as_present(
    cage, client_of, administrator
):
    text = text_of(client_of(administrator).get(reverse("ops")))
    assert "3 minutes are recorded ahead of now, from 2026-03-02 07:05 to 2026-03-02 09:00" in text
    assert "manage.py remove_ahead" in text
    rows = text.partition("Ledger")[2]
    assert "2026-03-02 07:00" in rows


@pytest.mark.parametrize("ahead", [timedelta(minutes=5), timedelta(hours=2), timedelta(days=7)])
def test_beat_goes_on_when_the_clock_is_set_back(monkeypatch, ahead):
    sent, moment = [], at("07:02:10")
    monkeypatch.setattr(app, "now", lambda: moment + ahead)
    scheduler = Scheduler(app, lazy=True, Producer=lambda *_, **__: None)

    def note(entry, **_):
        sent.append((entry.name, app.now()))

    def tick_until_nothing_is_due():
        while scheduler.tick() == 0:
            pass

    monkeypatch.setattr(scheduler, "apply_entry", note)
    scheduler.setup_schedule()
    tick_until_nothing_is_due()
    app_clock = [moment + ahead + MINUTE, at("07:02:20"), at("07:03:00.5"), at("07:03:05")]
    for now in app_clock:
        monkeypatch.setattr(app, "now", lambda now=now: now)
        tick_until_nothing_is_due()
    starts = [when for name, when in sent if name == "start-slot"]
    assert starts == [moment + ahead + MINUTE, at("07:03:00.5")]
    assert timezone.now() == NOW
