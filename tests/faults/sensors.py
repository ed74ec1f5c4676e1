"""The sensors of a scenario: a real HTTP server that notes what it was asked and what it said."""

import asyncio
import contextlib
import random
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from cages.models import Outcome
from cages.slots import slot_of

# A poll begins within its slot; its request may arrive a moment after the slot's end.
ON_ITS_WAY = timedelta(seconds=1)


@dataclass(slots=True)
class Asked:
    """One request. `status` and `health`: of the answer; `answered_at`: when it was out, whole."""

    cage_id: int
    number: int  # in the order of arrival
    at: datetime  # when it arrived, by the clock of the scenario
    port: int  # where it came from
    status: int
    health: int | None
    answered_at: datetime | None = None
    polled_for: datetime | None = None  # the slot, where a test knows it better than the arrival

    @property
    def slot(self):
        return self.polled_for or slot_of(self.at)

    @property
    def possible_slots(self):
        """The slots it may have been asked for, the likelier one first."""
        return dict.fromkeys((self.slot, self.polled_for or slot_of(self.at - ON_ITS_WAY)))

    @property
    def outcome(self):
        return {200: Outcome.ANSWERED, 503: Outcome.UNAVAILABLE}.get(
            self.status, Outcome.HTTP_ERROR
        )

    @property
    def detail(self):
        """What is kept of an error: it holds the request's number, so no answer is like another."""
        return f"HTTP 500: answer {self.number}" if self.status == 500 else ""

    @property
    def body(self):
        if self.status == 200:
            return f'{{"cage_id": {self.cage_id}, "status": {self.health}}}'
        return f"answer {self.number}"


class Sensors:
    """Serves /data/<cage id>/ on loopback, in a thread of its own; use as a context manager.

    clock: tells the scenario's time. latency: least and most seconds an answer takes; it may be
    changed while the server runs.
    """

    def __init__(self, clock, latency=(0.05, 0.4)):
        self.clock = clock
        self.latency = latency
        self.requests = []
        self._random = random.Random(7)
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sensors")
        self.port = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def asked(self, slot=None, since=None):
        """The requests so far, of one slot or since a moment by the scenario's clock."""
        return [
            each
            for each in list(self.requests)
            if (slot is None or each.slot == slot) and (since is None or each.at >= since)
        ]

    def __enter__(self):
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        assert not self._thread.is_alive()

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self):
        self._stop = asyncio.Event()
        self._talks = set()
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    async def _talk(self, reader, writer):
        self._talks.add(asyncio.current_task())
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                while True:
                    heard = await reader.readuntil(b"\r\n\r\n")
                    await self._answer(heard, reader, writer)
        finally:
            self._talks.discard(asyncio.current_task())
            writer.close()

    async def _answer(self, heard, reader, writer):
        cage_id = int(heard.split()[1].decode().strip("/").split("/")[1])
        status = self._random.choices((200, 500, 503), (60, 25, 15))[0]
        asked = Asked(
            cage_id,
            len(self.requests),
            self.clock.now(),
            writer.get_extra_info("peername")[1],
            status,
            self._random.choice((1, 2, 3)) if status == 200 else None,
        )
        self.requests.append(asked)
        await asyncio.sleep(self._random.uniform(*self.latency))
        body = asked.body.encode()
        head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        # Nobody heard it where the client had gone.
        if not writer.is_closing() and not reader.at_eof():
            asked.answered_at = self.clock.now()
