"""requests, with a deadline for the whole call and nothing taken from the environment.

The timeouts of requests bound each wait for the socket, so an answer that drips in a byte at a
time never ends. Here every read of the socket, header or body, waits at most until the deadline
of the call under way on this thread.
"""

import io
import threading
import time
from http.client import OK, HTTPException, HTTPResponse

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class Call(threading.local):
    """The call under way on this thread."""

    deadline = float("inf")  # seconds of time.monotonic()
    reused_connection = False


call = Call()
# Of one answer as it comes over the line, headers and chunk sizes included.
RAW_LIMIT_BYTES = 1024 * 1024


class AnswerTooLong(HTTPException):
    """The peer sends without end where no limit of http.client or urllib3 holds."""


class _DeadlineReader(io.RawIOBase):
    def __init__(self, sock):
        self._sock = sock
        # makefile keeps the socket open until this reader is closed too.
        self._raw = sock.makefile("rb", buffering=0)
        self._left = RAW_LIMIT_BYTES

    def readable(self):
        return True

    def readinto(self, buffer):
        remaining = call.deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("the answer was not complete in time")
        if remaining < float("inf"):
            self._sock.settimeout(remaining)
        if self._left <= 0:
            raise AnswerTooLong(f"longer than {RAW_LIMIT_BYTES // 1024} KiB on the line")
        count = self._raw.readinto(buffer)
        self._left -= count or 0
        return count

    def close(self):
        if not self.closed:
            self._raw.close()
        super().close()


class _DeadlineResponse(HTTPResponse):
    def __init__(self, sock, *args, **kwargs):
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(_DeadlineReader(sock))

    def begin(self):
        super().begin()
        if self.status < OK:
            # The real answer still comes, and must not be taken for the one to the next request.
            self.will_close = True


class _NotesReuse:
    """Tells the thread whether its request went out on a connection that had served before."""

    response_class = _DeadlineResponse
    has_served = False

    def request(self, *args, **kwargs):
        # Without a socket the request below makes a fresh connection.
        call.reused_connection = self.has_served and self.sock is not None
        return super().request(*args, **kwargs)

    def getresponse(self):
        response = super().getresponse()
        self.has_served = True
        return response

    def connect(self):
        self.has_served = False
        return super().connect()


class _HTTPConnection(_NotesReuse, HTTPConnection):
    pass


class _HTTPSConnection(_NotesReuse, HTTPSConnection):
    pass


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


class DeadlineAdapter(HTTPAdapter):
    """Keeps up to `connections` open to the one host that it speaks to."""

    def __init__(self, connections):
        super().__init__(pool_connections=4, pool_maxsize=connections, max_retries=0)

    def init_poolmanager(self, *args, **kwargs):
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
