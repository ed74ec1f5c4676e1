"""The Celery app of beat, workers and pollers (`celery -A neurocage`)."""

import contextlib
import os
from datetime import UTC, datetime

from celery import Celery
from celery.schedules import crontab
from celery.signals import beat_init, task_postrun, task_prerun
from kombu.exceptions import OperationalError
from kombu.transport import TRANSPORT_ALIASES

from neurocage import log_context
from neurocage.env import settings_or_exit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "neurocage.settings")
settings_or_exit()
# Celery would load all pages in each process only to check them, which takes 21 MB. `migrate`
# checks them at each start.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

# kombu's own, mended: with it, the loss of Redis would end a worker.
TRANSPORT_ALIASES.update(dict.fromkeys(("redis", "rediss"), "neurocage.redis_transport:Transport"))

app = Celery("neurocage")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["people", "cages.polling", "welfare"])
START_SLOT = "cages.polling.tasks.start_slot"
# A minute that was not started in time counts as not watched, and old messages must not pile up.
START_SLOT_EXPIRES_SECONDS = 50
# The next minute sends another one.
JUDGE_EXPIRES_SECONDS = 50
app.conf.beat_schedule = {
    "start-slot": {
        "task": START_SLOT,
        "options": {"expires": START_SLOT_EXPIRES_SECONDS},
        "schedule": crontab(),  # each full minute
    },
    "send-notices": {
        "task": "welfare.tasks.send_notices",
        "options": {"expires": START_SLOT_EXPIRES_SECONDS},
        "schedule": crontab(),  # each full minute
    },
    "check-database": {
        "task": "cages.polling.tasks.check_database",
        "options": {"expires": 3600},
        "schedule": crontab(minute="7", hour="3"),  # each day
    },
    "forget-notices": {
        "task": "welfare.tasks.forget_notices",
        "options": {"expires": 3600},
        "schedule": crontab(minute="17", hour="3"),  # each day
    },
    "close-days": {
        "task": "cages.polling.tasks.close_days",
        "options": {"expires": 540},
        # It works for a minute at most, and then goes on with the next message.
        "schedule": crontab(minute="*/10"),
    },
    "delete-expired-sessions": {
        "task": "people.tasks.delete_expired_sessions",
        "options": {"expires": 3600},
        "schedule": crontab(minute="47"),  # each hour
    },
    "forget-old-acts": {
        "task": "people.tasks.forget_old_acts",
        "options": {"expires": 3600},
        "schedule": crontab(minute="37"),  # each hour
    },
    "judge-unjudged": {
        "task": "welfare.tasks.judge_unjudged",
        "options": {"expires": JUDGE_EXPIRES_SECONDS},
        "schedule": crontab(),
    },
    "check-itself": {
        "task": "welfare.tasks.check_itself",
        "options": {"expires": JUDGE_EXPIRES_SECONDS},
        "schedule": crontab(),
    },
    "make-night-sheets": {
        "task": "welfare.tasks.make_night_sheets",
        "options": {"expires": JUDGE_EXPIRES_SECONDS},
        "schedule": crontab(),
    },
    "judge-sensors": {
        "task": "welfare.tasks.judge_sensors",
        "options": {"expires": 1800},
        # When the last cycle of the hour is recorded.
        "schedule": crontab(minute="5"),  # each hour
    },
}
# What is logged in a task belongs to it.
task_prerun.connect(log_context.begin_task, weak=False)
task_postrun.connect(log_context.end_task, weak=False)

# After this second of a minute, too little of it is left for all its polls.
LAST_SECOND_TO_BEGIN = 30


@beat_init.connect
def ask_in_this_minute_too(**kwargs: object) -> None:
    """Start the current minute when beat starts, instead of waiting for the next full one."""
    if datetime.now(UTC).second < LAST_SECOND_TO_BEGIN:
        # While Redis does not answer, beat itself keeps trying.
        with contextlib.suppress(OperationalError):
            app.send_task(START_SLOT, expires=START_SLOT_EXPIRES_SECONDS, retry=False)


@task_prerun.connect
def say_which_task(task: object, **kwargs: object) -> None:
    """What the task changes is noted under its name."""
    from people.acting import begin_task

    begin_task(str(getattr(task, "name", "")))
