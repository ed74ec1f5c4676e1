"""What a person wants to be told."""

from typing import Any, cast

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from people.models import User
from welfare.models import Channel, Kind, Wish


class WishForm(forms.ModelForm):
    """The wish of one person. Rooms are those that the person sees a cage in."""

    kinds = forms.MultipleChoiceField(
        label=_("Concerns"),
        choices=Kind.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)

    class Meta:
        model = Wish
        fields = [
            *("kinds", "rooms", "by_mail", "channel"),
            *("quiet_from", "quiet_until", "wakes_on_duty", "night_by_mail", "language"),
        ]
        labels = {
            "rooms": _("Rooms"),
            "by_mail": _("By mail"),
            "channel": _("By channel"),
            "quiet_from": _("Quiet from"),
            "quiet_until": _("Quiet until"),
            "night_by_mail": _("Night sheets by mail, when the lights of a room go on"),
            "wakes_on_duty": _("While I am on duty, wake me for the health of animals"),
        }
        help_texts = {
            "rooms": _("If you choose none: all rooms that you see."),
            "quiet_until": _("In facility time. What comes in quiet hours is sent when they end."),
        }
        widgets = {
            "rooms": forms.CheckboxSelectMultiple,
            "quiet_from": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
            "quiet_until": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        }

    def __init__(self, person: User, rooms: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person
        cast(Any, self.fields["rooms"]).queryset = rooms
        cast(Any, self.fields["channel"]).queryset = Channel.objects.filter(is_on=True)
        self.fields["by_mail"].help_text = person.email or _("Your account has no mail address.")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if (cleaned.get("quiet_from") is None) != (cleaned.get("quiet_until") is None):
            self.add_error("quiet_until", _("Enter both times, or none."))
        if cleaned.get("by_mail") and not self.person.email:
            text = _("Your account has no mail address. An administrator can enter it.")
            self.add_error("by_mail", text)
        if cleaned.get("night_by_mail") and not self.person.email:
            text = _("Your account has no mail address. An administrator can enter it.")
            self.add_error("night_by_mail", text)
        return cleaned
