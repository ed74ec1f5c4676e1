"""Make a link to the wall."""

from django import forms
from django.utils.translation import gettext_lazy as _

from cages.models import Cage, Room, WallLink


class WallLinkForm(forms.ModelForm):
    """The name of a link and its room. `WallLink.objects.issue` checks whether the name is free."""

    class Meta:
        model = WallLink
        fields = ["name", "room"]
        labels = {"name": _("Name"), "room": _("Room")}
        help_texts = {"name": _("The screen that uses it, so that you recognise it later.")}

    room = forms.ModelChoiceField(
        Room.objects.none(), required=False, label=_("Room"), empty_label=_("all rooms")
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        used = Cage.objects.active().order_by().values("room")
        field = self.fields["room"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101
        field.queryset = Room.objects.filter(pk__in=used).order_by("sort_key")
