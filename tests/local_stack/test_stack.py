"""`python -m local_stack`, the program behind `make up`, for real."""

import json
import os
import pty
import select
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil
import pytest

from local_stack import answers
from local_stack.lock import only_one
from local_stack.ports import free_port, kept_port
from local_stack.processes import StackError, lives
from tests.processes import PATIENCE, wait_for

pytestmark = pytest.mark.long
PROJECT = Path(__file__).resolve().parents[2]
ADDRESSES = ("DATABASE_URL", "REDIS_URL", "SENSOR_API_URL", "SECRET_KEY")


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


# The program, told to do what it cannot


# A busy machine may need longer for a clean stop than a person waits for it.
PATIENT = """
import sys
from local_stack import supervisor
supervisor.STOP_SECONDS, supervisor.STOP_SECONDS_PER_STAGE = 200, 60
from local_stack.__main__ import main
sys.exit(main())
"""


class Program:
    """`python -m local_stack`, in an environment that names no server; leave it stopped.

    is_patient: give everything as long to stop as it needs, within minutes.
    """

    def __init__(self, state_dir, is_patient=False, **variables):
        given = {*ADDRESSES, "BASE_URL"}
        clean = {name: value for name, value in os.environ.items() if name not in given}
        self.output = state_dir.with_name(f"{state_dir.name}-{time.monotonic_ns()}.out")
        with self.output.open("w") as output:
            self.popen = subprocess.Popen(
                [sys.executable, *(("-c", PATIENT) if is_patient else ("-m", "local_stack"))],
                stdout=output,
                stderr=output,
                cwd=PROJECT,
                env=clean | {"STATE_DIR": str(state_dir), "DEMO": "0"} | variables,
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.popen.terminate()
        self.popen.wait(PATIENCE)

    def said(self):
        return self.output.read_text()

    def wait_for(self, text):
        def has_said_it():
            assert self.popen.poll() is None, f"it ended: {self.said()}"
            return text in self.said()

        wait_for(has_said_it)

    def ends(self):
        """Wait for its end; returns the exit code."""
        return self.popen.wait(PATIENCE)


def refusal(state_dir, **variables):
    """What the program says when it ends by itself with exit code 1."""
    with Program(state_dir, **variables) as program:
        assert program.ends() == 1
    assert "Traceback" not in program.said()
    return program.said()


# Which values are bad, test_settings.py says.
@pytest.mark.parametrize(("name", "value"), [("PORT", "eighty"), ("STATE_DIR", "/dev/null/state")])
def test_a_bad_value_is_named(tmp_path, name, value):
    said = refusal(tmp_path, **{name: value})
    assert name in said or value in said
    assert not (tmp_path / "postgres").exists()


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])  # noqa: S104 - it is what others do
def test_a_port_in_use_is_named_before_anything_is_started(tmp_path, address):
    with socket.create_server((address, 0)) as taken:
        port = taken.getsockname()[1]
        said = refusal(tmp_path, PORT=str(port))
    assert f"Port {port} is in use. Choose another: PORT=8000 make up" in said
    assert not (tmp_path / "postgres").exists()


def test_a_second_start_on_the_same_folder_names_the_first(tmp_path):
    with only_one(tmp_path):
        said = refusal(tmp_path, PORT=str(free_port()))
    assert f"already running on {tmp_path} (process {os.getpid()})" in said


def test_a_given_server_that_does_not_answer_is_named_without_its_password():
    for name, wait, url in (
        ("DATABASE_URL", answers.wait_for_database, "postgresql://me:secret@127.0.0.1:1/db"),
        ("REDIS_URL", answers.wait_for_redis, "redis://:secret@127.0.0.1:1/0"),
    ):
        with pytest.raises(StackError, match=f"{name} .*127.0.0.1:1 does not answer") as caught:
            wait(url, sleep=time.sleep, seconds=0.1)
        assert "secret" not in str(caught.value)


def test_a_port_is_kept_while_it_is_free(tmp_path):
    port = kept_port(tmp_path / "port")
    assert kept_port(tmp_path / "port") == port
    with socket.create_server(("127.0.0.1", port)):
        assert kept_port(tmp_path / "port") != port


# make and the terminal

WAITING = """
from local_stack.interrupts import Interrupts, StopRequested
interrupts = Interrupts()
print("waiting", flush=True)
try:
    while True:
        interrupts.sleep(0.1)
except StopRequested:
    print("stopping", flush=True)
    input()
    print("stopped", flush=True)
"""


@pytest.fixture
def make_up(tmp_path):
    """The command of a Makefile whose target waits to be stopped, as `up` does."""
    (tmp_path / "waiting.py").write_text(WAITING)
    run = f'PYTHONPATH="{PROJECT}" exec "{sys.executable}" "{tmp_path}/waiting.py"'
    (tmp_path / "Makefile").write_text(f"up:\n\t@{run}\n")
    return ["make", "-f", str(tmp_path / "Makefile"), "up"]


def in_a_terminal(argv, output=None):
    """Run the command in a terminal of its own; returns its process id and the terminal."""
    pid, terminal = pty.fork()
    if pid == 0:
        # A background job of a script ignores these, and what it starts inherits that.
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        if output:
            os.dup2(os.open(output, os.O_WRONLY), 1)
        os.execvp(argv[0], argv)  # noqa: S606
    return pid, terminal


def test_ctrl_c_stops_it_cleanly_however_often_it_is_pressed(make_up):
    pid, terminal = in_a_terminal(make_up)
    shown = ""

    def wait_for(text):
        nonlocal shown
        while text not in shown:
            assert select.select([terminal], [], [], 60)[0], shown
            shown += os.read(terminal, 1024).decode()

    wait_for("waiting")
    os.write(terminal, b"\x03")
    wait_for("stopping")
    os.write(terminal, b"\x03\n")
    wait_for("stopped")
    # make ends only after it, by the signal of the Ctrl-C, and reports no error.
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGINT
    assert "***" not in shown
    os.close(terminal)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_it_stops_when_only_make_is_told_to(make_up, number):
    with subprocess.Popen(
        make_up, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    ) as make:
        assert make.stdout.readline() == "waiting\n"
        make.send_signal(number)
        said, _ = make.communicate("\n", timeout=60)
    assert said == "stopping\nstopped\n"


def test_it_stops_when_its_terminal_is_closed(make_up, tmp_path):
    output = tmp_path / "output"
    output.touch()
    # As from a shell: what a terminal's first process runs learns of the end through it.
    pid, terminal = in_a_terminal(["sh", "-c", '"$@"; true', "sh", *make_up], output)
    wait_for(lambda: "waiting" in output.read_text())
    os.close(terminal)
    os.waitpid(pid, 0)
    wait_for(lambda: "stopping" in output.read_text())


# All of it


def everything_below(program):
    return psutil.Process(program.popen.pid).children(recursive=True)


def stack_file(state_dir):
    return dict(line.split("=", 1) for line in (state_dir / "stack.env").read_text().splitlines())


def test_given_servers_are_used_and_a_stop_during_the_start_is_clean(tmp_path):
    given = {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL")}
    log = tmp_path / "logs" / "migrate.log"
    log.parent.mkdir()
    log.write_text("What an earlier start said.\n")
    with Program(tmp_path, PORT=str(free_port()), **given) as program:
        program.wait_for("Bringing the database up to date")
        written = stack_file(tmp_path)
        program.popen.send_signal(signal.SIGINT)
        assert program.ends() == 0, program.said()
    assert {name: written[name] for name in given} == given
    assert "earlier" not in log.read_text()
    assert not (tmp_path / "postgres").exists()
    assert not (tmp_path / "valkey").exists()
    assert not (tmp_path / "stack.env").exists()


def test_the_whole_stack_starts_heals_and_stops(tmp_path):
    port = free_port()
    with Program(tmp_path, is_patient=True, PORT=str(port)) as program:
        program.wait_for("Stop with Ctrl-C")
        assert f"\nNeurocage is ready at http://localhost:{port}\n" in program.said()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz") as answer:
            assert answer.status == 200
        assert mode(tmp_path / "stack.env") == mode(tmp_path / "secret_key") == 0o600
        assert set(stack_file(tmp_path)) == {
            *ADDRESSES[:3],
            *("DATABASE_OWNER_URL", "SECRET_KEY_FILE", "BASE_URL", "EMAIL_URL"),
            "POSTGRES_PROGRAMS",
        }

        web = json.loads((tmp_path / "run" / "web.process").read_text())["pid"]
        os.kill(web, signal.SIGKILL)
        program.wait_for("web ended (killed by SIGKILL)")
        wait_for(lambda: answers.answers_200(port))

        below = everything_below(program)
        assert len(below) >= 7
        program.popen.terminate()
        assert program.ends() == 0, program.said()
    assert "was killed" not in program.said()
    assert not any(map(lives, below))
    assert not (tmp_path / "stack.env").exists()
    assert not list(tmp_path.glob("*/*.process"))
