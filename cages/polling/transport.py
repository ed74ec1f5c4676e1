"""requests, with a deadline for the whole call and nothing taken from the environment.

The timeouts of requests bound each wait for the socket, so an answer that drips in a byte at a
time never ends. Here every read of the socket, header or body, waits at most until the deadline
of the call under way on this thread.
"""

import io
import threading
import time
from http.client import HTTPResponse

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class Call(threading.local):
    """The call under way on this thread."""

    deadline = float("inf")  # seconds of time.monotonic()
    reused_connection = False


call = Call()


class _DeadlineReader(io.RawIOBase):
    def __init__(self, sock):
        self._sock = sock
        # makefile keeps the socket open until this reader is closed too.
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self):
        return True

    def readinto(self, buffer):
        remaining = call.deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("the answer was not complete in time")
        if remaining < float("inf"):
            self._sock.settimeout(remaining)
        return self._raw.readinto(buffer)

    def close(self):
        if not self.closed:
            self._raw.close()
        super().close()


class _DeadlineResponse(HTTPResponse):
    def __init__(self, sock, *args, **kwargs):
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(_DeadlineReader(sock))


class _NotesReuse:
    """Tells the thread whether its request went out on a connection that had served before."""

    response_class = _DeadlineResponse
    has_served = False

    def request(self, *args, **kwargs):
        call.reused_connection = self.has_served
        self.has_served = True
        return super().request(*args, **kwargs)

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
