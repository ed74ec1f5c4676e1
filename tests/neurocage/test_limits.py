"""Places: how many of one thing may run at the same time."""

import os
import runpy
import socket
import subprocess
import sys
import uuid

import pytest

from local_stack.config import BASE_DIR, child_environment
from neurocage import limits, wsgi
from neurocage.limits import EXPORTS, SENSOR_TESTS, Limit


@pytest.fixture
def limit():
    return Limit(f"test-{uuid.uuid4()}", each=2, in_all=3)


def test_a_person_has_some_places_and_all_people_have_some_more(limit):
    first, second = limit.take("ruth"), limit.take("ruth")
    assert limit.take("ruth") is None
    third = limit.take("stefan")
    assert limit.take("ada") is None
    first.release()
    first.release()
    fourth = limit.take("ada")
    assert all((second, third, fourth))
    assert limit.take("ruth") is None


def test_a_place_that_nobody_keeps_is_free_again(limit):
    for _ in range(5):
        assert limit.take("ruth")


def test_whoever_waits_gets_the_place_that_becomes_free(limit, monkeypatch):
    places = [limit.take("ruth"), limit.take("ruth")]
    monkeypatch.setattr("neurocage.limits.time.sleep", lambda seconds: places[0].release())
    with limit.taken("ruth", seconds=60) as is_free:
        assert is_free
    monkeypatch.undo()
    with limit.taken("ruth") as is_free:
        assert is_free


HOLD = """
import sys
from pathlib import Path
from neurocage import limits, wsgi
limits.FOLDER = Path(sys.argv[1])
limit = limits.Limit(sys.argv[2], each=2, in_all=3)
held = [limit.take("ruth"), limit.take("ruth")]
print(all(held), flush=True)
sys.stdin.read()
"""


def test_places_count_in_all_processes_and_end_with_theirs(limit):
    command = [sys.executable, "-c", HOLD, str(limits.FOLDER), limit.name]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, env=child_environment(), cwd=BASE_DIR, **pipes) as process:
        assert process.stdout.readline() == b"True\n"
        assert limit.take("ruth") is None
        process.kill()
        process.wait()
    assert limit.take("ruth")


def test_a_worker_that_ends_leaves_the_places_to_the_others(limit):
    limits._remove(maker=os.getppid())
    assert limit.take("ruth")


def test_the_folder_goes_with_the_process_that_made_it():
    code = "from neurocage import limits; print(limits.FOLDER)"
    told = subprocess.run(
        [sys.executable, "-c", code],
        env=child_environment(), cwd=BASE_DIR, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout.strip()
    assert not os.path.exists(told.stdout.strip())


def test_pages_have_threads_of_their_own(monkeypatch):
    monkeypatch.setattr(sys, "setswitchinterval", lambda seconds: None)
    found = runpy.run_path(str(BASE_DIR / "neurocage/gunicorn.conf.py"))
    assert found["threads"] - EXPORTS.in_all - SENSOR_TESTS.in_all == 8


def test_a_connection_on_which_nothing_moves_is_given_up(monkeypatch):
    monkeypatch.setattr(wsgi, "pages", lambda environ, start_response: [b"page"])
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert wsgi.application({"gunicorn.socket": ours}, None) == [b"page"]
        assert ours.gettimeout() == wsgi.SILENT_SECONDS
    assert wsgi.application({}, None) == [b"page"]
