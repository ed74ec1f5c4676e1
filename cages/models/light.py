"""Light schedules: when the lights are on, and which schedule a room or a cage has since when."""

from collections.abc import Iterable
from datetime import datetime, time, timedelta, timezone, tzinfo
from typing import Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.timezone import get_default_timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from people.names import KeyField, SortField

# What time zones on Earth are ahead of UTC.
MOST_OFFSET_MINUTES = 14 * 60
SCHEDULES_AT_MOST = 500
PERIODS_AT_MOST = 500


class Regime(models.TextChoices):
    CYCLE = "cycle", gettext_lazy("light and dark every day")
    DARK = "dark", gettext_lazy("constant dark")
    LIGHT = "light", gettext_lazy("constant light")


class LightScheduleQuerySet(models.QuerySet["LightSchedule"]):
    def unused(self) -> Self:
        """Those that no place has, has had, or is to have."""
        return self.filter(periods=None)


class LightSchedule(models.Model):
    """A named schedule. Its times never change: a changed schedule is another one.

    lights_on, lights_off: times on the clock that it follows, for a cycle. utc_offset_minutes: the
    clock of a timer that ignores summer time; None for the facility's clock.
    """

    name = models.CharField(gettext_lazy("Name"), max_length=60)
    key = KeyField(of="name", unique=True)
    sort_key = SortField(of="name")
    regime = models.CharField(
        pgettext_lazy("in a room", "Light"),
        max_length=10,
        choices=Regime.choices,
        default=Regime.CYCLE,
    )
    lights_on = models.TimeField(gettext_lazy("Lights on"), null=True, blank=True)
    lights_off = models.TimeField(gettext_lazy("Lights off"), null=True, blank=True)
    utc_offset_minutes = models.SmallIntegerField(gettext_lazy("Clock"), null=True, blank=True)

    objects = LightScheduleQuerySet.as_manager()

    class Meta:
        ordering = ["sort_key", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(regime="cycle", lights_on__isnull=False, lights_off__isnull=False)
                & ~Q(lights_on=models.F("lights_off"))
                | ~Q(regime="cycle") & Q(lights_on=None, lights_off=None),
                name="cages_lightschedule_times_of_a_cycle",
            ),
            models.CheckConstraint(
                condition=Q(utc_offset_minutes=None)
                | Q(utc_offset_minutes__range=(-MOST_OFFSET_MINUTES, MOST_OFFSET_MINUTES)),
                name="cages_lightschedule_offset_of_a_clock",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if self.regime != Regime.CYCLE:
            self.lights_on = self.lights_off = None
        elif self.lights_on is None or self.lights_off is None:
            raise ValidationError(_("Write when the lights go on and off."))
        elif self.lights_on == self.lights_off:
            raise ValidationError(_("The lights go on and off at different times."))

    @property
    def is_cycle(self) -> bool:
        return self.regime == Regime.CYCLE

    @property
    def zone(self) -> tzinfo:
        """The clock that the timer follows."""
        if self.utc_offset_minutes is None:
            return get_default_timezone()
        return timezone(timedelta(minutes=self.utc_offset_minutes))

    @property
    def clock_name(self) -> str:
        """The clock in words: "Europe/Berlin", or "UTC+01:00 all year"."""
        if self.utc_offset_minutes is None:
            return str(settings.FACILITY_TIME_ZONE)
        return _("%(offset)s all year") % {"offset": self.zone.tzname(None)}

    @property
    def times(self) -> str:
        """The light in a few words: "07:00–19:00", or "constant dark"."""
        if self.lights_on is None or self.lights_off is None:
            return str(Regime(self.regime).label)
        return f"{self.lights_on:%H:%M}–{self.lights_off:%H:%M}"

    @property
    def light_hours(self) -> float | None:
        """Hours of light in a day of 24 hours; None where light is constant."""
        if self.lights_on is None or self.lights_off is None:
            return None
        return (_minute_of(self.lights_off) - _minute_of(self.lights_on)) % (24 * 60) / 60


def _minute_of(clock: time) -> int:
    return clock.hour * 60 + clock.minute


class LightPeriodQuerySet(models.QuerySet["LightPeriod"]):
    def before(self, end: datetime) -> Self:
        """Those that began before the moment, oldest first, with their schedules."""
        return self.filter(starts_at__lt=end).select_related("schedule").order_by("starts_at", "id")

    def present(self, rooms: Iterable[int], now: datetime) -> Self:
        """The period that each of these rooms is in."""
        begun = self.filter(room__in=list(rooms), starts_at__lte=now).select_related("schedule")
        return begun.order_by("room_id", "-starts_at").distinct("room_id")

    def coming(self, rooms: Iterable[int], now: datetime) -> Self:
        """The next period of each of these rooms."""
        later = self.filter(room__in=list(rooms), starts_at__gt=now).select_related("schedule")
        return later.order_by("room_id", "starts_at").distinct("room_id")


class LightPeriod(models.Model):
    """A room or a cage has a schedule from `starts_at` on, until its next period.

    Its id is the `schedule_version` of exports. A period of a cage without a schedule gives it
    back to its room. A period of a room without one: nobody knows its light from then on.
    """

    room = models.ForeignKey(
        "cages.Room", on_delete=models.CASCADE, null=True, related_name="light_periods"
    )
    cage = models.ForeignKey(
        "cages.Cage", on_delete=models.CASCADE, null=True, related_name="light_periods"
    )
    schedule = models.ForeignKey(
        LightSchedule,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="periods",
        verbose_name=gettext_lazy("Light schedule"),
    )
    starts_at = models.DateTimeField(gettext_lazy("Valid from"))
    note = models.CharField(gettext_lazy("Note"), max_length=200, blank=True)
    noted_at = models.DateTimeField()
    noted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )

    objects = LightPeriodQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(room=None, cage__isnull=False) | Q(room__isnull=False, cage=None),
                name="cages_lightperiod_of_one_place",
            ),
            models.UniqueConstraint(fields=["room", "starts_at"], name="cages_lightperiod_of_room"),
            models.UniqueConstraint(fields=["cage", "starts_at"], name="cages_lightperiod_of_cage"),
        ]

    def __str__(self) -> str:
        place = f"cage {self.cage_id}" if self.cage_id else f"room {self.room_id}"
        return f"{place}: schedule {self.schedule_id} from {self.starts_at:%Y-%m-%d %H:%M}Z"
