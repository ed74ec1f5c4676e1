"""The Celery app: beat, workers and pollers all start from here (`celery -A neurocage`)."""

import os
from datetime import UTC, datetime

from celery import Celery
from celery.schedules import crontab
from celery.signals import beat_init
from kombu.exceptions import OperationalError
from kombu.transport import TRANSPORT_ALIASES

from neurocage.env import settings_or_exit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "neurocage.settings")
settings_or_exit()

# kombu's own, mended: with it, the loss of Redis would end a worker.
TRANSPORT_ALIASES.update(dict.fromkeys(("redis", "rediss"), "neurocage.redis_transport:Transport"))

app = Celery("neurocage")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["cages.polling"])
# A minute that nobody started in time was not watched; old messages must not pile up.
START_SLOT = {"task": "cages.polling.tasks.start_slot", "options": {"expires": 50}}
app.conf.beat_schedule = {"start-slot": {**START_SLOT, "schedule": crontab()}}


@beat_init.connect
def ask_in_this_minute_too(**kwargs):
    """Do not wait for the next full minute, if enough of this one is left for all its polls."""
    if datetime.now(UTC).second >= 30:
        return
    try:
        app.send_task(START_SLOT["task"], **START_SLOT["options"], retry=False)
    except OperationalError:
        # Redis is not there yet; beat itself keeps trying.
        return
