"""Settings in files: secrets, and what a running `make up` wrote."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from neurocage import env
from tests.neurocage.starting import SECRET, load

pytestmark = pytest.mark.usefixtures("environment")


# Secrets


VALUES = {
    "DATABASE_OWNER_URL": "postgresql://owner:hush@database/neurocage",
    "DATABASE_URL": "postgresql://neurocage:hush@database/neurocage",
    "EMAIL_URL": "smtps://neurocage:hush@mail.test:465",
    "HEARTBEAT_URL": "https://heartbeat.test/hush",
    "METRICS_TOKEN": SECRET,
    "OIDC_CLIENT_SECRET": "hush",
    "REDIS_URL": "redis://:hush@redis:6379/0",
    "SECRET_KEY": SECRET,
    "SENSOR_API_URL": "https://neurocage:hush@sensors.test",
    "SENTRY_DSN": "https://hush@sentry.test/1",
    "SETUP_CODE": "hush",
}
OIDC = {"OIDC_SERVER_URL": "https://idp.test", "OIDC_CLIENT_ID": "neurocage"}


@pytest.mark.parametrize("name", sorted(env.SECRETS))
def test_each_secret_may_be_in_a_file(environment, tmp_path, monkeypatch, name):
    # It would report the errors of the other tests.
    monkeypatch.setattr("neurocage.error_reports.start", lambda dsn: None)
    (tmp_path / "running").write_text(VALUES["DATABASE_URL"])
    (tmp_path / "file").write_text(f"{VALUES[name]}\n")
    if name == "OIDC_CLIENT_SECRET":
        environment |= OIDC
    if name == "DATABASE_OWNER_URL":
        environment["DATABASE_URL_FILE"] = str(tmp_path / "running")
    environment[name] = VALUES[name]
    by_value = load()
    environment |= {name: "", f"{name}_FILE": str(tmp_path / "file")}
    assert load() == by_value
    (tmp_path / "file").unlink()
    with pytest.raises(ImproperlyConfigured, match=f"^{name}_FILE: cannot read"):
        load()


def test_what_is_no_secret_is_in_no_file(environment, tmp_path):
    (tmp_path / "file").write_text("https://cages.test")
    environment["BASE_URL_FILE"] = str(tmp_path / "file")
    assert load()["BASE_URL"] == ""


def test_a_bad_value_in_a_file_is_told_without_its_secret(environment, tmp_path):
    (tmp_path / "file").write_text("smtp//neurocage:hush@mail.test")
    environment["EMAIL_URL_FILE"] = str(tmp_path / "file")
    with pytest.raises(ImproperlyConfigured, match="^EMAIL_URL must look like") as refused:
        load()
    assert "hush" not in str(refused.value)


def test_the_secret_key_may_be_in_a_file(environment, tmp_path):
    (tmp_path / "key").write_text(f"{SECRET}\n")
    environment["SECRET_KEY_FILE"] = str(tmp_path / "key")
    assert load()["SECRET_KEY"] == SECRET


def test_a_key_that_is_given_wins_over_the_file(environment, tmp_path):
    environment |= {"SECRET_KEY": SECRET, "SECRET_KEY_FILE": str(tmp_path / "not there")}
    assert load()["SECRET_KEY"] == SECRET


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "must hold at least 32 characters"),
        (b"too short\n", "must hold at least 32 characters"),
        (b" " * 64, "must hold at least 32 characters"),
        (b"\xff\xfe" * 32, "must hold text"),
    ],
)
def test_a_file_without_a_usable_key_is_refused(environment, tmp_path, content, why):
    (tmp_path / "key").write_bytes(content)
    environment["SECRET_KEY_FILE"] = str(tmp_path / "key")
    with pytest.raises(ImproperlyConfigured) as refused:
        load()
    assert str(refused.value) == f"SECRET_KEY_FILE: {tmp_path}/key {why}."


def test_the_address_of_redis_may_be_in_a_file_and_a_given_one_wins(environment, tmp_path):
    environment["REDIS_URL_FILE"] = str(tmp_path / "url")
    with pytest.raises(ImproperlyConfigured, match="^REDIS_URL_FILE: cannot read"):
        load()
    (tmp_path / "url").write_text("redis://:hush@redis:6379/0\n")
    assert load()["CELERY_BROKER_URL"] == "redis://:hush@redis:6379/0"
    environment["REDIS_URL"] = "redis://elsewhere:6379/0"
    assert load()["REDIS_URL"] == "redis://elsewhere:6379/0"


# stack.env: what a running `make up` wrote


def test_what_a_running_stack_wrote_is_read(environment, tmp_path):
    (tmp_path / "stack.env").write_text(
        "# comment=no\nDATABASE_URL=postgresql://u:p=q@127.0.0.1:5433/neurocage\n\nnonsense\n"
        f"SENSOR_API_URL=http://127.0.0.1:4000\nSECRET_KEY={SECRET}\n"
    )
    values = load()
    assert values["DATABASES"]["default"]["PASSWORD"] == "p=q"
    assert values["SENSOR_API_URL"] == "http://127.0.0.1:4000"
    assert values["SECRET_KEY"] == SECRET
    assert "# comment" not in environment


def test_what_is_set_wins_over_what_a_running_stack_wrote(environment, tmp_path):
    (tmp_path / "stack.env").write_text(
        "REDIS_URL=redis://127.0.0.1:1111/0\nSENSOR_API_URL=http://127.0.0.1:1111\n"
    )
    environment["REDIS_URL"] = "redis://127.0.0.1:2222/0"
    values = load()
    assert values["REDIS_URL"] == "redis://127.0.0.1:2222/0"
    assert values["SENSOR_API_URL"] == "http://127.0.0.1:1111"


def test_a_file_that_is_set_wins_over_what_a_running_stack_wrote(environment, tmp_path):
    (tmp_path / "stack.env").write_text("REDIS_URL=redis://127.0.0.1:1111/0\n")
    (tmp_path / "file").write_text("redis://127.0.0.1:2222/0")
    environment["REDIS_URL_FILE"] = str(tmp_path / "file")
    assert load()["REDIS_URL"] == "redis://127.0.0.1:2222/0"


def test_the_names_that_were_taken_are_told(environment, tmp_path):
    (tmp_path / "stack.env").write_text("REDIS_URL=redis://a:1\nDATABASE_URL=postgresql://b/c\n")
    environment["REDIS_URL"] = ""
    assert env.load_stack_file(tmp_path) == ["DATABASE_URL"]


def test_without_a_running_stack_nothing_is_taken(tmp_path):
    assert env.load_stack_file(tmp_path) == []
    assert env.load_stack_file(tmp_path / "not" / "there") == []
