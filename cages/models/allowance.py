"""How many more cages a lab may have. The limit itself is set on the lab."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db.models import Count, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from people.models import Lab

if TYPE_CHECKING:
    from cages.models.cage import Cage


@dataclass(slots=True)
class Allowance:
    """left: how many more cages the lab may have."""

    lab: Lab
    left: int

    @property
    def message(self) -> str:
        """What is said of a cage for which there is none left."""
        return _(
            "The lab “%(lab)s” may have at most %(count)s cages, archived ones included. "
            "An administrator can raise this limit."
        ) % {"lab": self.lab.name, "count": number_format(self.lab.cage_limit, force_grouping=True)}


def allowances_of(labs: Collection[int], lock: bool = False) -> dict[int, Allowance]:
    """{lab id: its Allowance}, in one query.

    lock: within a transaction, hold the labs until its end, so that nobody else uses them up.
    """
    cages = _cages().filter(lab=OuterRef("pk")).order_by().annotate(all=Value(1))
    count = Subquery(cages.values("all").annotate(count=Count("pk")).values("count"))
    found = Lab.objects.filter(pk__in=labs).annotate(count=Coalesce(count, 0)).order_by("pk")
    if lock:
        found = found.select_for_update(of=("self",))
    return {lab.pk: Allowance(lab, max(lab.cage_limit - lab.count, 0)) for lab in found}


def refuse_if_full(cage: "Cage") -> None:
    """Raise ValidationError if the cage would come into a lab that is full. Two queries at most.

    Nothing is locked, so forms that are sent in the same moment may exceed the limit a little.
    """
    if cage.lab_id is None or (cage.pk and _cages().filter(pk=cage.pk, lab=cage.lab_id).exists()):
        return
    allowance = allowances_of([cage.lab_id])[cage.lab_id]
    if not allowance.left:
        raise ValidationError(allowance.message, code="lab_is_full")


def _cages() -> "QuerySet[Cage]":
    # cage.py imports this module.
    return apps.get_model("cages", "Cage")._default_manager.all()
