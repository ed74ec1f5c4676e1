"""`python -m bench.sensors`: tens of thousands of sensors in one asyncio process.

They answer like the real sensors (after 1 to 3 s, one in four with 503) and need little CPU, so
client and sensors can be measured on one machine. The answer to the n-th request to a cage and its
latency depend only on the seed, the cage and n. Every answer is written to a file, which is then
compared with the database row by row.
"""

import argparse
import asyncio
import contextlib
import re
import signal
import struct
import time
from pathlib import Path
from typing import NamedTuple

FLUSH_SECONDS = 1
MIN_LATENCY_SECONDS = 1
LATENCY_SPAN_SECONDS = 2
FAILURE_RATE = 0.25
ADDRESS = re.compile(rb"GET /data/([1-9][0-9]{0,8})/ ")
RECORD = struct.Struct("<dIIHBx")
MASK = (1 << 64) - 1


class Served(NamedTuple):
    """One answer that was sent completely."""

    arrived: float  # seconds since 1970
    cage_id: int
    latency_ms: int  # waited before the answer
    http_status: int
    status: int  # the health, 1 to 3; 0 if there was none


def read_served(path):
    """Yield the answers in the file in the order in which they were sent."""
    data = Path(path).read_bytes()
    whole = len(data) - len(data) % RECORD.size
    for fields in RECORD.iter_unpack(data[:whole]):
        yield Served(*fields)


class Fate:
    """Decide the n-th answer of each cage from the seed. Cages do not influence each other."""

    def __init__(self, seed):
        self.seed = seed

    def of(self, cage_id, number):
        """Return (latency in seconds, HTTP status, health or 0)."""
        bits = _mixed(_mixed(self.seed + cage_id * 0x9E3779B97F4A7C15) + number)
        latency = MIN_LATENCY_SECONDS + LATENCY_SPAN_SECONDS * ((bits & 0xFFFFF) / 0x100000)
        if (bits >> 20 & 0xFFFFF) / 0x100000 < FAILURE_RATE:
            return latency, 503, 0
        # Most animals are well.
        return latency, 200, (3, 3, 3, 3, 3, 2, 2, 1)[bits >> 61]


def _mixed(number):
    """Return the number with its bits mixed (finaliser of splitmix64: Steele, Lea, Flood, 2014)."""
    number &= MASK
    number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9 & MASK
    number = (number ^ number >> 27) * 0x94D049BB133111EB & MASK
    return number ^ number >> 31


class Book:
    """The file of answers, written once a second."""

    def __init__(self, path):
        self._file = open(path, "wb", buffering=0)  # noqa: SIM115 - open to the end
        self._waiting = bytearray()

    def note(self, *fields):
        self._waiting += RECORD.pack(*fields)

    def flush(self):
        self._file.write(self._waiting)
        self._waiting.clear()


class Sensors(asyncio.Protocol):
    """One connection of a client."""

    def __init__(self, fate, book, asked):
        self.fate = fate
        self.book = book
        self.asked = asked
        self.loop = asyncio.get_running_loop()
        self.heard = b""
        self.sleeping = None

    def connection_made(self, transport):
        self.transport = transport

    def connection_lost(self, error):
        if self.sleeping:
            self.sleeping.cancel()

    def data_received(self, data):
        self.heard += data
        if self.sleeping is None:
            self._next_request()

    def _next_request(self):
        head, end, rest = self.heard.partition(b"\r\n\r\n")
        if not end:
            return
        self.heard = rest
        if head.startswith(b"GET /healthz "):
            self._send(b"200 OK", b"ok")
            return
        found = ADDRESS.match(head)
        if not found:
            self._send(b"404 Not Found", b"{}")
            return
        cage_id = int(found[1])
        number = self.asked[cage_id] = self.asked.get(cage_id, 0) + 1
        latency, http_status, status = self.fate.of(cage_id, number)
        told = (time.time(), cage_id, round(latency * 1000), http_status, status)
        self.sleeping = self.loop.call_later(latency, self._answer, told)

    def _answer(self, told):
        self.sleeping = None
        _, cage_id, _, http_status, status = told
        if http_status == 200:
            self._send(b"200 OK", b'{"cage_id": %d, "status": %d}' % (cage_id, status))
        else:
            self._send(b"503 Service Unavailable", b'{"error": "sensor unavailable"}')
        self.book.note(*told)
        if self.heard:
            self._next_request()

    def _send(self, status_line, body):
        self.transport.write(
            b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
            % (status_line, len(body), body)
        )


async def serve(port, fate, book):
    """Answer until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    asked = {}
    server = await loop.create_server(
        lambda: Sensors(fate, book, asked), "127.0.0.1", port, backlog=16_384
    )
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), FLUSH_SECONDS)
        book.flush()
    server.close()


def main():
    options = argparse.ArgumentParser(prog="python -m bench.sensors")
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--served", required=True, help="file for the answers")
    options = options.parse_args()
    asyncio.run(serve(options.port, Fate(options.seed), Book(options.served)))


if __name__ == "__main__":
    main()
