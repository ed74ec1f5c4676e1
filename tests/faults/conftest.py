"""What the scenarios of faults share. Each has servers and processes of its own (installation.py).

`make test-faults` runs them side by side: nearly all of their time is waiting for real minutes.
"""

import fcntl
import os
import shutil
from contextlib import ExitStack

import pytest

from tests.faults.clock import Clock, NoClock, SettableClock
from tests.faults.installation import Installation, prepare_database
from tests.faults.sensors import Sensors

INSTALLED = pytest.StashKey()


@pytest.fixture(scope="session")
def database_folder(tmp_path_factory):
    """A stopped PostgreSQL with the cages in it, made once for all workers of pytest-xdist."""
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


@pytest.fixture
def settable_clock(tmp_path):
    try:
        clock = SettableClock(tmp_path)
    except NoClock as error:
        message = f"TESTS OF THE CLOCK SKIPPED: {error}."
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    yield clock
    clock.close()


@pytest.fixture
def install(request, tmp_path, database_folder):
    """install("worker", "poller", "beat", latency=(least, most), ...): a running installation.

    The other arguments are those of Installation. Everything is stopped at the end.
    """
    folder = tmp_path / "installation"
    with ExitStack() as at_end:
        at_end.callback(shutil.rmtree, folder, ignore_errors=True)

        def run(*names, clock=None, latency=(0.05, 0.4), **options):
            clock = clock or Clock()
            sensors = at_end.enter_context(Sensors(clock, latency))
            installation = Installation(folder, database_folder, sensors, clock, **options)
            at_end.callback(installation.stop)
            request.node.stash[INSTALLED] = installation
            installation.start(*names)
            return installation

        yield run


@pytest.fixture
def measured(record_property):
    """measured(what, value, unit="s"): shown at the end of the run."""

    def note(what, value, unit="s"):
        record_property("measured", f"{value:6.1f} {unit:2}  {what}")

    return note


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A scenario that fails shows what its processes had to say."""
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
