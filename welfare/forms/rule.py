"""Set a rule, and make one for a room or a lab."""

from dataclasses import asdict, fields
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cages.models import Room
from people.forms.reason import ReasonField
from people.models import Lab
from welfare.models import Kind, Rule, RuleEdition
from welfare.rules.editions import Texts
from welfare.rules.figures import FIELDS
from welfare.rules.parameters import CLASSES, Parameters, unpack
from welfare.rules.words import words_of

TEXTS = ("cause", "consequence", "what_to_check")
# The others are about places and Neurocage itself, which are of no lab.
KINDS_OF_CAGES = (Kind.BAD_LONG, Kind.UNSEEN, Kind.SENSOR_WEAK)
# A rule is in force for years and nobody makes more than a few, but each is a row of a page.
RULES_MOST = 200


class RuleForm(forms.Form):
    """How a rule is set. After `is_valid`, `parameters` and `texts` hold what was entered."""

    is_on = forms.BooleanField(
        label=gettext_lazy("In use"),
        required=False,
        help_text=gettext_lazy("Cages are judged by this rule."),
    )
    # Asked for where the rule is proposed, and not where it is only tried.
    reason = ReasonField(label=gettext_lazy("Reason for this change"), required=False)
    cause = forms.CharField()
    consequence = forms.CharField()
    what_to_check = forms.CharField()

    def __init__(self, *args: Any, kind: Kind, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        self.parameter_names = [one.name for one in fields(CLASSES[kind])]
        for one in fields(CLASSES[kind]):
            label, help_text = FIELDS[one.name]
            is_whole = isinstance(one.default, int)
            field = (forms.IntegerField if is_whole else forms.FloatField)(
                label=label,
                help_text=help_text,
                widget=forms.NumberInput(
                    attrs={
                        "min": one.metadata["least"],
                        "max": one.metadata["most"],
                        "step": 1 if is_whole else "any",
                    }
                ),
            )
            self.fields[one.name] = field
        words = words_of(kind)
        for name in TEXTS:
            model_field: Any = RuleEdition._meta.get_field(name)
            self.fields[name] = forms.CharField(
                label=model_field.verbose_name,
                required=False,
                max_length=model_field.max_length,
                help_text=_("Left empty, it says: %(words)s") % {"words": getattr(words, name)},
                widget=forms.Textarea(attrs={"rows": 2}),
            )

    @staticmethod
    def initial_of(edition: RuleEdition | None, kind: Kind) -> dict[str, Any]:
        """What the form shows of an edition; of None the defaults of the kind."""
        if edition is None:
            return {"is_on": True, **asdict(CLASSES[kind]())}
        texts = {name: getattr(edition, name) for name in TEXTS}
        return {"is_on": edition.is_on, **asdict(unpack(kind, edition.parameters)), **texts}

    @property
    def parameter_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.parameter_names]

    @property
    def text_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in TEXTS]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        entered = {name: cleaned.get(name) for name in self.parameter_names}
        if None in entered.values():
            return cleaned
        try:
            self.parameters: Parameters = unpack(self.kind, entered)
        except ValidationError as error:
            self.add_error(None, error)
        return cleaned

    @property
    def texts(self) -> Texts:
        return Texts(**{name: self.cleaned_data[name] for name in TEXTS})


class NewRuleForm(forms.Form):
    """A rule for one room or one lab, which goes before that of the facility."""

    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"), choices=[(kind.value, kind.label) for kind in KINDS_OF_CAGES]
    )
    room = forms.ModelChoiceField(
        Room.objects.order_by("sort_key"), required=False, label=gettext_lazy("Room")
    )
    lab = forms.ModelChoiceField(
        Lab.objects.order_by("key"), required=False, label=gettext_lazy("Lab")
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        room, lab = cleaned.get("room"), cleaned.get("lab")
        if self.errors:
            return cleaned
        if bool(room) == bool(lab):
            self.add_error("room", _("Choose either a room or a lab."))
        elif Rule.objects.filter(kind=cleaned["kind"], room=room, lab=lab).exists():
            self.add_error("lab" if lab else "room", _("There is such a rule already."))
        elif Rule.objects.count() >= RULES_MOST:
            most = {"most": RULES_MOST}
            self.add_error("kind", _("There are %(most)s rules, which is the maximum.") % most)
        return cleaned
