"""How gunicorn serves the simulator: nearly all of its requests sleep, hundreds of them at once.

gunicorn -c sensor_api/gunicorn.conf.py sensor_api.wsgi:app
"""

import resource
import signal
import sys

THREADS = 1000  # requests that can sleep at once
CONNECTIONS = 4000  # those, and clients that keep their connection until the next poll
FILES_BESIDES = 64  # listeners, pipes, logs, the interpreter's own


def _allow_open_files(wanted: int) -> int:
    """Raise the limit of open files towards `wanted`; return what it is then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    reachable = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft == resource.RLIM_INFINITY or soft >= reachable:
        return wanted if soft == resource.RLIM_INFINITY else soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (reachable, hard))
    except (OSError, ValueError):
        return soft
    return reachable


# A connection takes a file, and a second one while its thread waits for the first byte. gthread's
# accept loop does not survive running out of them, so never take more than there are.
_files = _allow_open_files(CONNECTIONS + THREADS + FILES_BESIDES)
_files_short = _files < CONNECTIONS + THREADS + FILES_BESIDES

bind = "127.0.0.1:8080"
worker_class = "gthread"
workers = 1  # the faults set over HTTP, and the order of failures, live in one process
threads = min(THREADS, max(1, (_files - FILES_BESIDES) // 3))
worker_connections = min(CONNECTIONS, max(2, _files - FILES_BESIDES - threads))
keepalive = 75  # seconds: longer than the minute between two polls
# Sleeping requests are woken (below), so this only bounds what goes wrong. gunicorn keeps idle
# kept-alive connections open for 2 s of it.
graceful_timeout = 3
# gunicorn's control socket has one path per user: a second gunicorn would take it from the first.
control_socket_disable = True


def on_starting(server):
    """Check the settings once, before there is a worker: a bad one ends the start in one line."""
    from sensor_api.config import SettingsError, read_settings

    try:
        read_settings()
    except SettingsError as error:
        sys.exit(f"sensor_api: {error}")
    if _files_short:
        server.log.warning(
            "%s open files allow %s requests at once, not %s; raise the limit (ulimit -n)",
            _files,
            threads,
            THREADS,
        )


def post_worker_init(worker):
    """Wake every sleeping request on SIGTERM, or each would keep the worker for its latency."""
    sensor = worker.wsgi.extensions["sensor_api"]

    def stop(signum, frame):
        worker.handle_exit(signum, frame)
        sensor.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.siginterrupt(signal.SIGTERM, False)


def worker_int(worker):
    """The same on SIGINT and SIGQUIT, after which gunicorn waits for its threads."""
    worker.wsgi.extensions["sensor_api"].stop()
