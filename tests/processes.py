"""Helpers for tests of the local stack: small programs, and waiting."""

import sys
import time

import psutil

from local_stack.processes import Child


def until(condition, seconds=10):
    """Wait until the condition holds and return its value. Fail after the seconds."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"still not so after {seconds} s"
        time.sleep(0.02)
    return value


def lives(process):
    """Return whether the process runs. False for one that ended and was not waited for."""
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def a_child(folder, code, name="child", **options):
    """Return a small Python program as a child process that is not started yet."""
    argv = [sys.executable, "-c", f"import signal, sys, time\n{code}"]
    return Child(name, argv, records=folder, log=folder / f"{name}.log", **options)
