"""What `make up` does: from nothing to a page that answers, and down again."""

import contextlib
import json
import os
import secrets
import shlex
import sys
import time
from functools import cached_property
from pathlib import Path

from local_stack import answers, config, programs
from local_stack.embedded import EmbeddedPostgres, EmbeddedValkey
from local_stack.interrupts import StopRequested
from local_stack.lock import only_one
from local_stack.ports import kept_port, why_unusable
from local_stack.processes import Child, StackError, stop_leftovers, tail
from local_stack.supervisor import Supervisor
from neurocage.env import STACK_FILE_NAME
from neurocage.private_file import write_private_file

# The highest is stopped first. The sensor API outlives the poller: a sensor that is gone only
# because everything stops must not be recorded as one that failed.
SERVERS, RECORDING, POLLING, ENTRANCES = range(4)
READY_SECONDS = 90
LOOK_EVERY_SECONDS = 1.0


def say(text):
    """One line for the person; a terminal that is gone must not keep the stack from stopping."""
    try:
        print(text, flush=True)
    except OSError:
        sys.stdout = sys.stderr = open("/dev/null", "w")  # noqa: SIM115 - for the rest of the process


class Stack:
    """The local stack from its start to its end.

    interrupts: where a wish to stop shows. make: who runs us.
    """

    def __init__(self, settings, interrupts, make):
        self.settings = settings
        self.interrupts = interrupts
        self.make = make
        self.state_dir = settings.state_dir
        self.logs = self.state_dir / "logs"
        self.supervisor = Supervisor(say)
        self.environment = {}

    def run(self):
        """Start everything, stay, and stop everything. Raises StackError and StopRequested."""
        stack_file = self.state_dir / STACK_FILE_NAME
        with only_one(self.state_dir), contextlib.ExitStack() as at_end:
            at_end.callback(stack_file.unlink, missing_ok=True)
            self._clear_the_way(stack_file)
            at_end.enter_context(self.supervisor.running())
            at_end.callback(self._say_that_it_stops)
            self._start_servers()
            write_private_file(
                stack_file, "".join(f"{name}={value}\n" for name, value in self.environment.items())
            )
            self._prepare_database()
            self._start_processes()
            self._announce()
            while True:
                self._sleep(LOOK_EVERY_SECONDS)

    def _sleep(self, seconds):
        """Wait while watching: the processes, the signals, and make."""
        self.supervisor.check()
        if self.make.wants_to_stop():
            raise StopRequested
        self.interrupts.sleep(seconds)

    def _say_that_it_stops(self):
        if self.supervisor.children():
            say("Stopping ...")

    def _clear_the_way(self, stack_file):
        # Addresses of a stack that was killed lead nowhere.
        stack_file.unlink(missing_ok=True)
        if left := stop_leftovers(self.state_dir.glob("*/*.process")):
            say(f"Stopped what an earlier run left behind: {', '.join(sorted(left))}.")
        port = self.settings.port
        if why := why_unusable(port):
            raise StackError(
                f"Port {port} {why}. Choose another: PORT={8001 if port == 8000 else 8000} make up"
            )

    def _start_servers(self):
        settings = self.settings
        if settings.database_url:
            with self._step("Looking for the given database"):
                answers.wait_for_database(settings.database_url, self._sleep)
        if settings.redis_url:
            with self._step("Looking for the given Redis"):
                answers.wait_for_redis(settings.redis_url, self._sleep)
        self.environment = {
            "DATABASE_URL": settings.database_url or self._embedded(EmbeddedPostgres, "PostgreSQL"),
            "REDIS_URL": settings.redis_url or self._embedded(EmbeddedValkey, "Valkey"),
            "SENSOR_API_URL": settings.sensor_api_url or f"http://127.0.0.1:{self.sensor_api_port}",
            **self._secret(),
        }

    def _embedded(self, kind, title):
        server = kind(
            self.state_dir / kind.name,
            log=self.logs / f"{kind.name}.log",
            sleep=self.interrupts.sleep,
        )
        with self._step(f"Starting {title}"):
            server.start()
            self.supervisor.watch(server.process, SERVERS)
        return server.url

    @cached_property
    def sensor_api_port(self):
        return kept_port(self.state_dir / "sensor_api.port")

    def _secret(self):
        given = config.secret_settings()
        if given:
            return given
        file = self.state_dir / "secret_key"
        if not file.exists():
            write_private_file(file, secrets.token_urlsafe(64) + "\n")
        return {"SECRET_KEY_FILE": str(file)}

    def _prepare_database(self):
        with self._step("Bringing the database up to date"):
            self._run_to_end(
                "migrate", programs.manage("migrate", "--noinput"), self.logs / "migrate.log"
            )
            # The days of the roll-ups follow FACILITY_TIME_ZONE, which may have changed.
            self._run_to_end(
                "setup_storage",
                programs.manage("setup_storage", "--layout-only"),
                self.logs / "migrate.log",
            )
        if self.settings.demo:
            file = self.state_dir / "demo.json"
            with self._step("Looking after the demo", closing=False):
                command = programs.manage("load_demo", "--if-empty", "--state-file", str(file))
                self._run_to_end("load_demo", command, log=None)

    @cached_property
    def demo(self):
        """What load_demo wrote down when it filled the database; empty without a demo."""
        try:
            return json.loads((self.state_dir / "demo.json").read_text())
        except (FileNotFoundError, ValueError):
            return {}

    def _start_processes(self):
        if not self.settings.sensor_api_url:
            config_file = Path("sensor_api") / "gunicorn.conf.py"
            command = programs.gunicorn(config_file, self.sensor_api_port, "sensor_api.wsgi:app")
            self._start("sensor_api", command, RECORDING, self._sensor_api_environment())
        self._start("worker", programs.worker(), RECORDING)
        for number in range(1, self.settings.poll_processes + 1):
            self._start(f"poller{number}", programs.poller(f"poller{number}"), POLLING)
        web = programs.gunicorn(
            Path("neurocage") / "gunicorn.conf.py", self.settings.port, "neurocage.wsgi"
        )
        self._start("web", web, ENTRANCES)
        self._start("beat", programs.beat(), ENTRANCES)
        if not self.settings.sensor_api_url:
            self._wait_until_healthy("sensor_api", self.sensor_api_port)
        self._wait_until_healthy("web", self.settings.port)

    def _start(self, name, command, stage, environment=None):
        child = self._child(name, command, self.logs / f"{name}.log", environment)
        child.start()
        self.supervisor.watch(child, stage)

    def _child(self, name, command, log, environment=None):
        return Child(
            name,
            command,
            records=self.state_dir / "run",
            log=log,
            env=environment
            or config.child_environment(STATE_DIR=self.state_dir, **self.environment),
            cwd=config.BASE_DIR,
        )

    def _sensor_api_environment(self):
        """The simulator knows none of our secrets, and what the person set wins over the demo."""
        everything = self.demo.get("sensor_api_env", {}) | config.child_environment()
        return {
            name: value
            for name, value in everything.items()
            if name not in config.NOT_FOR_THE_SENSOR_API
        }

    def _run_to_end(self, name, command, log):
        child = self._child(name, command, log)
        child.start()
        try:
            while child.is_alive():
                self._sleep(0.2)
        finally:
            child.stop(seconds=5)
        if child.poll():
            end = f" The end of {log}:\n{tail(log)}" if log else ""
            raise StackError(f"manage.py {name} failed.{end}")

    def _wait_until_healthy(self, name, port):
        host = programs.host_header(config.allowed_hosts()) if name == "web" else "localhost"
        with self._step(f"Waiting for {name}"):
            deadline = time.monotonic() + READY_SECONDS
            while not answers.answers_200(port, host=host):
                if time.monotonic() > deadline:
                    log = self.logs / f"{name}.log"
                    raise StackError(
                        f"{name} does not answer at http://127.0.0.1:{port}/healthz after "
                        f"{READY_SECONDS} s. The end of {log}:\n{tail(log)}"
                    )
                self._sleep(0.1)

    @contextlib.contextmanager
    def _step(self, title, closing=True):
        """Tell what is being done, and afterwards how long it took when that was noticeable."""
        say(f"{title} ...")
        start = time.monotonic()
        yield
        seconds = time.monotonic() - start
        if closing and seconds >= 1:
            say(f"  done in {seconds:.1f} s")

    def _announce(self):
        say("")
        say(f"Neurocage is ready at http://localhost:{self.settings.port}")
        if self.demo:
            say(f"  Sign in as {self.demo['username']} with the password {self.demo['password']}")
        logs = shlex.quote(os.path.relpath(self.logs))
        say(f"  Logs: {logs}/ (trouble: grep -E 'WARNING|ERROR|CRITICAL|FATAL' {logs}/*.log)")
        say("  Stop with Ctrl-C.")
