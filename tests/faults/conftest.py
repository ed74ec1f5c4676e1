"""Fixtures for the scenarios of faults. Each has servers and processes of its own.

`make test-faults` runs them in parallel, because nearly all of their time is waiting for real
minutes.
"""

import fcntl
import os
import shutil
import time
from contextlib import ExitStack, contextmanager

import pytest

from tests.faults.clock import Clock, NoClock, SettableClock
from tests.faults.installation import Installation, prepare_database
from tests.faults.sensors import Sensors

INSTALLED = pytest.StashKey()
# Scenarios that start their servers and processes at the same time. Each start takes a core.
STARTING_AT_ONCE = 3


@pytest.fixture(scope="session")
def database_folder(tmp_path_factory):
    """A stopped PostgreSQL with cages, made once for all workers of pytest-xdist."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder = shared / "prepared"
    with open(shared / "prepared.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            draft = shared / "draft"
            shutil.rmtree(draft, ignore_errors=True)
            prepare_database(draft)
            draft.rename(folder)
    return folder


@contextmanager
def place_to_start(folder):
    """Wait until fewer than STARTING_AT_ONCE scenarios of this run are starting."""
    with ExitStack() as files:
        places = [
            files.enter_context(open(folder / f"starting-{number}.lock", "w"))
            for number in range(STARTING_AT_ONCE)
        ]
        while not any(map(is_locked_now, places)):
            time.sleep(0.2)
        yield


def is_locked_now(file):
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@pytest.fixture
def wall_clock(tmp_path):
    """The clock of the scenario. It can be set, unless that is not possible on this machine."""
    try:
        clock = SettableClock(tmp_path)
    except NoClock as error:
        yield Clock(why_fixed=str(error))
    else:
        yield clock
        clock.close()


@pytest.fixture
def settable_clock(wall_clock):
    if wall_clock.why_fixed:
        message = f"TESTS OF THE CLOCK SKIPPED: {wall_clock.why_fixed}."
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return wall_clock


@pytest.fixture
def install(request, tmp_path, database_folder, wall_clock):
    """Return a function that starts an installation; everything is stopped at the end.

    For example install("worker", "poller", "beat", latency=(1, 3)). The options are those of
    Installation.
    """
    folder = tmp_path / "installation"
    with ExitStack() as at_end:
        at_end.callback(shutil.rmtree, folder, ignore_errors=True)

        def run(*names, latency=(0.05, 0.4), **options):
            sensors = at_end.enter_context(Sensors(wall_clock, latency))
            installation = Installation(folder, database_folder, sensors, wall_clock, **options)
            at_end.callback(installation.stop)
            request.node.stash[INSTALLED] = installation
            with place_to_start(database_folder.parent):
                installation.start(*names)
            return installation

        yield run


@pytest.fixture
def measured(record_property):
    """Return a function measured(what, value, unit="s"). The values are shown at the end."""

    def note(what, value, unit="s"):
        record_property("measured", f"{value:6.1f} {unit:2}  {what}")

    return note


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Show the logs of all processes when a scenario fails."""
    report = yield
    installation = item.stash.get(INSTALLED, None)
    if report.failed and call.when == "call" and installation:
        for title, text in installation.logs():
            report.sections.append((f"log of {title}", text))
    return report


def pytest_terminal_summary(terminalreporter):
    reports = [
        report
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, [])
        if report.when == "call"
    ]
    lines = [
        f"{value}  ({report.head_line})"
        for report in reports
        for name, value in report.user_properties
        if name == "measured"
    ]
    if lines:
        terminalreporter.section("measured")
        for line in lines:
            terminalreporter.line(line)
