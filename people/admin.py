"""Accounts, and the limits of labs, in Django's admin. Only administrators open them."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest

from people.access import Access, Permission
from people.models import Lab, User
from people.names import search_key

# They have pages of our own, which keep to the limits and note what is done.
admin.site.unregister([Authenticator, EmailAddress, SocialAccount, UserSession])
# The provider is in the settings, and its tokens are not kept.
admin.site.unregister([SocialApp, SocialToken])
# Nothing asks for Django's permissions: `people.access` says what the flags and roles allow.
admin.site.unregister(Group)
OF_DJANGO = ("groups", "user_permissions")


class ForAdministrators(admin.ModelAdmin):
    """A model that administrators manage, and nobody else, whatever Django's permissions say.

    With Django's permission to change accounts, staff could make themselves administrators.
    """

    def _is_open_to(self, request: HttpRequest) -> bool:
        person = request.user
        return isinstance(person, User) and Access(person).may(Permission.ACCOUNTS)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._is_open_to(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._is_open_to(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._is_open_to(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._is_open_to(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._is_open_to(request)


@admin.register(User)
class PeopleAdmin(ForAdministrators, UserAdmin):
    filter_horizontal = ()
    list_filter = ("is_staff", "is_superuser", "is_active")
    ordering = ("sort_key", "username")
    # They are noted by themselves. A day that nobody can read again would close the list of people.
    readonly_fields = ("last_login", "date_joined")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Those of Django without groups and permissions."""
        return [
            (name, {**part, "fields": [one for one in part["fields"] if one not in OF_DJANGO]})
            for name, part in super().get_fieldsets(request, obj)
        ]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        """Search as Django does, and for usernames as the list of cages does."""
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        key = search_key(search_term.replace("\x00", ""))
        return (found | queryset.filter(key__blankless__contains=key), may_repeat)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Let a person's own lab go with the account, though nobody may delete a lab alone."""
        to_delete, counts, perms_needed, protected = super().get_deleted_objects(objs, request)
        return to_delete, counts, perms_needed - {Lab._meta.verbose_name}, protected


@admin.register(Lab)
class LabAdmin(ForAdministrators):
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

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
