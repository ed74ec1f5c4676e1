"""An installation of Neurocage for one scenario: servers, sensors and the real processes."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC
from pathlib import Path

import psutil
import psycopg2
import redis
import requests

from cages.models.cycle import OUTCOME_COUNTS
from cages.slots import slot_of
from local_stack import programs
from local_stack.config import BASE_DIR, child_environment
from local_stack.embedded import EmbeddedPostgres, EmbeddedValkey
from local_stack.ports import why_unusable
from local_stack.processes import Child, make_private_folder, stop_together, tail
from tests.factories import PASSWORD
from tests.faults.ledger import Cycle
from tests.faults.people import CAGE_COUNT, sign_in
from tests.processes import PATIENCE, wait_for

CAGES = range(1, CAGE_COUNT + 1)
USERNAME = "ruth"
PREPARE = f"""
import django
django.setup()
from django.core.management import call_command
from tests.factories import make_cage, make_user
call_command("migrate", verbosity=0)
call_command("setup_storage", "--layout-only")
owner = make_user({USERNAME!r}, is_superuser=True)
for cage_id in {list(CAGES)}:
    make_cage(id=cage_id, owner=owner)
"""


def calm_port():
    """Return a free port below those that the system uses for outgoing connections.

    A server that is away for minutes must find its port free when it comes back.
    """
    while why_unusable(port := random.randrange(20_000, 32_000)):
        pass
    return port


def own_port(folder):
    make_private_folder(folder)
    (folder / "port").write_text(f"{calm_port()}\n")
    return folder


class _OnTheClock:
    """A server that uses the clock of the scenario."""

    clock_environment = {}

    def _environment(self):
        return super()._environment() | self.clock_environment


class Postgres(_OnTheClock, EmbeddedPostgres):
    pass


class Valkey(_OnTheClock, EmbeddedValkey):
    pass


def prepare_database(folder, program=PREPARE, *arguments):
    """Make a stopped PostgreSQL with cages in the folder, to be copied.

    program: the Python that makes the tables and the cages, with these arguments.
    """
    server = Postgres(own_port(folder), durable=True).start()
    try:
        subprocess.run(
            [sys.executable, "-c", program, *arguments],
            env=child_environment(DATABASE_URL=server.url),
            cwd=BASE_DIR,
            check=True,
        )
    finally:
        server.stop(30)


class Installation:
    """Servers and processes, started one by one; `stop` ends them all.

    database_folder: made by `prepare_database`.
    redis_keeps: whether Redis keeps its data on disk.
    poller_threads: shards that a poller may hold, if not the default.
    settings: environment of all processes.

    All times are those of the scenario's clock.
    """

    def __init__(
        self,
        folder,
        database_folder,
        sensors,
        clock,
        redis_keeps=True,
        poller_threads=None,
        **settings,
    ):
        self.folder = Path(folder)
        self.sensors = sensors
        self.clock = clock
        self.poller_threads = poller_threads
        self.settings = {"POLL_SHARD_SIZE": 10, "POLL_TIMEOUT_SECONDS": 10, **settings}
        shutil.copytree(database_folder, self.folder / "postgres")
        self.postgres = Postgres(own_port(self.folder / "postgres"), durable=True)
        self.valkey = Valkey(own_port(self.folder / "valkey"), durable=redis_keeps)
        for server in (self.postgres, self.valkey):
            server.clock_environment = clock.environment
        self.children = {}
        self.web_port = None
        self._database = None

    # Parts

    def start(self, *names):
        """Start the servers and the named processes, such as "worker", "poller" or "beat".

        Beat is started last, at the beginning of a minute if the clock can be set. It starts that
        minute at once, so that no scenario waits for the next one.
        """
        self.postgres.start()
        self.valkey.start()
        beats = [name for name in names if name.startswith("beat")]
        for name in set(names) - set(beats):
            self.start_process(name)
        # A scenario measures from here. How long Python takes to start is no part of it.
        self.wait_for_workers()
        if beats:
            self.clock.begin_a_minute()
        for name in beats:
            self.start_process(name)

    def wait_for_workers(self):
        """Wait until each worker, poller and judge that runs listens for messages."""
        workers = [
            name
            for name, child in self.children.items()
            if name.startswith(("worker", "poller", "welfare")) and child.is_alive()
        ]
        wait_for(lambda: self._listening() >= len(workers), PATIENCE, "the workers are ready")

    def _listening(self):
        """Return the number of workers that wait for messages."""
        with redis.from_url(self.valkey.url) as server:
            return server.info("clients")["blocked_clients"]

    def start_process(self, name, **settings):
        """Start a worker, poller, beat or web process. Several of a kind have numbers."""
        environment = {
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.valkey.url,
            "SENSOR_API_URL": self.sensors.url,
            "STATE_DIR": self.folder / "state",
            **self.clock.environment,
            **self.settings,
            **settings,
        }
        if name.startswith("poller"):
            # A poller has neither database nor secret key.
            environment |= {"DATABASE_URL": "", "SECRET_KEY": ""}
        child = Child(
            name,
            self._command(name),
            records=self.folder / "run",
            log=self.folder / f"{name}.log",
            env=child_environment(**environment),
            cwd=BASE_DIR,
        )
        self.children[name] = child
        child.start()
        return child

    def _command(self, name):
        if name.startswith("worker"):
            return programs.worker(name)
        if name.startswith("welfare"):
            return programs.welfare(name)
        if name.startswith("poller"):
            if self.poller_threads:
                return programs.celery_worker(name, "polls", threads=self.poller_threads)
            return programs.poller(name)
        if name.startswith("beat"):
            return programs.beat()
        self.web_port = self.web_port or calm_port()
        return programs.gunicorn("neurocage/gunicorn.conf.py", self.web_port, "neurocage.wsgi")

    def signal(self, name, number):
        os.kill(self.children[name].pid, number)

    def kill(self, name):
        """Kill with SIGKILL, like a crash or the kernel's out-of-memory killer."""
        self.children[name].kill()

    def finish(self, name, seconds=60):
        """Stop with SIGTERM, as a rolling restart does. Return the seconds it took."""
        began = time.monotonic()
        child = self.children[name]
        child.ask_to_stop()
        wait_for(lambda: not child.is_alive(), seconds, f"{name} has ended")
        return time.monotonic() - began

    def dead(self):
        """Return the names of the processes that do not run."""
        return [name for name, child in self.children.items() if not child.is_alive()]

    def all_processes(self):
        """Return the processes of Neurocage and of the servers."""
        roots = [child.pid for child in self.children.values() if child.is_alive()]
        roots += [self.postgres.process.pid, self.valkey.process.pid]
        found = map(psutil.Process, roots)
        return [each for root in found for each in (root, *root.children(recursive=True))]

    @contextlib.contextmanager
    def asleep(self):
        """Stop all processes, and let them go on at the end."""
        processes = self.all_processes()
        try:
            for process in processes:
                # A connection of PostgreSQL may have ended meanwhile.
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.suspend()
            yield
        finally:
            for process in reversed(processes):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.resume()

    @property
    def web_url(self):
        return f"http://127.0.0.1:{self.web_port}"

    def memory_bytes(self, name):
        return psutil.Process(self.children[name].pid).memory_info().rss

    def ports_of(self, name):
        """Return the local ports of the process's connections."""
        connections = psutil.Process(self.children[name].pid).net_connections(kind="tcp")
        return {each.laddr.port for each in connections}

    def stop(self):
        """Stop everything by its own pid."""
        for process in self.children.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)
        stop_together(list(self.children.values()), seconds=8)
        self._forget_database()
        for server in (self.valkey, self.postgres):
            server.stop()

    def logs(self):
        """Return (title, text) for each process and server."""
        for name, child in self.children.items():
            yield f"{name} ({child.poll()})", tail(child.log, 60)
        for server in (self.postgres, self.valkey):
            yield server.name, tail(server.log, 30)

    # Questions

    def now(self):
        return self.clock.now()

    def this_slot(self):
        return slot_of(self.now())

    def rows(self, query, *values):
        """Return rows of the database. Raises psycopg2.OperationalError while it is away."""
        try:
            return self._rows(query, values)
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            # The connection may be to a server that was stopped meanwhile.
            self._forget_database()
            return self._rows(query, values)

    def _rows(self, query, values):
        if self._database is None:
            self._database = psycopg2.connect(self.postgres.url, connect_timeout=5)
            self._database.autocommit = True
        with self._database.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchall()

    def _forget_database(self):
        if self._database:
            self._database.close()
        self._database = None

    def cycles(self):
        """Return the ledger as {slot: Cycle}."""
        columns = ("slot", "planned", "finished_at", *OUTCOME_COUNTS.values())
        query = f"SELECT {', '.join(columns)} FROM cages_pollcycle ORDER BY slot"  # noqa: S608
        return {
            slot.astimezone(UTC): Cycle(slot.astimezone(UTC), planned, finished_at, tuple(counts))
            for slot, planned, finished_at, *counts in self.rows(query)
        }

    def waiting(self):
        """Return the number of messages in each queue, and how many workers hold."""
        with redis.from_url(self.valkey.url) as server, server.pipeline() as pipeline:
            for queue in ("slots", "polls", "records"):
                pipeline.llen(queue)
            pipeline.hlen("unacked")
            return dict(zip(("slots", "polls", "records", "held"), pipeline.execute(), strict=True))

    def is_idle(self):
        return not any(self.waiting().values())

    # Waiting

    def wait_for_polling(self, since, seconds):
        """Wait for a finished cycle at or after `since` in which every cage was polled."""

        def polled():
            return next(
                (
                    cycle
                    for slot, cycle in self.cycles().items()
                    if slot >= since and cycle.finished_at and not cycle.skipped
                ),
                None,
            )

        return wait_for(polled, seconds, f"a slot since {since:%H:%M:%S} is polled in full")

    def wait_for_asking(self, at_least, slot=None, seconds=130):
        """Wait until this many polls of a slot have arrived. Return the slot.

        Without a slot, it is the present one or a later one.
        """
        first = slot or self.this_slot()

        def asked():
            found = self.sensors.asked(since=first)
            newest = max((each.slot for each in found), default=None)
            return len([e for e in found if e.slot == newest]) >= at_least and newest

        return wait_for(asked, seconds, f"{at_least} polls of one slot", every=0.01)

    def wait_for_slot(self, after=None, seconds=70):
        """Wait until the clock is in a slot later than `after` (default: now). Return that slot."""
        after = after or self.this_slot()
        return wait_for(
            lambda: (slot := self.this_slot()) > after and slot, seconds, "the next minute", 0.02
        )


def signed_in(installation, username=USERNAME):
    """Wait for the pages, and return a requests.Session that signed in as a person does."""
    wait_for(lambda: status_of(installation, "/healthz") == 200, PATIENCE, "the pages answer")
    return sign_in(installation.web_url, username, PASSWORD)


def status_of(installation, path):
    """Return the status code of the page, or None if there is no answer."""
    try:
        address = f"{installation.web_url}{path}"
        return requests.get(address, timeout=10, allow_redirects=False).status_code
    except requests.RequestException:
        return None


class Sampled:
    """Read a number again and again in a thread while the block runs."""

    def __init__(self, ask, every=0.2):
        self.ask = ask
        self.every = every
        self.values = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampled")

    @property
    def most(self):
        return max(self.values)

    def __repr__(self):
        return f"from {min(self.values)} to {self.most}"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join(10)

    def _run(self):
        while not self._end.wait(self.every):
            self.values.append(self.ask())
