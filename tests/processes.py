"""What tests of real processes share: small programs, and waiting for what must come."""

import sys
import time

from local_stack.processes import Child

# Only ends a test that hangs. What takes a moment may take many minutes on a busy machine.
PATIENCE = 900


def wait_for(condition, seconds=PATIENCE, what="what was waited for", every=0.05):
    """Wait until the condition holds and return its value. Fail with `what` after the seconds."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"after {seconds:.0f} s still not: {what}"
        time.sleep(every)
    return value


def a_child(folder, code, name="child", **options):
    """A small Python program as a child process, not yet started."""
    argv = [sys.executable, "-c", f"import signal, sys, time\n{code}"]
    return Child(name, argv, records=folder, log=folder / f"{name}.log", **options)
