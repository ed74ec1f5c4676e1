"""The client's connection under a request: whether it is still there, and how to cut it."""

import errno
import socket
import struct
from typing import NoReturn

# Closing with a linger time of zero sends a reset instead of an orderly end.
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Connection:
    """What WSGI hides, taken from the server's own key: gunicorn's or Werkzeug's.

    Under another server, or Flask's test client, there is no socket: the client then counts as
    there, and a cut is only the exception.
    """

    def __init__(self, environ: dict):
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
        """Reset the connection and raise ConnectionResetError, which servers take as its end.

        To be called while the body is iterated: raised in a view it would become Flask's 500.
        """
        if self._socket is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            self._socket.close()
        raise ConnectionResetError(errno.ECONNRESET, "The simulated sensor cut the connection")
