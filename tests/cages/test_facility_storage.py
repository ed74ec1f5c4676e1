"""The generated facility in either storage: what is left to do at its end, and its keys."""

import io

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.models import Count, Sum

from cages.demo import work
from cages.models import Poll, PollDaily, PollHourly
from cages.polling.recorder import record_past_codes
from cages.storage import upkeep
from cages.storage.filling import KEYS
from cages.storage.layout import is_hypertable
from cages.storage.rollups import POLLS
from people.models import User

pytestmark = pytest.mark.storage


@pytest.fixture
def loaded(storage_of_its_own):
    """The keys of the minutes as they were before the facility was loaded."""
    before = keys()
    call_command("load_demo", facility=True, cages=8, days=4, stdout=io.StringIO())
    return before


def keys():
    with connection.cursor() as cursor:
        cursor.execute(KEYS, [POLLS])
        return cursor.fetchall()


def test_its_hours_and_days_are_counted_and_old_minutes_compressed(loaded):
    polls = Poll.objects.aggregate(n=Count("slot"), known=Count("status"))
    for rollup in (PollHourly, PollDaily):
        sums = rollup.objects.aggregate(n=Sum("planned"), known=Sum("answered"))
        assert sums == polls
    with connection.cursor() as cursor:
        if is_hypertable(cursor):
            assert not [words for words, _run in upkeep.pending(connection) if "compr" in words]


def test_the_minutes_have_their_keys_afterwards(loaded):
    assert len(loaded) == 2
    assert keys() == loaded
    poll = Poll.objects.first()
    with pytest.raises(IntegrityError), transaction.atomic():
        record_past_codes(poll.slot, [poll.cage_id], b"\1", b"\0")


def test_a_load_that_is_interrupted_leaves_the_database_as_it_was(storage_of_its_own, monkeypatch):
    def interrupted(*args):
        raise KeyboardInterrupt

    before = keys()
    monkeypatch.setattr(work, "make_study", interrupted)
    with pytest.raises(KeyboardInterrupt):
        call_command("load_demo", facility=True, cages=8, days=3, stdout=io.StringIO())
    assert keys() == before
    assert not User.objects.exists()
    assert not Poll.objects.exists()
