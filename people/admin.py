"""Accounts in Django's admin."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest

from people.models import User
from people.names import search_key


@admin.register(User)
class PeopleAdmin(UserAdmin):
    ordering = ("sort_key", "username")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        """Search as Django does, and for usernames as the list of cages does."""
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        key = search_key(search_term.replace("\x00", ""))
        return (found | queryset.filter(key__blankless__contains=key), may_repeat)
