"""Start and stop what `make up` starts, in a temporary folder, with fast sensors.

Only on 127.0.0.1. Whatever ends the run, everything started here is stopped by its own pid. If this
process is killed, Linux tells its children to stop.
"""

import contextlib
import os
import re
import resource
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

from local_stack import programs
from local_stack.answers import answers_200
from local_stack.config import BASE_DIR, child_environment
from local_stack.embedded import EmbeddedPostgres, EmbeddedValkey
from local_stack.ports import free_port
from local_stack.processes import Child, dying_with_parent, stop_together, tail

MINUTE = timedelta(minutes=1)
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
READY_SECONDS = 120
STOP_SECONDS = 15
# Settings from the shell must not change what is measured.
FOREIGN_SETTINGS = ("SENSOR_", "POLL_", "DATABASE_", "REDIS_", "SECRET_KEY", "LOG_", "DEBUG")

# Beat writes its log level at its start ("%WARNING").
TROUBLE = re.compile(r"(?<!%)\b(WARNING|ERROR|CRITICAL|FATAL|Traceback)\b")


class Trouble(Exception):
    """The benchmark cannot run. Only the message is shown."""


def say(text=""):
    print(text, flush=True)


def end_cleanly():
    """End the run at the first Ctrl-C or SIGTERM, so that everything started is stopped."""

    def end(number, _):
        # A second signal must not interrupt the stopping.
        for each in STOP_SIGNALS:
            signal.signal(each, lambda *_: None)
        sys.exit(128 + number)

    for each in STOP_SIGNALS:
        signal.signal(each, end)


class Stack:
    """Servers, sensors and the processes of Neurocage; a context manager that stops all of them.

    pollers: number of poller processes; None: as many as `make up` starts. seed: of the sensors.
    given: settings that differ from the defaults, as {name: text}.

    `groups` contains what is running: {group: [Child, ...]}.
    """

    def __init__(self, pollers, seed, given):
        self.pollers = pollers or programs.poll_processes()
        self.seed = seed
        self.given = given
        self.groups = {}
        self.sensor_port = free_port()
        self.web_port = free_port()

    def __enter__(self):
        self._at_end = contextlib.ExitStack()
        self.folder = Path(
            self._at_end.enter_context(tempfile.TemporaryDirectory(prefix="neurocage-bench-"))
        )
        self.served_file = self.folder / "served"
        self._at_end.callback(self.stop)
        # Each connection needs an open file. The usual soft limit of 1,024 is too low.
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        return self

    def __exit__(self, *exception):
        return self._at_end.__exit__(*exception)

    def start_servers(self):
        """Start PostgreSQL and Valkey as `make up` does. Their addresses go to os.environ."""
        for name in [name for name in os.environ if name.startswith(FOREIGN_SETTINGS)]:
            del os.environ[name]
        os.environ |= {
            "SECRET_KEY": secrets.token_urlsafe(64),
            "STATE_DIR": str(self.folder / "state"),
            "SENSOR_API_URL": f"http://127.0.0.1:{self.sensor_port}",
            "DJANGO_SETTINGS_MODULE": "neurocage.settings",
            **self.given,
        }
        for server, group, variable in (
            (EmbeddedPostgres(self.folder / "postgres"), "database", "DATABASE_URL"),
            (EmbeddedValkey(self.folder / "valkey"), "broker", "REDIS_URL"),
        ):
            server.start()
            self.groups[group] = [server.process]
            os.environ[variable] = server.url

    def prepare_database(self, cages):
        """Make the tables and this many cages. Sets up Django in this process."""
        import django
        from django.core.management import call_command
        from django.db import connection

        django.setup()
        call_command("migrate", verbosity=0)
        call_command("setup_storage", "--layout-only", stdout=StringIO())
        call_command("make_cages", cages, verbosity=0)
        connection.close()

    def start_sensors(self):
        command = [sys.executable, "-m", "bench.sensors", "--port", self.sensor_port]
        self.start("sensors", [*command, "--seed", self.seed, "--served", self.served_file])
        self.wait_until(lambda: answers_200(self.sensor_port), "the sensors do not answer")

    def start_workers(self):
        """Start everything but beat. Return when all of it answers."""
        # `make up` has one process for both. Two show what starting and recording cost.
        from neurocage.celery import app

        self.start("start", programs.worker("starter", "slots"), "starter")
        self.start("record", programs.worker("recorder", "records"), "recorder")
        for number in range(1, self.pollers + 1):
            self.start("poll", programs.poller(f"poller{number}"), f"poller{number}")
        command = programs.gunicorn("neurocage/gunicorn.conf.py", self.web_port, "neurocage.wsgi")
        self.start("web", command)
        self.wait_until(
            lambda: len(app.control.ping(timeout=1)) >= 2 + self.pollers, "a worker does not answer"
        )
        self.wait_until(lambda: answers_200(self.web_port), "the web application does not answer")

    def start_beat(self):
        """Start beat. Return the first slot that it starts in time for every poll."""
        # Early in a minute beat also starts the present minute, with all its polls at once. Started
        # at the very end of a minute it may miss the next one.
        while not 30 <= datetime.now(UTC).second <= 50:
            time.sleep(0.2)
        first = datetime.now(UTC).replace(second=0, microsecond=0) + MINUTE
        self.start("start", programs.beat(), "beat")
        return first

    def start(self, group, command, name=None):
        name = name or group
        child = Child(
            name,
            command,
            records=self.folder,
            log=self.folder / f"{name}.log",
            env=child_environment(),
            cwd=BASE_DIR,
        )
        child.start()
        self.groups.setdefault(group, []).append(child)

    def children(self):
        return [child for group in self.groups.values() for child in group]

    def stop_group(self, *names):
        """Stop the processes of these groups at once and forget the groups."""
        stop_together(
            [child for name in names for child in self.groups.pop(name, [])], STOP_SECONDS
        )

    def stop(self):
        """Stop everything, the servers last."""
        ours = [name for name in self.groups if name not in ("database", "broker", "sensors")]
        self.stop_group(*ours)
        self.stop_group("sensors", "broker", "database")

    def wait_until(self, ready, why):
        deadline = time.monotonic() + READY_SECONDS
        while not ready():
            self.check()
            if time.monotonic() > deadline:
                raise Trouble(f"{why} within {READY_SECONDS} s")
            time.sleep(0.1)

    def check(self):
        """Raise Trouble if a process has ended."""
        for child in self.children():
            if not child.is_alive():
                raise Trouble(f"{child.name} ended. The end of its log:\n{tail(child.log)}")

    def sleep_until(self, moment, each_second=lambda: None):
        while (left := (moment - datetime.now(UTC)).total_seconds()) > 0:
            time.sleep(min(left, 1))
            self.check()
            each_second()

    def log_trouble(self):
        """Return the lines of the logs that a person should see, as [(name, line), ...]."""
        return [
            (log.stem, line.strip())
            for log in sorted(self.folder.glob("**/*.log"))
            for line in log.read_text(errors="replace").splitlines()
            if TROUBLE.search(line) and "overcommit" not in line
        ]


def run_program(*arguments):
    """Run Python with these arguments and our output. Return the exit code."""
    command = [*dying_with_parent(signal.SIGTERM), sys.executable, *map(str, arguments)]
    process = subprocess.Popen(command, cwd=BASE_DIR)
    try:
        return process.wait()
    finally:
        # The program stops what it started, which takes a while.
        process.terminate()
        process.wait()
