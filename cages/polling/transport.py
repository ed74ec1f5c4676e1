"""A transport adapter for requests with a deadline for the whole call and no waste.

Sockets do not block here: whoever waits for one gives way to the other jobs of its event loop. And
there is nothing for redirects, proxies, cookies and bodies that are sent.
"""

import collections
import contextlib
import errno
import functools
import os
import select
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.exceptions import ConnectionError, ConnectTimeout
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from cages.polling.answer import PIECE_BYTES, Answer, NothingReceived, as_requests_error
from cages.polling.event_loop import READ, WRITE, result_of, wait_for

PORTS = {"http": 80, "https": 443}
# So that thousands of new connections do not ask the name server thousands of times.
ADDRESSES_SECONDS = 1

Address = tuple[Any, ...]
Result = TypeVar("Result")


class PlainConnection:
    """A connected socket that does not block."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    def is_quiet(self) -> bool:
        """False if the peer has closed the connection, or has sent what nobody asked for."""
        watch = select.poll()
        watch.register(self.sock, select.POLLIN)
        return not watch.poll(0)

    def send(self, data: bytes, deadline: float) -> None:
        """Send all of the data. Raises OSError; TimeoutError at the deadline."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self.sock.send(rest) :]
            except BlockingIOError:
                wait_for(self.sock, WRITE, deadline)

    def receive(self, deadline: float) -> bytes:
        """Return what comes next, b"" at the end. Raises OSError; TimeoutError at the deadline."""
        if time.monotonic() >= deadline:
            raise TimeoutError
        # A sensor takes a second or more, so the first look would be for nothing.
        wait_for(self.sock, READ, deadline)
        return self.sock.recv(PIECE_BYTES)

    def close(self) -> None:
        self.sock.close()


class EncryptedConnection(PlainConnection):
    """A connection with TLS: what was received may be decrypted already, or be half a record."""

    sock: ssl.SSLSocket

    def is_quiet(self) -> bool:
        """False if there is more to read, be it decrypted already."""
        return not self.sock.pending() and super().is_quiet()

    def shake_hands(self, deadline: float) -> None:
        """Agree on keys. Raises OSError; TimeoutError at the deadline."""
        self._repeat(self.sock.do_handshake, deadline)

    def send(self, data: bytes, deadline: float) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[self._repeat(functools.partial(self.sock.send, rest), deadline) :]

    def receive(self, deadline: float) -> bytes:
        return self._repeat(functools.partial(self.sock.recv, PIECE_BYTES), deadline)

    def _repeat(self, call: Callable[[], Result], deadline: float) -> Result:
        while time.monotonic() < deadline:
            try:
                return call()
            except ssl.SSLWantReadError:
                wait_for(self.sock, READ, deadline)
            except ssl.SSLWantWriteError:
                wait_for(self.sock, WRITE, deadline)
        raise TimeoutError


class Addresses:
    """The addresses of one host. Only one look-up at a time, and at most one a second."""

    def __init__(self, name: str, port: int) -> None:
        self._name = name
        self._port = port
        self._lock = threading.Lock()
        self._found: Future[list[Address]] | None = None
        self._found_at = 0.0

    def find(self, deadline: float) -> list[Address]:
        """Return them as socket.getaddrinfo does. Raises OSError or UnicodeError.

        Raises TimeoutError at the deadline; the look-up itself cannot be ended.
        """
        with self._lock:
            found = self._found
            if not found or (found.done() and not self._is_fresh(found)):
                found = self._found = Future()
                look_up = threading.Thread(target=self._look_up, args=(found,), daemon=True)
                look_up.start()
        return result_of(found, deadline)

    def _is_fresh(self, found: Future[list[Address]]) -> bool:
        # What failed is looked up anew, for the next poll may find it.
        return not found.exception() and time.monotonic() < self._found_at + ADDRESSES_SECONDS

    def _look_up(self, found: "Future[list[Address]]") -> None:
        try:
            addresses = socket.getaddrinfo(self._name, self._port, type=socket.SOCK_STREAM)
        except Exception as error:
            found.set_exception(error)
        else:
            self._found_at = time.monotonic()
            found.set_result(addresses)


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
        self._addresses = Addresses(self._name, parts.port or PORTS[parts.scheme])
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
            connection.send(head, deadline)
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
            addresses = self._addresses.find(deadline)
        except TimeoutError as error:
            raise ConnectTimeout("the host's name was not looked up in time") from error
        except (OSError, UnicodeError) as error:
            raise ConnectionError(error) from error
        problem: OSError = TimeoutError()
        for number, (family, kind, protocol, _, address) in enumerate(addresses):
            left = deadline - time.monotonic()
            if left <= 0:
                break
            sock = socket.socket(family, kind, protocol)
            try:
                sock.setblocking(False)
                # A request must not wait for the acknowledgement of the one before.
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                _connect(sock, address, deadline - left + left / (len(addresses) - number))
                return self._ready(sock, deadline)
            except OSError as error:
                sock.close()
                problem = error
            except BaseException:
                sock.close()
                raise
        if isinstance(problem, TimeoutError):
            raise ConnectTimeout("no connection in time") from problem
        raise as_requests_error(problem, is_before_answer=False) from problem

    def _ready(self, sock: socket.socket, deadline: float) -> PlainConnection:
        if self._tls is None:
            return PlainConnection(sock)
        encrypted = EncryptedConnection(
            self._tls.wrap_socket(sock, server_hostname=self._name, do_handshake_on_connect=False)
        )
        try:
            encrypted.shake_hands(deadline)
        except BaseException:
            # The plain socket has given its file away, so closing that one would not help.
            encrypted.close()
            raise
        return encrypted


def _connect(sock: socket.socket, address: Address, deadline: float) -> None:
    """Connect a socket that does not block. Raises OSError; TimeoutError at the deadline."""
    code = sock.connect_ex(address)
    if code == errno.EINPROGRESS:
        wait_for(sock, WRITE, deadline)
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))


def _close_all(connections: collections.deque[PlainConnection]) -> None:
    with contextlib.suppress(IndexError):
        while True:
            connections.pop().close()
