"""Retention: nothing goes unless somebody types so, and the roll-ups outlive the minutes."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from cages.models import Health, Poll, PollDaily, PollHourly, RetentionChange
from cages.slots import slot_of
from cages.storage import purge, upkeep
from tests.cages.test_storage import ON_TIMESCALEDB
from tests.factories import make_cage, record_minute, write_polls

DAY = timedelta(days=1)


@pytest.fixture
def old_cage(storage_of_its_own):
    """A cage with a minute 300 days ago, one 200 days ago, and one 2 hours ago."""
    cage, now = make_cage(), slot_of(timezone.now())
    for days in (300, 200, 1 / 12):
        record_minute(cage, now - days * DAY, status=Health.BAD)
    call_command("setup_storage")
    return cage


def typing(monkeypatch, text):
    asked = []
    monkeypatch.setattr("builtins.input", lambda prompt: asked.append(prompt) or text)
    return asked


@pytest.mark.storage
def test_minutes_are_kept_for_good_unless_somebody_decides_otherwise(db, capsys):
    call_command("retention")
    assert capsys.readouterr().out == "Minutes are kept for good.\n"


@pytest.mark.storage
@pytest.mark.skipif(ON_TIMESCALEDB, reason="it is about plain PostgreSQL")
def test_plain_postgresql_has_no_retention_as_it_would_lose_the_roll_ups(db):
    with pytest.raises(CommandError, match="Retention needs TimescaleDB"):
        call_command("retention", "--keep-days", "250", "--by", "grace", "--reason", "policy")


@pytest.mark.storage
@pytest.mark.skipif(not ON_TIMESCALEDB, reason="plain PostgreSQL has no retention")
def test_it_shows_asks_removes_and_notes_who(old_cage, monkeypatch, capsys):
    asked = typing(monkeypatch, "yes")
    with pytest.raises(CommandError, match="nothing was changed"):
        call_command("retention", "--keep-days", "250", "--by", "grace", "--reason", "policy")
    assert "remove minutes older than 250 days" in asked[0]
    assert "cages_poll: 1 rows in 1 chunks" in capsys.readouterr().out
    assert (Poll.objects.count(), RetentionChange.objects.count()) == (3, 0)

    typing(monkeypatch, "remove minutes older than 250 days")
    call_command("retention", "--keep-days", "250", "--by", "grace", "--reason", "policy")
    change = RetentionChange.objects.get()
    assert (change.person, change.keep_days, change.removed_rows) == ("grace", 250, 1)
    assert (Poll.objects.count(), PollHourly.objects.count()) == (2, 3)
    # What the jobs do from now on, and what a new set-up does, leaves the history alone.
    run_jobs()
    call_command("setup_storage")
    assert PollHourly.objects.count() == PollDaily.objects.count() == 3
    call_command("retention")
    assert "Minutes are kept for 250 days." in capsys.readouterr().out
    call_command("retention", "--keep-for-good", "--by", "grace", "--reason", "policy")
    call_command("retention")
    assert "Minutes are kept for good." in capsys.readouterr().out
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM timescaledb_information.jobs WHERE proc_name = 'policy_retention'"
        )
        assert cursor.fetchone() == (0,)


def counted():
    """How many hours and days the roll-ups have, and how many known minutes lie in them."""
    hours = [row.bad for row in PollHourly.objects.all()]
    days = [row.bad for row in PollDaily.objects.all()]
    return len(hours), sum(hours), len(days), sum(days)


def run_jobs():
    with connection.cursor() as cursor:
        cursor.execute("SELECT job_id FROM timescaledb_information.jobs WHERE job_id >= 1000")
        for (job,) in cursor.fetchall():
            cursor.execute("CALL run_job(%s)", [job])


@pytest.mark.storage
@pytest.mark.skipif(not ON_TIMESCALEDB, reason="plain PostgreSQL has no retention")
def test_no_bucket_is_lost_where_the_removed_minutes_end(storage_of_its_own, monkeypatch):
    cage, first = make_cage(), slot_of(timezone.now()) - 290 * DAY
    write_polls(cage, [(first + n * DAY / 8, Health.BAD, 1500) for n in range(60 * 8)])
    call_command("setup_storage")
    before = counted()
    assert before[1] == before[3] == Poll.objects.count() == 60 * 8

    # A longer one afterwards must not bring the refreshes back to what the shorter one removed.
    for days in (250, 280):
        typing(monkeypatch, f"remove minutes older than {days} days")
        call_command("retention", "--keep-days", str(days), "--by", "grace", "--reason", "policy")
        assert Poll.objects.count() < 60 * 8
        assert counted() == before
        run_jobs()
        call_command("setup_storage")
        assert counted() == before
    call_command("retention", "--keep-for-good", "--by", "grace", "--reason", "policy")
    run_jobs()
    assert counted() == before


@pytest.mark.storage
@pytest.mark.skipif(not ON_TIMESCALEDB, reason="plain PostgreSQL has no retention")
def test_roll_ups_made_anew_still_stay_behind_the_retention(old_cage, monkeypatch, settings):
    typing(monkeypatch, "remove minutes older than 400 days")
    call_command("retention", "--keep-days", "400", "--by", "grace", "--reason", "policy")
    settings.FACILITY_TIME_ZONE = "Asia/Kolkata"
    call_command("setup_storage")
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT config->>'start_offset' FROM timescaledb_information.jobs
               WHERE proc_name = 'policy_refresh_continuous_aggregate'"""
        )
        assert cursor.fetchall() == [("390 days",)] * 2


@pytest.mark.storage
@pytest.mark.skipif(not ON_TIMESCALEDB, reason="plain PostgreSQL has no retention")
def test_roll_ups_that_cannot_be_made_anew_are_not_dropped(old_cage, monkeypatch, settings):
    typing(monkeypatch, "remove minutes older than 250 days")
    call_command("retention", "--keep-days", "250", "--by", "grace", "--reason", "policy")
    settings.FACILITY_TIME_ZONE = "Asia/Kolkata"
    with pytest.raises(CommandError, match="its history would be lost"):
        call_command("setup_storage")
    assert PollDaily.objects.count() == 3


@pytest.mark.storage
@pytest.mark.skipif(not ON_TIMESCALEDB, reason="plain PostgreSQL has no retention")
def test_a_purged_cage_leaves_the_roll_ups_too(old_cage, monkeypatch):
    typing(monkeypatch, "remove minutes older than 250 days")
    call_command("retention", "--keep-days", "250", "--by", "grace", "--reason", "policy")
    now = timezone.now()
    type(old_cage).objects.filter(pk=old_cage.pk).update(archived_at=now, purge_ordered_at=now)
    while purge.step(old_cage.pk, now) is not None:
        pass
    for _words, run in upkeep.pending(connection):
        run(connection)
    assert (PollHourly.objects.count(), PollDaily.objects.count()) == (0, 0)


@pytest.mark.parametrize("days", ["0", "99", "36501"])
def test_a_length_that_makes_no_sense_is_refused(db, days, monkeypatch):
    monkeypatch.setattr("cages.storage.timescaledb_version", lambda connection: "2.29")
    with pytest.raises(CommandError, match="from 100 to 36500 days"):
        call_command("retention", "--keep-days", days, "--by", "grace", "--reason", "policy")


@pytest.mark.parametrize(
    ("name", "why"), [("", "a person's name"), ("g" * 201, "at most 200"), ("a\nb", "line break")]
)
def test_a_decision_without_a_person_is_refused(db, monkeypatch, name, why):
    monkeypatch.setattr("cages.storage.timescaledb_version", lambda connection: "2.29")
    monkeypatch.setattr("cages.storage.conversion.is_needed", lambda connection: False)
    asked = typing(monkeypatch, name)
    with pytest.raises(CommandError, match=why):
        call_command("retention", "--keep-for-good")
    with pytest.raises(CommandError, match=why):
        call_command("retention", "--keep-days", "250", "--by", name)
    assert asked == ["Your name, which is kept with the decision: "]
    assert not RetentionChange.objects.exists()
