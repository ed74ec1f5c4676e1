"""The embedded PostgreSQL and Valkey, for real."""

import contextlib
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import psycopg2
import pytest
import redis

from local_stack.embedded import EmbeddedPostgres, EmbeddedValkey
from local_stack.processes import StackError, lives
from tests.processes import a_child, wait_for

PROJECT = Path(__file__).resolve().parents[2]


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def query(server, sql):
    with contextlib.closing(psycopg2.connect(server.url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else None


@pytest.fixture(scope="module")
def postgres(tmp_path_factory):
    server = EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), durable=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def valkey(tmp_path, started):
    server = EmbeddedValkey(tmp_path / "valkey")
    started.append(server)
    return server.start()


def test_postgres_keeps_its_data_and_its_address_over_a_restart(postgres):
    address = postgres.url
    query(postgres, "CREATE TABLE kept AS SELECT 7 AS id")
    postgres.stop()
    assert not postgres.is_alive()
    postgres.start()
    assert postgres.url == address
    assert query(postgres, "SELECT id FROM kept") == [(7,)]


def test_postgres_is_utf8_and_utc_and_sorts_alike_on_every_machine(postgres):
    sql = (
        "SELECT datcollate, datlocprovider, datlocale FROM pg_database WHERE datname = 'neurocage'"
    )
    assert query(postgres, sql) == [("C", "b", "C.UTF-8")]
    assert query(postgres, "SHOW server_encoding") == [("UTF8",)]
    assert query(postgres, "SHOW timezone") == [("UTC",)]


def test_only_this_machine_and_only_who_knows_the_password_gets_in(postgres, valkey):
    for server in (postgres, valkey):
        listening = psutil.Process(server.process.pid).net_connections()
        assert {c.laddr.ip for c in listening if c.status == psutil.CONN_LISTEN} == {"127.0.0.1"}
        assert mode(server.folder / "password") == 0o600
        assert server.password not in " ".join(psutil.Process(server.process.pid).cmdline())
    assert mode(valkey.folder / "valkey.conf") == 0o600
    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(postgres.url.replace(postgres.password, "guess"))
    with (
        pytest.raises(redis.AuthenticationError),
        redis.from_url(valkey.url.replace(valkey.password, "guess")) as client,
    ):
        client.ping()


def test_valkey_keeps_its_data_even_when_it_is_killed(valkey):
    with redis.from_url(valkey.url) as client:
        client.set("kept", "yes")
        client.execute_command("WAITAOF", 1, 0, 3000)
    os.kill(valkey.process.pid, signal.SIGKILL)
    wait_for(lambda: not valkey.is_alive())
    valkey.start()
    with redis.from_url(valkey.url) as client:
        assert client.get("kept") == b"yes"


def test_a_server_left_over_is_stopped_before_a_new_one_starts(postgres, valkey, started):
    for old in (postgres, valkey):
        new = type(old)(old.folder)
        started.append(new)
        new.start()
        assert not old.is_alive()
        assert new.is_alive()
        new.stop()
    postgres.start()


def test_a_postgres_that_nobody_recorded_is_stopped_as_well(postgres, started):
    postgres.process.record.unlink()
    new = EmbeddedPostgres(postgres.folder, durable=False)
    started.append(new)
    new.start()
    assert not postgres.is_alive()
    new.stop()
    postgres.start()


def test_a_pid_that_went_to_another_program_keeps_postgres_from_nothing(
    postgres, started, tmp_path
):
    other = a_child(tmp_path, "time.sleep(60)")
    started.append(other)
    other.start()
    os.kill(postgres.process.pid, signal.SIGKILL)
    wait_for(lambda: not postgres.is_alive())
    file = postgres.data / "postmaster.pid"
    _, rest = file.read_text().split("\n", 1)
    file.write_text(f"{other.pid}\n{rest}")
    # Children of the killed server need a moment to notice.
    wait_for(
        lambda: (
            not any(
                str(postgres.data) in " ".join(p.info["cmdline"] or ())
                for p in psutil.process_iter(["cmdline"])
            )
        )
    )
    postgres.start()
    assert other.is_alive()


def test_data_of_another_postgres_is_named_and_left_alone(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "PG_VERSION").write_text("14\n")
    (tmp_path / "password").write_text("x")
    with pytest.raises(StackError, match="made by PostgreSQL 14; this is PostgreSQL 18"):
        EmbeddedPostgres(tmp_path).start()


def test_a_server_that_cannot_start_shows_the_end_of_its_log(valkey):
    valkey.stop()
    for file in (valkey.folder / "data" / "appendonlydir").glob("*.manifest"):
        file.write_text("nonsense\n")
    with pytest.raises(StackError, match="valkey does not start(.|\n)*manifest"):
        valkey.start()


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells a process that its parent is gone"
)
def test_servers_end_with_a_parent_that_is_killed(tmp_path):
    code = (
        "import sys, time; from local_stack.embedded import *\n"
        "servers = [EmbeddedPostgres(sys.argv[1] + '/p'), EmbeddedValkey(sys.argv[1] + '/v')]\n"
        "print(*[server.start().process.pid for server in servers], flush=True); time.sleep(60)"
    )
    argv = [sys.executable, "-c", code, tmp_path]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, cwd=PROJECT) as parent:
        servers = [psutil.Process(int(pid)) for pid in parent.stdout.readline().split()]
        assert len(servers) == 2
        parent.kill()
    wait_for(lambda: not any(map(lives, servers)))
