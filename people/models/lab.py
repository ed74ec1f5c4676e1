"""Labs, and the roles that people have in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from people.names import KeyField

if TYPE_CHECKING:
    from people.models.user import User

# Without a limit, one account could take all ids of the sensor API.
DEFAULT_CAGE_LIMIT = 1000


class Role(models.TextChoices):
    """What a person is in a lab. `people.access` says what each role allows."""

    VIEWER = "viewer", _("Viewer")
    TECHNICIAN = "technician", _("Technician")
    RESEARCHER = "researcher", _("Researcher")
    VET = "vet", _("Vet")
    ADMINISTRATOR = "administrator", _("Administrator")


class LabQuerySet(models.QuerySet["Lab"]):
    def found(self, person: User) -> Lab:
        """Make the lab of a new account, with the person as its researcher."""
        lab = self.create(name=person.get_username(), own_of=person)
        Membership.objects.create(lab=lab, person=person, role=Role.RESEARCHER)
        return lab

    def ids_by_person(self, people: Iterable[int]) -> dict[int, int]:
        """{person id: id of the person's own lab}, in one query."""
        own = self.filter(own_of__in=set(people)).values_list("own_of_id", "pk")
        return {person: lab for person, lab in own if person is not None}


class Lab(models.Model):
    """The people who answer for the same cages."""

    name = models.CharField(max_length=150)
    key = KeyField(of="name")
    # The lab that was made with an account goes with it, unless cages still belong to it.
    own_of = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="own_lab",
        null=True,
        editable=False,
    )
    people = models.ManyToManyField(
        settings.AUTH_USER_MODEL, through="people.Membership", related_name="labs"
    )

    cage_limit = models.PositiveIntegerField(
        _("most cages"),
        default=DEFAULT_CAGE_LIMIT,
        validators=[MinValueValidator(1)],
        help_text=_("Archived cages count too, because they keep the ids of their sensors."),
    )

    objects = LabQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """The role of one person in one lab."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )
    lab = models.ForeignKey(Lab, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint("person", "lab", name="people_membership_one_per_lab")
        ]

    def __str__(self) -> str:
        return f"{self.person} in {self.lab}: {self.role}"
