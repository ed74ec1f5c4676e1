"""The animals: one row each, and in which cage each was from when to when."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Self

from django.db import models
from django.db.models import Count, F, OuterRef, Q, Subquery
from django.utils.translation import gettext_lazy as _

from cages.slots import FIRST_YEAR, LAST_YEAR
from people.names import KeyField, SortField

FIRST_DAY, LAST_DAY = date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 12, 31)


@dataclass(frozen=True, slots=True)
class AnimalCount:
    """How many animals a cage has; None where nobody knows.

    is_recorded: they are counted from animals that are recorded one by one. Else somebody entered
    the number for the cage.
    """

    count: int | None
    is_recorded: bool

    @classmethod
    def of(cls, recorded: int | None, entered: int | None) -> Self:
        """The number that counts: that of the recorded animals, where any were ever recorded."""
        if recorded is not None:
            return cls(recorded, True)
        return cls(entered, False)


class Sex(models.TextChoices):
    FEMALE = "f", _("female")
    MALE = "m", _("male")
    UNKNOWN = "", _("not known")


class Animal(models.Model):
    """One animal. Its number is unique in its lab."""

    lab = models.ForeignKey("people.Lab", on_delete=models.PROTECT, related_name="animals")
    number = models.CharField(_("Number"), max_length=50)
    key = KeyField(of="number")
    sort_key = SortField(of="number")
    sex = models.CharField(_("Sex"), max_length=1, choices=Sex.choices, blank=True)
    born_on = models.DateField(_("Born"), null=True, blank=True)
    strain = models.CharField(_("Strain"), max_length=100, blank=True)
    genotype = models.CharField(_("Genotype"), max_length=100, blank=True)
    protocol = models.CharField(_("Protocol"), max_length=50, blank=True)
    group = models.CharField(_("Group"), max_length=50, blank=True)

    class Meta:
        ordering = ["sort_key", "id"]
        constraints = [
            models.UniqueConstraint(fields=["lab", "key"], name="cages_animal_one_per_number")
        ]

    def __str__(self) -> str:
        return self.number

    def age_days(self, day: date) -> int | None:
        """Its age on the day; None where its birth is not known or later."""
        return (day - self.born_on).days if self.born_on and self.born_on <= day else None


class HousingQuerySet(models.QuerySet["Housing"]):
    def of(self, cage_ids: Iterable[int]) -> Self:
        """Those of these cages with their animals, oldest first."""
        found = self.filter(cage__in=list(cage_ids)).select_related("animal")
        return found.order_by("since", "animal__sort_key", "id")

    def on(self, day: date) -> Self:
        """Those that include the day."""
        return self.filter(Q(until=None) | Q(until__gt=day), since__lte=day)

    def counted_on(self, day: date) -> Subquery:
        """How many live in a cage on the day, as a column of cages.

        NULL in a cage of which none is recorded for that day or before.
        """
        begun = self.filter(cage=OuterRef("pk"), since__lte=day).order_by().values("cage")
        here = Count("pk", filter=Q(until=None) | Q(until__gt=day))
        return Subquery(begun.annotate(here=here).values("here"))


class HousingManager(models.Manager.from_queryset(HousingQuerySet)):  # type: ignore[misc]
    """Those that nobody withdrew. So nobody who counts animals can count one that was."""

    def get_queryset(self) -> HousingQuerySet:
        return HousingQuerySet(self.model, using=self._db).filter(withdrawn_at=None)


class Housing(models.Model):
    """An animal lives in a cage from the facility's day `since` up to but not including `until`.

    until: None while it lives there. A corrected one keeps its row, and the record of changes what
    it said before. A withdrawn one counts nowhere; only `every` has it.
    """

    animal = models.ForeignKey(Animal, on_delete=models.CASCADE, related_name="housings")
    cage = models.ForeignKey("cages.Cage", on_delete=models.CASCADE, related_name="housings")
    since = models.DateField(_("since"))
    until = models.DateField(_("until"), null=True, blank=True)

    withdrawn_at = models.DateTimeField(_("Withdrawn"), null=True, blank=True)

    objects = HousingManager()
    every = HousingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(until=None) | Q(until__gt=F("since")),
                name="cages_housing_ends_after_its_start",
            ),
            # Pages and exports make moments of these days.
            models.CheckConstraint(
                condition=Q(since__range=(FIRST_DAY, LAST_DAY))
                & (Q(until=None) | Q(until__lte=LAST_DAY)),
                name="cages_housing_in_known_years",
            ),
            models.UniqueConstraint(
                fields=["animal", "since"],
                condition=Q(withdrawn_at=None),
                name="cages_housing_one_per_day",
            ),
        ]
        indexes = [models.Index(fields=["cage", "since"], name="cages_housing_of_cage")]

    def __str__(self) -> str:
        return f"animal {self.animal_id} in cage {self.cage_id} since {self.since}"
