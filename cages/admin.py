"""Cages in Django's admin. Nobody can edit measured data there."""

from typing import Any, cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from cages.forms.place import PlaceForm
from cages.models import Cage
from cages.models.cage import CageQuerySet
from cages.models.fields import NAMES
from people.admin import ForAdministrators


class CageAdminForm(PlaceForm):
    class Meta:
        model = Cage
        fields = NAMES


@admin.register(Cage)
class CageAdmin(ForAdministrators):
    form = CageAdminForm
    list_display = ["id", "label", "position", "owner", "is_polled", "archived_at"]
    list_display_links = ["id", "label"]
    list_filter = ["is_polled", ("archived_at", admin.EmptyFieldListFilter), "room"]
    list_select_related = ["owner", "room", "rack"]
    # Django shows a search box where there are any; `get_search_results` searches.
    search_fields = ["label"]
    ordering = ["id"]
    autocomplete_fields = ["owner"]
    readonly_fields = ["id", "created_at", "archived_at", "purge_ordered_at"]
    list_per_page = 50
    show_full_result_count = False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Cage], search_term: str
    ) -> tuple[QuerySet[Cage], bool]:
        words = search_term.replace("\x00", "").strip()
        return cast("CageQuerySet", queryset).matching(words) if words else queryset, False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Cages are archived on their pages. Only a purge deletes one.
        return False
