"""Settings of gunicorn for the simulator, where hundreds of requests sleep at the same time.

gunicorn -c sensor_api/gunicorn.conf.py sensor_api.wsgi:app
"""

import resource
import signal
import sys
from types import FrameType
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from flask import Flask
    from gunicorn.arbiter import Arbiter
    from gunicorn.workers.base import Worker

    from sensor_api.sensor import Sensor

THREADS = 1000  # requests that can sleep at once
CONNECTIONS = 4000  # open connections: those of sleeping requests, and idle ones
FILES_BESIDES = 64  # listeners, pipes, logs and the files of the interpreter


def _allow_open_files(wanted: int) -> int:
    """Raise the limit of open files as far as possible up to `wanted`. Returns the new limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    reachable = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft == resource.RLIM_INFINITY or soft >= reachable:
        return wanted if soft == resource.RLIM_INFINITY else soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (reachable, hard))
    except (OSError, ValueError):
        return soft
    return reachable


# Each connection uses one file, and a second one while its thread waits for the first byte. When
# files run out, the accept loop of gthread ends for good, so use no more than there are.
_files = _allow_open_files(CONNECTIONS + THREADS + FILES_BESIDES)
_files_short = _files < CONNECTIONS + THREADS + FILES_BESIDES

bind = "127.0.0.1:8080"
worker_class = "gthread"
workers = 1  # faults that were set over HTTP, and the order of failures, are kept in one process
threads = min(THREADS, max(1, (_files - FILES_BESIDES) // 3))
worker_connections = min(CONNECTIONS, max(2, _files - FILES_BESIDES - threads))
keepalive = 75  # seconds, longer than the minute between two polls
# Sleeping requests are woken (see post_worker_init), so this is only an upper limit. gunicorn keeps
# idle connections open for 2 s of it.
graceful_timeout = 3
# The path of gunicorn's control socket is the same for all gunicorns of a user.
control_socket_disable = True


def on_starting(server: "Arbiter") -> None:
    """Check the settings before the first worker starts, so that a bad one is told in one line."""
    from sensor_api.config import SettingsError, read_settings

    try:
        read_settings()
    except SettingsError as error:
        sys.exit(f"sensor_api: {error}")
    if _files_short and server.log:
        server.log.warning(
            "%s open files allow %s requests at once, not %s; raise the limit (ulimit -n)",
            _files,
            threads,
            THREADS,
        )


def post_worker_init(worker: "Worker") -> None:
    """Wake all sleeping requests on SIGTERM, so that the worker does not wait for their latency."""
    sensor = _sensor(worker)

    def stop(signum: int, frame: FrameType | None) -> None:
        worker.handle_exit(signum, frame)
        sensor.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.siginterrupt(signal.SIGTERM, False)


def worker_int(worker: "Worker") -> None:
    """Wake them on SIGINT and SIGQUIT too, after which gunicorn waits for its threads."""
    _sensor(worker).stop()


def _sensor(worker: "Worker") -> "Sensor":
    return cast("Flask", worker.wsgi).extensions["sensor_api"]
