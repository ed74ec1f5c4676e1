"""A whole shard against sensors that fail together: everybody gets one result, in time.

Each fault ends, and the next poll of the same poller is answered. What one sensor alone can do is
in test_sensor_sockets.py.
"""

import json
import socket
import ssl
import threading
import time

import pytest
import trustme

from cages.models import Health, Outcome
from cages.polling.answer import PIECE_BYTES
from cages.polling.poller import Poller
from cages.polling.sensor_client import SensorClient
from tests.factories import at, slot
from tests.sensor_server import PATIENT, SHORT, Sensor, reply

SLOT = slot("07:00")
AT_ONCE = at("07:00:01").timestamp()
# Not in the order of numbers, as no one promises that.
CAGES = [*range(140, 160), *range(100, 140)]
EOL = "\r\n"
# A deadline that is meant to pass.
TIMEOUT_SECONDS = 0.8


class Gateway:
    """A behaviour for all connections: what each request comes to can be changed at any time.

    play(sensor, connection, cage_id) returns whether the connection is kept.
    """

    def __init__(self, play):
        self.play = play
        self.heard = {}  # requests by cage
        self._lock = threading.Lock()

    def __call__(self, sensor, connection):
        while request := sensor.hear(connection):
            cage_id = int(request.split()[1].split(b"/")[2])
            with self._lock:
                self.heard.setdefault(cage_id, []).append(request)
            if not self.play(sensor, connection, cage_id):
                return


def good(sensor, connection, cage_id):
    connection.sendall(reply(json.dumps({"cage_id": cage_id, "status": 3}).encode()))
    return True


def good_and_closed(sensor, connection, cage_id):
    good(sensor, connection, cage_id)


def silent(sensor, connection, cage_id):
    sensor.stopping.wait(PATIENT)


def dripping(sensor, connection, cage_id):
    connection.sendall(reply(b"{", length=1_000_000))
    sensor.drip(connection, b" ")


def reset(sensor, connection, cage_id):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")


def a_poller(url, timeout_seconds=PATIENT):
    return Poller(url, len(CAGES), timeout_seconds)


def poll(poller, **spread):
    """The results, after what holds for every poll: one for each cage, in order."""
    results = poller.poll(CAGES, SLOT, clock=lambda: AT_ONCE, **spread)
    assert [result.cage_id for result in results] == CAGES
    return results


def assert_all_answered(poller, **spread):
    """Those that are to answer have all the time that a busy machine may need."""
    poller.timeout_seconds = PATIENT
    for result in poll(poller, **spread):
        assert (result.outcome, result.status) == (Outcome.ANSWERED, Health.PERFECT), result


def assert_all_failed(poller, outcome, detail):
    assert {(r.outcome, r.http_status, r.detail) for r in poll(poller)} == {(outcome, None, detail)}


def test_when_all_hang_all_time_out_together():
    gateway = Gateway(silent)
    with Sensor(gateway) as sensor:
        poller = a_poller(sensor.url, TIMEOUT_SECONDS)
        assert_all_failed(poller, Outcome.TIMEOUT, "")
        gateway.play = good
        assert_all_answered(poller)


def test_when_all_hang_in_a_crowd_each_has_its_own_time():
    with Sensor(Gateway(silent)) as sensor:
        poller = Poller(sensor.url, len(CAGES) // 2, SHORT)
        began = time.monotonic()
        assert_all_failed(poller, Outcome.TIMEOUT, "")
        # Those that waited for a place had their time after the others had had theirs.
        assert time.monotonic() - began >= 2 * SHORT


def test_when_all_refuse_the_reason_is_kept():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    poller = a_poller(f"http://127.0.0.1:{port}")
    assert_all_failed(poller, Outcome.CONNECTION_ERROR, "Connection refused")
    with Sensor(Gateway(good), port=port):
        assert_all_answered(poller)


def test_when_all_reset_the_reason_is_kept():
    gateway = Gateway(reset)
    with Sensor(gateway) as sensor:
        poller = a_poller(sensor.url)
        assert_all_failed(poller, Outcome.CONNECTION_ERROR, "Connection reset by peer")
        gateway.play = good
        assert_all_answered(poller)


def test_when_the_name_server_knows_nobody_the_reason_is_kept(monkeypatch):
    # Played, as a machine without a network may wait for its name servers for many seconds.
    look_up = socket.getaddrinfo
    lost = threading.Event()

    def play(host, *args, **kwargs):
        if host == "sensors.invalid" and lost.is_set():
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return look_up("127.0.0.1" if host == "sensors.invalid" else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", play)
    lost.set()
    with Sensor(Gateway(good)) as sensor:
        poller = a_poller(f"http://sensors.invalid:{sensor.port}")
        assert_all_failed(poller, Outcome.CONNECTION_ERROR, "Name or service not known")
        lost.clear()
        assert_all_answered(poller)


def test_one_in_ten_that_drips_for_ever_delays_and_loses_no_other():
    slow = CAGES[::10]
    others_are_answered = threading.Event()
    answered = []

    def play(sensor, connection, cage_id):
        if cage_id not in slow:
            answered.append(cage_id)
            if len(answered) == len(CAGES) - len(slow):
                others_are_answered.set()
            return good(sensor, connection, cage_id)
        connection.sendall(reply(b"{", length=1_000_000))
        while not others_are_answered.wait(0.01):
            connection.sendall(b" ")
        return False

    gateway = Gateway(play)
    with Sensor(gateway) as sensor:
        # Even where the slow ones hold a good part of the places.
        poller = Poller(sensor.url, 2 * len(slow), PATIENT)
        for result in poll(poller):
            # The slow ones, which drip until all others are answered, are cut off then.
            expected = Outcome.CONNECTION_ERROR if result.cage_id in slow else Outcome.ANSWERED
            assert result.outcome == expected
        gateway.play = good
        assert_all_answered(poller)


# TLS


class Encrypted:
    """A behaviour: the gateway behind TLS, certified by the authority; without one, plain."""

    def __init__(self, gateway, authority):
        self.gateway = gateway
        self.certificate = authority and authority.issue_cert("127.0.0.1")

    def __call__(self, sensor, connection):
        if self.certificate is None:
            connection.recv(4096)
            connection.sendall(reply(b"speak plainly", status="400 Bad Request"))
            return
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.certificate.configure_cert(context)
        with sensor.speaking_tls(connection, context) as encrypted:
            self.gateway(sensor, encrypted)


@pytest.fixture
def authority(monkeypatch, tmp_path):
    """An authority that this machine trusts."""
    known = trustme.CA()
    known.cert_pem.write_to_path(tmp_path / "known.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "known.pem"))
    return known


@pytest.mark.parametrize(
    ("stranger", "detail"),
    [(None, "TLS: WRONG_VERSION_NUMBER"), (trustme.CA, "TLS: CERTIFICATE_VERIFY_FAILED")],
)
def test_when_tls_fails_the_reason_is_kept(authority, stranger, detail):
    gateway = Encrypted(Gateway(good), stranger and stranger())
    with Sensor(gateway) as sensor:
        poller = a_poller(sensor.url.replace("http:", "https:"))
        assert_all_failed(poller, Outcome.CONNECTION_ERROR, detail)
        assert gateway.gateway.heard == {}
        gateway.certificate = authority.issue_cert("127.0.0.1")
        assert_all_answered(poller)


@pytest.mark.parametrize("play", [silent, dripping])
def test_the_deadline_holds_within_tls(authority, play):
    gateway = Gateway(play)
    with Sensor(Encrypted(gateway, authority)) as sensor:
        poller = a_poller(sensor.url.replace("http:", "https:"), TIMEOUT_SECONDS)
        assert_all_failed(poller, Outcome.TIMEOUT, "")
        gateway.play = good
        assert_all_answered(poller)


def test_what_is_left_of_a_record_of_tls_is_never_the_next_answer(authority):
    def more_than_asked(sensor, connection, cage_id):
        body = json.dumps({"cage_id": cage_id, "status": 3}).encode()
        # The answer ends where a read does, and the rest is decrypted with it.
        padding = f"X: {'x' * (PIECE_BYTES - len(reply(body)) - len('X: ') - len(EOL))}"
        stray = json.dumps({"cage_id": cage_id, "status": 1}).encode()
        connection.sendall(reply(body, padding) + reply(stray))
        return True

    gateway = Gateway(more_than_asked)
    with Sensor(Encrypted(gateway, authority)) as sensor:
        client = SensorClient(sensor.url.replace("http:", "https:"))
        assert client.ask(7, PATIENT).status == Health.PERFECT
        gateway.play = good
        assert client.ask(7, PATIENT).status == Health.PERFECT
        assert sensor.connections == 2


def test_the_deadline_holds_in_a_handshake_that_drips():
    def drip_handshake(sensor, connection):
        connection.recv(4096)
        # The beginning of a record of TLS that promises 16,000 bytes.
        connection.sendall(b"\x16\x03\x03\x3e\x80\x02\x00\x3e\x7c")
        sensor.drip(connection, b"\x00")

    with Sensor(drip_handshake) as sensor:
        poller = a_poller(sensor.url.replace("http:", "https:"), TIMEOUT_SECONDS)
        assert_all_failed(poller, Outcome.TIMEOUT, "")


# Kept connections


def test_connections_that_all_end_between_two_polls_cost_no_answer():
    gateway = Gateway(good_and_closed)
    with Sensor(gateway) as sensor:
        poller = a_poller(sensor.url)
        for _ in range(3):
            assert_all_answered(poller)
        assert {len(requests) for requests in gateway.heard.values()} == {3}


def hang_up(sensor, connection, cage_id):
    return False


@pytest.mark.parametrize("ending", [hang_up, reset])
def test_connections_that_all_end_as_they_are_used_again_cost_no_answer(ending):
    # A gateway whose patience with idle connections is the minute from poll to poll does this.
    kept = set()
    all_are_open = threading.Barrier(len(CAGES))

    def first_poll(sensor, connection, cage_id):
        all_are_open.wait(PATIENT)
        kept.add(connection)
        return good(sensor, connection, cage_id)

    def second_poll(sensor, connection, cage_id):
        return (ending if connection in kept else good)(sensor, connection, cage_id)

    gateway = Gateway(first_poll)
    with Sensor(gateway) as sensor:
        poller = a_poller(sensor.url)
        assert_all_answered(poller)
        assert sensor.connections == len(CAGES)
        gateway.play = second_poll
        # One after the other, so that each one finds other kept connections waiting.
        assert_all_answered(poller, begin_seconds=1.0, spread_seconds=0.4)


# Addresses and surroundings


def test_sensors_are_found_by_an_address_of_ipv6():
    try:
        sensor = Sensor(gateway := Gateway(good), host="::1")
    except OSError as error:
        pytest.skip(f"This machine has no IPv6 on its loopback: {error}")
    with sensor:
        assert_all_answered(a_poller(sensor.url))
        request, *_ = gateway.heard[CAGES[0]]
    assert f"\r\nhost: [::1]:{sensor.port}\r\n".encode() in request.lower()


def test_a_proxy_or_netrc_of_the_environment_reaches_no_sensor(monkeypatch, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        dead = f"http://127.0.0.1:{listener.getsockname()[1]}"
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        for spelling in (name, name.lower()):
            monkeypatch.setenv(spelling, dead)
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login mouse password cheese\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    gateway = Gateway(good)
    with Sensor(gateway) as sensor:
        assert_all_answered(a_poller(sensor.url))
    for requests in gateway.heard.values():
        assert b"authorization" not in requests[0].lower()


def test_a_name_with_many_addresses_has_one_deadline_for_all(monkeypatch):
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    address = listener.getsockname()
    # Once its queue is full, whoever else knocks is neither let in nor sent away.
    waiting = [socket.socket() for _ in range(4)]
    for visitor in waiting:
        visitor.setblocking(False)
        visitor.connect_ex(address)
    entry = (socket.AF_INET, socket.SOCK_STREAM, 6, "", address)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: [entry] * 5)
    poller = a_poller(f"http://sensors.invalid:{address[1]}", TIMEOUT_SECONDS)
    assert_all_failed(poller, Outcome.TIMEOUT, "")
    for opened in (listener, *waiting):
        opened.close()
