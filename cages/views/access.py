"""Views of cages. They show and change only what `people.access` allows.

Every page asks for a login first (settings.MIDDLEWARE).
"""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.views.generic import View
from django.views.generic.base import ContextMixin
from django.views.generic.detail import SingleObjectMixin

from cages.clock import now_of
from cages.models import Cage
from cages.models.cage import CageQuerySet
from people.access import Access, person_of


class CageAccessMixin(ContextMixin, View):
    """A view of cages. A cage that the person may not see is not found (404).

    `self.now` is the moment of the request, `self.access` what the person may see and change.
    """

    model: Any = Cage
    context_object_name: str | None = "cage"

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.now = now_of(request)
        self.access = Access(person_of(request))

    @property
    def seen(self) -> CageQuerySet:
        """The cages that the person may see, archived ones too."""
        return self.access.sees(Cage.objects.all())

    @property
    def changeable(self) -> CageQuerySet:
        """The cages that the person may change, archived ones too."""
        return self.access.changes(Cage.objects.all())

    @property
    def handled(self) -> CageQuerySet:
        """The cages that the person may move and test, archived ones too."""
        return self.access.handles(Cage.objects.all())

    def get_queryset(self) -> CageQuerySet:
        return self.seen.select_related("owner", "state", "room", "rack")

    def is_allowed(self, cage: Cage) -> bool:
        return self.access.may_change(cage)

    def checked(self, cage: Cage) -> Cage:
        """Return the cage. Raises PermissionDenied if the person may not change it."""
        if not self.is_allowed(cage):
            raise PermissionDenied
        return cage

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(now=self.now, **kwargs)


class CageChangeMixin(CageAccessMixin, SingleObjectMixin):
    """A view that changes one cage. 403 if the person may see it but not change it."""

    def get_object(self, queryset: QuerySet[Cage] | None = None) -> Cage:
        return self.checked(super().get_object(queryset))


class ActiveCageMixin(CageChangeMixin):
    """A view that changes one active cage. An archived one is not found (404)."""

    def get_queryset(self) -> CageQuerySet:
        return super().get_queryset().active()


class HandledCageMixin(ActiveCageMixin):
    """A view that moves or tests one active cage."""

    def is_allowed(self, cage: Cage) -> bool:
        return self.access.may_handle(cage)
