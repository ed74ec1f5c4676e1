"""The sensors of a scenario: a real HTTP server that notes requests and answers."""

import asyncio
import contextlib
import random
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from cages.models import Outcome
from cages.slots import slot_of

# A poll begins within its slot. Its request may arrive a moment after the end of the slot.
ON_ITS_WAY = timedelta(seconds=1)


@dataclass(slots=True)
class Asked:
    """One request. `status` and `health` are of the answer, which was complete at `answered_at`."""

    cage_id: int
    number: int  # in the order of arrival
    at: datetime  # arrival, by the clock of the scenario
    port: int  # port of the client
    status: int
    health: int | None
    answered_at: datetime | None = None
    polled_for: datetime | None = None  # the slot, if a test knows it better than the arrival tells

    @property
    def slot(self):
        return self.polled_for or slot_of(self.at)

    @property
    def possible_slots(self):
        """Return the slots that the request may be for, the more likely one first."""
        return dict.fromkeys((self.slot, self.polled_for or slot_of(self.at - ON_ITS_WAY)))

    @property
    def outcome(self):
        return {200: Outcome.ANSWERED, 503: Outcome.UNAVAILABLE}.get(
            self.status, Outcome.HTTP_ERROR
        )

    @property
    def detail(self):
        """Return the detail that is recorded of an error. It contains the number of the request."""
        return f"HTTP 500: answer {self.number}" if self.status == 500 else ""

    @property
    def body(self):
        if self.status == 200:
            return f'{{"cage_id": {self.cage_id}, "status": {self.health}}}'
        return f"answer {self.number}"


class Sensors:
    """Serve /data/<cage id>/ on 127.0.0.1 in a thread; a context manager.

    clock: clock of the scenario.
    latency: (least, most) seconds of an answer; it can be changed while the server runs, and so can
    `weights`, how often the status is 200, 500 and 503.
    """

    def __init__(self, clock, latency=(0.05, 0.4)):
        self.clock = clock
        self.latency = latency
        self.weights = (60, 25, 15)
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
        """Return the requests so far, optionally of one slot or since a time of the scenario's
        clock.
        """
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
            # It is cancelled at the end of the scenario only.
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while True:
                    heard = await reader.readuntil(b"\r\n\r\n")
                    await self._answer(heard, reader, writer)
        finally:
            self._talks.discard(asyncio.current_task())
            writer.close()

    async def _answer(self, heard, reader, writer):
        cage_id = int(heard.split()[1].decode().strip("/").split("/")[1])
        status = self._random.choices((200, 500, 503), self.weights)[0]
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
        # The client had gone, so nobody received the answer.
        if not writer.is_closing() and not reader.at_eof():
            asked.answered_at = self.clock.now()
