"""The one module that speaks HTTP to sensors.

Whatever a sensor does, `SensorClient.ask` returns a `PollResult` by its deadline. What a sensor
sends is hostile input: limited in time, size and depth, and cut before it is kept.
"""

import http.client
import json
import ssl
import time
from urllib.parse import urlsplit

import requests
import urllib3

from cages.models.poll import Health, Outcome
from cages.polling.answer import call
from cages.polling.results import DETAIL_LIMIT, PollResult
from cages.polling.transport import DeadlineAdapter

# A right answer has about 30 bytes.
BODY_LIMIT_BYTES = 64 * 1024
CHUNK_BYTES = 8 * 1024
# A right answer has two. Deeply nested JSON can exhaust the small stack of a poll's thread, which
# ends the whole process and not just the call.
MOST_BRACKETS = 500
RESET_BY_PEER = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)
TIMEOUTS = (TimeoutError, requests.Timeout, urllib3.exceptions.TimeoutError)


# The transport keeps the time itself.
THE_DEADLINE = urllib3.Timeout()


class UnusableBody(Exception):
    """A 200 whose body was not even read to its end."""


class SensorClient:
    """Asks the sensors behind one sensor API. One shared by all threads of a process.

    base_url: where `/data/<cage id>/` is found. connections: kept open between two polls.
    """

    def __init__(self, base_url, connections=1):
        self._data_url = f"{base_url}/data/"
        self._session = requests.Session()
        # A proxy or a netrc of the machine has nothing to do with a sensor, and looking for them
        # costs a third of a call.
        self._session.trust_env = False
        self._session.mount("http://", DeadlineAdapter(connections))
        self._session.mount("https://", DeadlineAdapter(connections))
        self._adapter = self._session.get_adapter(self._data_url)
        # Prepared once; a call only changes the address.
        self._template = template = self._session.prepare_request(
            requests.Request(
                "GET",
                f"{self._data_url}0/",
                headers={"Accept": "application/json", "User-Agent": "Neurocage"},
            )
        )
        # http.client would put the Host together anew each time, and a copy of this dict is cheap.
        template.headers = {
            "Host": urlsplit(base_url).netloc.rpartition("@")[2],
            **template.headers,
        }

    def ask(self, cage_id, timeout_seconds):
        """Ask one sensor and judge its answer; never raises for what a sensor or network does."""
        started = time.monotonic()
        call.deadline = started + timeout_seconds
        try:
            status_code, body = self._fetch_once_more_if_stale(cage_id)
        except Exception as error:
            outcome, status_code, detail = _failure(error)
            return PollResult(cage_id, outcome, _ms_since(started), status_code, None, detail)
        return judge(cage_id, status_code, body, _ms_since(started))

    def _fetch_once_more_if_stale(self, cage_id):
        try:
            return self._fetch(cage_id)
        except requests.ConnectionError as error:
            # The peer closed a kept connection just as it was used again. That is no failure of
            # the sensor, and asking at once on a fresh connection is right here, and only here.
            if not (call.reused_connection and _cause(error, RESET_BY_PEER)):
                raise
            call.wants_fresh_connection = True
            try:
                return self._fetch(cage_id)
            finally:
                call.wants_fresh_connection = False

    def _fetch(self, cage_id):
        """The status code and the body; raises what requests and urllib3 raise, or UnusableBody."""
        request = self._template.copy()
        request.url = f"{self._data_url}{cage_id}/"
        call.reused_connection = False
        # Straight through the adapter: no redirect is followed, no cookie kept, no hook run.
        response = self._adapter.send(
            request, stream=True, timeout=THE_DEADLINE, verify=True, proxies={}
        )
        complete = False
        try:
            body = b""
            for chunk in response.raw.stream(CHUNK_BYTES, decode_content=True):
                body += chunk
                if len(body) > BODY_LIMIT_BYTES:
                    raise UnusableBody(f"longer than {BODY_LIMIT_BYTES // 1024} KiB")
            complete = True
        except (
            UnusableBody,
            urllib3.exceptions.DecodeError,
            urllib3.exceptions.ProtocolError,
            http.client.HTTPException,
        ):
            # For any other status the status line has said enough.
            if response.status_code == http.client.OK:
                raise
        except (ValueError, OverflowError):
            # http.client and urllib3 try to read a chunk whose size is negative.
            if response.status_code == http.client.OK:
                raise urllib3.exceptions.ProtocolError("a chunk of negative size") from None
        finally:
            if not complete:
                # What is still on its way must not be the next call's answer.
                response.raw.close()
            response.raw.release_conn()
        return response.status_code, body


def judge(cage_id, status_code, body, latency_ms):
    """What a complete answer means. Pure: the status line's code and the decoded body go in."""
    if status_code == http.client.SERVICE_UNAVAILABLE:
        return PollResult(cage_id, Outcome.UNAVAILABLE, latency_ms, status_code)
    if status_code != http.client.OK:
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


def _status_in(body, cage_id):
    """The health in a 200's body; raises ValueError with the reason where there is none."""
    if body.count(b"[") + body.count(b"{") > MOST_BRACKETS:
        raise ValueError("too many brackets")
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None
    if not isinstance(answer, dict):
        raise ValueError("not a JSON object")
    # True == 1 and 2.0 == 2 in Python, but neither is what the sensor API promises.
    if type(answer.get("cage_id")) is not int or answer["cage_id"] != cage_id:
        raise ValueError("not this cage's id")
    if type(answer.get("status")) is not int or answer["status"] not in Health.values:
        raise ValueError("not a status from 1 to 3")
    return Health(answer["status"])


def _failure(error):
    """(outcome, HTTP status or None, detail) for what went wrong before an answer was complete."""
    if isinstance(error, (UnusableBody, urllib3.exceptions.DecodeError)):
        return Outcome.MALFORMED, http.client.OK.value, one_line(f"unusable body: {error}")
    if _cause(error, TIMEOUTS):
        return Outcome.TIMEOUT, None, ""
    known = (requests.RequestException, urllib3.exceptions.HTTPError, OSError)
    if not isinstance(error, (*known, http.client.HTTPException)):
        raise error
    return Outcome.CONNECTION_ERROR, None, _reason(error)


def _chain(error):
    """The error and what caused it, through the wrappings of requests and urllib3."""
    seen = []
    while isinstance(error, BaseException) and error not in seen:
        seen.append(error)
        inner = getattr(error, "reason", None) or next(
            (part for part in reversed(error.args) if isinstance(part, BaseException)), None
        )
        error = inner if isinstance(inner, BaseException) else error.__cause__ or error.__context__
    return seen


def _cause(error, kinds):
    return next((part for part in _chain(error) if isinstance(part, kinds)), None)


def _reason(error):
    """Why there was no connection, in the words of the machine: "Connection refused"."""
    for part in reversed(_chain(error)):
        if isinstance(part, ssl.SSLError):
            return one_line(f"TLS: {part.reason or part}")
        if isinstance(part, OSError) and part.strerror:
            return one_line(part.strerror)
    # The last one may quote what the sensor sent.
    return one_line(str(_chain(error)[-1]))


def excerpt(body):
    """The beginning of a body as one printable line."""
    return one_line(body[: DETAIL_LIMIT * 4].decode("utf-8", errors="replace"))


def one_line(text):
    """The beginning of a text as one printable line."""
    return "".join(char if char.isprintable() else " " for char in text[:DETAIL_LIMIT])


def _ms_since(started):
    return round((time.monotonic() - started) * 1000)
