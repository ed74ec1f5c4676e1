"""What a peer sends: read until the deadline of the call, up to limits, and with little waste.

The timeouts of requests bound each wait for the socket, so an answer that drips in a byte at a
time never ends. Here every read of the socket, header or body, waits at most until the deadline
of the call under way on this thread.
"""

import io
import ssl
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
    IncompleteRead,
    UnknownProtocol,
)


class Call(threading.local):
    """The call under way on this thread."""

    deadline = 0.0  # seconds of time.monotonic()
    reused_connection = False
    wants_fresh_connection = False


call = Call()
# Of one answer as it comes over the line, headers and chunk sizes included.
RAW_LIMIT_BYTES = 1024 * 1024
HEADER_LIMIT_BYTES = 16 * 1024
MOST_HEADERS = 100


class AnswerTooLong(HTTPException):
    """The peer sends without end where no limit of http.client or urllib3 holds."""


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
        if isinstance(self._sock, ssl.SSLSocket):
            self._sock.settimeout(remaining)
        else:
            self._sock.receive_within(remaining)
        count = self._raw.readinto(buffer)
        if count is None:
            raise TimeoutError("the answer was not complete in time")
        self._left -= count
        return count

    def close(self):
        if not self.closed:
            self._raw.close()
        super().close()


class DeadlineResponse(HTTPResponse):
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
        self.length = None if self.chunked else _length(self.headers)
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
    # One byte more than may be left, and the line's end.
    while line := file.readline(left + 3).rstrip(b"\r\n"):
        left -= len(line)
        if left < 0:
            raise AnswerTooLong(f"more than {HEADER_LIMIT_BYTES // 1024} KiB of headers")
        if len(pairs) >= MOST_HEADERS:
            raise AnswerTooLong(f"more than {MOST_HEADERS} headers")
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


def _length(headers):
    """The body's length; None where it is not told. Raises HTTPException where told two ways."""
    told = headers.get_all("content-length")
    if not told:
        return None
    lengths = {part.strip() for part in ",".join(told).split(",")}
    if len(lengths) > 1:
        raise HTTPException("more than one Content-Length")
    length = lengths.pop()
    # Far more digits than any answer may have bytes.
    return int(length) if length.isdecimal() and len(length) < 20 else None


class Answer:
    """What SensorClient needs of urllib3's response, for a body that is not encoded."""

    def __init__(self, plain, connection, pool):
        self.status = plain.status
        self.headers = plain.headers
        self._plain = plain
        self._connection = connection
        self._pool = pool

    def stream(self, size, decode_content):
        """Yield the body in pieces; raises what http.client raises where it is not complete."""
        plain = self._plain
        if plain.length is not None and plain.length <= size:
            yield plain.read()
            return
        while piece := plain.read(size):
            yield piece
        if plain.length:
            raise IncompleteRead(b"", plain.length)

    def close(self):
        self._plain.close()
        self._connection.close()

    def release_conn(self):
        self._pool._put_conn(self._connection)
