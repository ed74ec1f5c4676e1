"""Night sheets: what a dark phase of a room held, as it was known when the lights went on."""

from django.db import models


class NightSheet(models.Model):
    """One dark phase of one room, from `begins_at` up to `ends_at`, the moment of lights on.

    facts: as `welfare.night.facts` writes them. Results that arrive later change nothing.
    """

    room = models.ForeignKey("cages.Room", on_delete=models.CASCADE, related_name="night_sheets")
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    made_at = models.DateTimeField()
    facts = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["room", "ends_at"], name="welfare_nightsheet_once")
        ]

    def __str__(self) -> str:
        return f"night sheet of room {self.room_id} until {self.ends_at:%Y-%m-%d %H:%M}Z"
