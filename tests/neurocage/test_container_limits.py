"""What containers of docker-compose.yml may take, and the servers with the commands given there."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import redis
import yaml
from django.conf import settings
from django.db import connection

from local_stack.ports import free_port
from local_stack.postgres import postgres_programs
from local_stack.valkey import valkey_program
from tests.processes import wait_for
from welfare.notices import channels, courier

PROJECT = Path(__file__).resolve().parents[2]
SERVICES = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())["services"]
UNITS = {"k": 2**10, "m": 2**20, "g": 2**30}
# Containers of the same service must not want the same name or port.
ONE_OF_A_KIND = {"container_name", "hostname", "ports"}


def as_by_default(value):
    """What Compose makes of a value where no setting is given."""
    return re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", str(value))


def size(text):
    """The bytes of "512m", "256mb" or "512MB"."""
    number, unit = re.fullmatch(r"(\d+)([kmg])b?", as_by_default(text).lower()).groups()
    return int(number) * UNITS[unit]


def option(service, name):
    """The value of an option of the service's command: `name=value` or `name value`."""
    return re.search(rf"{name}[= ](\S+)", as_by_default(SERVICES[service]["command"]))[1]


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_has_limits(name):
    service = SERVICES[name]
    assert size(service["mem_limit"]) >= 64 * UNITS["m"]
    assert 0 < service["pids_limit"] <= 1200
    in_memory = 0
    for mount in service["tmpfs"]:
        path, _, options = mount.partition(":")
        assert path in {"/tmp", "/var/run/postgresql"}  # noqa: S108
        assert {"noexec", "nosuid", "nodev"} < set(options.split(","))
        in_memory += size(re.search(r"size=(\w+)", options)[1])
    # What is written there counts as memory of the container.
    assert 2 * in_memory <= size(service["mem_limit"])


def test_the_simulator_may_have_the_threads_that_it_starts():
    source = (PROJECT / "sensor_api/gunicorn.conf.py").read_text()
    threads = int(re.search(r"(?m)^THREADS = (\d+)", source)[1])
    assert SERVICES["sensor-api"]["pids_limit"] > threads + 100


def test_several_pollers_can_run_beside_each_other():
    assert not ONE_OF_A_KIND & set(SERVICES["poller"])
    assert "container_name" not in yaml.dump(SERVICES)
    # Celery makes the name of the node of that of the container.
    assert "-n poller@%h" in SERVICES["poller"]["command"]


def test_servers_hold_less_than_their_containers_may_have():
    assert 2 * size(option("redis", "--maxmemory")) <= size(SERVICES["redis"]["mem_limit"])
    shared = size(option("timescaledb", "shared_buffers"))
    assert 4 * shared <= size(SERVICES["timescaledb"]["mem_limit"])


def test_a_message_that_takes_all_memory_is_ended_before_its_worker():
    assert size(SERVICES["welfare"]["mem_limit"]) > courier.LARGEST_MEMORY + 256 * UNITS["m"]
    program = [sys.executable, "-m", courier.__name__]
    with subprocess.Popen(program, cwd=PROJECT, stdin=subprocess.PIPE) as process:
        try:
            weight = Path(f"/proc/{process.pid}/oom_score_adj")
            assert wait_for(lambda: weight.read_text() == "1000\n")
        finally:
            process.kill()


def test_no_process_has_a_thread_for_each_core_of_the_machine():
    stage = (PROJECT / "Dockerfile").read_text().partition(" AS app\n")[2]
    given = dict(re.findall(r"(\w+)=(\S+)", re.search(r"(?m)^ENV (.*)$", stage)[1]))
    count = "import numpy, os; print(len(os.listdir('/proc/self/task')))"
    environment = os.environ | given
    said = subprocess.check_output([sys.executable, "-c", count], env=environment, text=True)
    assert said == "1\n"


def seconds(service):
    """How long the service may take to end; Docker's own 10 s if it does not say."""
    text = SERVICES[service].get("stop_grace_period", "10s")
    minutes, rest = re.fullmatch(r"(?:(\d+)m)?(?:(\d+)s)?", text).groups()
    return 60 * int(minutes or 0) + int(rest or 0)


def test_a_service_may_end_what_it_has_begun():
    def number(path, pattern):
        return float(re.search(pattern, (PROJECT / path).read_text())[1])

    longest_poll = r'"POLL_TIMEOUT_SECONDS", [\d.]+, [\d.]+, (\d+)'
    longest = {
        "web": number("neurocage/gunicorn.conf.py", r"(?m)^graceful_timeout = (\d+)"),
        "sensor-api": number("sensor_api/gunicorn.conf.py", r"(?m)^graceful_timeout = (\d+)"),
        "poller": number("neurocage/settings.py", longest_poll),
        "welfare": channels.LONGEST_SECONDS,
        "beat": settings.CELERY_BEAT_MAX_LOOP_INTERVAL,
    }
    # Beside that they wait for Redis or the database, and Python ends.
    assert [name for name in longest if seconds(name) < longest[name] + 5] == []


@pytest.fixture
def redis_port(tmp_path):
    """A server that was started with the command of the service, on a free port."""
    folders = [tmp_path / name for name in ("app-secrets", "database-secrets", "redis-secrets")]
    for folder in folders:
        folder.mkdir()
    subprocess.run(["sh", PROJECT / "docker/make-secrets.sh", *folders], check=True)
    text = as_by_default(SERVICES["redis"]["command"]).replace("/var/lib/neurocage", str(tmp_path))
    name, *arguments = shlex.split(text)
    assert name == "redis-server"
    port = free_port()
    arguments += ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path)]
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen([valkey_program(), *arguments], stdout=log, stderr=log)
    try:
        yield port
    finally:
        server.terminate()
        server.wait(60)


def answers(client):
    try:
        return client.ping()
    except redis.ConnectionError:
        return False


def test_redis_has_a_password_and_refuses_what_is_too_much(redis_port, tmp_path):
    password = (tmp_path / "redis-secrets/password").read_text().strip()
    with redis.Redis(port=redis_port, password=password) as client:
        assert wait_for(lambda: answers(client))
        with redis.Redis(port=redis_port) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()
        settings = client.config_get("maxmemory*")
        assert int(settings["maxmemory"]) == size(option("redis", "--maxmemory"))
        client.rpush("kept", "a result")
        client.config_set("maxmemory", "1kb")
        with pytest.raises(redis.OutOfMemoryError):
            client.rpush("more", "x")
        assert client.lrange("kept", 0, -1) == [b"a result"]


@pytest.mark.django_db
def test_postgresql_takes_the_settings_of_the_command():
    name, *arguments = shlex.split(as_by_default(SERVICES["timescaledb"]["command"]))
    assert name == "postgres"
    with connection.cursor() as cursor:
        cursor.execute("SHOW data_directory")
        folder = cursor.fetchone()[0]
    program = postgres_programs() / "postgres"
    for setting in arguments[1::2]:
        key, value = setting.split("=")
        # With -C first, it may run as root.
        command = [program, "-C", key, "-D", folder, *arguments]
        said = subprocess.check_output(command, text=True)
        kilobytes = {"shared_buffers": 8}.get(key, 1)
        wanted = value if value.isdigit() else str(size(value) // 1024 // kilobytes)
        assert said.strip() in {value, wanted}, key
