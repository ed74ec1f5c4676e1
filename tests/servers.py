"""A pytest plugin: starts the servers of the tests before Django's settings are read.

pyproject.toml loads it with `-p tests.servers`. With pytest-xdist each worker has its own database
and its own Redis. A `make up` that is running at the same time is never touched: every URL, folder
and setting that the tests see is set here.
TEST_STORAGE=timescaledb starts a real TimescaleDB instead of the embedded PostgreSQL, and
TEST_STORAGE=none nothing, for tests that start their own servers.
"""

import atexit
import os
import shutil
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

# A shell, a CI or make may have set these. The tests see the defaults all the same.
UNSET = (
    *("DATABASE_URL_FILE", "DATABASE_OWNER_URL", "DATABASE_OWNER_URL_FILE"),
    *(
        "SECRET_KEY_FILE",
        "DEBUG",
        "ALLOWED_HOSTS",
        "HTTPS",
        "TRUSTED_PROXIES",
        "REGISTRATION_OPEN",
        "LOG_LEVEL",
    ),
    *("POLL_TIMEOUT_SECONDS", "POLL_CONCURRENCY", "POLL_SHARD_SIZE", "REQUIRE_TIMESCALEDB"),
    *("PORT", "DEMO", "MAKELEVEL", "MAKEFLAGS", "MFLAGS"),
)
# With one of these options pytest runs no test.
ONLY_TELLING = {"-h", "--help", "-V", "--version", "--co", "--collect-only", "--markers"}

WORKER = "PYTEST_XDIST_WORKER"  # set by pytest-xdist in each of its workers

running = ExitStack()
report = "servers: none in this process"


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config, parser, args):
    """Set the environment before pytest-django reads the settings in its own hook of this name."""
    folder = Path(tempfile.mkdtemp(prefix="neurocage-tests-"))
    running.callback(shutil.rmtree, folder, ignore_errors=True)
    # For an exit without pytest_unconfigure. If Python is killed, Linux stops the servers.
    atexit.register(running.close)
    for name in UNSET:
        os.environ.pop(name, None)
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "neurocage.settings",
        "DATABASE_URL": "postgresql://nobody:x@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "SECRET_KEY": "only-for-tests-and-never-to-serve-anybody-0123456789",
        "SENSOR_API_URL": "http://sensors.test",
        # Where Django's test client is.
        "BASE_URL": "http://testserver",
        "FACILITY_TIME_ZONE": "Europe/Berlin",
        "STATE_DIR": str(folder / "state"),
    }
    # With pytest-xdist each worker starts its own servers. The process that leads them needs none.
    leads = early_config.known_args_namespace.numprocesses and not os.environ.get(WORKER)
    if os.environ.get("TEST_STORAGE") != "none" and not leads and not ONLY_TELLING & set(args):
        os.environ |= start_servers(folder)


def start_servers(folder):
    """Start a database and a Redis in the folder. Returns {variable: URL}."""
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
    """A list. The servers and child processes that a test adds to it are stopped at its end."""
    things = []
    yield things
    for thing in things:
        thing.stop(seconds=2)
