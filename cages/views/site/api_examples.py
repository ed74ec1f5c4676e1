"""The page about using the API."""

from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView
from pydantic import BaseModel

from cages.api.examples import TOKEN_VARIABLE, Examples
from cages.api.parameters import CAGES_AT_MOST, CagesQuery, SeriesQuery
from cages.api.problems import ADDRESS
from cages.api.tokens import ROWS_OF_A_UNIT, UNITS
from cages.views.access import CageAccessMixin
from neurocage.address import absolute

# Another app adds its own.
OFFERS = {
    "cages": gettext_lazy("Your cages by id. With archived=true, the archived ones."),
    "cages/1": gettext_lazy("One of your cages, active or archived."),
    "states": gettext_lazy(
        "The current state of each active cage and the last outcome of its sensor."
    ),
    "minutes": gettext_lazy(
        "Every minute, known or not, with why it is not known, light, handling and group."
    ),
    "readings": gettext_lazy("The minutes whose health is known: 1 bad, 2 ok, 3 perfect."),
    "requests": gettext_lazy("Every planned poll and its outcome."),
    "hourly": gettext_lazy("Counts of readings and requests, and response times, by UTC hour."),
    "marks": gettext_lazy("Cage changes and other work, as people noted it."),
    "animals": gettext_lazy("Animals, and from when to when each was in which cage."),
    "openapi.json": gettext_lazy("OpenAPI document for tools."),
}


class ApiExamplesView(CageAccessMixin, TemplateView):
    """The API's addresses and rules, and example programs with the address of this server."""

    template_name = "cages/api_examples.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        cages = self.seen.active()
        today = timezone.localtime(self.now).date()
        examples = Examples(
            base=absolute(ADDRESS.rstrip("/")),
            cage_id=cages.order_by("pk").values_list("pk", flat=True).first() or 1,
            start=(today - timedelta(days=1)).isoformat(),
            end=today.isoformat(),
        )
        return super().get_context_data(
            examples=[
                ("curl", examples.curl),
                ("Python", examples.python),
                (_("Python, as a pandas table"), examples.pandas),
                ("R", examples.r),
            ],
            header="Authorization: Bearer nc_…",
            variable=TOKEN_VARIABLE,
            offers=[(f"{ADDRESS}{path}", words) for path, words in OFFERS.items()],
            units=UNITS,
            rows_of_a_unit=ROWS_OF_A_UNIT,
            cages_at_most=CAGES_AT_MOST,
            page_of_series=_largest(SeriesQuery),
            page_of_cages=_largest(CagesQuery),
            **kwargs,
        )


def _largest(query: type[BaseModel]) -> int:
    """The largest `limit` that the query allows."""
    return next(each.le for each in query.model_fields["limit"].metadata if hasattr(each, "le"))
