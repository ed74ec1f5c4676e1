"""Whether the Celery process of this container does its work: exit code 0 if so, 1 if not.

`celery_health.py worker` (or `poller`) asks the process itself, through Redis. That is what
`celery inspect ping` does, without loading Django each time, which costs most of it.

Beat answers no questions. `celery_health.py beat` asks Redis instead when this container last
handed it a message, which is due at each full minute.
"""

import os
import socket
import sys

ANSWER_SECONDS = 5
# Two minutes, so that one late message is none too many, and a little.
SILENCE_SECONDS = 130


def worker_answers(name, redis_url):
    from celery import Celery

    app = Celery(broker=redis_url)
    app.conf.broker_transport_options = {"socket_connect_timeout": ANSWER_SECONDS}
    node = f"{name}@{socket.gethostname()}"
    return bool(app.control.ping(destination=[node], timeout=ANSWER_SECONDS))


def beat_has_sent(redis_url):
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


def main(name):
    redis_url = os.environ["REDIS_URL"]
    works = beat_has_sent(redis_url) if name == "beat" else worker_answers(name, redis_url)
    print(f"{name} works" if works else f"{name} has not been heard of")
    return 0 if works else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
