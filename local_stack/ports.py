"""Loopback ports: whether one can be used, and free ones that stay the same at the next start."""

import errno
import socket
from contextlib import closing, suppress
from pathlib import Path

from neurocage.private_file import write_private_file


def free_port() -> int:
    """A TCP port that is free on 127.0.0.1 at this moment."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def why_unusable(port: int) -> str | None:
    """Why no server can listen on 127.0.0.1:port, as a phrase; None when one can."""
    # A browser tries ::1 first for "localhost": a server there would answer in our place.
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with suppress(OSError), closing(socket.socket(family)) as probe:
            probe.settimeout(1)
            if probe.connect_ex((host, port)) == 0:
                return "is in use"
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return "is in use"
            return f"cannot be used ({error.strerror})"
    return None


def kept_port(file: Path) -> int:
    """The port written in the file while it is free; else a free one, which is then written there.

    The same port at every start lets an open client find the server again.
    """
    with suppress(FileNotFoundError, ValueError):
        port = int(file.read_text())
        if 1024 <= port < 65536 and why_unusable(port) is None:
            return port
    port = free_port()
    write_private_file(file, f"{port}\n")
    return port
