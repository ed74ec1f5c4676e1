"""The one module that speaks HTTP to sensors.

Whatever a sensor does, `SensorClient.ask` returns a `PollResult` by its deadline. What a sensor
sends is hostile input: limited in time, size and depth, and cut before it is kept.
"""

import contextlib
import json
import ssl
import time
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import requests

from cages.models.poll import Health, Outcome
from cages.polling.answer import PIECE_BYTES
from cages.polling.results import DETAIL_LIMIT, PollResult
from cages.polling.transport import SensorAdapter

# A right answer has about 30 bytes.
BODY_LIMIT_BYTES = 64 * 1024
# A right answer has two. Deeply nested JSON can exhaust the small stack of a poll's thread, which
# ends the whole process and not just the call.
MOST_BRACKETS = 500
# `Health.values` is made anew each time, which takes longer than the rest of judging a body.
HEALTH = frozenset(Health.values)
HEADERS = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "Neurocage"}


class UnusableBody(requests.exceptions.ContentDecodingError):
    """A body that was not read to its end because it is too long."""


class RepeatedKey(ValueError):
    """An object of JSON that has a key twice: readers differ in which of the two counts."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise RepeatedKey("a key twice in one object")
    return found


# json.loads would make a decoder for each answer, because of the hook.
DECODER = json.JSONDecoder(object_pairs_hook=_object)


class SensorClient:
    """Asks the sensors behind one sensor API. One is shared by all threads of a process.

    base_url: where `/data/<cage id>/` is found. connections: how many are kept open between polls.
    """

    def __init__(self, base_url: str, connections: int = 1) -> None:
        # Prepared once; a call only changes the address.
        template = requests.Request("GET", f"{base_url}/data/0/", HEADERS).prepare()
        self._data_url = str(template.url).removesuffix("0/")
        self._headers = template.headers
        # Without a Session: no redirect is followed, no cookie kept, and no proxy or netrc of the
        # machine takes part.
        self._adapter = SensorAdapter(self._data_url, connections)

    def ask(self, cage_id: int, timeout_seconds: float) -> PollResult:
        """Ask one sensor and judge its answer; never raises for what a sensor or network does."""
        started = time.monotonic()
        try:
            status_code, body = self._fetch(cage_id, timeout_seconds)
        except requests.RequestException as error:
            outcome, http_status, detail = _failure(error)
            return PollResult(cage_id, outcome, _ms_since(started), http_status, None, detail)
        return judge(cage_id, status_code, body, _ms_since(started))

    def clock_of(self, cage_id: int, timeout_seconds: float) -> datetime | None:
        """The time by the clock of whoever answers for a sensor, in whole seconds.

        None where it does not answer or does not tell.
        """
        try:
            with contextlib.closing(self._send(cage_id, timeout_seconds)) as response:
                shown = parsedate_to_datetime(response.raw.headers.get("date", ""))
        except (requests.RequestException, ValueError):
            return None
        return shown if shown.tzinfo else None

    def close(self) -> None:
        """Close the kept connections."""
        self._adapter.close()

    def _send(self, cage_id: int, timeout_seconds: float) -> requests.Response:
        # `copy` of a prepared request would copy its cookies, which takes a tenth of a poll.
        request = requests.PreparedRequest()
        request.method, request.headers = "GET", self._headers
        request.url = f"{self._data_url}{cage_id}/"
        return self._adapter.send(request, stream=True, timeout=timeout_seconds)

    def _fetch(self, cage_id: int, timeout_seconds: float) -> tuple[int, bytes]:
        """Return the status code and the decoded body. Raises exceptions of requests."""
        response = self._send(cage_id, timeout_seconds)
        body = b""
        try:
            for piece in response.iter_content(PIECE_BYTES):
                body += piece
                if len(body) > BODY_LIMIT_BYTES:
                    raise UnusableBody(f"longer than {BODY_LIMIT_BYTES // 1024} KiB")
        except requests.Timeout:
            raise
        except requests.RequestException:
            # For any other status the status line has said enough.
            if response.status_code == HTTPStatus.OK:
                raise
        finally:
            response.close()
        return response.status_code, body


def judge(cage_id: int, status_code: int, body: bytes, latency_ms: int) -> PollResult:
    """Return what a complete answer means. body: decoded, at most `BODY_LIMIT_BYTES`."""
    if status_code == HTTPStatus.SERVICE_UNAVAILABLE:
        return PollResult(cage_id, Outcome.UNAVAILABLE, latency_ms, status_code)
    if status_code != HTTPStatus.OK:
        detail = f"HTTP {status_code}: {excerpt(body)}" if body else f"HTTP {status_code}"
        return PollResult(
            cage_id, Outcome.HTTP_ERROR, latency_ms, status_code, None, detail[:DETAIL_LIMIT]
        )
    try:
        status = _status_in(body, cage_id)
    except ValueError as error:
        detail = f"{error}: {excerpt(body)}"[:DETAIL_LIMIT]
        return PollResult(cage_id, Outcome.MALFORMED, latency_ms, status_code, None, detail)
    return PollResult(cage_id, Outcome.ANSWERED, latency_ms, status_code, status)


def _status_in(body: bytes, cage_id: int) -> Health:
    """Return the health in the body of a 200. Raises ValueError with the reason."""
    if body.count(b"[") + body.count(b"{") > MOST_BRACKETS:
        raise ValueError("too many brackets")
    try:
        answer = DECODER.decode(body.decode(json.detect_encoding(body), "surrogatepass"))
    except RepeatedKey:
        raise
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None
    if not isinstance(answer, dict):
        raise ValueError("not a JSON object")
    # True == 1 and 2.0 == 2 in Python, but neither is what the sensor API promises.
    if type(answer.get("cage_id")) is not int or answer["cage_id"] != cage_id:
        raise ValueError("not this cage's id")
    if type(answer.get("status")) is not int or answer["status"] not in HEALTH:
        raise ValueError("not a status from 1 to 3")
    return Health(answer["status"])


def _failure(error: requests.RequestException) -> tuple[Outcome, int | None, str]:
    """Outcome, HTTP status or None, and detail of a call that brought no complete answer."""
    if isinstance(error, requests.exceptions.ContentDecodingError):
        return Outcome.MALFORMED, HTTPStatus.OK.value, one_line(f"unusable body: {error}")
    cause = _cause(error)
    if isinstance(cause, (requests.Timeout, TimeoutError)):
        return Outcome.TIMEOUT, None, ""
    return Outcome.CONNECTION_ERROR, None, _reason(cause)


def _cause(error: BaseException) -> BaseException:
    """Return the innermost exception: requests gives what it wraps as the first argument."""
    while error.args and isinstance(error.args[0], BaseException):
        error = error.args[0]
    return error


def _reason(error: BaseException) -> str:
    """Return why there was no answer in the words of the machine: "Connection refused"."""
    if isinstance(error, ssl.SSLError):
        return one_line(f"TLS: {error.reason or error}")
    if isinstance(error, OSError) and error.strerror:
        return one_line(error.strerror)
    # It may quote what the sensor sent.
    return one_line(str(error))


def excerpt(body: bytes) -> str:
    """Return the beginning of a body as one printable line."""
    return one_line(body[: DETAIL_LIMIT * 4].decode("utf-8", errors="replace"))


def one_line(text: str) -> str:
    """Return the beginning of a text as one printable line."""
    return "".join(char if char.isprintable() else " " for char in text[:DETAIL_LIMIT])


def _ms_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
