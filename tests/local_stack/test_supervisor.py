"""Child processes that are started, recorded, restarted and stopped, for real."""

import json
import os
import signal

import pytest

from local_stack.processes import StackError, stop_leftovers
from local_stack.supervisor import Supervisor
from tests.processes import a_child, until


def test_the_next_run_stops_what_was_recorded_but_no_stranger(tmp_path, started):
    ours, stranger = (a_child(tmp_path, "time.sleep(60)", name) for name in ("ours", "stranger"))
    for child in (ours, stranger):
        started.append(child)
        child.start()
    facts = json.loads(stranger.record.read_text())
    stranger.record.write_text(json.dumps(facts | {"created": facts["created"] - 3600}))
    assert stop_leftovers([ours.record, stranger.record]) == ["ours"]
    assert not ours.is_alive()
    assert stranger.is_alive()
    assert not list(tmp_path.glob("*.process"))


def test_the_next_run_kills_what_does_not_listen(tmp_path, started):
    deaf = a_child(
        tmp_path, "signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    )
    started.append(deaf)
    deaf.start()
    until(lambda: deaf.log.read_text())
    stop_leftovers([deaf.record], seconds=0.2)
    until(lambda: not deaf.is_alive())


def test_a_log_that_has_grown_is_put_aside_once(tmp_path, started):
    child = a_child(tmp_path, "print('new')")
    child.log.write_bytes(b"old\n" * 1_500_000)
    child.start()
    until(lambda: not child.is_alive())
    assert child.log.read_text() == "new\n"
    assert (tmp_path / "child.log.1").read_bytes().startswith(b"old")


def test_a_killed_child_is_started_again(tmp_path, started):
    lines = []
    supervisor = Supervisor(lines.append)
    child = a_child(tmp_path, "time.sleep(60)")
    started.append(child)
    child.start()
    first = child.pid
    supervisor.watch(child, stage=0)
    os.kill(first, signal.SIGKILL)
    until(lambda: supervisor.check() or (child.is_alive() and child.pid != first))
    assert "child ended (killed by SIGKILL); starting it again in 0.5 s" in lines[0]


def test_a_child_that_keeps_dying_ends_everything_and_is_named(tmp_path):
    clock = [0.0]
    supervisor = Supervisor(lambda line: None, now=lambda: clock[0])
    child = a_child(tmp_path, "print('no such table'); sys.exit(3)", name="worker")
    child.start()
    supervisor.watch(child, stage=0)

    def keep_going():
        for _ in range(20):
            until(lambda: not child.is_alive())
            supervisor.check()
            clock[0] += 8
            supervisor.check()

    with pytest.raises(StackError) as caught:
        keep_going()
    assert "worker ended 6 times within 60 s (the last time: exit code 3" in str(caught.value)
    assert "no such table" in str(caught.value)
    assert caught.value.args[0].count("no such table") == 6
    child.stop()


def test_a_child_that_dies_now_and_then_is_kept_going(tmp_path):
    clock = [0.0]
    supervisor = Supervisor(lambda line: None, now=lambda: clock[0])
    child = a_child(tmp_path, "")
    child.start()
    supervisor.watch(child, stage=0)
    for _ in range(8):
        until(lambda: not child.is_alive())
        supervisor.check()
        clock[0] += 20
        supervisor.check()
    child.stop()


def test_it_stops_stage_after_stage_and_kills_who_does_not_listen(tmp_path, monkeypatch):
    monkeypatch.setattr("local_stack.supervisor.STOP_SECONDS_PER_STAGE", 3)
    lines, order = [], tmp_path / "order"
    supervisor = Supervisor(lines.append)
    polite = (
        f"def end(*_): open({str(order)!r}, 'a').write(sys.argv[1] + ' '); sys.exit()\n"
        "signal.signal(15, end); print(1, flush=True); time.sleep(60)"
    )
    deaf = "signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    children = []
    for name, stage, code in (
        ("last", 0, polite),
        ("deaf", 1, deaf),
        ("middle", 1, polite),
        ("first", 2, polite),
    ):
        child = a_child(tmp_path, code, name)
        child.argv.append(name)
        child.start()
        supervisor.watch(child, stage)
        children.append(child)
    until(lambda: all(child.log.read_text() for child in children))
    supervisor.stop()
    assert order.read_text() == "first middle last "
    assert [line.partition(" within")[0] for line in lines] == ["deaf did not stop"]
    assert not any(child.is_alive() for child in children)
