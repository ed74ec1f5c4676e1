"""The comparison at the end of all scenarios finds every kind of difference."""

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from tests.faults.ledger import assert_nothing_lost_or_doubled
from tests.faults.sensors import Asked

AT = datetime(2026, 3, 2, 7, 0, 30, tzinfo=UTC)
SLOT = AT.replace(second=0)
OK = Asked(1, number=0, at=AT, port=1, status=200, health=2, answered_at=AT)
BROKEN = Asked(2, number=1, at=AT, port=1, status=500, health=None, answered_at=AT)
ROWS = [(1, SLOT, 1, None, None, 2), (2, SLOT, 5, 500, "HTTP 500: answer 1", None)]


def compare(asked=(OK, BROKEN), rows=ROWS, **options):
    told = SimpleNamespace(
        sensors=SimpleNamespace(asked=lambda: list(asked)), rows=lambda query: rows
    )
    return assert_nothing_lost_or_doubled(told, **options)


def test_what_was_answered_and_kept_agrees():
    assert compare() == 2


def test_an_answer_that_is_not_kept_is_seen():
    with pytest.raises(AssertionError, match="1 answers are not kept"):
        compare(rows=ROWS[:1])
    skipped = (2, SLOT, 7, None, "its minute was over", None)
    with pytest.raises(AssertionError, match="1 answers are not kept"):
        compare(rows=[ROWS[0], skipped])
    assert compare(rows=[ROWS[0], skipped], gone={BROKEN.number}) == 1


def test_an_answer_that_is_kept_otherwise_is_seen():
    with pytest.raises(AssertionError, match="1 answers are not kept"):
        compare(rows=[(1, SLOT, 1, None, None, 3), ROWS[1]])
    with pytest.raises(AssertionError, match="1 answers are not kept"):
        compare(rows=[ROWS[0], (2, SLOT, 5, 500, "HTTP 500: answer 7", None)])
    with pytest.raises(AssertionError, match="2 answers are not kept"):
        compare([replace(each, at=AT.replace(minute=1)) for each in (OK, BROKEN)])


def test_a_cage_asked_twice_in_a_slot_is_seen():
    with pytest.raises(AssertionError, match="asked more than once.*cage 2 at 07:00"):
        compare([OK, BROKEN, replace(BROKEN, number=2, answered_at=None)])


def test_what_was_never_said_is_seen():
    with pytest.raises(AssertionError, match="never said.*cage 2 at 07:00"):
        compare([OK, replace(BROKEN, answered_at=None)])


def test_a_request_that_arrives_just_after_its_slot_is_known_by_its_answer():
    late = [replace(each, at=SLOT.replace(minute=1, microsecond=9000)) for each in (OK, BROKEN)]
    assert compare(late) == 2
