"""requests, with a deadline for the whole call, nothing taken from the environment, and no waste.

A process with thousands of threads pays for a poll in Python's own instructions and in waiting for
Python's lock. So a plain socket waits in the kernel (one system call a read instead of three),
what is the same for every request is made once, and the pools and connections, which are those of
urllib3, leave out what serves redirects, retries, proxies and bodies that are sent.
"""

import collections
import http.client
import queue
import socket
import struct
import time

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from cages.polling.answer import Answer, DeadlineResponse, call

# A kept connection is not used again without a deadline, so this is for sending alone: a request
# is smaller than any socket's buffer, and only a peer that does not read at all can delay it.
SEND_SECONDS = 5


class _KernelTimedSocket(socket.socket):
    """A blocking socket whose waits the kernel ends."""

    def leave_waits_to_kernel(self):
        self.settimeout(None)
        self._wait_at_most(socket.SO_SNDTIMEO, SEND_SECONDS)
        return self

    def receive_within(self, seconds):
        self._wait_at_most(socket.SO_RCVTIMEO, seconds)

    def _wait_at_most(self, option, seconds):
        # A struct timeval. Zero would mean "for ever".
        whole = int(seconds)
        value = struct.pack("ll", whole, max(int((seconds - whole) * 1_000_000), 1))
        self.setsockopt(socket.SOL_SOCKET, option, value)


class _Connection:
    """Tells the thread whether its request went out on a connection that had served before."""

    response_class = DeadlineResponse
    has_served = False
    # Each header as http.client checked and wrote it the first time.
    _lines = {}

    def ask(self, method, path, headers):
        """Send the request and return http.client's response, its headers read."""
        call.reused_connection = self.has_served and self.sock is not None
        if self.sock is None:
            self.connect()
        self.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for header, value in headers.items():
            self.putheader(header, value)
        self.endheaders()
        # Past urllib3's, which would make a response of its own.
        response = http.client.HTTPConnection.getresponse(self)
        self.has_served = True
        return response

    def putheader(self, header, *values):
        line = self._lines.get((header, values))
        if line is None:
            super().putheader(header, *values)
            self._lines[header, values] = self._buffer[-1]
        else:
            self._buffer.append(line)

    def connect(self):
        self.has_served = False
        return super().connect()

    def _connected(self, socket_class):
        """A socket to the first address of the host that takes it, within the call's deadline.

        Each address has an equal share of the time that is left: none can use up all of it.
        """
        addresses = socket.getaddrinfo(self.host.strip("[]"), self.port, type=socket.SOCK_STREAM)
        problem = TimeoutError("no time left to connect")
        for number, (family, kind, protocol, _, address) in enumerate(addresses):
            left = call.deadline - time.monotonic()
            if left <= 0:
                break
            sock = socket_class(family, kind, protocol)
            try:
                sock.settimeout(left / (len(addresses) - number))
                for option in self.socket_options:
                    sock.setsockopt(*option)
                sock.connect(address)
                # For the handshake of TLS.
                sock.settimeout(max(call.deadline - time.monotonic(), 0.001))
            except OSError as error:
                sock.close()
                problem = error
            else:
                return sock
        raise problem


class _HTTPConnection(_Connection, HTTPConnection):
    def _new_conn(self):
        return self._connected(_KernelTimedSocket).leave_waits_to_kernel()


class _HTTPSConnection(_Connection, HTTPSConnection):
    def _new_conn(self):
        return self._connected(socket.socket)


class _Stack:
    """The part of queue.LifoQueue that a pool needs, at a tenth of its price."""

    def __init__(self, maxsize):
        self._maxsize = maxsize
        self._items = collections.deque()

    def get(self, block=False, timeout=None):
        if call.wants_fresh_connection:
            raise queue.Empty
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


class _Pool:
    QueueCls = _Stack

    def urlopen(self, method, url, headers, **_):
        """A GET, once. Until it is released, the connection belongs to the response."""
        connection = self._get_conn()
        try:
            plain = connection.ask(method, url, headers)
        except BaseException:
            connection.close()
            self._put_conn(None)
            raise
        if "content-encoding" not in plain.headers:
            return Answer(plain, connection, self)
        return urllib3.HTTPResponse(
            body=plain,
            headers=dict(plain.headers),
            status=plain.status,
            preload_content=False,
            original_response=plain,
            pool=self,
            connection=connection,
        )


class _HTTPPool(_Pool, HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(_Pool, HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


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
