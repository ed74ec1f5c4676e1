"""One HTTP/1.1 answer (RFC 9112), read from a socket within a deadline and within limits.

http.client is not used here. Its public interface has no deadline for a whole answer and no limit
for all headers together, and it parses headers as e-mail, which alone costs more CPU time than
everything in this module.
"""

import re
import ssl
import zlib
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import Protocol

from requests.exceptions import (
    ChunkedEncodingError,
    ConnectionError,
    ContentDecodingError,
    ReadTimeout,
    RequestException,
    SSLError,
)

# The length of one answer as it comes over the line, headers and chunk sizes included.
RAW_LIMIT_BYTES = 1024 * 1024
HEADER_LIMIT_BYTES = 16 * 1024
MOST_HEADERS = 100
# Each encoding of a body needs a decoder of its own, with its own memory.
MOST_ENCODINGS = 5
# Interim answers (1xx) before the answer itself.
MOST_INTERIM = 10
PIECE_BYTES = 8 * 1024

# A line may end without a carriage return (RFC 9112, 2.2).
HEAD_END = re.compile(rb"\r?\n\r?\n")
STATUS_LINE = re.compile(r"HTTP/1\.([0-9])[ \t]+([1-9][0-9]{2})(?:\s|$)")
CHUNK_SIZE = re.compile(rb"[0-9a-fA-F]{1,16}")
# Far more digits than any answer may have bytes.
LENGTH = re.compile(r"[0-9]{1,19}")
PROTOCOL = b"HTTP/1."
DECODED = ("gzip", "x-gzip", "deflate")
ENDED_BY_PEER = (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError, ssl.SSLZeroReturnError)


class NothingReceived(ConnectionError):
    """The peer ended the connection before the first byte of an answer."""


def as_requests_error(error: OSError, is_before_answer: bool) -> RequestException:
    """Return the exception of requests for what a socket raised."""
    if isinstance(error, (TimeoutError, BlockingIOError)):
        return ReadTimeout("the answer was not complete in time")
    if is_before_answer and isinstance(error, ENDED_BY_PEER):
        return NothingReceived(error)
    return SSLError(error) if isinstance(error, ssl.SSLError) else ConnectionError(error)


class Connection(Protocol):
    """What an answer needs of the connection that it comes from."""

    def receive(self, deadline: float) -> bytes:
        """Return what comes next, b"" at the end. Raises OSError; TimeoutError at the deadline."""

    def close(self) -> None: ...


class Answer:
    """An answer whose head has been read, as `requests.Response.raw` is used.

    deadline: seconds of time.monotonic(). keep: takes the connection back when the answer was read
    to its end and the peer keeps the connection open. Everything raises exceptions of requests.
    """

    def __init__(
        self, connection: Connection, deadline: float, keep: Callable[[Connection], None]
    ) -> None:
        self._connection = connection
        self._deadline = deadline
        self._keep = keep
        self._buffer = b""  # received, but not yet read
        self._left = RAW_LIMIT_BYTES
        self._is_complete = self._is_released = False
        for _ in range(MOST_INTERIM + 1):
            minor_version, status, headers = self._read_head()
            # After 101 the peer speaks another protocol, so no other answer comes.
            if status >= HTTPStatus.OK or status == HTTPStatus.SWITCHING_PROTOCOLS:
                break
        else:
            raise ConnectionError(f"more than {MOST_INTERIM} interim answers")
        self.status = status
        self.headers = headers
        self._is_chunked = headers.get("transfer-encoding", "").lower() == "chunked"
        self._length = None if self._is_chunked else _length(headers)
        if status < HTTPStatus.OK or status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
            self._length, self._is_chunked = 0, False
        options = headers.get("connection", "").lower()
        is_kept = "close" not in options if minor_version != "0" else "keep-alive" in options
        # The ends of two readings of one body differ, so what follows may be read as an answer.
        self._problem = _contradiction(headers)
        self._is_kept = (
            is_kept
            and status >= HTTPStatus.OK
            and not self._problem
            and (self._is_chunked or self._length is not None)
        )

    def stream(self, size: int = PIECE_BYTES, decode_content: bool = True) -> Iterator[bytes]:
        """Yield the body in pieces of at most `PIECE_BYTES`; `size` is there for requests alone."""
        if self._problem:
            raise ContentDecodingError(self._problem)
        pieces = self._chunks() if self._is_chunked else self._plain_body()
        encodings = self.headers.get("content-encoding") if decode_content else None
        return decoded(pieces, encodings) if encodings else pieces

    def close(self) -> None:
        """End the connection: what is still on its way must not be the next answer."""
        if not self._is_released:
            self._is_released = True
            self._connection.close()

    def release_conn(self) -> None:
        """Give the connection back, or end it where it cannot serve again."""
        # Bytes after the end of the answer would be taken for the answer to the next request.
        if not (self._is_complete and self._is_kept) or self._buffer:
            self.close()
        elif not self._is_released:
            self._is_released = True
            self._keep(self._connection)

    def _receive(self) -> bool:
        """Add what comes next to the buffer; False at the end of the connection."""
        try:
            piece = self._connection.receive(self._deadline)
        except OSError as error:
            raise as_requests_error(error, self._left == RAW_LIMIT_BYTES) from error
        self._left -= len(piece)
        if self._left < 0:
            raise ConnectionError(f"longer than {RAW_LIMIT_BYTES // 1024} KiB on the line")
        self._buffer += piece
        return bool(piece)

    def _read_head(self) -> tuple[str, int, dict[str, str]]:
        """Return minor version, status code, and headers by their names in lower case."""
        while not (end := HEAD_END.search(self._buffer)):
            if len(self._buffer) > HEADER_LIMIT_BYTES:
                break
            if not self._receive():
                if not self._buffer:
                    raise NothingReceived("closed without an answer")
                raise ConnectionError(f"closed within the headers: {_text(self._buffer)}")
            # Whoever speaks another protocol may wait for us after the first line.
            if b"\n" in self._buffer and not self._buffer.startswith(PROTOCOL):
                raise _not_http(_text(self._buffer))
        if not end or end.start() > HEADER_LIMIT_BYTES:
            raise ConnectionError(f"more than {HEADER_LIMIT_BYTES // 1024} KiB of headers")
        head = _text(self._buffer[: end.start()])
        self._buffer = self._buffer[end.end() :]
        first, *lines = head.split("\n")
        found = STATUS_LINE.match(first)
        if not found:
            raise _not_http(first)
        if len(lines) > MOST_HEADERS:
            raise ConnectionError(f"more than {MOST_HEADERS} headers")
        return found[1], int(found[2]), _headers(lines)

    def _plain_body(self) -> Iterator[bytes]:
        left = self._length
        while left is None or left > 0:
            if not self._buffer and not self._receive():
                if left is not None:
                    raise ChunkedEncodingError(f"closed {left} bytes before the end of the body")
                break
            piece = self._buffer[: PIECE_BYTES if left is None else min(left, PIECE_BYTES)]
            self._buffer = self._buffer[len(piece) :]
            if left is not None:
                left -= len(piece)
            yield piece
        self._is_complete = True

    def _chunks(self) -> Iterator[bytes]:
        while left := self._chunk_size():
            while left:
                if not self._buffer and not self._receive():
                    raise ChunkedEncodingError("closed within a chunk")
                piece = self._buffer[: min(left, PIECE_BYTES)]
                self._buffer = self._buffer[len(piece) :]
                left -= len(piece)
                yield piece
            if self._line():
                raise ChunkedEncodingError("a chunk is longer than its size")
        # Trailers say nothing that is needed. Some servers leave out even the empty line.
        most = self._left - HEADER_LIMIT_BYTES
        while line := self._line():
            if self._left < most:
                raise ChunkedEncodingError("too many trailers")
        self._is_kept = self._is_kept and line is not None
        self._is_complete = True

    def _chunk_size(self) -> int:
        line = self._line()
        if line is None:
            raise ChunkedEncodingError("closed before the last chunk")
        digits = line.partition(b";")[0].strip()
        if not CHUNK_SIZE.fullmatch(digits):
            raise ChunkedEncodingError(f"not the size of a chunk: {_text(digits)}")
        return int(digits, 16)

    def _line(self) -> bytes | None:
        """Return the next line without its end; None at the end of the connection."""
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > HEADER_LIMIT_BYTES:
                raise ChunkedEncodingError("an endless line between two chunks")
            if not self._receive():
                return None
        line, self._buffer = self._buffer[:end], self._buffer[end + 1 :]
        return line.removesuffix(b"\r")


def _text(data: bytes) -> str:
    # Every byte is a character in this encoding (RFC 9110, 5.5).
    return data.decode("iso-8859-1")


def _not_http(text: str) -> ConnectionError:
    """Return the error for an answer that begins with this text."""
    if not text.split("\n", 1)[0].strip():
        return ConnectionError("an empty line before the HTTP/1 answer")
    return ConnectionError(f"not an HTTP/1 answer: {text}")


def _headers(lines: Iterable[str]) -> dict[str, str]:
    """Return values by names in lower case; those of a repeated name with ",\\n" between them.

    A line without a colon is ignored. One that begins with a blank continues the line before it.
    """
    headers: dict[str, str] = {}
    name = ""
    for line in lines:
        if line[:1] in (" ", "\t"):
            if name:
                headers[name] += f" {line.strip()}"
            continue
        key, colon, value = line.partition(":")
        if colon:
            name, value = key.strip().lower(), value.strip()
            headers[name] = f"{headers[name]},\n{value}" if name in headers else value
    return headers


def _contradiction(headers: dict[str, str]) -> str:
    """Return what makes the body readable in two ways, or ""."""
    length = headers.get("content-length")
    if length is not None and "transfer-encoding" in headers:
        return "both Transfer-Encoding and Content-Length"
    if length is not None and len({part.strip() for part in length.split(",")}) > 1:
        return "more than one Content-Length"
    # Some senders repeat the header of a body that was encoded once.
    return "more than one Content-Encoding" if "\n" in headers.get("content-encoding", "") else ""


def _length(headers: dict[str, str]) -> int | None:
    """Return the length of the body in bytes, or None without one that is a number."""
    length = headers.get("content-length", "").partition(",")[0].strip()
    return int(length) if LENGTH.fullmatch(length) else None


def decoded(pieces: Iterator[bytes], encodings: str) -> Iterator[bytes]:
    """Yield the body as it was before the encodings of a Content-Encoding header were applied.

    Encodings that are not known are left as they are. Each piece has at most `PIECE_BYTES`, so a
    body that unpacks to gigabytes can be given up after the first pieces.
    """
    known = [name for name in re.split(r"[,\s]+", encodings.lower()) if name in DECODED]
    if len(known) > MOST_ENCODINGS:
        raise ContentDecodingError(f"more than {MOST_ENCODINGS} encodings")
    for _ in known:
        pieces = _inflated(pieces)
    return pieces


def _inflated(pieces: Iterable[bytes]) -> Iterator[bytes]:
    # 32: with the header of gzip or of zlib, whichever is there.
    inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        for piece in pieces:
            while piece and not inflater.eof:
                if found := inflater.decompress(piece, PIECE_BYTES):
                    yield found
                piece = inflater.unconsumed_tail
    except zlib.error as error:
        raise ContentDecodingError(str(error)) from error
    if not inflater.eof:
        raise ContentDecodingError("the compressed body is cut off")
