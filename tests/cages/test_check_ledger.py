"""`manage.py check_ledger`: the spans it understands, what it prints, and how it ends."""

import io
import re
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from cages.models import Outcome, Poll, PollCycle
from cages.polling.recorder import record
from tests.factories import MINUTE, at, make_cage, make_cycle, make_user, result, slot

FIRST = slot("07:00")
NOW = at("12:00")
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def cages():
    owner = make_user()
    return [make_cage(owner=owner) for _ in range(4)]


def poll(cages, slot, recorded=True):
    make_cycle(slot, planned=len(cages), finished=False)
    if recorded:
        record(slot, [result(cage) for cage in cages], now=slot + timedelta(seconds=3))


def run(*arguments):
    said = io.StringIO()
    call_command("check_ledger", *arguments, stdout=said)
    return said.getvalue()


def fail(*arguments):
    """(what was printed, the error) of a run that must fail."""
    said = io.StringIO()
    with pytest.raises(CommandError) as failed:
        call_command("check_ledger", *arguments, stdout=said)
    return said.getvalue(), failed.value


def test_it_says_in_one_line_that_the_ledger_balances(cages):
    poll(cages, slot("11:00"))
    poll(cages, slot("11:58"))
    poll(cages, slot("11:59"), recorded=False)
    assert run() == (
        "The ledger balances. 1,440 minutes: 2 slots with 8 polls checked, 1 under way, "
        "1,437 not watched.\n"
    )


def test_it_lists_what_does_not_balance_and_fails(cages):
    poll(cages, FIRST)
    poll(cages, FIRST + MINUTE)
    Poll.objects.filter(cage=cages[3], slot=FIRST).update(outcome=Outcome.TIMEOUT, status=None)
    said, error = fail("--since", "6h")
    # 07:00 in Berlin.
    assert said.splitlines() == [
        "2026-03-02 06:00Z  4 answered in the ledger, but 3 polls",
        "2026-03-02 06:00Z  0 timeout in the ledger, but 1 poll",
    ]
    assert str(error) == (
        "The ledger does not balance. 360 minutes: 2 slots with 8 polls checked, "
        "358 not watched, 2 faults."
    )
    assert error.returncode == 1


def test_a_long_list_is_cut_after_a_hundred_lines():
    make_faults = [
        PollCycle(slot=FIRST + n * MINUTE, started_at=FIRST, finished_at=FIRST, planned=1)
        for n in range(103)
    ]
    PollCycle.objects.bulk_create(make_faults)
    said, error = fail()
    lines = said.splitlines()
    assert len(lines) == 101
    assert lines[-1] == "and 3 more"
    assert "103 faults" in str(error)


@pytest.mark.parametrize(
    ("arguments", "minutes"),
    [
        ([], 1440),
        (["--since", "30min"], 30),
        (["--since", "2h"], 120),
        (["--since", "3 d"], 3 * 1440),
        (["--since", "2026-03-02"], 720),
        (["--since", "2026-03-02T11:30"], 30),
        (["--since", "2026-03-02 11:30:59"], 30),
        (["--since", "2026-03-02T11:30Z"], None),
        (["--since", "2026-03-02T10:30Z"], 30),
        (["--since", "2026-03-02T11:30+01:00"], 30),
        (["--since", "2h", "--until", "1h"], 60),
        (["--since", "2026-03-02T07:00", "--until", "2026-03-02T07:01"], 1),
        (["--since", "1h", "--until", "2027-01-01"], 60),
        (["--since", "1h", "--until", "1h"], None),
        (["--since", "1h", "--until", "2h"], None),
        (["--since", "0min"], None),
        (["--since", "2026-03-03"], None),
    ],
)
def test_the_span_is_told_in_units_or_in_the_facilitys_time(arguments, minutes):
    if minutes is None:
        said, error = fail(*arguments)
        assert (said, error.returncode) == ("", 2)
        assert str(error).startswith("There is no full minute between --since ")
    else:
        assert int(re.search(r"([\d,]+) minutes?:", run(*arguments))[1].replace(",", "")) == minutes


@pytest.mark.parametrize("option", ["--since", "--until"])
def test_a_time_that_nobody_understands_is_refused(option):
    odd = ["", "soon", "2", "2w", "-2h", "2 hours", "1.5h", "2026-13-01", "2026-03-02T25:00"]
    odd += ["7:00", "9" * 30 + "d", "9999999d", "٣h", "0001-01-01T00:00", "2026-10-25T02:30"]
    for when in [*odd, "2026-03-02T07:00 Europe/Berlin"]:
        said, error = fail(f"{option}={when}")
        assert (said, error.returncode) == ("", 2)
        assert str(error).startswith(option)
