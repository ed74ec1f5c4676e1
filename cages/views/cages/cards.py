"""Cards to print and hang at cages. The QR code opens the cage's page."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView

from cages.models.fields import card_of
from cages.views.cages.list import RowPaginator
from cages.views.cages.selection import SelectionMixin, ticked_ids
from cages.views.site.long_pages import LongPageMixin
from neurocage.address import absolute

PAPERS = {"a4": "A4", "letter": _("US letter")}
# How many cards can be on a sheet.
NUMBERS = (10, 24)
# On one page, so that it stays small: a code is 2 KB and takes 3 ms.
CARDS_SHOWN = 48


class CardsView(LongPageMixin, SelectionMixin, TemplateView):
    template_name = "cages/cards.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().get(request, *args, **kwargs) if self.count else self.nothing_selected()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        wanted = self.request.GET
        paper = wanted.get("paper") if wanted.get("paper") in PAPERS else "a4"
        per_sheet = next((n for n in NUMBERS if wanted.get("per_sheet") == str(n)), NUMBERS[0])
        # In this order they are hung up.
        ordered = self.cages.select_related("owner", "room", "rack").in_order("position", self.now)
        page = RowPaginator(ordered, max(CARDS_SHOWN // per_sheet, 1) * per_sheet)
        page.count = self.count
        shown = page.get_page(wanted.get("page"))
        cages = list(shown.object_list)
        one = cages[0]
        names = {"room": one.room_name, "rack": one.rack_name, "owner": str(one.owner)}
        cards = [(cage, card_of(cage) if per_sheet == NUMBERS[0] else []) for cage in cages]
        ticked = [("cage", pk) for pk in sorted(ticked_ids(wanted))]
        return super().get_context_data(
            sheets=[cards[first : first + per_sheet] for first in range(0, len(cages), per_sheet)],
            count=self.count,
            page_obj=shown,
            shown_count=len(cages),
            papers=PAPERS.items(),
            paper=paper,
            numbers=NUMBERS,
            per_sheet=per_sheet,
            selection=[
                *([("which", "all")] if wanted.get("which") == "all" else ticked),
                *self.filter.fields,
            ],
            site=absolute(""),
            list_address=self.list_address,
            filter_words=self.filter.in_words(names),
            **kwargs,
        )
