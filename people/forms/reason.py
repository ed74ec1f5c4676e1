"""Why somebody does what matters."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from people.acting import REASON_LENGTH


class ReasonField(forms.CharField):
    """One line, which the database notes beside what is changed."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"label": _("Reason"), "max_length": REASON_LENGTH, **kwargs})


class ReasonForm(forms.Form):
    """The reason alone, for an act that needs nothing else."""

    reason = ReasonField()
