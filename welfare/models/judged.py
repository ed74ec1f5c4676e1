"""Which slots were judged, so that judging one again changes nothing."""

from django.db import models


class JudgedSlot(models.Model):
    """A slot that `judge_slot` has judged. Old rows are deleted."""

    slot = models.DateTimeField(primary_key=True)
    judged_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.slot:%Y-%m-%d %H:%M}Z"
