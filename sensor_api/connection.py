"""The TCP connection of a request: whether the client is still there, and how to cut it."""

import errno
import socket
import struct
from typing import Any, NoReturn

# Closing with a linger time of zero sends RST instead of FIN.
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Connection:
    """The connection, from the entry that gunicorn or Werkzeug adds to the WSGI environment.

    Other servers and Flask's test client add none. Then `is_open` is always true, and `cut` only
    raises its exception.
    """

    def __init__(self, environ: dict[str, Any]) -> None:
        self._socket = environ.get("gunicorn.socket") or environ.get("werkzeug.socket")

    def is_open(self) -> bool:
        """False once the client has closed its side."""
        if self._socket is None:
            return True
        try:
            return self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    def cut(self) -> NoReturn:
        """Reset the connection and raise ConnectionResetError, as if the client were lost.

        Call it while the body is being sent. In a view, Flask would turn the exception into a 500.
        """
        if self._socket is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            self._socket.close()
        raise ConnectionResetError(errno.ECONNRESET, "The simulated sensor cut the connection")
