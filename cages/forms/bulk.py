"""Where many cages are moved to at once."""

from django import forms
from django.utils.translation import gettext_lazy as _

from cages.models import Cage


class BulkMoveForm(forms.ModelForm):
    """A room, a rack, or both. Rows and columns are given cage by cage afterwards."""

    prefix = "to"

    class Meta:
        model = Cage
        fields = ["room", "rack"]
        help_texts = {
            "room": _("Empty: each stays in its room."),
            "rack": _("Empty: they stand in no rack yet."),
        }

    def clean(self):
        cleaned = super().clean()
        if not (cleaned.get("room") or cleaned.get("rack") or self.errors):
            self.add_error("room", _("Give the room, the rack, or both."))
        return cleaned

    def _post_clean(self):
        """Not a whole cage, so the model has nothing to say about it."""
