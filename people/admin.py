"""Accounts, and the limits of labs, in Django's admin."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest

from people.models import Lab, User

admin.site.register(User, UserAdmin)


@admin.register(Lab)
class LabAdmin(admin.ModelAdmin):
    """A lab is made with an account and goes with it. Here its limit is set."""

    fields = ["name", "cage_limit"]
    readonly_fields = ["name"]
    list_display = ["name", "cage_limit"]
    search_fields = ["name"]
    ordering = ["name"]
    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Lab | None = None) -> bool:
        return False
