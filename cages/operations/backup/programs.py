"""The programs pg_dump and pg_restore: where they are, and how they are told of the server."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from django.conf import settings

from cages.operations.backup.errors import BackupError
from neurocage.secrecy import without_secrets

# Where Debian and the packages of postgresql.org put the programs of each major version.
USUAL_PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/local/lib/postgresql/bin",
)
VERSION_SECONDS = 10
SAID_LIMIT = 2000
# libpq's variables of what Django's settings hold. A command line could be read by everybody.
SERVER = {"HOST": "PGHOST", "PORT": "PGPORT", "USER": "PGUSER", "PASSWORD": "PGPASSWORD"}
OPTIONS = {
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "sslcrl": "PGSSLCRL",
    "options": "PGOPTIONS",
    "service": "PGSERVICE",
    "passfile": "PGPASSFILE",
}
CONNECT_SECONDS = 10
# A server that is gone is noticed within about a minute, also in the middle of a long table.
KEEPALIVE = "keepalives_idle=30 keepalives_interval=10 keepalives_count=3 tcp_user_timeout=60000"


@dataclass(frozen=True, slots=True)
class Program:
    """One of PostgreSQL's programs. major: its version, such as 17."""

    path: Path
    major: int


def find(name: str, server_major: int) -> Program:
    """Return the program of the server's version, or else the oldest that is newer.

    Raises BackupError, which names the package, where there is none.
    """
    found = [program for path in _places(name) if (program := _program(path))]
    fitting = [program for program in found if program.major >= server_major]
    if not fitting:
        there = ", ".join(sorted({str(program.major) for program in found})) or "none"
        raise BackupError(
            f"{name} of version {server_major} or newer is needed here, and there is {there}. "
            f"Install the package postgresql-client-{server_major} (Debian, Ubuntu, from "
            f"apt.postgresql.org) or postgresql{server_major}-client (Alpine), or name the folder "
            "of the programs in POSTGRES_PROGRAMS."
        )
    return min(fitting, key=lambda program: program.major)


def _places(name: str) -> Iterator[Path]:
    if settings.POSTGRES_PROGRAMS:
        yield Path(settings.POSTGRES_PROGRAMS) / name
        return
    for pattern in USUAL_PLACES:
        yield from sorted(Path("/").glob(f"{pattern.removeprefix('/')}/{name}"))
    if in_path := shutil.which(name):
        yield Path(in_path)


def _program(path: Path) -> Program | None:
    try:
        said = subprocess.run(  # noqa: S603 - a program of PostgreSQL in a known folder
            [path, "--version"],
            capture_output=True,
            text=True,
            timeout=VERSION_SECONDS,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    version = re.search(r"\) (\d+)", said)
    return Program(path, int(version[1])) if version else None


def environment_of(server: dict[str, Any]) -> dict[str, str]:
    """The environment in which libpq finds the server of these settings of Django's."""
    told = {variable: str(server[name]) for name, variable in SERVER.items() if server.get(name)}
    for name, variable in OPTIONS.items():
        if value := (server.get("OPTIONS") or {}).get(name):
            told[variable] = str(value)
    told |= {"PGDATABASE": str(server["NAME"]), "PGCONNECT_TIMEOUT": str(CONNECT_SECONDS)}
    return {**os.environ, "PGAPPNAME": "neurocage backup", **told}


@contextmanager
def running(
    command: Sequence[str | Path], server: dict[str, Any], reads: bool = False
) -> Iterator[IO[bytes]]:
    """Run a program; gives the stream that it writes, or with `reads` the one that it reads.

    Raises BackupError with the program's own words if it fails. It is killed if the block fails.
    """
    with tempfile.TemporaryFile() as errors:
        # Buffered, so that a read returns what was asked for.
        process = subprocess.Popen(  # noqa: S603 - as above
            [*command, "--dbname", KEEPALIVE],
            stdin=subprocess.PIPE if reads else subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if reads else subprocess.PIPE,
            stderr=errors,
            env=environment_of(server),
        )
        stream = process.stdin if reads else process.stdout
        if stream is None:
            raise RuntimeError("Popen gave no pipe")
        try:
            yield stream
            stream.close()
            process.wait()
        except BrokenPipeError:
            # It ended before it had read all. What it said is the reason.
            process.wait()
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            # Closing a pipe that nobody reads any more writes what is left in it.
            with suppress(BrokenPipeError):
                stream.close()
        if process.returncode:
            raise BackupError(f"{Path(command[0]).name} failed: {_said(errors)}")


def _said(errors: IO[bytes]) -> str:
    errors.seek(0)
    lines = errors.read().decode(errors="replace").splitlines()
    # The warning about circular foreign keys in TimescaleDB's own tables is expected.
    told = [line for line in lines if "error" in line.lower()] or lines
    return without_secrets(" ".join(" ".join(told).split()))[:SAID_LIMIT] or "it said nothing"
