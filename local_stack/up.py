"""What `make up` does: from nothing to a page that answers, and down again."""

import contextlib
import json
import os
import secrets
import shlex
import sys
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from local_stack import answers, config, programs
from local_stack.embedded import EmbeddedPostgres, EmbeddedValkey
from local_stack.interrupts import Interrupts
from local_stack.lock import only_one
from local_stack.ports import kept_port, why_unusable
from local_stack.postgres import postgres_programs
from local_stack.processes import Child, StackError, stop_leftovers, tail
from local_stack.supervisor import Supervisor
from neurocage import env
from neurocage.env import STACK_FILE_NAME
from neurocage.private_file import write_private_file

# Stages: the highest is stopped first. The sensor API is stopped after the pollers, so that no
# sensor is recorded as failed only because everything is being stopped.
SERVERS, RECORDING, POLLING, ENTRANCES = range(4)
READY_SECONDS = 90
# The start gives up when a process that it waits for ends this often.
DEATHS_ALLOWED = 3
LOOK_EVERY_SECONDS = 1.0
Server = TypeVar("Server", EmbeddedPostgres, EmbeddedValkey)


def say(text: str) -> None:
    """Print one line. When the terminal is gone this is ignored, so that the stack can stop."""
    try:
        print(text, flush=True)
    except OSError:
        sys.stdout = sys.stderr = open("/dev/null", "w")  # noqa: SIM115 - for the rest of the process


class Stack:
    """The local stack from its start to its end."""

    def __init__(self, settings: config.Config, interrupts: Interrupts) -> None:
        self.settings = settings
        self.interrupts = interrupts
        self.state_dir = settings.state_dir
        self.logs = self.state_dir / "logs"
        self.supervisor = Supervisor(say)
        self.environment: dict[str, str] = {}

    def run(self) -> None:
        """Start everything, keep it running, and stop everything at the end.

        Ends with StopRequested when that was asked for, with StackError when something failed.
        """
        stack_file = self.state_dir / STACK_FILE_NAME
        with only_one(self.state_dir), contextlib.ExitStack() as at_end:
            at_end.callback(stack_file.unlink, missing_ok=True)
            self._clear_the_way(stack_file)
            at_end.callback(self.supervisor.stop)
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

    def _sleep(self, seconds: float) -> None:
        """Wait, after a look at the processes. Raises StopRequested when a stop is asked for."""
        self.supervisor.check()
        self.interrupts.sleep(seconds)

    def _say_that_it_stops(self) -> None:
        if self.supervisor.children():
            say("Stopping ...")

    def _clear_the_way(self, stack_file: Path) -> None:
        # A stack that was killed has left the URLs of servers that are gone.
        stack_file.unlink(missing_ok=True)
        if left := stop_leftovers(self.state_dir.glob("*/*.process")):
            say(f"Stopped what an earlier run left behind: {', '.join(sorted(left))}.")
        port = self.settings.port
        if why := why_unusable(port):
            raise StackError(
                f"Port {port} {why}. Choose another: PORT={8001 if port == 8000 else 8000} make up"
            )

    def _start_servers(self) -> None:
        settings = self.settings
        if settings.database_url:
            with self._step("Looking for the database in DATABASE_URL"):
                answers.wait_for_database(settings.database_url, self._sleep)
        if settings.redis_url:
            with self._step("Looking for the Redis in REDIS_URL"):
                answers.wait_for_redis(settings.redis_url, self._sleep)
        self.environment = {
            **self._database_urls(),
            "REDIS_URL": settings.redis_url or self._embedded(EmbeddedValkey, "Valkey").url,
            "SENSOR_API_URL": settings.sensor_api_url or f"http://127.0.0.1:{self.sensor_api_port}",
            "BASE_URL": settings.base_url,
            **({} if settings.has_mail else {"EMAIL_URL": f"smtp://127.0.0.1:{self.mail_port}"}),
            **self._secret(),
            **self._postgres_programs(),
        }

    def _database_urls(self) -> dict[str, str]:
        if self.settings.database_url:
            owner = self.settings.database_owner_url
            running = {"DATABASE_URL": self.settings.database_url}
            return running | ({"DATABASE_OWNER_URL": owner} if owner else {})
        server = self._embedded(EmbeddedPostgres, "PostgreSQL")
        return {"DATABASE_URL": server.running_url, "DATABASE_OWNER_URL": server.url}

    def _embedded(self, kind: type[Server], title: str) -> Server:
        log = self.logs / f"{kind.name}.log"
        server = kind(self.state_dir / kind.name, log=log, sleep=self.interrupts.sleep)
        with self._step(f"Starting {title}"):
            self.supervisor.watch(server.start().process, SERVERS)
        return server

    def _postgres_programs(self) -> dict[str, str]:
        """So that `manage.py backup` finds the pg_dump that came with the embedded server."""
        if self.settings.database_url or env.text("POSTGRES_PROGRAMS"):
            return {}
        return {"POSTGRES_PROGRAMS": str(postgres_programs())}

    @cached_property
    def sensor_api_port(self) -> int:
        return kept_port(self.state_dir / "sensor_api.port")

    @cached_property
    def mail_port(self) -> int:
        return kept_port(self.state_dir / "mail.port")

    @cached_property
    def mail_page_port(self) -> int:
        return kept_port(self.state_dir / "mail_page.port")

    def _secret(self) -> dict[str, str]:
        if given := config.secret_settings():
            return given
        file = self.state_dir / "secret_key"
        if not file.exists():
            write_private_file(file, secrets.token_urlsafe(64) + "\n")
        return {"SECRET_KEY_FILE": str(file)}

    def _prepare_database(self) -> None:
        with self._step("Bringing the database up to date"):
            log = self.logs / "migrate.log"
            # Its end is shown when a command fails, and must be about this start.
            log.unlink(missing_ok=True)
            self._run_to_end(["migrate", "--noinput"], log)
            # The days of the roll-ups follow FACILITY_TIME_ZONE, which may have changed.
            self._run_to_end(["setup_storage", "--layout-only"], log)
        if self.settings.demo:
            file = self.state_dir / "demo.json"
            with self._step("Preparing the demo", closing=False):
                self._run_to_end(["load_demo", "--if-empty", "--state-file", str(file)], log=None)
                if self.demo:
                    self._run_to_end(["load_demo_wish", self.demo["username"]], log=None)

    @cached_property
    def demo(self) -> dict[str, Any]:
        """What load_demo noted when it filled the database: who may sign in, and settings for the
        sensor API. Empty without a demo.
        """
        try:
            return json.loads((self.state_dir / "demo.json").read_text())
        except (FileNotFoundError, ValueError):
            return {}

    def _start_processes(self) -> None:
        sensor_api = None
        if not self.settings.sensor_api_url:
            command = programs.gunicorn(
                "sensor_api/gunicorn.conf.py", self.sensor_api_port, "sensor_api.wsgi:app"
            )
            environment = self._sensor_api_environment()
            sensor_api = self._start("sensor_api", command, RECORDING, environment)
        if not self.settings.has_mail:
            catcher = programs.mail_catcher(self.mail_port, self.mail_page_port)
            self._start("mail", catcher, RECORDING)
        self._start("worker", programs.worker(), RECORDING)
        self._start("welfare", programs.welfare(), RECORDING)
        for number in range(1, self.settings.poll_processes + 1):
            self._start(f"poller{number}", programs.poller(f"poller{number}"), POLLING)
        web = programs.gunicorn("neurocage/gunicorn.conf.py", self.settings.port, "neurocage.wsgi")
        pages = self._start("web", web, ENTRANCES)
        self._start("beat", programs.beat(), ENTRANCES)
        if sensor_api:
            self._wait_until_healthy(sensor_api, self.sensor_api_port)
        self._wait_until_healthy(pages, self.settings.port)

    def _start(
        self, name: str, command: list[str], stage: int, environment: dict[str, str] | None = None
    ) -> Child:
        child = self._child(name, command, self.logs / f"{name}.log", environment)
        child.start()
        self.supervisor.watch(child, stage)
        return child

    def _child(
        self, name: str, command: list[str], log: Path | None, env: dict[str, str] | None = None
    ) -> Child:
        env = env or config.child_environment(STATE_DIR=self.state_dir, **self.environment)
        records = self.state_dir / "run"
        return Child(name, command, records=records, log=log, env=env, cwd=config.BASE_DIR)

    def _sensor_api_environment(self) -> dict[str, str]:
        """The simulator gets none of our secrets. What the person has set wins over the demo's."""
        everything = self.demo.get("sensor_api_env", {}) | config.child_environment()
        for name in config.NOT_FOR_THE_SENSOR_API:
            everything.pop(name, None)
        return everything

    def _run_to_end(self, command: list[str], log: Path | None) -> None:
        """Run a management command. Raises StackError when it fails."""
        child = self._child(command[0], programs.manage(*command), log)
        child.start()
        try:
            while child.is_alive():
                self._sleep(0.2)
        finally:
            child.stop(seconds=5)
        if child.poll():
            end = f" The end of {log}:\n{tail(log)}" if log else ""
            raise StackError(f"manage.py {command[0]} failed.{end}")

    def _wait_until_healthy(self, child: Child, port: int) -> None:
        with self._step(f"Waiting for {child.name}"):
            began = time.monotonic()
            while not answers.answers_200(port):
                seconds = time.monotonic() - began
                if seconds > READY_SECONDS or self.supervisor.deaths(child) >= DEATHS_ALLOWED:
                    raise StackError(
                        f"{child.name} does not answer at http://127.0.0.1:{port}/healthz after "
                        f"{seconds:.0f} s. The end of {child.log}:\n{tail(child.log)}"
                    )
                self._sleep(0.1)

    @contextlib.contextmanager
    def _step(self, title: str, closing: bool = True) -> Iterator[None]:
        """Say what is being done, and with `closing` also how long it took, from one second on."""
        say(f"{title} ...")
        start = time.monotonic()
        yield
        seconds = time.monotonic() - start
        if closing and seconds >= 1:
            say(f"  done in {seconds:.1f} s")

    def _announce(self) -> None:
        say("")
        say(f"Neurocage is ready at http://localhost:{self.settings.port}")
        if self.demo:
            say(f"  Sign in as {self.demo['username']} with the password {self.demo['password']}")
        if not self.settings.has_mail:
            say(f"  Mail that would be sent: http://127.0.0.1:{self.mail_page_port}")
        # It prints the way to the first account, while there is none.
        self._run_to_end(["setup_code"], log=None)
        logs = shlex.quote(os.path.relpath(self.logs))
        say(f"  Logs: {logs}/ (trouble: grep -E 'WARNING|ERROR|CRITICAL|FATAL' {logs}/*.log)")
        say("  Stop with Ctrl-C.")
