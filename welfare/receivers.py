"""What welfare does when polling or the judge tells of something: it sends a message.

It holds nothing up.

The recorder goes on at once. The message is sent by a thread of its own, so that a Redis that is
slow or away never keeps results from being written.
"""

import logging
import threading
import time
from datetime import datetime
from typing import Any

from django.conf import settings

from cages.demo.signals import facility_loaded
from cages.polling.patience import pauses
from cages.polling.signals import cycle_finished, minutes_changed
from welfare.signals import concerns_changed

logger = logging.getLogger(__name__)

# Threads that may wait for Redis in one process. Beat makes good what is left out.
SENDING_AT_ONCE = 4
# A later message makes one that is older than this needless.
JUDGE_EXPIRES_SECONDS = 120
HEARTBEAT_EXPIRES_SECONDS = 50
# The next minute looks anyway.
SEND_EXPIRES_SECONDS = 50
# How long a message is held while Redis is away.
HELD_SECONDS = 60
# (name of the task, its arguments, after how many seconds it expires)
Message = tuple[str, tuple[Any, ...], int | None]
_places = threading.BoundedSemaphore(SENDING_AT_ONCE)


def connect() -> None:
    """Listen to polling and to the demonstration. Called once, when Django starts."""
    cycle_finished.connect(on_cycle_finished, dispatch_uid="welfare")
    minutes_changed.connect(on_minutes_changed, dispatch_uid="welfare")
    concerns_changed.connect(on_concerns_changed, dispatch_uid="welfare")
    facility_loaded.connect(on_facility_loaded, dispatch_uid="welfare")


def on_cycle_finished(slot: datetime, **kwargs: Any) -> None:
    seconds = int(slot.timestamp())
    messages: list[Message] = [("welfare.tasks.judge_slot", (seconds,), JUDGE_EXPIRES_SECONDS)]
    if settings.HEARTBEAT_URL:
        messages.append(("welfare.tasks.call_heartbeat", (seconds,), HEARTBEAT_EXPIRES_SECONDS))
    _send_apart(messages)


def on_minutes_changed(slot: datetime, cage_ids: list[int], **kwargs: Any) -> None:
    _send_apart([("welfare.tasks.judge_again", (int(slot.timestamp()), cage_ids), None)])


def on_concerns_changed(**kwargs: Any) -> None:
    _send_apart([("welfare.tasks.send_notices", (), SEND_EXPIRES_SECONDS)])


def on_facility_loaded(**facts: Any) -> None:
    """Add to the generated facility at once. Here nothing waits for a message."""
    # Only a command needs it.
    from welfare import demo

    demo.add_to_facility(**facts)


def _send_apart(messages: list[Message]) -> None:
    if not _places.acquire(blocking=False):
        logger.warning("%s is not sent: too many wait for Redis", messages[0][0])
        return
    threading.Thread(target=_send, args=(messages,), name="judge", daemon=True).start()


def _send(messages: list[Message]) -> None:
    from neurocage.celery import app

    try:
        began = time.monotonic()
        for name, arguments, expires in messages:
            for pause in pauses():
                try:
                    app.send_task(name, arguments, expires=expires, retry=False)
                    break
                except Exception as error:
                    if time.monotonic() + pause > began + HELD_SECONDS:
                        logger.warning("%s is not sent: %s", name, error)
                        break
                time.sleep(pause)
    finally:
        _places.release()
