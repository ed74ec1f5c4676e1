"""requests, with a deadline for the whole call, nothing taken from the environment, and no waste.

The timeouts of requests bound each wait for the socket, so an answer that drips in a byte at a
time never ends. Here every read of the socket, header or body, waits at most until the deadline
of the call under way on this thread.

With thousands of threads in one process the price of a poll is how often it has to let go of
Python's lock and wait for it again, so a plain socket waits in the kernel (one system call a read
instead of three), and what is the same for every request is made once.
"""

import collections
import io
import queue
import socket
import ssl
import struct
import threading
import time
from http.client import (
    CONTINUE,
    NO_CONTENT,
    NOT_MODIFIED,
    OK,
    HTTPException,
    HTTPMessage,
    HTTPResponse,
    UnknownProtocol,
)

import requests
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
HEADER_LIMIT_BYTES = 16 * 1024
MOST_HEADERS = 100
# A kept connection is not used again without a deadline, so this is for sending alone: a request
# is smaller than any socket's buffer, and only a peer that does not read at all can delay it.
SEND_SECONDS = 5


class AnswerTooLong(HTTPException):
    """The peer sends without end where no limit of http.client or urllib3 holds."""


class _KernelTimedSocket(socket.socket):
    """A blocking socket whose waits the kernel ends."""

    def settimeout(self, seconds):
        # urllib3 sets one before and after each request, which costs a system call each.
        pass

    def wait_at_most(self, option, seconds):
        # A struct timeval. Zero would mean "for ever".
        whole = int(seconds)
        value = struct.pack("ll", whole, max(int((seconds - whole) * 1_000_000), 1))
        self.setsockopt(socket.SOL_SOCKET, option, value)


class _DeadlineReader(io.RawIOBase):
    """What the peer sends, until the deadline of the call."""

    def __init__(self, sock):
        self._sock = sock
        # makefile keeps the socket open until this reader is closed too.
        self._raw = sock.makefile("rb", buffering=0)
        self._left = RAW_LIMIT_BYTES

    def makefile(self, mode):
        """What http.client asks the socket for."""
        return io.BufferedReader(self)

    def readable(self):
        return True

    def readinto(self, buffer):
        remaining = call.deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("the answer was not complete in time")
        if self._left <= 0:
            raise AnswerTooLong(f"longer than {RAW_LIMIT_BYTES // 1024} KiB on the line")
        if remaining < float("inf"):
            if isinstance(self._sock, ssl.SSLSocket):
                self._sock.settimeout(remaining)
            else:
                self._sock.wait_at_most(socket.SO_RCVTIMEO, remaining)
        count = self._raw.readinto(buffer)
        if count is None:
            raise TimeoutError("the answer was not complete in time")
        self._left -= count
        return count

    def close(self):
        if not self.closed:
            self._raw.close()
        super().close()


class _DeadlineResponse(HTTPResponse):
    def __init__(self, sock, *args, **kwargs):
        super().__init__(_DeadlineReader(sock), *args, **kwargs)

    def begin(self):
        """What http.client does here, without the parser for e-mails that it reads headers with."""
        if self.headers is not None:
            return
        version, status, reason = self._read_status()
        while status == CONTINUE:
            read_headers(self.fp)
            version, status, reason = self._read_status()
        if not version.startswith(("HTTP/1.", "HTTP/0.9")):
            raise UnknownProtocol(version)
        self.version = 10 if version in ("HTTP/1.0", "HTTP/0.9") else 11
        self.code = self.status = status
        self.reason = reason.strip()
        self.headers = self.msg = read_headers(self.fp)
        self.chunked = self.headers.get("transfer-encoding", "").lower() == "chunked"
        self.chunk_left = None
        self.length = None if self.chunked else _length(self.headers.get("content-length", ""))
        if status < OK or status in (NO_CONTENT, NOT_MODIFIED):
            self.length = 0
        # After any other 1xx the real answer still comes, and must not be taken for the one to
        # the next request.
        self.will_close = (
            status < OK or self._check_close() or (self.length is None and not self.chunked)
        )


def read_headers(file):
    """The header lines up to the empty one as an HTTPMessage; raises HTTPException beyond limits.

    A line without a colon is passed over, and one that begins with a blank goes on the one before.
    """
    pairs = []
    left = HEADER_LIMIT_BYTES
    while line := file.readline(left + 1).rstrip(b"\r\n"):
        left -= len(line)
        if left < 0 or len(pairs) >= MOST_HEADERS:
            raise AnswerTooLong(f"more than {HEADER_LIMIT_BYTES // 1024} KiB of headers")
        text = line.decode("iso-8859-1")
        if text[0] in " \t" and pairs:
            pairs[-1][1] += f" {text.strip()}"
        elif ":" in text:
            name, _, value = text.partition(":")
            pairs.append([name.strip(), value.strip()])
    headers = HTTPMessage()
    for name, value in pairs:
        headers[name] = value
    return headers


def _length(text):
    # Far more digits than any answer may have bytes.
    return int(text) if text.isdecimal() and len(text) < 20 else None


class _Connection:
    """Tells the thread whether its request went out on a connection that had served before."""

    response_class = _DeadlineResponse
    has_served = False
    # Each header as http.client checked and wrote it the first time.
    _lines = {}

    def request(self, *args, **kwargs):
        # Without a socket the request below makes a fresh connection.
        call.reused_connection = self.has_served and self.sock is not None
        return super().request(*args, **kwargs)

    def putheader(self, header, *values):
        line = self._lines.get((header, values))
        if line is None:
            super().putheader(header, *values)
            self._lines[header, values] = self._buffer[-1]
        else:
            self._buffer.append(line)

    def getresponse(self):
        response = super().getresponse()
        self.has_served = True
        return response

    def connect(self):
        self.has_served = False
        return super().connect()


class _HTTPConnection(_Connection, HTTPConnection):
    def _new_conn(self):
        made = super()._new_conn()
        made.settimeout(None)
        sock = _KernelTimedSocket(made.family, made.type, made.proto, fileno=made.detach())
        sock.wait_at_most(socket.SO_SNDTIMEO, SEND_SECONDS)
        return sock


class _HTTPSConnection(_Connection, HTTPSConnection):
    pass


class _Stack:
    """The part of queue.LifoQueue that a pool needs, at a tenth of its price."""

    def __init__(self, maxsize):
        self._maxsize = maxsize
        self._items = collections.deque()

    def get(self, block=False, timeout=None):
        try:
            return self._items.pop()
        except IndexError:
            raise queue.Empty from None

    def put(self, item, block=False, timeout=None):
        if len(self._items) >= self._maxsize:
            raise queue.Full
        self._items.append(item)

    def qsize(self):
        return len(self._items)


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _HTTPConnection
    QueueCls = _Stack


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection
    QueueCls = _Stack


class DeadlineAdapter(HTTPAdapter):
    """Keeps up to `connections` open to the one host that it speaks to."""

    def __init__(self, connections):
        super().__init__(pool_connections=4, pool_maxsize=connections, max_retries=0)
        self._pool = None

    def init_poolmanager(self, *args, **kwargs):
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}

    def get_connection_with_tls_context(self, *args, **kwargs):
        # Always the same host with the same certificates.
        if self._pool is None:
            self._pool = super().get_connection_with_tls_context(*args, **kwargs)
        return self._pool

    def request_url(self, request, proxies):
        return "/" + request.url.split("/", 3)[3]

    def build_response(self, request, raw):
        """Without cookies, history and encoding: nobody asks for them."""
        response = requests.Response()
        response.status_code = raw.status
        response.raw = raw
        response.request = request
        return response
