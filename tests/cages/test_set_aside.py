"""Results that the database refuses for what is in them."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import IntegrityError

from cages.models import Poll
from cages.models.cycle import to_ranges
from cages.polling import set_aside, tasks
from cages.polling.results import encode, halves, skipped
from neurocage import redis_server
from tests.factories import at, make_cage, make_cycle, result, slot

SLOT, NOW = slot("07:00"), at("07:00:05")
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_kept():
    yield
    with redis_server.connect() as redis:
        redis.delete(set_aside.KEY)


def record(*results):
    ids = sorted(result.cage_id for result in results)
    make_cycle(SLOT, planned=len(ids), finished=False, planned_ids=to_ranges(ids))
    tasks.record_polls(int(SLOT.timestamp()), encode(results))


def command(*options):
    out = StringIO()
    call_command("set_aside", *options, stdout=out)
    return out.getvalue()


def too_long(cage):
    return skipped(cage.id, "x" * 201)


def test_only_the_bad_results_of_a_shard_are_kept_aside():
    cages = [make_cage() for _ in range(7)]
    bad = {cages[0], cages[4]}
    record(*(too_long(cage) if cage in bad else result(cage, detail="ok") for cage in cages))
    stored = set(Poll.objects.filter(detail="ok").values_list("cage_id", flat=True))
    assert stored == {cage.id for cage in cages if cage not in bad}
    first, second = set_aside.kept()
    assert [each.columns["cage_id"] for each in (first, second)] == [[cages[0].id], [cages[4].id]]
    assert first.why.startswith("DataError: value too long")
    assert (first.moment, first.columns["detail"]) == (SLOT, {"0": "x" * 201})


@pytest.mark.parametrize(
    "columns",
    [{}, {"cage_id": 1}, {**encode([result(1)]), "status": []}, {**encode([]), "cage_id": [1, 2]}],
    ids=["nothing", "no list", "a column is short", "two"],
)
def test_columns_that_do_not_fit_together_are_kept_whole(columns):
    make_cycle(SLOT, planned=2, finished=False, planned_ids="1-2")
    tasks.record_polls(int(SLOT.timestamp()), columns)
    assert [each.columns for each in set_aside.kept()] == [columns]
    assert command().endswith("1 kept aside.\n")


def test_what_another_transaction_was_the_reason_for_is_written(monkeypatch):
    write, tries = tasks.record_claimed, []

    def refused_once(*args):
        tries.append(args)
        if len(tries) == 1:
            raise IntegrityError("the cage was purged in this moment")
        return write(*args)

    monkeypatch.setattr(tasks, "record_claimed", refused_once)
    record(result(make_cage()))
    assert Poll.objects.exists()
    assert set_aside.count() == 0


def test_a_person_sees_what_is_kept_aside_and_replays_it():
    bad = make_cage()
    record(too_long(bad))
    assert f"2026-03-02 06:00Z  cage {bad.id}: DataError" in command()
    assert command("--replay").startswith("0 written.")
    (kept,) = set_aside.kept()
    with redis_server.connect() as redis:
        redis.delete(set_aside.KEY)
    kept.columns["detail"] = {}
    set_aside.keep([kept])
    assert command("--replay") == "1 written.\n0 kept aside.\n"
    assert Poll.objects.get().cage_id == bad.id


def test_what_was_not_planned_is_not_replayed():
    cage = make_cage()
    asides = set_aside.refused(SLOT, encode([result(cage)]), ValueError("no"), NOW)
    set_aside.keep([asides])
    assert command("--replay").startswith("0 written.")
    make_cycle(SLOT, planned=1, finished=False, planned_ids=str(cage.id + 1))
    assert command("--replay").startswith("0 written.")
    assert not Poll.objects.exists()


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "[]",
        '{"slot": "x", "columns": {}, "why": "", "at": ""}',
        '{"slot": 1, "columns": [], "why": "", "at": ""}',
        '{"slot": 1e30, "columns": {}, "why": "", "at": ""}',
    ],
)
def test_what_another_program_wrote_into_the_list_is_passed_over(text):
    with redis_server.connect() as redis:
        redis.rpush(set_aside.KEY, text)
    assert command("--replay") == "0 written.\n0 kept aside.\n"


def test_the_list_is_bounded(monkeypatch, caplog):
    monkeypatch.setattr(set_aside, "KEPT_AT_MOST", 2)
    for cage_id in (1, 2, 3):
        set_aside.keep([set_aside.refused(SLOT, encode([result(cage_id)]), ValueError("no"), NOW)])
    assert [each.columns["cage_id"] for each in set_aside.kept()] == [[2], [3]]
    assert "1 that were kept aside are dropped: too many" in caplog.messages


def test_halves_keep_each_detail_with_its_result():
    results = [result(1), skipped(2, "two"), skipped(3, "three")]
    assert halves(encode(results)) == [encode(results[:1]), encode(results[1:])]
    assert halves(encode(results[:1])) == []
