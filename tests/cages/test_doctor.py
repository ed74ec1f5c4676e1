"""`manage.py doctor`: what it finds on real servers, and when some of them are away or hang."""

import io
import json
import re
import ssl
import subprocess
import sys
import threading
from contextlib import contextmanager
from datetime import timedelta

import pytest
import redis
import trustme
from aiosmtpd.controller import Controller
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from cages.doctor import database, message_store, network, sensors
from cages.doctor.examination import examine
from cages.doctor.findings import Check, Level, clock, ok
from cages.models import Backup
from cages.slots import slot_of
from local_stack.config import BASE_DIR, child_environment
from local_stack.mail_catcher import HOST
from local_stack.ports import free_port
from tests.factories import MINUTE, make_cage, make_cycle
from tests.sensor_server import Sensor, hanging_up, reply


def doctor(*options):
    """(whether something is wrong, what was said)."""
    said = io.StringIO()
    try:
        call_command("doctor", *options, stdout=said)
    except CommandError:
        return True, said.getvalue()
    return False, said.getvalue()


def levels(findings, part):
    return [str(one.level) for one in findings if one.part == part]


def words(findings, part):
    return " ".join(one.words for one in findings if one.part == part)


def each_cage(sensor, connection):
    """A behaviour: every cage is well, and the date is told."""
    while heard := sensor.hear(connection):
        number = re.search(rb"/data/(\d+)/", heard)[1].decode()
        date = timezone.now().strftime("%a, %d %b %Y %H:%M:%S GMT")
        connection.sendall(
            reply(b'{"cage_id": %s, "status": 2}' % number.encode(), f"Date: {date}")
        )


@pytest.fixture
def our_redis(settings):
    """The Redis of the tests, for a change that is taken back."""
    with redis.Redis.from_url(settings.REDIS_URL, decode_responses=True) as client:
        before = client.config_get("appendonly")["appendonly"]
        yield client
        client.config_set("appendonly", before)


@pytest.fixture
def well(transactional_db, our_redis, settings):
    """An installation that asks twelve cages, and asked them in the last full minute."""
    for _number in range(12):
        make_cage()
    now = slot_of(timezone.now())
    make_cycle(now - MINUTE, planned=12)
    make_cycle(now, planned=12)
    our_redis.config_set("appendonly", "yes")
    with Sensor(each_cage) as sensor:
        settings.SENSOR_API_URL = sensor.url
        yield sensor


def test_it_tells_each_part_of_an_installation_that_is_well(well):
    is_wrong, said = doctor("--json")
    findings = json.loads(said)
    assert not is_wrong, said
    assert {one["level"] for one in findings} <= {"ok", "unknown", "warning"}
    assert {
        *("Database", "Database role", "Time zone", "Clocks", "Disk of the database", "Polling"),
        *("Redis", "Sensor API", "Sensors", "Mail", "Queues"),
    } <= {one["part"] for one in findings}
    told = " ".join(one["words"] for one in findings)
    assert re.search(r"10 of 10 cages, asked at once, answered .*p50 \d+ ms, p95 \d+ ms", told)
    assert "records 0" in told
    for whose in ("the database", "Redis", "the sensor API"):
        assert f"That of {whose} is " in told


def test_it_says_what_to_do(well):
    _is_wrong, said = doctor()
    line = next(line for line in said.splitlines() if "Database role" in line)
    assert line.startswith("warning  Database role: ")
    assert " -> Set DATABASE_OWNER_URL" in line


def test_it_goes_on_without_database_redis_and_sensors(tmp_path):
    away = {
        "DATABASE_URL": f"postgresql://nobody:hidden@{HOST}:{free_port()}/none",
        "REDIS_URL": f"redis://:hidden@{HOST}:{free_port()}/0",
        "EMAIL_URL": f"smtp://nobody:hidden@{HOST}:{free_port()}",
        "BASE_URL": f"https://{HOST}:{free_port()}",
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor"],
        env=child_environment(STATE_DIR=tmp_path, **away),
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    for line in (
        "wrong    Database: The database does not answer.",
        "wrong    Redis: Redis does not answer.",
        "warning  Sensor API: Not asked, because the database does not say which cages.",
        f"wrong    Mail: {HOST} cannot be used",
        f"warning  Certificate of BASE_URL: {HOST} gave none",
    ):
        assert line in done.stdout
    assert "hidden" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_check_that_hangs_keeps_no_other_from_its_finding():
    end = threading.Event()

    def hang():
        yield ok("Slow", "It began.")
        end.wait()

    try:
        found = examine(
            [Check("Slow", hang), Check("Quick", lambda: iter([ok("Quick", "Done.")]))], 0.2
        )
    finally:
        end.set()
    assert [one.words for one in found] == ["It began.", "It did not answer within 0 s.", "Done."]
    assert levels(found, "Slow") == ["ok", "wrong"]


def test_a_check_that_fails_is_a_finding():
    def fail():
        raise RuntimeError("smtp://me:hidden@mail.example broke")
        yield

    (found,) = examine([Check("Odd", fail)])
    assert found.level == Level.WRONG
    assert "broke" in found.words
    assert "hidden" not in found.words


# Database


@pytest.mark.django_db
def test_a_part_that_ops_calls_ill_is_wrong(settings):
    settings.BACKUP_MAX_AGE_HOURS = 26
    found = list(database.look())
    assert levels(found, "Backup") == ["wrong"]
    assert levels(found, "Polling") == ["wrong"]
    assert "No cycle yet" in words(found, "Polling")
    # What cannot be known is not well.
    assert levels(found, "Sensors") == ["unknown"]
    assert levels(sensors.look(), "Sensor API") == ["unknown"]
    Backup.objects.create(taken_at=timezone.now(), finished_at=timezone.now(), size_bytes=1)
    assert levels(database.look(), "Backup") == ["ok"]


@pytest.mark.django_db
def test_migrations_that_wait_are_wrong():
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'sessions'")
    assert "1 migrations are not applied." in words(database.look(), "Database")


@pytest.mark.storage
@pytest.mark.django_db
def test_each_job_of_timescaledb_is_told():
    found = list(database.look())
    on_timescaledb = "TimescaleDB" in words(found, "Database")
    assert len(levels(found, "TimescaleDB")) == (5 if on_timescaledb else 0)


@pytest.mark.parametrize(("days", "level"), [(3, "wrong"), (30, "warning"), (300, "ok")])
@pytest.mark.django_db
def test_days_until_the_disk_is_full_are_told(days, level, monkeypatch):
    disk = database.disk
    monkeypatch.setattr(disk, "database_disk", lambda: disk.Disk(10**12, days * 10**9 + 10**8))
    monkeypatch.setattr(disk, "growth_per_day", lambda series, now: 10**9)
    found = list(database.look())
    assert levels(found, "Disk of the database") == [level]
    assert f"it is full in {days} days" in words(found, "Disk of the database")


# Redis


def test_a_redis_that_keeps_nothing_is_wrong(our_redis):
    our_redis.config_set("appendonly", "no")
    our_redis.config_set("save", "")
    assert "keeps nothing on its disk" in words(message_store.look(), "Redis")
    our_redis.config_set("appendonly", "yes")
    found = list(message_store.look())
    assert "keeps every message on its disk" in words(found, "Redis")
    assert "wrong" not in levels(found, "Redis")


# Sensors


@pytest.mark.django_db
def test_sensors_that_do_not_answer_are_wrong(settings):
    make_cage()
    with Sensor(hanging_up) as sensor:
        settings.SENSOR_API_URL = sensor.url
        (found,) = sensors.look()
    assert found.level == "wrong"
    assert "0 of 1 cages" in found.words
    assert "connection_error" in found.words


def test_a_clock_that_is_off_is_told():
    now, exact = timezone.now(), timedelta()
    assert clock("it", now + timedelta(seconds=4), now, exact).level == "ok"
    assert clock("it", now - timedelta(seconds=7), now, exact).level == "warning"
    assert clock("it", now - timedelta(seconds=7), now, timedelta(seconds=3)).level == "ok"
    late = clock("it", now - timedelta(seconds=70), now, exact)
    assert (late.level, late.words) == ("wrong", "That of it is 70.0 s behind this machine's.")


# Network


@contextmanager
def speaking_https(authority, **validity):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", **validity).configure_cert(context)

    def behave(sensor, connection):
        with sensor.speaking_tls(connection, context) as encrypted:
            encrypted.recv(1)

    with Sensor(behave) as sensor:
        yield f"https://localhost:{sensor.port}"


def test_the_days_that_are_left_of_a_certificate_are_told(settings, tmp_path, monkeypatch):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "known.pem")
    end = timezone.now() + timedelta(days=9, hours=1)
    with speaking_https(authority, not_after=end) as settings.BASE_URL:
        (found,) = network.certificates()
        assert found.level == "wrong"
        assert "not accepted" in found.words
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "known.pem"))
        (found,) = network.certificates()
        assert found.level == "warning"
        assert "valid for 9 more days" in found.words


def test_a_mail_server_is_asked_and_gets_no_mail(settings):
    class Letters:
        count = 0

        async def handle_DATA(self, server, session, envelope):
            Letters.count += 1
            return "250 kept"

    controller = Controller(Letters(), hostname=HOST, port=free_port())
    controller.start()
    try:
        settings.EMAIL_URL = f"smtp://{HOST}:{controller.port}"
        (found,) = network.mail()
    finally:
        controller.stop()
    assert found.level == "ok"
    assert Letters.count == 0
