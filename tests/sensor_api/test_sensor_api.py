"""The sensor simulator: its contract, its settings, its faults, its server."""

import os
import re
import socket
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from sensor_api import create_app
from sensor_api.config import SETTINGS, SettingsError, read_settings
from sensor_api.connection import Connection
from sensor_api.faults import MOST_FAULTS
from sensor_api.health import BAD, OK, PERFECT
from sensor_api.misbehaviour import FAULTS

ROOT = Path(__file__).resolve().parents[2]
NOON = datetime(2024, 3, 5, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _no_sensor_settings_in_the_environment(monkeypatch):
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)


class Simulator:
    """The app with a clock that stands still and sleeps that only count."""

    def __init__(self, now=NOON, **config):
        self.now = now
        self.sleeps = []
        self.app = create_app({"CLOCK": lambda: self.now, "SLEEP": self.sleeps.append, **config})
        self.client = self.app.test_client()

    def ask(self, cage_id=7):
        return self.client.get(f"/data/{cage_id}/")


# What it answers


def test_a_working_sensor_says_its_cage_and_a_health():
    answer = Simulator(SENSOR_FAILURE_RATE=0).ask(7)
    assert answer.status_code == 200
    assert answer.content_type == "application/json"
    assert answer.json == {"cage_id": 7, "status": answer.json["status"]}
    assert answer.json["status"] in {BAD, OK, PERFECT}


def test_a_failing_sensor_says_503_and_no_health():
    answer = Simulator(SENSOR_FAILURE_RATE=1).ask(7)
    assert answer.status_code == 503
    assert answer.json == {"cage_id": 7, "status": "N/A"}


@pytest.mark.parametrize("cage_id", [0, 1, 999_999, 2**63])
def test_any_cage_id_gives_an_answer(cage_id):
    assert Simulator(SENSOR_FAILURE_RATE=0).ask(cage_id).json["cage_id"] == cage_id


def test_a_quarter_of_the_calls_fail_and_latency_is_uniform_from_one_to_three_seconds():
    simulator = Simulator()
    statuses = Counter(simulator.ask(n).status_code for n in range(2000))
    assert set(statuses) == {200, 503}
    assert statuses[503] / 2000 == pytest.approx(0.25, abs=0.04)  # 4 sigma
    assert len(simulator.sleeps) == 2000
    assert all(1 <= seconds <= 3 for seconds in simulator.sleeps)
    quarters = Counter(int((seconds - 1) / 0.5) for seconds in simulator.sleeps)
    assert all(quarters[n] == pytest.approx(500, abs=80) for n in range(4))


def test_latency_and_failures_repeat_from_the_seed():
    def run(seed):
        simulator = Simulator(SENSOR_SEED=seed)
        return [simulator.ask(n).status_code for n in range(50)], simulator.sleeps

    assert run(5) == run(5)
    assert run(5) != run(6)


def test_the_health_check_answers_at_once():
    simulator = Simulator(SENSOR_FAILURE_RATE=1)
    answer = simulator.client.get("/healthz")
    assert (answer.status_code, answer.json, simulator.sleeps) == (200, {"status": "ok"}, [])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/data/mouse/", 404),
        ("GET", "/data/-1/", 404),
        ("POST", "/data/7/", 405),
        ("GET", "/faults/7/", 405),
    ],
)
def test_errors_are_json(method, path, status):
    answer = Simulator().client.open(path, method=method)
    assert answer.status_code == status
    assert answer.json["error"]
    assert ("Allow" in answer.headers) == (status == 405)


# Settings


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("SENSOR_FAILURE_RATE", "1.1", "from 0 to 1"),
        ("SENSOR_FAILURE_RATE", "often", "must be a number"),
        ("SENSOR_FAILURE_RATE", "nan", "must be a number"),
        ("SENSOR_LATENCY_MIN_SECONDS", "-1", "from 0 to 600"),
        ("SENSOR_LATENCY_MAX_SECONDS", "0.5", "must not be less than SENSOR_LATENCY_MIN_SECONDS=1"),
        ("SENSOR_SEED", "1.5", "whole number"),
        ("SENSOR_TIME_ZONE", "Mars/Olympus", "must be a time zone"),
        ("SENSOR_TIME_ZONE", "../etc/passwd", "must be a time zone"),
        ("SENSOR_LIGHTS_ON", "7", "time of day"),
        ("SENSOR_LIGHTS_ON", "24:00", "time of day"),
        ("SENSOR_LIGHTS_OFF", "07:30", "at least 60 minutes away from SENSOR_LIGHTS_ON=07:00"),
        ("SENSOR_SICK_CAGES", "3;8", "not a cage id"),
        ("SENSOR_FAULTS", "11", "not of the form 11=refuse"),
        ("SENSOR_FAULTS", "11=explode", "there is no fault 'explode'. Known: refuse, hang"),
        ("SENSOR_FAULTS", "11=hang,11=refuse", "given twice"),
    ],
)
def test_a_bad_setting_stops_the_start_and_says_why(monkeypatch, name, value, why):
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as problem:
        create_app()
    assert str(problem.value).startswith(f"{name}=")
    assert why in str(problem.value)


def test_settings_come_from_the_environment_and_the_mapping_wins():
    environ = {"SENSOR_SEED": "4", "SENSOR_FAILURE_RATE": "0.5", "SENSOR_API_URL": "not ours"}
    settings = read_settings({"SENSOR_SEED": 9}, environ)
    assert (settings.seed, settings.failure_rate) == (9, 0.5)


def test_an_empty_setting_means_its_default():
    assert read_settings({}, {"SENSOR_SEED": " "}) == read_settings({}, {})


def test_a_setting_that_does_not_exist_is_refused_in_the_mapping():
    with pytest.raises(SettingsError, match="SENSOR_FAILURERATE is not a setting"):
        create_app({"SENSOR_FAILURERATE": 0})


def test_the_readme_names_every_setting_and_every_fault():
    readme = (ROOT / "sensor_api" / "README.md").read_text()
    settings = dict(re.findall(r"^\| `(SENSOR_\w+)` \| ?`?([^`|]*)`? ?\|", readme, re.M))
    assert settings == {name: default for name, (default, _) in SETTINGS.items()}
    faults = dict(re.findall(r"^\| `([a-z_]+)` \| (.+) \|$", readme, re.M))
    assert faults == {name: function.__doc__ for name, function in FAULTS.items()}


# Faults


def test_a_fault_is_set_shown_and_cleared_while_it_runs():
    simulator = Simulator(SENSOR_FAULTS="11=refuse", SENSOR_FAILURE_RATE=0)
    answer = simulator.client.put("/faults/7/", json={"fault": "error"})
    assert (answer.status_code, answer.json) == (200, {"cage_id": 7, "fault": "error"})
    assert simulator.ask(7).status_code == 500
    assert simulator.ask(8).status_code == 200

    shown = simulator.client.get("/faults/").json
    assert shown["faults"] == {"7": "error", "11": "refuse"}
    assert set(shown["known"]) == set(FAULTS)

    for _ in range(2):  # clearing a sound cage is no error
        answer = simulator.client.delete("/faults/7/")
        assert (answer.status_code, answer.json) == (200, {"cage_id": 7, "fault": None})
    assert simulator.ask(7).status_code == 200


def test_a_fault_may_be_sent_as_curl_sends_it():
    simulator = Simulator()
    body = {"data": '{"fault": "hang"}', "content_type": "application/x-www-form-urlencoded"}
    assert simulator.client.put("/faults/7/", **body).status_code == 200


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("", "send JSON of the form"),
        ("hang", "send JSON of the form"),
        ("[]", "send JSON of the form"),
        ('{"fault": "hang", "for": 5}', "send JSON of the form"),
        ('{"fault": "explode"}', "there is no fault 'explode'. Known: refuse, hang"),
        ('{"fault": null}', "there is no fault None"),
        ('{"fault": ["hang"]}', "there is no fault ['hang']"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_with_a_reason(body, why):
    simulator = Simulator()
    answer = simulator.client.put("/faults/7/", data=body)
    assert answer.status_code == 400
    assert why in answer.json["error"]
    assert simulator.client.get("/faults/").json["faults"] == {}


def test_a_fault_in_a_long_body_or_for_a_long_id_is_refused():
    client = Simulator().client
    assert client.put("/faults/7/", data='{"fault": "%s"}' % ("x" * 1000)).status_code == 413
    assert client.put(f"/faults/{10**30}/", json={"fault": "hang"}).status_code == 400


def test_the_number_of_faults_is_bounded():
    faults = ",".join(f"{cage}=error" for cage in range(MOST_FAULTS))
    client = Simulator(SENSOR_FAULTS=faults).client
    answer = client.put("/faults/5000/", json={"fault": "hang"})
    assert answer.status_code == 400
    assert "1000 cages have a fault already" in answer.json["error"]
    assert client.put("/faults/5/", json={"fault": "hang"}).status_code == 200  # has one already
    with pytest.raises(SettingsError, match="at most 1000"):
        Simulator(SENSOR_FAULTS=faults + ",5000=error")


@pytest.mark.parametrize("fault", ["refuse", "hang", "drip"])
def test_a_cut_connection_is_no_answer(fault):
    simulator = Simulator(SENSOR_FAULTS=f"7={fault}")
    with pytest.raises(ConnectionResetError):
        _ = simulator.ask(7).data
    assert sum(simulator.sleeps) == (0 if fault == "refuse" else 600)


def test_a_hanging_call_ends_when_the_simulator_stops():
    simulator = Simulator(SENSOR_FAULTS="7=hang")
    simulator.app.extensions["sensor_api"].stop()
    with pytest.raises(ConnectionResetError):
        simulator.ask(7)
    assert simulator.sleeps == []


def test_a_usual_call_is_answered_early_when_the_simulator_stops():
    latency = {"SENSOR_LATENCY_MIN_SECONDS": 600, "SENSOR_LATENCY_MAX_SECONDS": 600}
    app = create_app({"SENSOR_FAILURE_RATE": 0, **latency})
    app.extensions["sensor_api"].stop()
    # Otherwise this would take ten minutes.
    assert app.test_client().get("/data/7/").status_code == 200


def test_a_slow_sensor_answers_late():
    simulator = Simulator(SENSOR_FAULTS="7=slow", SENSOR_FAILURE_RATE=0)
    assert simulator.ask(7).json["cage_id"] == 7
    assert sum(simulator.sleeps) == 15


@pytest.mark.parametrize(
    ("fault", "status", "body"),
    [
        ("unavailable", 503, r'\{"cage_id":7,"status":"N/A"\}\n'),
        ("error", 500, r'\{"error":".+"\}\n'),
        ("redirect", 302, r"(?s).*"),
        ("malformed", 200, r'\{"cage_id": 7, "sta'),
        ("wrong_id", 200, r'\{"cage_id":8,"status":[123]\}\n'),
        ("bad_status", 200, r'\{"cage_id":7,"status":4\}\n'),
        ("huge", 200, r'\{"cage_id": 7, "status": [123]\} {1048576}'),
    ],
)
def test_a_wrong_answer_comes_in_the_usual_time(fault, status, body):
    simulator = Simulator(SENSOR_FAULTS=f"7={fault}", SENSOR_FAILURE_RATE=0)
    answer = simulator.ask(7)
    assert answer.status_code == status
    assert re.fullmatch(body, answer.text)
    assert len(simulator.sleeps) == 1


def test_a_connection_knows_when_its_client_has_gone():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        connection = Connection({"gunicorn.socket": ours})
        assert connection.is_open()
        theirs.close()
        assert not connection.is_open()
    assert Connection({}).is_open()


# The real server

GUNICORN = (
    *(sys.executable, "-m", "gunicorn", "-c", "sensor_api/gunicorn.conf.py"),
    *("sensor_api.wsgi:app", "--log-level", "warning"),
)


@pytest.fixture
def server():
    """The simulator under gunicorn, quick to answer. Gives its URL and its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(  # noqa: S603
        [*GUNICORN, "--bind", f"127.0.0.1:{port}"],
        cwd=ROOT,
        env={
            **os.environ,
            "SENSOR_FAILURE_RATE": "0",
            "SENSOR_LATENCY_MIN_SECONDS": "0.01",
            "SENSOR_LATENCY_MAX_SECONDS": "0.02",
            "SENSOR_FAULTS": "12=hang",
        },
    )
    try:
        yield f"http://127.0.0.1:{port}", process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def test_it_answers_and_stops_under_gunicorn(server):
    url, process = server
    with requests.Session() as session:
        session.trust_env = False
        for _ in range(2000):  # 100 s, for a busy machine
            try:
                assert session.get(f"{url}/healthz", timeout=60).status_code == 200
                break
            except requests.ConnectionError:
                assert process.poll() is None
                time.sleep(0.05)

        answer = session.get(f"{url}/data/7/", timeout=60)
        assert (answer.status_code, answer.json()["cage_id"]) == (200, 7)
        assert answer.headers["Connection"] == "keep-alive"

        with socket.create_connection(url.removeprefix("http://").split(":")) as hanging:
            hanging.sendall(b"GET /data/12/ HTTP/1.1\r\nHost: sensor\r\n\r\n")
            session.get(f"{url}/data/7/", timeout=60)  # by now the other is hanging
            process.terminate()
            assert process.wait(timeout=60) == 0
            # A worker that gunicorn had to kill would leave an ordinary end of the connection.
            with pytest.raises(ConnectionResetError):
                hanging.recv(1)


def test_a_bad_setting_stops_gunicorn_with_one_line():
    server = subprocess.run(  # noqa: S603
        [*GUNICORN, "--bind", "127.0.0.1:0"],
        cwd=ROOT,
        env={**os.environ, "SENSOR_SEED": "lucky"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert server.returncode == 1
    assert server.stderr == (
        "sensor_api: SENSOR_SEED='lucky': must be a whole number of at most 18 digits\n"
    )
