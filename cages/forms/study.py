"""What a study package shall hold."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cages.exporting.study.order import (
    LEAST_COVERAGE_PERCENT,
    MOST_EXCLUSIONS,
    MOST_OF_REASON,
    MOST_ROWS,
    Exclusion,
    StudyOrder,
)
from cages.history.handling import margin
from cages.history.moment import NotATime, moment_of
from cages.history.span import Span
from cages.history.window import Window
from cages.models import Study
from cages.slots import SLOT_LENGTH, slot_of

DAY_INPUT = forms.DateInput({"type": "date"}, "%Y-%m-%d")
MOST_MARGIN = 24 * 60


class StudyForm(forms.Form):
    """Title, days and exclusions. cages: (id, label, created_at) of those that were chosen."""

    title = forms.CharField(
        label=gettext_lazy("Title"), max_length=Study._meta.get_field("title").max_length
    )
    first = forms.DateField(label=gettext_lazy("First day"), widget=DAY_INPUT)
    last = forms.DateField(label=gettext_lazy("Last day"), widget=DAY_INPUT)
    leaves_out = forms.BooleanField(
        label=gettext_lazy("Exclude handling, and the minutes before and after it"), required=False
    )
    margin_minutes = forms.IntegerField(
        label=gettext_lazy("Minutes before and after handling"), min_value=0, max_value=MOST_MARGIN
    )
    exclusions = forms.CharField(
        label=gettext_lazy("Other minutes to exclude"),
        widget=forms.Textarea({"rows": 3}),
        required=False,
        help_text=gettext_lazy(
            "One line for each: start, end, reason. For example: "
            "2026-03-02T10:00, 2026-03-02T11:30, fire alarm. The end is not excluded."
        ),
    )

    least_coverage = forms.IntegerField(
        label=gettext_lazy("Lowest coverage in the comparison of groups, in percent"),
        min_value=0,
        max_value=100,
        help_text=gettext_lazy(
            "A cage of which less is known is withheld, and told. Choose it before you see the "
            "groups."
        ),
    )

    def __init__(
        self,
        data: Any = None,
        *,
        span: Span,
        cages: list[tuple[int, str, datetime]],
        now: datetime,
    ) -> None:
        initial = {
            "first": span.first,
            "last": span.last,
            "leaves_out": True,
            "margin_minutes": margin() // SLOT_LENGTH,
            "least_coverage": LEAST_COVERAGE_PERCENT,
        }
        super().__init__(data, initial=initial)
        self._cages, self._now = cages, now

    def clean_exclusions(self) -> list[Exclusion]:
        lines = [line for line in self.cleaned_data["exclusions"].splitlines() if line.strip()]
        if len(lines) > MOST_EXCLUSIONS:
            raise ValidationError(_("At most %(count)s lines.") % {"count": MOST_EXCLUSIONS})
        return [_exclusion(line) for line in lines]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        days = {"from": str(cleaned["first"]), "to": str(cleaned["last"])}
        span = Span.from_query(days, self._now)
        if span.error:
            raise ValidationError(span.error)
        left_out = cleaned["leaves_out"]
        around = timedelta(minutes=cleaned["margin_minutes"]) if left_out else None
        self.order = StudyOrder(
            self._cages,
            span.window,
            around,
            cleaned["exclusions"],
            cleaned["least_coverage"],
        )
        if self.order.most_rows > MOST_ROWS:
            shown = (self.order.most_rows, MOST_ROWS)
            rows, most = (number_format(one, force_grouping=True) for one in shown)
            words = _("This has up to %(rows)s minutes, and a package at most %(most)s.")
            raise ValidationError(words % {"rows": rows, "most": most})
        return cleaned


def _exclusion(line: str) -> Exclusion:
    """Raises ValidationError for a line that makes no sense."""
    parts = [part.strip() for part in line.split(",", 2)]
    if len(parts) < 3 or not parts[2]:
        raise ValidationError(_("Write start, end and reason: %(line)s") % {"line": line[:100]})
    start, end, reason = parts
    try:
        window = Window(slot_of(moment_of(start)), slot_of(moment_of(end)))
    except NotATime as error:
        raise ValidationError(str(error)) from error
    if window.start >= window.end:
        raise ValidationError(_("The end is not after the start: %(line)s") % {"line": line[:100]})
    return Exclusion(window, reason[:MOST_OF_REASON])
