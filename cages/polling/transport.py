"""A transport adapter for requests with a deadline for the whole call and no waste.

A process with thousands of threads pays for a poll in Python's own instructions and in waiting for
Python's lock. So a plain socket waits in the kernel (one system call for each read instead of
three), and there is nothing here for redirects, proxies, cookies and bodies that are sent.
"""

import collections
import contextlib
import select
import socket
import ssl
import struct
import time
import weakref
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.exceptions import ConnectionError, ConnectTimeout
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from cages.polling.answer import PIECE_BYTES, Answer, NothingReceived, as_requests_error

# Only for sending: a request is smaller than any socket's buffer, so only a peer that does not
# read at all can delay it.
SEND_SECONDS = 5
PORTS = {"http": 80, "https": 443}


class PlainConnection:
    """A connection whose waits the kernel ends."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        sock.settimeout(None)
        self._wait_at_most(socket.SO_SNDTIMEO, SEND_SECONDS)
        self._watch = select.poll()
        self._watch.register(sock, select.POLLIN)

    def is_quiet(self) -> bool:
        """False if the peer has closed the connection, or has sent what nobody asked for."""
        return not self._watch.poll(0)

    def send(self, data: bytes) -> None:
        """Send the whole request. Raises OSError."""
        self.sock.sendall(data)

    def receive(self, deadline: float) -> bytes:
        """Return what comes next, b"" at the end. Raises OSError; TimeoutError at the deadline."""
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return self._read(left)

    def close(self) -> None:
        self.sock.close()

    def _read(self, seconds: float) -> bytes:
        self._wait_at_most(socket.SO_RCVTIMEO, seconds)
        return self.sock.recv(PIECE_BYTES)

    def _wait_at_most(self, option: int, seconds: float) -> None:
        # A struct timeval. Zero would mean "for ever".
        whole = int(seconds)
        value = struct.pack("ll", whole, max(int((seconds - whole) * 1_000_000), 1))
        self.sock.setsockopt(socket.SOL_SOCKET, option, value)


class EncryptedConnection(PlainConnection):
    """A connection with TLS. Its waits are ended by Python, as one read may be many of a socket."""

    sock: ssl.SSLSocket

    def is_quiet(self) -> bool:
        """False if there is more to read, be it decrypted already."""
        return not self.sock.pending() and super().is_quiet()

    def send(self, data: bytes) -> None:
        self.sock.settimeout(SEND_SECONDS)
        self.sock.sendall(data)

    def _read(self, seconds: float) -> bytes:
        self.sock.settimeout(seconds)
        return self.sock.recv(PIECE_BYTES)


class SensorAdapter(BaseAdapter):
    """Speaks to one host and keeps up to `connections` open between two calls.

    address: a URL of the host; only its scheme, name and port count. Raises InvalidURL.
    """

    def __init__(self, address: str, connections: int) -> None:
        super().__init__()
        scheme, _, authority, *_ = f"{address}//".split("/")
        # A user and a password are in a header, and do not belong to the host.
        self._origin = f"{scheme}//{authority}"
        self._host_header = f"Host: {authority.rpartition('@')[2]}"
        parts = urlsplit(self._origin)
        if parts.scheme not in PORTS or not parts.hostname:
            raise requests.exceptions.InvalidURL("not a URL of http or https with a host")
        self._name = parts.hostname
        self._port = parts.port or PORTS[parts.scheme]
        self._tls = None
        if parts.scheme == "https":
            # The certificates that the machine trusts, and those that come with requests.
            self._tls = ssl.create_default_context(cafile=DEFAULT_CA_BUNDLE_PATH)
            self._tls.load_default_certs()
        self._most_kept = connections
        self._kept: collections.deque[PlainConnection] = collections.deque()
        # For whoever forgets to close the adapter.
        weakref.finalize(self, _close_all, self._kept)

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        """Send a request without a body and return the response, its head read.

        timeout: seconds for the whole call, the body included, as a number. `close()` of the
        response keeps its connection for the next call if the body was read to its end. Headers
        are in `response.raw.headers`, by their names in lower case. Raises exceptions of requests,
        and ValueError for what this adapter does not do.
        """
        if not isinstance(timeout, int | float):
            raise ValueError("the timeout must be a number: seconds for the whole call")
        if verify is not True or cert or proxies or request.body:
            raise ValueError("no proxy, certificate or body can be given to this adapter")
        deadline = time.monotonic() + timeout
        origin, slash, path = str(request.url).partition(self._origin + "/")
        if origin or not slash:
            raise requests.exceptions.InvalidURL("not a URL of this adapter's host")
        lines = [f"{request.method} /{path} HTTP/1.1", self._host_header]
        lines += [f"{name}: {value}" for name, value in request.headers.items()]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("iso-8859-1")
        answer = None
        if connection := self._take():
            # The peer may close a kept connection just as it is used again. That is no failure of
            # the sensor, and asking at once on a fresh connection is right here, and only here.
            with contextlib.suppress(NothingReceived):
                answer = self._ask(connection, head, deadline)
        if answer is None:
            answer = self._ask(self._connect(deadline), head, deadline)
        response = requests.Response()
        response.status_code = answer.status
        response.url = str(request.url)
        response.request = request
        response.raw = answer
        return response

    def close(self) -> None:
        """Close the kept connections."""
        _close_all(self._kept)

    def _ask(self, connection: PlainConnection, head: bytes, deadline: float) -> Answer:
        try:
            connection.send(head)
            return Answer(connection, deadline, self._keep)
        except BaseException as error:
            connection.close()
            if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
                raise as_requests_error(error, is_before_answer=True) from error
            raise

    def _take(self) -> PlainConnection | None:
        """Return a kept connection that can be used again, the one used last first."""
        while True:
            try:
                connection = self._kept.pop()
            except IndexError:
                return None
            if connection.is_quiet():
                return connection
            connection.close()

    def _keep(self, connection: Any) -> None:
        if len(self._kept) < self._most_kept:
            self._kept.append(connection)
        else:
            connection.close()

    def _connect(self, deadline: float) -> PlainConnection:
        """Connect to the first address that accepts. Raises exceptions of requests.

        Each address has an equal share of the time that is left: none can use up all of it.
        """
        try:
            addresses = socket.getaddrinfo(self._name, self._port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise ConnectionError(error) from error
        problem: OSError = TimeoutError()
        for number, (family, kind, protocol, _, address) in enumerate(addresses):
            left = deadline - time.monotonic()
            if left <= 0:
                break
            sock = socket.socket(family, kind, protocol)
            try:
                sock.settimeout(left / (len(addresses) - number))
                # A request must not wait for the acknowledgement of the one before.
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.connect(address)
                return self._ready(sock, deadline)
            except OSError as error:
                sock.close()
                problem = error
        if isinstance(problem, TimeoutError):
            raise ConnectTimeout("no connection in time") from problem
        raise as_requests_error(problem, is_before_answer=False) from problem

    def _ready(self, sock: socket.socket, deadline: float) -> PlainConnection:
        if self._tls is None:
            return PlainConnection(sock)
        # A handshake's timeout is for all of it, however many reads it takes.
        sock.settimeout(max(deadline - time.monotonic(), 0.001))
        return EncryptedConnection(self._tls.wrap_socket(sock, server_hostname=self._name))


def _close_all(connections: collections.deque[PlainConnection]) -> None:
    with contextlib.suppress(IndexError):
        while True:
            connections.pop().close()
