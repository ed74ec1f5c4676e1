"""Settings: what comes from the environment, and what is refused."""

import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command

from cages.checks import database_is_usable
from local_stack.config import Config
from local_stack.processes import StackError
from neurocage import env
from tests.neurocage.starting import PROJECT, SECRET, load

pytestmark = pytest.mark.usefixtures("environment")
# The tests have one role for all.
ONE_ROLE = "cages.W007"
# The health checks ask for these.
LOCAL = ["localhost", "127.0.0.1", "[::1]"]


def run(environment, *program):
    """Run Python with these arguments to its end; its exit code and its errors."""
    command = [sys.executable, *program]
    ended = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True)
    assert "Traceback" not in ended.stderr
    return ended.returncode, ended.stderr


# Bad values


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("DEBUG", "maybe", "must be 1 or 0 (also true, false), not 'maybe'"),
        ("DEBUG", "2", "must be 1 or 0"),
        ("HTTPS", "https", "must be 1 or 0"),
        ("REGISTRATION_OPEN", "-", "must be 1 or 0"),
        ("REQUIRE_TIMESCALEDB", "yes please", "must be 1 or 0"),
        ("SECRET_KEY", "short", "must hold at least 32 characters"),
        ("SECRET_KEY_FILE", "/nowhere/key", "cannot read /nowhere/key: No such file or directory"),
        ("SECRET_KEY_FILE", "/", "cannot read /: Is a directory"),
        ("DATABASE_URL", "mysql://user:secret@host/name", "must look like postgresql://"),
        ("DATABASE_URL", "host/name", "must look like postgresql://"),
        ("DATABASE_URL", "postgresql://host:5432", "must look like postgresql://"),
        ("DATABASE_URL", "postgresql://host:5432/", "must look like postgresql://"),
        ("DATABASE_URL", "postgresql://host:port/name", "must look like postgresql://"),
        ("DATABASE_URL", "postgresql://user:se#cret@host/name", "must look like postgresql://"),
        ("DATABASE_URL", "postgresql://[::1/name", "must look like postgresql://"),
        ("REDIS_URL", "localhost:6379", "must look like redis://host:port or rediss://host:port"),
        ("REDIS_URL", "http://localhost:6379", "must look like redis://"),
        ("REDIS_URL", "redis://", "must look like redis://"),
        ("REDIS_URL", "redis//:secret@host:6379", "not '…@host:6379'"),
        ("SENSOR_API_URL", "ftp://sensors", "must look like http://host:port or https://host:port"),
        ("SENSOR_API_URL", "http://", "must look like http://"),
        ("SENSOR_API_URL", "http://sensors:99999", "must look like http://"),
        ("SENSOR_API_URL", "http://[::1", "must look like http://"),
        ("FACILITY_TIME_ZONE", "Berlin", "must be a zone like Europe/Berlin or UTC, not 'Berlin'"),
        ("FACILITY_TIME_ZONE", "../passwd", "must be a zone like"),
        ("FACILITY_TIME_ZONE", "CEST", "must be a zone like"),
        ("POLL_TIMEOUT_SECONDS", "0", "must be a number from 0.1 to 50, not '0'"),
        ("POLL_TIMEOUT_SECONDS", "50.1", "must be a number from 0.1 to 50"),
        ("POLL_TIMEOUT_SECONDS", "nan", "must be a number from 0.1 to 50"),
        ("POLL_TIMEOUT_SECONDS", "inf", "must be a number from 0.1 to 50"),
        ("POLL_TIMEOUT_SECONDS", "10s", "must be a number from 0.1 to 50"),
        ("POLL_CONCURRENCY", "0", "must be a whole number from 1 to 10000, not '0'"),
        ("POLL_CONCURRENCY", "1.5", "must be a whole number"),
        ("POLL_CONCURRENCY", "9" * 5000, "must be a whole number"),
        ("POLL_SHARD_SIZE", "-1", "must be a whole number from 1 to 10000"),
        ("POLL_SHARD_SIZE", "10001", "must be a whole number from 1 to 10000"),
        ("STATE_DIR", __file__, "must be a folder"),
        ("LOG_FORMAT", "xml", "must be one of TEXT, JSON, not 'XML'"),
        (
            "METRICS_NETWORKS",
            "10.0.0.1/8",
            "must list networks like 10.0.0.0/8. 10.0.0.1/8 has host bits set",
        ),
        ("OIDC_SERVER_URL", "http://idp.test", "must begin with https://"),
        (
            "OIDC_SERVER_URL",
            "https://" + "i" * 200,
            "must begin with https:// and have at most 200",
        ),
        ("OIDC_SERVER_URL", "idp.test", "must look like https://host:port or http://host:port"),
        ("OIDC_CLIENT_SECRET_FILE", "/nowhere/key", "cannot read /nowhere/key: No such file"),
        ("SENTRY_DSN", "https://sentry.example/1", "must look like https://key@host/number"),
        ("SENTRY_DSN", "https://secret@sentry.example/", "must look like https://key@host/number"),
        ("LOG_LEVEL", "LOUD", "must be"),
        ("BASE_URL", "cages.example.org", "must look like http://host:port"),
        ("ALLOWED_HOSTS", "http://lab.example", "host names alone"),
        ("ALLOWED_HOSTS", "lab.example:8000", "host names alone"),
        ("FACILITY_TIME_ZONE", "Europe/Atlantis", "a zone like Europe/Berlin or UTC"),
        # Python knows these.
        ("FACILITY_TIME_ZONE", "localtime", "a zone like Europe/Berlin or UTC"),
        ("FACILITY_TIME_ZONE", "CET", "a zone like Europe/Berlin or UTC"),
        ("FACILITY_TIME_ZONE", "right/Europe/Berlin", "a zone like Europe/Berlin or UTC"),
    ],
)
def test_a_bad_value_stops_the_start_with_its_name_and_why(environment, name, value, why):
    environment[name] = value
    with pytest.raises(ImproperlyConfigured) as refused:
        load()
    message = str(refused.value)
    assert message.startswith(name)
    assert why in message
    assert "secret" not in message


OIDC = {
    "OIDC_SERVER_URL": "https://idp.test/realms/lab/",
    "OIDC_CLIENT_ID": "neurocage",
    "OIDC_CLIENT_SECRET": "short",
}


@pytest.mark.parametrize("missing", OIDC)
def test_the_settings_of_the_provider_go_together(environment, missing):
    environment.update(OIDC)
    del environment[missing]
    with pytest.raises(ImproperlyConfigured) as refused:
        load()
    assert str(refused.value) == f"{missing} must be set with the other settings of OIDC."


def test_the_provider_is_named_after_its_host(environment):
    environment.update(OIDC)
    environment["OIDC_SERVER_URL"] += env.DISCOVERY.lstrip("/")
    assert load()["OIDC"] == {
        "server_url": "https://idp.test/realms/lab",
        "client_id": "neurocage",
        "client_secret": "short",
        "name": "idp.test",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "0"), ("PORT", "65536"), ("PORT", "http"), ("DEMO", "perhaps")]
    + [("REDIS_URL", "nonsense"), ("SENSOR_API_URL", "nonsense"), ("DATABASE_URL", "nonsense")],
)
def test_a_bad_value_stops_make_up_with_its_name(environment, name, value):
    environment[name] = value
    with pytest.raises(StackError, match=f"^{name} must "):
        Config.from_environment()


@pytest.mark.parametrize(
    "program",
    [
        ["manage.py", "check"],
        ["-m", "celery", "-A", "neurocage", "report"],
        ["-c", "import neurocage.wsgi"],
    ],
    ids=["manage.py", "celery", "wsgi"],
)
def test_every_program_stops_with_one_line(environment, program):
    environment["POLL_TIMEOUT_SECONDS"] = "soon"
    environment |= {"SECRET_KEY": SECRET, "DATABASE_URL": "postgresql://user@host/name"}
    why = "POLL_TIMEOUT_SECONDS must be a number from 0.1 to 50, not 'soon'."
    assert run(environment, *program) == (1, f"Neurocage cannot start: {why}\n")


@pytest.mark.parametrize(
    "program",
    [["manage.py", "check"], ["-m", "celery", "-A", "neurocage", "report"]],
    ids=["manage.py", "celery"],
)
def test_every_bad_value_is_named_at_once_in_a_line_of_its_own(environment, program):
    environment |= {"DEBUG": "maybe", "REDIS_URL": "nonsense", "SECRET_KEY_FILE": "/nowhere/key"}
    code, said = run(environment, *program)
    assert code == 1
    assert [line.removeprefix("Neurocage cannot start: ") for line in said.splitlines()] == [
        "DEBUG must be 1 or 0 (also true, false), not 'maybe'.",
        "SECRET_KEY_FILE: cannot read /nowhere/key: No such file or directory.",
        "REDIS_URL must look like redis://host:port or rediss://host:port, not 'nonsense'.",
    ]


def test_pages_name_what_they_miss_beside_what_is_bad(environment):
    environment |= {"DEBUG": "maybe"}
    _code, said = run(environment, "-c", "import neurocage.wsgi")
    assert [line.split()[3] for line in said.splitlines()] == [
        "DEBUG",
        "SECRET_KEY",
        "DATABASE_URL",
    ]


def test_make_up_names_every_bad_value_at_once(environment):
    environment |= {"PORT": "http", "DEMO": "perhaps", "POLL_PROCESSES": "many"}
    with pytest.raises(StackError) as refused:
        Config.from_environment()
    assert [line.split()[0] for line in str(refused.value).splitlines()] == [
        *("PORT", "DEMO", "POLL_PROCESSES")
    ]
    # What is read after that is refused at once again.
    with pytest.raises(ImproperlyConfigured, match="^PORT must be"):
        env.number("PORT", 8000, 1, 65535)


@pytest.mark.parametrize("command", ["migrate", "clearsessions"])
def test_a_command_that_needs_a_database_names_the_variable(environment, command):
    code, said = run(environment, "manage.py", command)
    assert code == 1
    assert "DATABASE_URL is not set." in said
    assert "Start `make up` in this checkout" in said


def test_a_database_that_is_not_named_is_found_by_the_checks(settings, monkeypatch):
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.dummy")
    (error,) = database_is_usable(None, ["default"])
    assert (error.id, error.msg) == ("cages.E001", "DATABASE_URL is not set.")


def test_a_database_without_timescaledb_is_refused_where_it_is_required(db, settings, monkeypatch):
    settings.REQUIRE_TIMESCALEDB = True
    for available, ids in ((False, ["cages.E002"]), (True, [ONE_ROLE])):
        monkeypatch.setattr(
            "cages.storage.timescaledb_is_available", lambda connection, found=available: found
        )
        assert [error.id for error in database_is_usable(None, ["default"])] == ids
    # Without databases to look at, the checks look at none.
    assert database_is_usable(None, None) == []


def test_a_time_zone_that_the_database_does_not_know_is_refused_by_its_name(db, settings):
    assert [one.id for one in database_is_usable(None, ["default"])] == [ONE_ROLE]
    settings.FACILITY_TIME_ZONE = "Antarctica/Atlantis"
    (error,) = database_is_usable(None, ["default"])
    assert error.id == "cages.E004"
    assert "FACILITY_TIME_ZONE=Antarctica/Atlantis" in error.msg
    with pytest.raises(CommandError, match="FACILITY_TIME_ZONE=Antarctica/Atlantis"):
        call_command("setup_storage")


# Good values


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        *[("DEBUG", word, True) for word in ("1", "true", "Yes", "ON", " 1 ")],
        *[("DEBUG", word, False) for word in ("0", "false", "No", "off", "", " ")],
        ("ALLOWED_HOSTS", " a.example , .b.example,, ", ["a.example", ".b.example", *LOCAL]),
        ("BASE_URL", "https://cages.example:8443/", "https://cages.example:8443"),
        ("BASE_URL", "", ""),
        ("POLL_TIMEOUT_SECONDS", "0.1", 0.1),
        ("POLL_TIMEOUT_SECONDS", "50", 50.0),
        ("POLL_TIMEOUT_SECONDS", "", 10.0),
        ("POLL_CONCURRENCY", " 64 ", 64),
        ("REDIS_URL", "rediss://user:pass@host:6380/2", "rediss://user:pass@host:6380/2"),
        ("SENSOR_API_URL", "https://sensors/api/", "https://sensors/api"),
        ("SENSOR_API_URL", "http://[::1]:8080", "http://[::1]:8080"),
        ("FACILITY_TIME_ZONE", "Asia/Kathmandu", "Asia/Kathmandu"),
        ("LOG_LEVEL", "debug", "DEBUG"),
        ("SECRET_KEY", SECRET, SECRET),
    ],
)
def test_a_good_value_is_taken(environment, name, value, expected):
    environment[name] = value
    assert load()[name] == expected


@pytest.mark.parametrize(
    ("address", "host"),
    [("https://Cages.Example.org:8443", "cages.example.org"), ("http://[fd00::7]", "[fd00::7]")],
)
def test_the_allowed_hosts_follow_the_own_address(environment, address, host):
    environment["BASE_URL"] = address
    assert load()["ALLOWED_HOSTS"] == [host, *LOCAL]
    environment["ALLOWED_HOSTS"] = "other.example"
    assert load()["ALLOWED_HOSTS"] == ["other.example", *LOCAL]
    assert not load()["LEARNS_HOSTS"]


def test_without_an_own_address_the_allowed_hosts_are_learned(environment):
    assert load()["LEARNS_HOSTS"]


def test_the_database_is_what_its_address_says(environment):
    environment["DATABASE_URL"] = "postgresql://user:p%40ss@[::1]:6432/cages?sslmode=require"
    database = load()["DATABASES"]["default"]
    assert database["ENGINE"] == "django.db.backends.postgresql"
    given = [database[key] for key in ("USER", "PASSWORD", "HOST", "PORT", "NAME")]
    assert given == ["user", "p@ss", "::1", 6432, "cages"]
    assert database["OPTIONS"] == {"sslmode": "require", "connect_timeout": 5}


def test_without_an_address_there_is_no_database(environment):
    assert load()["DATABASES"]["default"]["ENGINE"] == "django.db.backends.dummy"


@pytest.mark.parametrize("https", ["1", "0"])
def test_https_makes_cookies_secure_and_only_https_trusts_the_proxy(environment, https):
    environment["HTTPS"] = https
    values = load()
    on = https == "1"
    assert values["SESSION_COOKIE_SECURE"] is values["CSRF_COOKIE_SECURE"] is on
    assert (values["SECURE_HSTS_SECONDS"] > 0) is on
    assert (values["SECURE_PROXY_SSL_HEADER"] is not None) is on


@pytest.mark.parametrize(
    ("address", "asked"),
    [
        ("rediss://:hush@redis:6380/0", "?ssl_cert_reqs=required"),
        ("rediss://redis/0?ssl_ca_certs=/ca.crt", "&ssl_cert_reqs=required"),
        ("rediss://redis/0?ssl_cert_reqs=none", ""),
        ("redis://redis:6379/0", ""),
    ],
)
def test_the_certificate_of_redis_is_verified_unless_told_otherwise(environment, address, asked):
    environment["REDIS_URL"] = address
    assert load()["CELERY_BROKER_URL"] == address + asked


def test_a_poll_worker_needs_neither_key_nor_database():
    assert load()["SECRET_KEY"] == ""


@pytest.mark.parametrize("missing", ["SECRET_KEY", "DATABASE_URL"])
def test_the_web_process_does_not_start_without_what_every_page_needs(environment, missing):
    given = {"SECRET_KEY": SECRET, "DATABASE_URL": "postgresql://a@localhost/b", missing: ""}
    code, said = run({**environment, **given}, "-c", "import neurocage.wsgi")
    assert code == 1
    assert said.startswith(f"Neurocage cannot start: {missing}")


OWNED = {"DATABASE_URL": "postgresql://app:a@h/n", "DATABASE_OWNER_URL": "postgresql://own:o@h/n"}


@pytest.mark.parametrize(
    ("command", "user"),
    [
        (["manage.py", "migrate"], "own"),
        (["./manage.py", "setup_storage"], "own"),
        (["manage.py", "retention"], "own"),
        (["manage.py", "verify"], "app"),
        (["gunicorn", "migrate"], "app"),
        (["manage.py"], "app"),
    ],
)
def test_what_changes_tables_runs_as_their_owner(environment, command, user):
    environment |= OWNED
    both = [env.database(name) for name in OWNED]
    database, role = env.databases(command, *both)
    assert (database["USER"], role) == (user, ("app", "a"))


def test_without_an_owner_there_is_one_role(environment):
    environment["DATABASE_URL"] = OWNED["DATABASE_URL"]
    assert load()["RUNNING_ROLE"] is None


def test_the_owner_of_our_own_server_is_not_asked_about_another_one(environment, tmp_path):
    for name, url in OWNED.items():
        (tmp_path / name).write_text(f"{url}\n")
        environment[f"{name}_FILE"] = str(tmp_path / name)
    assert load()["RUNNING_ROLE"] == ("app", "a")
    environment["DATABASE_URL"] = "postgresql://me:x@elsewhere/n"
    assert load()["RUNNING_ROLE"] is None
