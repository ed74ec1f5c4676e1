"""Backups: a note of each that was made, so that a missing one is noticed."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models


class Backup(models.Model):
    """One backup that `manage.py backup` wrote to its end."""

    # Everything that was in the database at this moment is in the backup.
    taken_at = models.DateTimeField(unique=True)
    finished_at = models.DateTimeField()
    size_bytes = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.taken_at:%Y-%m-%d %H:%M}Z, {self.size_bytes:,} bytes"

    @classmethod
    def newest(cls) -> "Backup | None":
        return cls.objects.order_by("-taken_at").first()


def longest_allowed() -> timedelta | None:
    """How old the newest backup may become; None where nobody set BACKUP_MAX_AGE_HOURS."""
    hours = settings.BACKUP_MAX_AGE_HOURS
    return timedelta(hours=hours) if hours else None


def overdue_since(newest: Backup | None) -> datetime | None:
    """When the next backup should have been there; None where nobody knows."""
    allowed = longest_allowed()
    return newest.taken_at + allowed if newest and allowed else None


def is_overdue(newest: Backup | None, now: datetime) -> bool:
    """Whether a backup should have been made by now. False where none is expected."""
    allowed = longest_allowed()
    return allowed is not None and (newest is None or now - newest.taken_at > allowed)
