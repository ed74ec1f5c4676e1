"""Pages that need a named permission."""

from django.contrib.auth.mixins import UserPassesTestMixin
from django.views.generic import View

from people.access import Access, Permission, person_of


class PermittedMixin(UserPassesTestMixin, View):
    """A view for people who have `permission`. Everybody else who is signed in gets 403."""

    permission: Permission

    def test_func(self) -> bool:
        return Access(person_of(self.request)).may(self.permission)
