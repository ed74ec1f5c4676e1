"""docker-compose.yml, Dockerfile and their scripts, as far as they can be proven without Docker."""

import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import redis
import yaml

from local_stack import programs
from local_stack.embedded import EmbeddedValkey
from local_stack.ports import free_port
from tests.processes import wait_for
from tests.web import web_on

PROJECT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
DOCKERFILE = (PROJECT / "Dockerfile").read_text()
ONE_SHOTS = {"migrate", "secrets"}
# Official images have no vendor in their name; TimescaleDB's own is the exception.
PINNED = re.compile(r"(timescale/)?[a-z]+:\d+\.\d+[a-z0-9.-]*(@sha256:[0-9a-f]{64})?")


def dockerfile_of(service):
    """The text of the Dockerfile that the service is built from, up to the end of its stage."""
    build = SERVICES[service].get("build", {})
    if isinstance(build, str):
        return (PROJECT / build / "Dockerfile").read_text()
    return dockerfile_stage(build.get("target"))


def dockerfile_stage(target):
    """The text of one stage of the Dockerfile."""
    stages = re.split(r"(?m)^(?=FROM )", DOCKERFILE)
    return next((stage for stage in stages if f" AS {target}\n" in stage), "")


def instructions(text, name):
    """The arguments of each instruction of that name."""
    return re.findall(rf"(?m)^{name} +(.*)$", text)


def run(*arguments, env, cwd=PROJECT):
    """Run Python with these arguments to its end; its exit code, and its errors if it failed."""
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    return done.returncode, done.returncode and done.stderr


# docker-compose.yml


def test_only_nginx_can_be_reached():
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["nginx"]
    assert SERVICES["nginx"]["ports"] == ["${HTTP_PORT:-80}:8080"]
    assert not [s for s in SERVICES.values() if s.get("network_mode", "none") != "none"]


def test_web_answers_only_to_names_that_somebody_gave():
    # Without them it learns its name at the set-up.
    assert SERVICES["web"]["environment"]["ALLOWED_HOSTS"] == "${ALLOWED_HOSTS:-}"
    assert COMPOSE["x-notices"]["BASE_URL"] == "${BASE_URL:-}"


def test_the_servers_are_on_networks_without_a_way_out():
    internal = {name for name, one in COMPOSE["networks"].items() if one == {"internal": True}}
    for name in ("redis", "timescaledb", "sensor-api"):
        assert set(SERVICES[name]["networks"]) <= internal, name


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_a_health_check_or_ends(name):
    service = SERVICES[name]
    if name in ONE_SHOTS:
        assert service["restart"] == "no"
        assert "healthcheck" not in service
    else:
        assert service["restart"] == "unless-stopped"
        assert "healthcheck" in service or instructions(dockerfile_of(name), "HEALTHCHECK")


def test_services_wait_for_health_and_for_the_end_of_one_shots():
    for name, service in SERVICES.items():
        for other, wait in service.get("depends_on", {}).items():
            ends = wait["condition"] == "service_completed_successfully"
            assert ends == (other in ONE_SHOTS), f"{name} waits for {other}"
    assert "migrate" in SERVICES["web"]["depends_on"]
    assert "migrate" in SERVICES["worker"]["depends_on"]
    assert "secrets" in SERVICES["timescaledb"]["depends_on"]


def test_an_upgrade_leaves_the_entrance_and_the_servers_running():
    # nginx shows the page about starting, so it must not wait for what is being started.
    assert "depends_on" not in SERVICES["nginx"]
    # Compose makes a container anew together with what it depends on.
    builds = {name: one["build"] for name, one in SERVICES.items() if "build" in one}
    changed = {name for name, build in builds.items() if "target: app" in yaml.dump(build)}
    assert {"web", "worker", "welfare", "poller", "beat", "migrate"} == changed
    for name in ("timescaledb", "redis"):
        assert not changed & set(SERVICES[name].get("depends_on", {})), name
    # The image of the secrets holds nothing that an upgrade changes.
    copied = instructions(dockerfile_of("secrets"), "COPY")
    assert copied == ["docker/make-secrets.sh docker/make-secrets.sh"]
    assert "COPY" not in dockerfile_stage("base")


def test_the_service_that_makes_the_secrets_may_write_them():
    # A new volume takes the owner of the folder of the image that it is mounted on.
    made = re.findall(r"install -d -o neurocage .* (/\S+)", dockerfile_stage("base"))
    assert made == [volume.split(":")[1] for volume in SERVICES["secrets"]["volumes"]]


def test_images_are_pinned():
    built_on = instructions(DOCKERFILE, "FROM")
    built_on += instructions(dockerfile_of("sensor-api"), "FROM")
    images = [line.split(" AS ")[0] for line in built_on if not line.startswith("base ")]
    images += [service["image"] for service in SERVICES.values() if "image" in service]
    assert "python:3.11-slim-bookworm" in images
    assert not [image for image in images if not PINNED.fullmatch(image)]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_runs_with_no_more_rights_than_it_needs(name):
    service = SERVICES[name]
    users = instructions(dockerfile_of(name), "USER")
    user = service.get("user", users[-1] if users else "root")
    assert user.partition(":")[0] not in {"", "0", "root"}
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}


def test_only_those_who_need_a_secret_see_it():
    mounts = {
        (name, volume.split(":")[0], volume.endswith(":ro"))
        for name, service in SERVICES.items()
        for volume in service.get("volumes", [])
        if "secrets" in volume
    }
    assert mounts == {
        ("secrets", "app-secrets", False),
        ("secrets", "database-secrets", False),
        ("secrets", "redis-secrets", False),
        ("timescaledb", "database-secrets", True),
        ("migrate", "database-secrets", True),
        *((name, "app-secrets", True) for name in ("migrate", "web", "worker", "welfare")),
        *(
            (name, "redis-secrets", True)
            for name in ("migrate", "web", "worker", "welfare", "poller", "beat", "redis")
        ),
    }


def test_no_file_holds_a_secret():
    variables = {
        (name, value)
        for service in SERVICES.values()
        for name, value in service.get("environment", {}).items()
    }
    for name, value in variables:
        if re.search("SECRET|PASSWORD|PASSFILE|TOKEN", name):
            assert value.startswith("/") or value == f"${{{name}:-}}", name
        assert not re.search(r"://[^/@]*:[^/@]+@", value), name
    for line in instructions(DOCKERFILE, "ENV") + instructions(DOCKERFILE, "ARG"):
        assert not re.search("(?i)secret|password|key|token", line)


def test_each_variable_has_a_default_and_is_in_env_example():
    text = (PROJECT / "docker-compose.yml").read_text()
    named = set(re.findall(r"(?<!\$)\$\{?([A-Z][A-Z_]*)", text))
    assert named == set(re.findall(r"\$\{([A-Z_]+):-[^}]*\}", text))
    example = re.findall(r"(?m)^#([A-Z_]+)=", (PROJECT / ".env.example").read_text())
    assert named <= set(example)


def test_the_stack_refuses_plain_postgresql():
    for name in ("web", "worker", "migrate"):
        assert SERVICES[name]["environment"]["REQUIRE_TIMESCALEDB"] == "1"
    commands = (
        *("migrate --noinput", "setup_storage --layout-only", "check --database default"),
        "setup_code",
    )
    run_in_order = " && ".join(f"python manage.py {command}" for command in commands)
    assert shlex.split(SERVICES["migrate"]["command"]) == ["sh", "-c", run_in_order]


def test_the_processes_are_those_of_make_up():
    stack = (PROJECT / "local_stack/up.py").read_text()
    commands = {name: getattr(programs, name)() for name in ("beat", "worker", "welfare", "poller")}
    for name in commands:
        assert stack.count(f"programs.{name}(") == 1
    web = programs.gunicorn("neurocage/gunicorn.conf.py", 8000, "neurocage.wsgi")
    # Only here another container has to reach it.
    commands["web"] = [part.replace("127.0.0.1", "0.0.0.0") for part in web]  # noqa: S104
    for name, command in commands.items():
        assert shlex.split(SERVICES[name]["command"]) == ["python", *command[1:]], name
    image_command = json.loads(instructions(dockerfile_of("web"), "CMD")[0])
    assert image_command == ["python", *commands["web"][1:]]


# The images


def is_sent(path):
    """Whether .dockerignore lets a file of the project into a build: the last match counts."""
    sent = True
    folders = [str(path), *(str(folder) for folder in Path(path).parents)]
    for pattern in (PROJECT / ".dockerignore").read_text().splitlines():
        if not pattern or pattern.startswith("#"):
            continue
        glob = re.escape(pattern.lstrip("!")).replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
        if any(re.fullmatch(glob, folder) for folder in folders):
            sent = pattern.startswith("!")
    return sent


def test_the_dockerfile_uses_plain_features_only():
    assert "# syntax" not in DOCKERFILE
    assert "<<" not in DOCKERFILE
    assert "--mount" not in DOCKERFILE
    assert "lock=requirements.lock; fi" in DOCKERFILE
    assert '--require-hashes -r "$lock"' in DOCKERFILE


def test_nothing_private_gets_into_an_image():
    for path in (".env", ".state/secret_key", ".git/config", "docker-compose.yml", ".venv/x.py"):
        assert not is_sent(path), path
    for path in ("node_modules/x.css", "tests/x.py", "cages/__pycache__/x.pyc", "staticfiles/x"):
        assert not is_sent(path), path


def test_what_the_dockerfile_copies_is_there():
    for line in instructions(DOCKERFILE, "COPY"):
        *sources, _ = line.split()
        for source in [] if sources[0].startswith("--from") else sources:
            assert (PROJECT / source).exists()
            assert source == "." or is_sent(source), source


def test_the_image_can_be_built_from_what_is_sent_to_the_build(tmp_path):
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.check_output(listing, cwd=PROJECT, text=True)
    for path in filter(is_sent, listed.splitlines()):
        if (PROJECT / path).exists():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / path, tmp_path / path)
    (tmp_path / "node_modules").symlink_to(PROJECT / "node_modules")
    collect = instructions(DOCKERFILE, "RUN python")[0]
    load = "import neurocage.urls; from neurocage.celery import app; app.loader.init_worker()"
    load = f"import django; django.setup(); {load}"
    # As at the build: no secret and no database.
    environment = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    environment["DJANGO_SETTINGS_MODULE"] = "neurocage.settings"
    for arguments in (shlex.split(collect), ["-c", load]):
        assert run(*arguments, env=environment, cwd=tmp_path) == (0, 0)
    assert (tmp_path / "staticfiles/staticfiles.json").exists()


# The scripts


def make_secrets(folder):
    """Run the script as the container does; returns the content of each secret."""
    folders = [folder / "app-secrets", folder / "database-secrets", folder / "redis-secrets"]
    for one in folders:
        one.mkdir(parents=True, exist_ok=True)
    subprocess.run(["sh", PROJECT / "docker/make-secrets.sh", *folders], check=True)
    return {
        f"{one.name}/{file.name}": file.read_text().strip()
        for one in folders
        for file in one.iterdir()
    }


def test_it_makes_secrets_once(tmp_path):
    first = make_secrets(tmp_path / "here")
    key = first.pop("app-secrets/secret_key")
    database = first.pop("database-secrets/password")
    redis = first.pop("redis-secrets/password")
    running = first.pop("app-secrets/database_password")
    secrets = (key, database, redis, running)
    assert all(re.fullmatch("[0-9a-f]{64}", secret) for secret in secrets)
    assert len(set(secrets)) == 4
    there = "timescaledb:5432/neurocage"
    assert first == {
        "app-secrets/database_url": f"postgresql://neurocage_app:{running}@{there}",
        "database-secrets/owner_url": f"postgresql://neurocage:{database}@{there}",
        "redis-secrets/redis.conf": f"requirepass {redis}",
        "redis-secrets/url": f"redis://:{redis}@redis:6379/0",
    }
    first = make_secrets(tmp_path / "here")
    assert make_secrets(tmp_path / "here") == first
    elsewhere = make_secrets(tmp_path / "elsewhere")
    assert not set(elsewhere.values()) & set(first.values())


def test_it_repairs_a_start_that_was_cut_short(tmp_path):
    (tmp_path / "app-secrets").mkdir()
    (tmp_path / "app-secrets/secret_key").touch()
    assert len(make_secrets(tmp_path)["app-secrets/secret_key"]) == 64


def test_secrets_are_for_their_readers_only(tmp_path):
    make_secrets(tmp_path)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.glob("*/*")}
    own = dict.fromkeys(("secret_key", "database_password", "database_url", "owner_url"), 0o400)
    assert modes == own | dict.fromkeys(("password", "redis.conf", "url"), 0o440)


@pytest.mark.parametrize(("name", "start"), [("web", "wsgi"), ("poller", "celery")])
def test_a_process_starts_with_the_environment_of_its_service(tmp_path, name, start):
    make_secrets(tmp_path)
    environment = {
        variable: re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", value).replace(
            "/var/lib/neurocage", str(tmp_path)
        )
        for variable, value in SERVICES[name]["environment"].items()
    }
    environment |= {"PATH": os.environ["PATH"], "STATE_DIR": str(tmp_path)}
    assert run("-c", f"import neurocage.{start}", env=environment) == (0, 0)


def health_check(name, redis_url):
    """The exit code of the service's health check, with the Redis of that address."""
    kind, *command = SERVICES[name]["healthcheck"]["test"]
    assert (kind, command[0]) == ("CMD", "python")
    return run(*command[1:], env=os.environ | {"REDIS_URL": redis_url})[0]


@pytest.fixture
def valkey(tmp_path):
    server = EmbeddedValkey(tmp_path / "valkey", durable=False).start()
    yield server
    server.stop()


def test_beat_is_healthy_once_it_has_sent_something(valkey):
    assert health_check("beat", valkey.url) == 1
    with redis.from_url(valkey.url) as beat:
        beat.lpush("slots", "a message")
        assert health_check("beat", valkey.url) == 0


def test_a_worker_is_healthy_while_it_answers(valkey, tmp_path):
    command = shlex.split(SERVICES["poller"]["command"])
    with (tmp_path / "worker.log").open("w") as log:
        worker = subprocess.Popen(
            [sys.executable, *command[1:]],
            cwd=PROJECT,
            env=os.environ | {"REDIS_URL": valkey.url},
            stdout=log,
            stderr=log,
        )
    try:
        with redis.from_url(valkey.url) as client:
            # It has asked for messages, so it is past its start.
            assert wait_for(lambda: any(c["cmd"] == "brpop" for c in client.client_list()))
        assert health_check("poller", valkey.url) == 0
    finally:
        worker.terminate()
        worker.wait(60)


@pytest.mark.parametrize(("status", "exit_code"), [(200, 0), (500, 1)])
def test_web_is_healthy_when_it_says_so(status, exit_code):
    *start, script = SERVICES["web"]["healthcheck"]["test"][1:]
    assert start == ["python", "-c"]
    port = free_port()
    here = script.replace("127.0.0.1:8000", f"127.0.0.1:{port}")
    assert here != script
    with web_on(port, status) as asked:
        assert run("-c", here, env=os.environ)[0] == exit_code
    assert asked == [("/healthz", "localhost")]
