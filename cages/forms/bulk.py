"""Move many cages at once."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from cages.forms.place import NameField


class BulkMoveForm(forms.Form):
    """A room, a rack, or both. Bays are chosen later, for each cage."""

    prefix = "to"
    room = NameField(label=_("Room"), help_text=_("Leave empty to keep each cage in its room."))
    rack = NameField(label=_("Rack"), help_text=_("Leave empty if they are in no rack yet."))

    def clean(self) -> dict[str, Any]:
        super().clean()
        cleaned = self.cleaned_data
        if not (cleaned.get("room") or cleaned.get("rack") or self.errors):
            self.add_error("room", _("Enter a room, a rack or both."))
        return cleaned
