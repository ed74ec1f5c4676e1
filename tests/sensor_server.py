"""Sensors with real sockets, for what `responses` cannot play: drip, flood, hang up, keep open."""

import contextlib
import socket
import threading

from cages.polling.sensor_client import SensorClient

CAGE = 7
GOOD = b'{"cage_id": 7, "status": 2}'
# A deadline that is meant to pass, and one that is not, however busy the machine is.
SHORT = 0.3
PATIENT = 60.0


class Sensor:
    """A server on loopback that treats its first connection as the first behaviour says, and so on.

    A behaviour is called with this sensor and the connection's socket; the last one serves all
    further connections.
    """

    def __init__(self, *behaviours, host="127.0.0.1", port=0):
        self.behaviours = behaviours
        self.connections = 0
        self.paths = []
        self.stopping = threading.Event()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=1000)
        self.port = self._listener.getsockname()[1]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{self.port}"
        self._threads = [threading.Thread(target=self._serve)]
        self._sockets = []

    def __enter__(self):
        self._threads[0].start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        # Closing a listener does not wake its accept(); a last visitor does.
        socket.create_connection(self._listener.getsockname()[:2]).close()
        self._threads[0].join(PATIENT)
        for connection in self._sockets:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENT)
            assert not thread.is_alive()
        self._listener.close()

    def _serve(self):
        while True:
            connection, _ = self._listener.accept()
            if self.stopping.is_set():
                connection.close()
                return
            behave = self.behaviours[min(self.connections, len(self.behaviours) - 1)]
            self.connections += 1
            self._sockets.append(connection)
            thread = threading.Thread(target=self._treat, args=(behave, connection))
            self._threads.append(thread)
            thread.start()

    def _treat(self, behave, connection):
        connection.settimeout(PATIENT)
        with connection, contextlib.suppress(OSError):
            behave(self, connection)

    @contextlib.contextmanager
    def speaking_tls(self, connection, context):
        """The connection once it is encrypted with the server's SSLContext."""
        with context.wrap_socket(connection, server_side=True) as encrypted:
            # The plain one has given its file away, and cannot be shut down any more.
            self._sockets.append(encrypted)
            yield encrypted

    def hear(self, connection):
        """Read one request; None when the client has gone."""
        heard = b""
        while b"\r\n\r\n" not in heard:
            more = connection.recv(4096)
            if not more:
                return None
            heard += more
        self.paths.append(heard.split()[1].decode())
        return heard

    def drip(self, connection, piece):
        """Send the piece, again and again, until the client has had enough.

        A call whose deadline moves with each piece does not end in a timeout: at some time it has
        read more than it may.
        """
        while not self.stopping.wait(0.01):
            connection.sendall(piece)


def reply(body=GOOD, *headers, status="200 OK", length=None):
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body


def saying(*replies):
    """A behaviour: one of the replies to each request, then the connection is closed."""

    def behave(sensor, connection):
        for said in replies:
            if sensor.hear(connection) is None:
                return
            connection.sendall(said)

    return behave


def answering(sensor, connection):
    """A behaviour: the good answer to every request."""
    while sensor.hear(connection):
        connection.sendall(reply())


def never(sensor, connection):
    sensor.hear(connection)
    sensor.stopping.wait(PATIENT)


def hanging_up(sensor, connection):
    """A behaviour: hears the request and closes without a word."""
    sensor.hear(connection)


def resetting(sensor, connection):
    """A behaviour: hears the request and resets the connection."""
    sensor.hear(connection)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")


def ask(*behaviours, timeout=PATIENT):
    with Sensor(*behaviours) as sensor:
        return SensorClient(sensor.url).ask(CAGE, timeout)


def drip_body(sensor, connection):
    sensor.hear(connection)
    connection.sendall(reply(GOOD[:5], length=1_000_000))
    sensor.drip(connection, b" ")
