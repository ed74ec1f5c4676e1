"""Make a light schedule, and say from when on a room or a cage has it."""

from datetime import datetime, timedelta
from typing import Any, cast

from django import forms
from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cages.history.moment import NotATime, moment_of
from cages.history.wall_clock import standard_offset_of
from cages.history.window import DAY
from cages.models import Cage, LightPeriod, LightSchedule, Room
from cages.models.light import MOST_OFFSET_MINUTES, PERIODS_AT_MOST, SCHEDULES_AT_MOST
from people.names import key_of, shown_name

# A change can be planned so far ahead.
AHEAD_AT_MOST = 2 * 366 * DAY
OFFSET_STEP_MINUTES = 15
FACILITY, TIMER = "facility", "timer"


class ScheduleForm(forms.ModelForm):
    """A new schedule. Nothing of it can be changed later, because the past hangs on it."""

    follows = forms.ChoiceField(
        label=gettext_lazy("The timer follows"),
        choices=[],
        initial=FACILITY,
    )
    offset = forms.DecimalField(
        label=gettext_lazy("Hours ahead of UTC"),
        required=False,
        min_value=-MOST_OFFSET_MINUTES // 60,
        max_value=MOST_OFFSET_MINUTES // 60,
        decimal_places=2,
        help_text=gettext_lazy("Only for a timer that ignores summer time."),
    )

    class Meta:
        model = LightSchedule
        fields = ["name", "regime", "lights_on", "lights_off"]
        widgets = {
            name: forms.TimeInput(format="%H:%M", attrs={"type": "time"})
            for name in ("lights_on", "lights_off")
        }
        help_texts = {"name": gettext_lazy('For example "12:12 from 07:00" or "Reversed".')}

    def __init__(self, *args: Any, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zone = settings.FACILITY_TIME_ZONE
        cast(forms.ChoiceField, self.fields["follows"]).choices = [
            (FACILITY, _("the facility's clock (%(zone)s), summer time too") % {"zone": zone}),
            (TIMER, _("its own clock, which ignores summer time")),
        ]
        offset = standard_offset_of(now) / timedelta(hours=1)
        self.fields["offset"].initial = f"{offset:g}"
        self.fields["offset"].widget.attrs["step"] = str(OFFSET_STEP_MINUTES / 60)

    def clean_name(self) -> str:
        name = shown_name(self.cleaned_data["name"])
        if LightSchedule.objects.filter(key=key_of(name)).exists():
            raise forms.ValidationError(_("There is a schedule of this name already."))
        return name

    def clean(self) -> dict[str, Any]:
        super().clean()
        cleaned = self.cleaned_data
        minutes = None
        if cleaned.get("follows") == TIMER and "offset" not in self.errors:
            hours = cleaned.get("offset")
            if hours is None:
                self.add_error("offset", _("Write how far its clock is ahead of UTC."))
            elif hours * 60 % OFFSET_STEP_MINUTES:
                words = _("Clocks are ahead of UTC by steps of %(minutes)d minutes.")
                self.add_error("offset", words % {"minutes": OFFSET_STEP_MINUTES})
            else:
                minutes = int(hours * 60)
        self.instance.utc_offset_minutes = minutes
        if LightSchedule.objects.count() >= SCHEDULES_AT_MOST:
            words = _("There are %(count)d schedules, which is the most.")
            raise forms.ValidationError(words % {"count": SCHEDULES_AT_MOST})
        return cleaned


class PeriodForm(forms.ModelForm):
    """From when on a room or a cage has which schedule.

    Without a schedule a cage follows its room again, and nobody knows the light of a room.
    """

    day = forms.DateField(
        label=gettext_lazy("Valid from"),
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )
    clock = forms.TimeField(
        label=gettext_lazy("Time"), widget=forms.TimeInput(format="%H:%M", attrs={"type": "time"})
    )

    class Meta:
        model = LightPeriod
        fields = ["schedule", "note"]

    field_order = ["schedule", "day", "clock", "note"]

    def __init__(self, *args: Any, place: Room | Cage, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now, self.place = now, place
        self.fields["day"].initial = timezone.localtime(now).date()
        self.fields["clock"].initial = "00:00"
        schedule = cast(forms.ModelChoiceField, self.fields["schedule"])
        is_room = isinstance(place, Room)
        schedule.empty_label = _("nobody knows") if is_room else _("as its room")
        schedule.queryset = LightSchedule.objects.order_by("sort_key", "id")

    def clean(self) -> dict[str, Any]:
        super().clean()
        cleaned = self.cleaned_data
        day, clock = cleaned.get("day"), cleaned.get("clock")
        if day is None or clock is None:
            return cleaned
        try:
            starts_at = moment_of(f"{day:%Y-%m-%d}T{clock:%H:%M}")
        except NotATime as error:
            self.add_error("clock", str(error))
            return cleaned
        periods = LightPeriod.objects.filter(self._here)
        if starts_at > self.now + AHEAD_AT_MOST:
            words = _("At most %(days)d days ahead.") % {"days": AHEAD_AT_MOST.days}
            self.add_error("day", words)
        elif periods.filter(starts_at=starts_at).exists():
            self.add_error("day", _("There is a change at this moment already. Remove it first."))
        elif periods.count() >= PERIODS_AT_MOST:
            words = _("There are %(count)d changes here, which is the most.")
            self.add_error(None, words % {"count": PERIODS_AT_MOST})
        period = self.instance
        period.starts_at, period.noted_at = starts_at, self.now
        if isinstance(self.place, Room):
            period.room = self.place
        else:
            period.cage = self.place
        return cleaned

    @property
    def _here(self) -> Q:
        return Q(room=self.place) if isinstance(self.place, Room) else Q(cage=self.place)
