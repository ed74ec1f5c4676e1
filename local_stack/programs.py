"""The commands of the stack's own processes, each a list of arguments."""

import os
import sys

from neurocage import env

PYTHON = (sys.executable, "-m")
QUIET_WORKER = ("--without-gossip", "--without-mingle", "--without-heartbeat")
MOST_POLLERS_BY_DEFAULT = 4


def manage(*arguments: str) -> list[str]:
    """A management command of Django."""
    return [sys.executable, "manage.py", *arguments]


def celery_worker(name: str, queues: str, threads: int) -> list[str]:
    """A Celery worker of one process with this many threads. queues: names, comma-separated."""
    command = [*PYTHON, "celery", "-A", "neurocage", "worker", "-n", f"{name}@%h", "-Q", queues]
    return [*command, "-P", "threads", "-c", str(threads), *QUIET_WORKER]


def worker(name: str = "worker", queues: str = "slots,records") -> list[str]:
    """The worker that starts minutes and writes results; name one queue for one of the two."""
    return celery_worker(name, queues, threads=4)


def poller(name: str = "poller") -> list[str]:
    """The worker that asks sensors. Its threads each take a shard and mostly wait."""
    return celery_worker(name, "polls", threads=16)


def welfare(name: str = "welfare") -> list[str]:
    """The worker that judges what was recorded, raises concerns and sends notices."""
    return celery_worker(name, "judge,notices", threads=4)


def poll_processes() -> int:
    """Number of pollers on this machine: POLL_PROCESSES, or one for each core, at most 4.

    One process cannot use more than one core. Raises ImproperlyConfigured for a bad value.
    """
    # A container may be allowed fewer cores than the machine has; only Linux tells.
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return env.number("POLL_PROCESSES", min(cores or 1, MOST_POLLERS_BY_DEFAULT), 1, 64)


def beat() -> list[str]:
    """Celery beat. Its schedule is in the code, so it needs no file of its own."""
    scheduler = ("-S", "neurocage.beat:Scheduler", "--pidfile=")
    return [*PYTHON, "celery", "-A", "neurocage", "beat", *scheduler]


def gunicorn(config: str, port: int, application: str) -> list[str]:
    """A web server on a loopback port. config: path of gunicorn's settings file."""
    return [*PYTHON, "gunicorn", "-c", config, "--bind", f"127.0.0.1:{port}", application]


def mail_catcher(mail_port: int, page_port: int) -> list[str]:
    """The mail server that only shows what was sent. Both ports are on loopback."""
    return [*PYTHON, "local_stack.mail_catcher", str(mail_port), str(page_port)]
