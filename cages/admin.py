"""Cages in Django's admin. Nobody can edit measured data there."""

from django.contrib import admin
from django.http import HttpRequest

from cages.forms.place import PlaceForm
from cages.models import Cage
from cages.models.fields import NAMES


class CageAdminForm(PlaceForm):
    class Meta:
        model = Cage
        fields = NAMES


@admin.register(Cage)
class CageAdmin(admin.ModelAdmin):
    form = CageAdminForm
    list_display = ["id", "label", "position", "owner", "is_polled", "archived_at"]
    list_display_links = ["id", "label"]
    list_filter = ["is_polled", ("archived_at", admin.EmptyFieldListFilter), "room"]
    list_select_related = ["owner", "room", "rack"]
    search_fields = ["label", "id"]
    ordering = ["id"]
    autocomplete_fields = ["owner"]
    readonly_fields = ["id", "created_at", "archived_at", "purge_ordered_at"]
    list_per_page = 50
    show_full_result_count = False

    def has_delete_permission(self, request: HttpRequest, obj: Cage | None = None) -> bool:
        # Cages are archived on their pages. Only a purge deletes one.
        return False
