"""The health check of a container that runs Celery: exit code 0 when it works, else 1.

`celery_health.py worker` (or `welfare`, `poller`) asks the process itself, through Redis, as
`celery inspect ping` does. It does not load Django, which would take most of the time.

Beat does not answer such questions. `celery_health.py beat` asks Redis instead when this container
last sent a message, which beat does at each full minute.
"""

import os
import socket
import sys
from pathlib import Path

ANSWER_SECONDS = 5
# Two minutes and a little: one late message is not yet a failure.
SILENCE_SECONDS = 130


def worker_answers(name: str, redis_url: str) -> bool:
    from celery import Celery

    app = Celery(broker=redis_url)
    app.conf.broker_transport_options = {"socket_connect_timeout": ANSWER_SECONDS}
    node = f"{name}@{socket.gethostname()}"
    return bool(app.control.ping(destination=[node], timeout=ANSWER_SECONDS))


def beat_has_sent(redis_url: str) -> bool:
    import redis

    with redis.from_url(redis_url, socket_timeout=ANSWER_SECONDS) as client:
        own_id = str(client.client_id())
        connections = client.client_list()
    hosts = {one["id"]: one["addr"].rpartition(":")[0] for one in connections}
    return any(
        one["cmd"] == "lpush"
        and int(one["idle"]) <= SILENCE_SECONDS
        and hosts[one["id"]] == hosts[own_id]
        for one in connections
    )


def main(name: str) -> int:
    redis_url = (
        os.environ.get("REDIS_URL") or Path(os.environ["REDIS_URL_FILE"]).read_text().strip()
    )
    works = beat_has_sent(redis_url) if name == "beat" else worker_answers(name, redis_url)
    print(f"{name} works" if works else f"{name} does not answer")
    return 0 if works else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
