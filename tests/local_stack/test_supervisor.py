"""Child processes that are started, recorded, restarted and stopped, for real."""

import json
import os
import signal

from local_stack.processes import stop_leftovers
from local_stack.supervisor import Supervisor
from tests.processes import a_child, wait_for


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
    wait_for(lambda: deaf.log.read_text())
    stop_leftovers([deaf.record], seconds=0.2)
    wait_for(lambda: not deaf.is_alive())


def test_a_log_that_has_grown_is_put_aside_once(tmp_path, started):
    child = a_child(tmp_path, "print('new')")
    child.log.write_bytes(b"old\n" * 1_500_000)
    child.start()
    wait_for(lambda: not child.is_alive())
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
    wait_for(lambda: supervisor.check() or (child.is_alive() and child.pid != first))
    assert "child ended (killed by SIGKILL); starting it again in 0.5 s" in lines[0]


def test_a_child_that_keeps_dying_is_started_again_with_growing_pauses(tmp_path):
    clock, lines = [0.0], []
    supervisor = Supervisor(lines.append, now=lambda: clock[0])
    child = a_child(tmp_path, "print('POLL_SHARD_SIZE must be a number'); sys.exit(3)", "worker")
    child.start()
    supervisor.watch(child, stage=0)

    def die(seconds):
        """Wait for its end and go on by so many seconds. Returns the pause that was said."""
        wait_for(lambda: not child.is_alive())
        supervisor.check()
        clock[0] += seconds
        supervisor.check()
        return float(lines[-1].partition("again in ")[2].partition(" s")[0])

    assert [die(60) for _ in range(9)] == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]
    assert lines[-1].startswith("worker ended (exit code 3); starting it again in 60 s. Its log: ")
    assert lines[-1].endswith("POLL_SHARD_SIZE must be a number")
    wait_for(lambda: not child.is_alive())
    clock[0] += 301
    assert die(0) == 0.5
    child.stop()


def test_a_child_that_cannot_be_started_again_is_tried_later(tmp_path, started):
    clock, lines, full = [0.0], [], [False]

    def before_start():
        if full[0]:
            raise OSError("No space left on device")

    supervisor = Supervisor(lines.append, now=lambda: clock[0])
    child = a_child(tmp_path, "", before_start=before_start)
    started.append(child)
    child.start()
    supervisor.watch(child, stage=0)
    wait_for(lambda: not child.is_alive())
    first = child.pid
    for full[0] in (True, True, False):
        supervisor.check()
        clock[0] += 60
    assert "it cannot be started" in lines[-1]
    assert "No space left on device" in lines[-1]
    assert child.pid != first
    assert supervisor.deaths(child) == 2


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
    wait_for(lambda: all(child.log.read_text() for child in children))
    supervisor.stop()
    assert order.read_text() == "first middle last "
    assert [line.partition(" within")[0] for line in lines] == ["deaf did not stop"]
    assert not any(child.is_alive() for child in children)
