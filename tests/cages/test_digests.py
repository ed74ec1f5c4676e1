"""A day's digest, and what `verify` finds of minutes and noted changes that were tampered with."""

from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse

from cages.models import CageDigest, DayDigest, Health, Outcome, Poll
from cages.operations import digests
from cages.operations.digests import Kind, close_days, verify
from cages.polling.recorder import record
from cages.polling.tasks import close_days as close_days_task
from cages.storage import digests as stored
from cages.storage import purge
from people.acting import named
from people.models import Change
from people.noted import lines_of
from tests.cages.test_storage import ON_TIMESCALEDB
from tests.factories import MINUTE, make_cage, make_cycle, result, write_polls
from tests.pages import text_of

FIRST = date(2026, 3, 2)
BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
# The first day is closed at this moment, and no later one.
NOW = BEGIN + timedelta(days=2, hours=2)
SECOND_IS_DUE = NOW + timedelta(days=1)
pytestmark = [pytest.mark.django_db, pytest.mark.storage]


@pytest.fixture
def cages():
    """Two cages with ten minutes in each of three hours of the first day."""
    cages = [make_cage(), make_cage()]
    make_cycle(BEGIN, 2)
    for cage in cages:
        minutes = [at_minute(hour, minute) for hour in (0, 7, 23) for minute in range(10)]
        write_polls(cage, [(slot, Health.OK, 900) for slot in minutes])
    return cages


def at_minute(hour, minute):
    return BEGIN + timedelta(hours=hour, minutes=minute)


def found(now=NOW, first=None, last=None):
    return [(one.kind, one.day, one.cage_id) for one in verify(first, last, now)]


def note_all_at(moment):
    """All that was noted was noted at this moment."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE people_change SET at = %s", [moment])


@contextmanager
def as_owner_without_triggers():
    """What somebody can do who owns the database and wants to leave no trace."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        yield cursor
        cursor.execute("SET session_replication_role = origin")


def test_a_day_is_closed_26_hours_after_its_end_and_once(cages):
    assert close_days(NOW - MINUTE) == 0
    assert close_days(NOW) == 1
    assert close_days(NOW) == 0
    day = DayDigest.objects.get()
    assert (day.day, day.cages, day.polls) == (FIRST, 2, 60)
    assert len(day.chain) == 64
    assert found() == []


def test_a_day_without_polls_is_closed_too_so_that_the_chain_has_no_gap(cages):
    assert close_days(NOW + timedelta(days=3)) == 4
    assert [day.polls for day in DayDigest.objects.order_by("day")] == [60, 0, 0, 0]
    assert len(set(DayDigest.objects.values_list("chain", flat=True))) == 4


def test_where_there_is_nothing_no_day_is_closed():
    assert close_days(NOW) == 0
    assert not CageDigest.objects.exists()


def test_it_ends_in_time_and_goes_on_with_the_same_day(cages, monkeypatch):
    monkeypatch.setattr(digests, "CAGES_A_PIECE", 1)
    assert close_days(NOW, seconds=-1) == 0
    assert CageDigest.objects.count() == 1
    assert not DayDigest.objects.exists()
    assert close_days(NOW) == 1
    assert CageDigest.objects.count() == 2
    assert found() == []


def test_the_digest_is_the_same_in_pieces_of_another_size(cages, monkeypatch):
    close_days(NOW)
    whole = DayDigest.objects.get().polls_digest
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE cages_daydigest, cages_cagedigest")
    monkeypatch.setattr(digests, "CAGES_A_PIECE", 1)
    close_days(NOW)
    assert DayDigest.objects.get().polls_digest == whole


def test_python_makes_the_same_digest_as_the_database(cages):
    cage = cages[0]
    odd = result(cage, outcome=Outcome.MALFORMED, detail="“ü” 💾: 7\n")
    record(at_minute(9, 1), [odd], NOW)
    record(at_minute(9, 2), [result(cage, outcome=Outcome.SKIPPED)], NOW)
    record(at_minute(9, 3), [result(cage, outcome=Outcome.HTTP_ERROR, http_status=418)], NOW)
    close_days(NOW)
    kept = CageDigest.objects.get(cage_id=cage.pk)
    assert stored.digest_of(list(Poll.objects.filter(cage=cage).values())) == bytes(kept.digest)


def test_one_changed_reading_is_found_with_its_hour(cages):
    close_days(NOW)
    with as_owner_without_triggers():
        Poll.objects.filter(cage=cages[1], slot=at_minute(7, 3)).update(status=Health.BAD)
    (one,) = verify(None, None, NOW)
    assert (one.kind, one.day, one.cage_id) == (Kind.POLLS, FIRST, cages[1].pk)
    assert one.words == "30 polls then, 30 polls now, first in the hour from 07:00 UTC"


@pytest.mark.parametrize("field", [{"latency_ms": 901}, {"detail": ""}, {"http_status": 200}])
def test_a_changed_detail_of_a_request_is_found(cages, field):
    close_days(NOW)
    with as_owner_without_triggers():
        Poll.objects.filter(cage=cages[0], slot=at_minute(0, 0)).update(**field)
    assert found() == [(Kind.POLLS, FIRST, cages[0].pk)]


def test_a_deleted_reading_is_found(cages):
    close_days(NOW)
    Poll.objects.filter(cage=cages[0], slot=at_minute(23, 9)).delete()
    (one,) = verify(None, None, NOW)
    assert one.words == "30 polls then, 29 polls now, first in the hour from 23:00 UTC"


def test_an_added_reading_is_found_also_of_a_cage_that_had_none(cages):
    other = make_cage()
    close_days(NOW)
    write_polls(cages[0], [(at_minute(3, 0), Health.OK, 900)])
    write_polls(other, [(at_minute(4, 0), Health.OK, 900)])
    words = {one.cage_id: one.words for one in verify(None, None, NOW)}
    assert words == {
        cages[0].pk: "30 polls then, 31 polls now, first in the hour from 03:00 UTC",
        other.pk: "no digest then, 1 polls now, first in the hour from 04:00 UTC",
    }


def test_a_reading_moved_from_one_minute_to_the_next_is_found(cages):
    close_days(NOW)
    with as_owner_without_triggers():
        moved = Poll.objects.filter(cage=cages[0], slot=at_minute(0, 9))
        moved.update(slot=at_minute(0, 10))
    assert found() == [(Kind.POLLS, FIRST, cages[0].pk)]


def test_a_reading_changed_with_the_triggers_at_work_is_found_with_who_did_it(cages):
    close_days(NOW)
    Poll.objects.filter(cage=cages[0], slot=at_minute(0, 0)).update(status=Health.BAD)
    (one,) = verify(None, None, NOW)
    assert one.kind == Kind.POLLS
    assert "a change of 2026-03-02 00:00:00+00 is noted, by" in one.words


def test_a_late_result_in_place_of_a_skipped_poll_is_told_apart(cages):
    late = at_minute(9, 0)
    skipped = result(cages[0], outcome=Outcome.SKIPPED, detail="lost")
    record(late, [skipped], NOW)
    close_days(NOW)
    with named("Ada of IT"):
        record(late, [result(cages[0], Health.BAD)], NOW)
    assert Change.objects.get(table="cages_poll").by == "Ada of IT"
    assert Poll.objects.get(slot=late).status == Health.BAD
    (line,) = lines_of(Change.objects.filter(table="cages_poll"))
    assert line.what == f"Late result of cage {cages[0].pk} · 2026-03-02 09:00:00+00"
    told = {one.name: (one.before, one.after) for one in line.differences}
    assert told["Outcome"] == ("skipped", "answered")
    assert found() == [(Kind.LATE, FIRST, cages[0].pk)]
    # What is noted of it is not what stands there.
    slot = Poll.objects.filter(slot=late)
    with as_owner_without_triggers():
        slot.update(status=Health.PERFECT)
    assert found() == [(Kind.POLLS, FIRST, cages[0].pk)]
    with as_owner_without_triggers():
        slot.update(status=Health.BAD)
    assert found() == [(Kind.LATE, FIRST, cages[0].pk)]
    # It explains itself, and nothing else.
    with as_owner_without_triggers():
        Poll.objects.filter(cage=cages[0], slot=at_minute(0, 0)).update(status=Health.BAD)
    assert found() == [(Kind.POLLS, FIRST, cages[0].pk)]


def test_a_late_result_that_was_changed_is_found_though_the_change_is_noted(cages):
    late = at_minute(9, 0)
    record(late, [result(cages[0], outcome=Outcome.SKIPPED, detail="lost")], NOW)
    close_days(NOW)
    record(late, [result(cages[0], Health.BAD)], NOW)
    with named("Eve"):
        Poll.objects.filter(slot=late).update(status=Health.OK)
    (one,) = verify(None, None, NOW)
    assert one.kind == Kind.POLLS
    assert "a change of 2026-03-02 09:00:00+00 is noted, by Eve through" in one.words


def test_a_purged_cage_is_told_apart(cages):
    close_days(NOW)
    cage = cages[0]
    cage.archive(NOW)
    cage.order_purge(NOW)
    purge.step(cage.pk, NOW)
    assert found() == [(Kind.PURGED, FIRST, cage.pk)]
    while purge.step(cage.pk, NOW) is not None:
        pass
    note_all_at(NOW)
    assert found() == [(Kind.PURGED, FIRST, cage.pk)]
    # Its id can come again, for another cage.
    make_cage(id=cage.pk, created_at=NOW)
    assert found() == [(Kind.PURGED, FIRST, cage.pk)]


def test_a_cage_that_was_purged_before_the_day_explains_nothing(cages):
    number = cages[0].pk
    cages[0].archive(BEGIN)
    cages[0].order_purge(BEGIN)
    while purge.step(number, BEGIN) is not None:
        pass
    note_all_at(BEGIN)
    again = make_cage(id=number, created_at=BEGIN)
    write_polls(again, [(at_minute(7, 0), Health.OK, 900)])
    close_days(NOW)
    Poll.objects.filter(cage=again).delete()
    assert found() == [(Kind.POLLS, FIRST, number)]


def test_a_cage_that_was_deleted_without_an_order_is_found(cages):
    close_days(NOW)
    number = cages[0].pk
    Poll.objects.filter(cage=number).delete()
    cages[0].delete()
    assert found() == [(Kind.POLLS, FIRST, number)]


def test_minutes_that_a_retention_removed_are_told_apart(cages):
    from cages.models import RetentionChange

    close_days(NOW)
    RetentionChange.objects.create(at=NOW, person="grace", keep_days=100)
    Poll.objects.all().delete()
    much_later = NOW + timedelta(days=120)
    assert {kind for kind, *_ in found(much_later)} == {Kind.RETENTION}
    # Younger ones are not for it to remove.
    assert {kind for kind, *_ in found(NOW + timedelta(days=50))} == {Kind.POLLS}


def test_what_was_noted_of_changes_is_in_the_digest(cages):
    note_all_at(at_minute(12, 0))
    close_days(NOW)
    assert DayDigest.objects.get().changes == Change.objects.count() > 0
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE people_change SET by = 'x' WHERE id = (SELECT min(id) FROM people_change)"
        )
    assert found() == [(Kind.CHANGES, FIRST, None)]


def test_a_kept_digest_that_was_changed_with_its_minutes_breaks_the_chain(cages):
    write_polls(cages[0], [(BEGIN + timedelta(days=1), Health.OK, 900)])
    close_days(SECOND_IS_DUE)
    assert DayDigest.objects.count() == 2
    with as_owner_without_triggers() as cursor:
        Poll.objects.filter(cage=cages[0], slot=at_minute(0, 0)).update(status=Health.BAD)
        cursor.execute("DELETE FROM cages_cagedigest WHERE day = %s", [FIRST])
    stored.keep(connection, FIRST, 1, 2**31 - 1)
    assert found() == [(Kind.CHAIN, FIRST, None)]
    # Made to fit, the day before no longer leads to the next one.
    cages_count, polls, digest = stored.of_day(connection, FIRST)
    day = DayDigest.objects.get(day=FIRST)
    day.polls_digest = digest
    DayDigest.objects.filter(day=FIRST).update(polls_digest=digest, chain=digests._chain("", day))
    assert found() == [(Kind.CHAIN, FIRST + timedelta(days=1), None)]


def test_a_missing_day_is_found(cages):
    close_days(NOW + timedelta(days=2))
    DayDigest.objects.filter(day=FIRST + timedelta(days=1)).delete()
    days = {day for kind, day, _ in found() if kind == Kind.CHAIN}
    assert FIRST + timedelta(days=1) in days


def test_only_the_chosen_days_are_looked_at(cages):
    close_days(SECOND_IS_DUE)
    Poll.objects.filter(cage=cages[0], slot=at_minute(0, 0)).delete()
    second = FIRST + timedelta(days=1)
    assert found(first=second) == []
    assert found(last=FIRST) == [(Kind.POLLS, FIRST, cages[0].pk)]


@pytest.mark.skipif(not ON_TIMESCALEDB, reason="plain PostgreSQL compresses nothing")
def test_compressed_minutes_have_the_same_digest_and_late_results_are_noted_in_them(cages):
    late = at_minute(9, 0)
    record(late, [result(cages[0], outcome=Outcome.SKIPPED, detail="lost")], NOW)
    close_days(NOW)
    with connection.cursor() as cursor:
        # Rows whose foreign keys are still to be checked cannot be compressed.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SELECT compress_chunk(show_chunks('cages_poll'))")
    assert found() == []
    record(late, [result(cages[0], Health.BAD)], NOW)
    assert found() == [(Kind.LATE, FIRST, cages[0].pk)]


def test_the_command_tells_and_ends_with_an_error_if_anything_differs(cages, capsys):
    close_days(NOW)
    call_command("verify")
    chain = DayDigest.objects.get().chain
    assert f"No difference. The digest of 2026-03-02 is {chain}." in capsys.readouterr().out
    call_command("verify", "--chain", chain)
    assert "It is the digest of 2026-03-02." in capsys.readouterr().out
    Poll.objects.filter(cage=cages[0], slot=at_minute(7, 0)).delete()
    with pytest.raises(CommandError, match="1 differences"):
        call_command("verify", "--from", "2026-03-01", "--to", "2026-03-02")
    assert f"2026-03-02, cage {cages[0].pk}: 30 polls then" in capsys.readouterr().out


def test_a_chain_that_was_made_anew_does_not_know_a_digest_that_was_kept(cages):
    close_days(NOW)
    with pytest.raises(CommandError, match="made anew"):
        call_command("verify", "--chain", "0" * 64)


def test_a_day_that_makes_no_sense_is_refused(db):
    with pytest.raises(CommandError, match="a day such as 2026-03-02"):
        call_command("verify", "--from", "yesterday")


def test_the_task_closes_days_and_the_operations_page_shows_the_newest(
    cages, client_of, staff, clock, caplog
):
    caplog.set_level("INFO", logger="cages")
    close_days_task()
    chain = DayDigest.objects.get().chain
    assert f"The digest of 2026-03-02 is {chain}" in caplog.text
    assert chain in text_of(client_of(staff).get(reverse("ops")))
