"""Health: what a valid answer said."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Health(models.IntegerChoices):
    """The three values a sensor knows, numbered as the sensor API numbers them.

    `word` is the name in roll-ups, exports and the API.
    """

    BAD = 1, _("Bad")
    OK = 2, _("Ok")
    PERFECT = 3, _("Perfect")

    @property
    def word(self):
        return self.name.lower()


class MeasuredQuerySet(models.QuerySet):
    """What readings and sensor requests have in common: one row per cage and slot."""

    def of(self, cage, window):
        """The rows of one cage whose slot lies in the window, newest first."""
        return self.filter(cage=cage, slot__gte=window.start, slot__lt=window.end).order_by("-slot")


class Reading(models.Model):
    """One known minute. A minute without a row is not known; it is never filled in."""

    # TimescaleDB wants the time column in every unique index, so the key is (cage, slot). It also
    # makes a repeated write harmless. The order of the columns below leaves no padding in a row.
    pk = models.CompositePrimaryKey("cage_id", "slot")
    slot = models.DateTimeField(help_text="The UTC minute asked about.")
    # Years of minutes are deleted by a purge in bounded steps, never by a cascade.
    cage = models.ForeignKey(
        "cages.Cage", on_delete=models.DO_NOTHING, related_name="readings", db_index=False
    )
    status = models.SmallIntegerField(choices=Health.choices)

    objects = MeasuredQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status__in=Health.values), name="cages_reading_status"
            )
        ]

    def __str__(self):
        return f"cage {self.cage_id} at {self.slot:%Y-%m-%d %H:%M}Z: {self.get_status_display()}"
