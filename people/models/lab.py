"""Labs, and the roles that people have in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models, transaction
from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from people.names import KeyField

if TYPE_CHECKING:
    from people.models.user import User

# Without a limit, one account could take all ids of the sensor API.
DEFAULT_CAGE_LIMIT = 1000
# A page shows them all.
PEOPLE_AT_MOST = 200


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
        """{person id: id of the lab that the person's new cages belong to}, in one query.

        That is the lab that the person chose (`Membership.is_home`), else the person's own.
        """
        homes = Membership.objects.filter(person=OuterRef("own_of"), is_home=True)
        whole = models.BigIntegerField()
        lab = Coalesce(Subquery(homes.values("lab")), "pk", output_field=whole)
        own = self.filter(own_of__in=set(people)).values_list("own_of_id", lab)
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


class LastAdministrator(Exception):
    """A lab would be left without its last administrator who may sign in."""


class LabIsFull(Exception):
    """A lab has PEOPLE_AT_MOST people."""


class MembershipQuerySet(models.QuerySet["Membership"]):
    def with_names(self) -> Self:
        """With the people, in the order of their names."""
        return self.select_related("person").order_by("person__sort_key", "person__username")

    @transaction.atomic
    def give_role(self, lab: Lab, person: User, role: str) -> Membership:
        """Give the person this role in the lab, whether or not the person had another one.

        Raises LastAdministrator and LabIsFull.
        """
        self._refuse_without_administrator(lab, person, role)
        others = self.filter(lab=lab).exclude(person=person)
        if others.count() >= PEOPLE_AT_MOST:
            raise LabIsFull
        member, _is_new = self.update_or_create(lab=lab, person=person, defaults={"role": role})
        return member

    @transaction.atomic
    def remove(self, lab: Lab, person: User) -> bool:
        """Take the person's role in the lab; whether there was one. The person's cages stay.

        Raises LastAdministrator.
        """
        self._refuse_without_administrator(lab, person, "")
        removed, _by_model = self.filter(lab=lab, person=person).delete()
        return bool(removed)

    @transaction.atomic
    def choose_home(self, person: User, lab_id: int) -> None:
        """Let the person's new cages belong to this lab. Those that there are stay in theirs."""
        self.filter(person=person, is_home=True).update(is_home=False)
        self.filter(person=person, lab=lab_id).exclude(lab__own_of=person).update(is_home=True)

    def _refuse_without_administrator(self, lab: Lab, person: User, role: str) -> None:
        # The lock keeps two administrators from removing each other in the same moment.
        Lab.objects.select_for_update().get(pk=lab.pk)
        administrators = self.filter(lab=lab, role=Role.ADMINISTRATOR)
        if role == Role.ADMINISTRATOR or not administrators.filter(person=person).exists():
            return
        if not administrators.filter(person__is_active=True).exclude(person=person).exists():
            raise LastAdministrator


class Membership(models.Model):
    """The role of one person in one lab."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )
    lab = models.ForeignKey(Lab, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role.choices)
    # The person chose that their new cages belong to this lab, instead of to their own.
    is_home = models.BooleanField(default=False, db_default=False)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("person", "lab", name="people_membership_one_per_lab"),
            models.UniqueConstraint(
                fields=["person"], condition=Q(is_home=True), name="people_membership_one_home"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} in {self.lab}: {self.role}"
