"""Secrets in files with Docker Compose: what mounts them, and what docs/operate.md says."""

import json
import os
import re
import subprocess
import sys

import pytest
import yaml

from neurocage import env
from tests.neurocage.starting import PROJECT, SECRET

SERVICES = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())["services"]
FURTHER = yaml.safe_load((PROJECT / "docker-compose.secrets.yml").read_text())["services"]
PAPER = (PROJECT / "docs/operate.md").read_text().partition("### Secrets in files\n")[2]
# {NAME_FILE: where it is in a container}, as the document tells.
TOLD = dict(re.findall(r"(?m)^([A-Z_]+_FILE)=(/secrets/\S+)$", PAPER))
CONTENT = {
    "EMAIL_URL_FILE": "smtp://user:hush@mail.test:25",
    "HEARTBEAT_URL_FILE": "https://heartbeat.test/hush",
    "METRICS_TOKEN_FILE": SECRET,
    "OIDC_CLIENT_SECRET_FILE": "hush",
    "SENSOR_API_URL_FILE": "https://user:hush@sensors.test",
    # Nothing is sent there, because nothing fails.
    "SENTRY_DSN_FILE": "https://hush@sentry.test/1",
    "SETUP_CODE_FILE": "hush",
}
OURS = {"DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "SECRET_KEY"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_takes_each_of_its_secrets_from_a_file_too(name):
    given = set(SERVICES[name].get("environment", {}))
    assert {f"{one}_FILE" for one in given & env.SECRETS} <= given


def test_the_document_tells_of_each_secret_that_compose_does_not_make():
    assert set(TOLD) == set(CONTENT) == {f"{name}_FILE" for name in env.SECRETS - OURS}


def test_whoever_takes_a_secret_from_a_file_sees_it_and_may_not_write_it():
    takers = {
        name
        for name, service in SERVICES.items()
        if any(f"${{{file}" in str(service.get("environment", {}).get(file)) for file in TOLD)
    }
    assert set(FURTHER) == takers
    for service in FURTHER.values():
        (mount,) = service["volumes"]
        assert (mount["type"], mount["read_only"]) == ("bind", True)


@pytest.mark.parametrize("name", FURTHER)
def test_a_service_starts_with_the_files_that_it_sees(tmp_path, name):
    (mount,) = FURTHER[name]["volumes"]
    for file, path in TOLD.items():
        if path.startswith(f"{mount['target']}/"):
            here = tmp_path / path.lstrip("/")
            here.parent.mkdir(parents=True, exist_ok=True)
            here.write_text(CONTENT[file])
    given = {file: str(tmp_path / path.lstrip("/")) for file, path in TOLD.items()}
    given |= {"SECRET_KEY": SECRET, "DATABASE_URL": "postgresql://a:b@localhost/c"}
    given |= {"DATABASE_OWNER_URL": "postgresql://o:b@localhost/c", "REDIS_URL": "redis://redis:1"}
    given |= {"OIDC_SERVER_URL": "https://idp.test", "OIDC_CLIENT_ID": "neurocage"}
    environment = {
        variable: re.sub(
            r"\$\{([A-Z_]+):-([^}]*)\}", lambda found: given.get(found[1]) or found[2], value
        )
        for variable, value in SERVICES[name]["environment"].items()
    }
    program = (
        "import json; from neurocage.env import settings_or_exit; s = settings_or_exit();"
        "print(json.dumps([s.EMAIL_URL, s.HEARTBEAT_URL, s.METRICS_TOKEN, s.SETUP_CODE,"
        " s.OIDC.get('client_secret', ''), s.SENSOR_API_URL, s.SENTRY_DSN]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=PROJECT,
        env=environment
        | {"PATH": os.environ["PATH"], "STATE_DIR": str(tmp_path)}
        | {"DJANGO_SETTINGS_MODULE": "neurocage.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    expected = [
        CONTENT[f"{setting}_FILE"] if f"{setting}_FILE" in environment else ""
        for setting in (
            *("EMAIL_URL", "HEARTBEAT_URL", "METRICS_TOKEN", "SETUP_CODE", "OIDC_CLIENT_SECRET"),
            *("SENSOR_API_URL", "SENTRY_DSN"),
        )
    ]
    assert json.loads(done.stdout) == expected


def test_without_further_files_the_simulator_is_asked():
    default = SERVICES["poller"]["environment"]["SENSOR_API_URL_FILE"]
    file = re.fullmatch(r"\$\{SENSOR_API_URL_FILE:-(.*)\}", default)[1]
    assert (PROJECT / file).read_text() == "http://sensor-api:8080\n"
