"""Which slots were judged, so that judging one again changes nothing."""

from django.db import models


class JudgedSlot(models.Model):
    """A slot that `judge_slot` has judged. Old rows are deleted."""

    slot = models.DateTimeField(primary_key=True)
    judged_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.slot:%Y-%m-%d %H:%M}Z"


class ConditionEdge(models.Model):
    """A slot at which the condition of a concern began or was over; of "Bad for long" only.

    Results that arrive late may move these, so they are apart from the trail. Judging again needs
    to know what was so before.
    """

    concern = models.ForeignKey("welfare.Concern", on_delete=models.CASCADE, related_name="edges")
    slot = models.DateTimeField()
    begins = models.BooleanField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["concern", "slot"], name="welfare_edge_one_per_slot")
        ]

    def __str__(self) -> str:
        return f"{self.slot:%Y-%m-%d %H:%M}Z: {'begins' if self.begins else 'is over'}"
