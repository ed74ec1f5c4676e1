"""The roll-ups say what the minutes say: for any data, in both kinds of storage."""

import re
from collections import Counter
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from cages import storage
from cages.models import Health, Outcome, Poll, PollDaily, PollHourly
from cages.models.rollups import LATENCY_BINS, LATENCY_EDGES_MS
from cages.polling.recorder import record
from cages.storage import layout, upkeep
from tests.cages.test_storage import ON_TIMESCALEDB
from tests.factories import MINUTE, make_cage, result, write_polls

BERLIN = ZoneInfo("Europe/Berlin")
# Both changes of the clock, and what lies around them.
AROUND = [
    datetime(2026, 3, 28, 20, tzinfo=UTC),
    datetime(2026, 10, 24, 20, tzinfo=UTC),
    datetime(2026, 2, 11, 3, tzinfo=UTC),
]
POLLS = st.lists(
    st.tuples(
        st.sampled_from(AROUND),
        st.integers(0, 40 * 60),
        st.sampled_from([*Health, *Outcome]),
        st.one_of(st.integers(0, 12_000), st.sampled_from(LATENCY_EDGES_MS)),
    ),
    max_size=25,
    unique_by=lambda poll: poll[:2],
)


def hour_of(moment):
    return moment.astimezone(UTC).replace(minute=0)


def day_of(moment):
    local = moment.astimezone(BERLIN)
    return datetime(local.year, local.month, local.day, tzinfo=BERLIN).astimezone(UTC)


def bin_of(latency_ms):
    edges = zip(LATENCY_EDGES_MS, LATENCY_BINS, strict=False)
    return next((name for edge, name in edges if latency_ms <= edge), LATENCY_BINS[-1])


def counted(model):
    """{(cage, bucket): {field: what is not 0 or None}}"""
    outcomes, healths = ([each.word for each in kind] for kind in (Outcome, Health))
    fields = ("planned", *outcomes, *healths, "latency_ms_sum", "latency_ms_max", *LATENCY_BINS)
    return {
        (row.cage_id, row.bucket): {f: getattr(row, f) for f in fields if getattr(row, f)}
        for row in model.objects.all()
    }


def expected(bucket_of):
    sums = {}
    for poll in Poll.objects.all():
        found = sums.setdefault((poll.cage_id, bucket_of(poll.slot)), Counter())
        found.update(["planned", Outcome(poll.outcome).word])
        if poll.succeeded:
            found.update([poll.health.word, bin_of(poll.latency_ms)])
            found["latency_ms_sum"] += poll.latency_ms
            found["latency_ms_max"] = max(found["latency_ms_max"], poll.latency_ms)
    return {key: {k: v for k, v in found.items() if v} for key, found in sums.items()}


def assert_the_rollups_are_right():
    assert counted(PollHourly) == expected(hour_of)
    assert counted(PollDaily) == expected(day_of)


@pytest.mark.storage
class RollupsEqualMinutes(TestCase):
    @settings(max_examples=25)
    @given(POLLS, POLLS)
    def test_for_any_minutes_of_two_cages(self, first, second):
        for polls in (first, second):
            cage = make_cage()
            write_polls(cage, [(begin + n * MINUTE, *ended) for begin, n, *ended in polls])
        assert_the_rollups_are_right()


@pytest.mark.storage
def test_compressed_counted_and_then_late_minutes_are_all_right(storage_of_its_own):
    """On plain PostgreSQL there is nothing to compress, and it is right all the same."""
    cage, begin = make_cage(), AROUND[0]
    # Two days of many minutes, and two months of few: they are counted in several steps.
    minutes = [*range(0, 3000, 7), *range(3000, 60 * 24 * 60, 301)]
    ended = [Health(n % 3 + 1) if n % 4 else Outcome.TIMEOUT for n in minutes]
    polls = zip(minutes, ended, strict=True)
    write_polls(cage, [(begin + n * MINUTE, poll, 1500) for n, poll in polls])
    call_command("setup_storage")
    assert_the_rollups_are_right()
    late = result(cage, Health.BAD, latency_ms=777)
    assert record(begin + MINUTE, [late], begin) == 1
    assert record(begin + MINUTE, [late], begin) == 0
    # The first record of a slot stays, also of one that was compressed long ago.
    assert record(begin + 7 * MINUTE, [late], begin) == 0
    for _words, run in upkeep.pending(connection):
        run(connection)
    assert_the_rollups_are_right()
    if storage.timescaledb_version(connection):
        with connection.cursor() as cursor:
            cursor.execute(
                """SELECT hypertable_name, bool_or(is_compressed)
                   FROM timescaledb_information.chunks GROUP BY 1"""
            )
            # The minutes and two roll-ups.
            assert [compressed for _name, compressed in cursor.fetchall()] == [True] * 3


@pytest.mark.skipif(ON_TIMESCALEDB, reason="it is about the views of plain PostgreSQL")
@pytest.mark.parametrize("model", [PollHourly, PollDaily])
def test_a_view_reads_only_the_minutes_of_the_buckets_asked_for(db, model):
    with connection.cursor() as cursor:
        # Of a table with next to no rows it would read all.
        cursor.execute("SET LOCAL enable_seqscan = off")
    plan = model.objects.within([1], AROUND[0], AROUND[1]).explain()
    assert re.search(r"Index Cond: \(\(cage_id = [^\n]*\(slot >= [^\n]*\(slot < ", plan), plan


@pytest.mark.storage
def test_a_skipped_poll_in_a_compressed_chunk_gives_way_to_its_late_answer(storage_of_its_own):
    cage, begin = make_cage(), AROUND[0]
    record(begin, [result(cage, outcome=Outcome.SKIPPED)], begin)
    call_command("setup_storage")
    assert record(begin, [result(cage, Health.PERFECT)], begin) == 1
    assert Poll.objects.get().status == Health.PERFECT


@pytest.mark.storage
def test_the_days_follow_the_facilitys_time_zone(storage_of_its_own, settings):
    record(begin := datetime(2026, 2, 10, 20, tzinfo=UTC), [result(make_cage())], begin)
    assert PollDaily.objects.get().bucket == datetime(2026, 2, 9, 23, tzinfo=UTC)
    settings.FACILITY_TIME_ZONE = "Asia/Kolkata"
    assert layout.outdated(connection) == ["cages_poll_daily"]
    try:
        call_command("setup_storage")
        assert layout.outdated(connection) == []
        assert PollDaily.objects.get().bucket == datetime(2026, 2, 10, 18, 30, tzinfo=UTC)
    finally:
        settings.FACILITY_TIME_ZONE = "Europe/Berlin"
        call_command("setup_storage")
    assert layout.outdated(connection) == []
