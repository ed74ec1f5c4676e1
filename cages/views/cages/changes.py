"""Who changed what of one cage, for those who may change it."""

from typing import Any

from django.http import HttpRequest

from cages.models import Cage
from cages.views.access import CageChangeMixin
from people.models.change import ChangeQuerySet
from people.views.changes import ChangesFile, ChangesMixin, ChangesPage


class OfACageMixin(ChangesMixin, CageChangeMixin):
    """The changes of the cage in the URL. 403 if the person may not change it.

    Not those of a purged cage that had the same id: it was somebody else's.
    """

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.object = self.get_object()

    def changes(self) -> ChangeQuerySet:
        return super().changes().of_present_row(Cage._meta.db_table, self.object.pk)


class CageChangesView(OfACageMixin, ChangesPage):
    template_name = "cages/changes.html"


class CageChangesFileView(OfACageMixin, ChangesFile):
    pass
