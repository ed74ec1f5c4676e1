"""Retention: the decision, by a person, that old minutes are not kept for good."""

from django.db import models


class RetentionChange(models.Model):
    """Who decided what, and what it removed at once. The newest one is in force."""

    at = models.DateTimeField()
    # The name that was given to `manage.py retention`; it need not be an account of Neurocage's.
    person = models.CharField(max_length=200)
    # None: kept for good.
    keep_days = models.PositiveIntegerField(null=True)
    removed_rows = models.BigIntegerField(default=0)
    removed_bytes = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        kept = "no limit" if self.keep_days is None else f"{self.keep_days} days"
        return f"{self.at:%Y-%m-%d %H:%M}Z, {self.person}: minutes kept {kept}"
