"""Ctrl-C for the supervisor alone, and what it can know of the make that started it."""

import contextlib
import os
import re
import signal
from pathlib import Path


@contextlib.contextmanager
def own_foreground_group():
    """Become the terminal's foreground group, if our group is that now; give it back at the end.

    make dies by the SIGINT of a Ctrl-C and then reports a failure, however cleanly we stopped. In a
    group of our own only we receive it, and make sees our exit code.
    """
    with contextlib.ExitStack() as at_end:
        group = os.getpgrp()
        with contextlib.suppress(OSError):
            terminal = os.open("/dev/tty", os.O_RDWR)
            at_end.callback(os.close, terminal)
            if group != os.getpid() and os.tcgetpgrp(terminal) == group:
                # Only a foreground group may hand on the terminal without being stopped for it; and
                # once we are alone in ours, nobody would continue us after a Ctrl-Z.
                signal.signal(signal.SIGTTOU, signal.SIG_IGN)
                signal.signal(signal.SIGTSTP, signal.SIG_IGN)
                os.setpgid(0, 0)
                os.tcsetpgrp(terminal, os.getpid())
                at_end.callback(_give_back, terminal, group)
        yield


def _give_back(terminal, group):
    with contextlib.suppress(OSError):
        os.tcsetpgrp(terminal, group)


class Make:
    """The make that runs us, if one does: it may be gone, or be told to stop without telling us.

    GNU make passes a SIGTERM on, but a SIGINT sent to it alone it keeps and waits for us to end.
    Linux shows that as a signal blocked (make is inside its handler), by which we notice.
    """

    def __init__(self):
        self.pid = os.getppid() if "MAKELEVEL" in os.environ else None

    def wants_to_stop(self):
        if self.pid is None:
            return False
        if os.getppid() != self.pid:
            return True
        try:
            blocked = re.search(r"SigBlk:\s*(\w+)", Path(f"/proc/{self.pid}/status").read_text())
        except OSError:
            return False
        return bool(blocked and int(blocked[1], 16) & 1 << signal.SIGINT - 1)
