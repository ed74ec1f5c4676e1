"""A pytest plugin: servers of the run's own, started before Django's settings are read.

pyproject.toml loads it with `-p tests.servers`. A `make up` that is running at the same time is
never touched: every address, folder and setting that the tests see is set here.
TEST_STORAGE=timescaledb takes a real TimescaleDB in the place of the embedded PostgreSQL, and
TEST_STORAGE=none is for tests that all bring servers of their own.
"""

import atexit
import os
import shutil
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

# What a shell, a CI or make may have set: the tests see the defaults all the same.
UNSET = (
    *("SECRET_KEY_FILE", "DEBUG", "ALLOWED_HOSTS", "HTTPS", "REGISTRATION_OPEN", "LOG_LEVEL"),
    *("POLL_TIMEOUT_SECONDS", "POLL_CONCURRENCY", "POLL_SHARD_SIZE", "REQUIRE_TIMESCALEDB"),
    *("PORT", "DEMO", "MAKELEVEL", "MAKEFLAGS", "MFLAGS"),
)
# With one of these nothing is run.
ONLY_TELLING = {"-h", "--help", "-V", "--version", "--co", "--collect-only", "--markers"}

running = ExitStack()
report = "servers: none"


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config, parser, args):
    """Come before pytest-django, which reads the settings in its own hook of this name."""
    folder = Path(tempfile.mkdtemp(prefix="neurocage-tests-"))
    running.callback(shutil.rmtree, folder, ignore_errors=True)
    # For an end that passes pytest by. If even Python is killed, Linux stops the servers.
    atexit.register(running.close)
    for name in UNSET:
        os.environ.pop(name, None)
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "neurocage.settings",
        "DATABASE_URL": "postgresql://nobody:x@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "SECRET_KEY": "only-for-tests-and-never-to-serve-anybody-0123456789",
        "SENSOR_API_URL": "http://sensors.test",
        "FACILITY_TIME_ZONE": "Europe/Berlin",
        "STATE_DIR": str(folder / "state"),
    }
    if os.environ.get("TEST_STORAGE") != "none" and not ONLY_TELLING & set(args):
        os.environ |= start_servers(folder)


def start_servers(folder):
    """Start a database and a Redis in the folder; returns the variables that name them."""
    from local_stack.embedded import EmbeddedPostgres, EmbeddedValkey
    from local_stack.processes import StackError
    from tests.timescaledb.server import TimescaleServer, TimescaleUnavailable

    began = time.monotonic()
    if os.environ.get("TEST_STORAGE") == "timescaledb":
        database = TimescaleServer()
    else:
        database = EmbeddedPostgres(folder / "postgres", durable=False)
    valkey = EmbeddedValkey(folder / "valkey", durable=False)
    for server in (database, valkey):
        try:
            server.start()
        except (StackError, TimescaleUnavailable) as error:
            running.close()
            raise pytest.UsageError(f"The servers of the tests cannot start. {error}") from error
        running.callback(server.stop)
    global report
    report = f"servers: {type(database).__name__} and Valkey in {time.monotonic() - began:.1f} s"
    return {"DATABASE_URL": database.url, "REDIS_URL": valkey.url}


def pytest_report_header(config):
    return report


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    running.close()


@pytest.fixture
def started():
    """A list: the servers and children that a test puts in are stopped at its end."""
    things = []
    yield things
    for thing in things:
        thing.stop(seconds=2)
