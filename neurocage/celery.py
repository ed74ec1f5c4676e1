"""The Celery app: beat, workers and pollers all start from here (`celery -A neurocage`)."""

import os

from celery import Celery
from celery.schedules import crontab

from neurocage.env import settings_or_exit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "neurocage.settings")
settings_or_exit()

app = Celery("neurocage")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["cages.polling"])
app.conf.beat_schedule = {
    "start-slot": {
        "task": "cages.polling.tasks.start_slot",
        "schedule": crontab(),
        # A minute that nobody started in time was not watched; old messages must not pile up.
        "options": {"expires": 50},
    },
}
