"""Who may see and who may change what. Nothing else in the project decides this.

Rows that belong to a lab are seen and changed through the roles that a person has in that lab.
Pages that are not about such rows are opened by a Permission.
"""

from enum import StrEnum
from functools import cached_property
from typing import Any, Protocol, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet, Value
from django.http import HttpRequest

from people.models import Membership, Role, User


class Permission(StrEnum):
    """What can be allowed beside seeing and changing the rows of a lab."""

    ACCOUNTS = "accounts"  # everybody's sign-ins, locks, and who waits for an account
    ADMIN_SITE = "admin_site"  # Django's admin, where accounts are made
    CHANNELS = "channels"  # the ways in which notices are sent
    DUTY = "duty"  # who is told first, and drills
    OPERATIONS = "operations"
    OWNERS = "owners"  # see whose each cage is, and choose its owner
    PURGE = "purge"  # of the cages that the person may change
    RACK_SIZES = "rack_sizes"
    ROOMS = "rooms"
    RULES = "rules"  # propose how rules are set
    STYLE_GUIDE = "style_guide"
    WALL_LINKS = "wall_links"  # screens that show every cage of a room, without a session


SEEING_ROLES = frozenset(Role)
CHANGING_ROLES = frozenset(Role) - {Role.VIEWER}
# Who takes care of a concern and comments on it, and who says what was found.
ACKNOWLEDGING_ROLES = frozenset(Role) - {Role.VIEWER}
FINDING_ROLES = frozenset({Role.VET, Role.ADMINISTRATOR})
ADMINISTRATOR_PERMISSIONS = frozenset(
    {
        Permission.ACCOUNTS,
        Permission.CHANNELS,
        Permission.DUTY,
        Permission.PURGE,
        Permission.RULES,
        Permission.WALL_LINKS,
    }
)
STAFF_PERMISSIONS = frozenset(Permission) - ADMINISTRATOR_PERMISSIONS

Rows = TypeVar("Rows", bound=QuerySet[Any])


class InLab(Protocol):
    """A row that belongs to a lab."""

    lab_id: int


class Access:
    """What one person may see and change. Rows are querysets of a model with a `lab`."""

    def __init__(self, person: User) -> None:
        self.person = person

    def sees(self, rows: Rows) -> Rows:
        """The rows that the person may see."""
        return self._within(rows, SEEING_ROLES)

    def sees_not(self, rows: Rows) -> Rows:
        """The other rows. A page may tell that they exist, and nothing else about them."""
        if self._reaches_every_lab:
            return rows.none()
        return rows.exclude(lab__in=self._labs(SEEING_ROLES))

    def changes(self, rows: Rows) -> Rows:
        """The rows that the person may change."""
        return self._within(rows, CHANGING_ROLES)

    def may_change(self, row: InLab) -> bool:
        """Whether `changes` would hold the row. One query at most, however many rows are asked."""
        return self._reaches_every_lab or row.lab_id in self._changing_labs

    def acknowledges(self, rows: Rows) -> Rows:
        """The rows whose concerns the person may acknowledge and comment on."""
        return self._within(rows, ACKNOWLEDGING_ROLES)

    def finds(self, rows: Rows) -> Rows:
        """The rows whose concerns the person may open by hand, give a finding, and close."""
        return self._within(rows, FINDING_ROLES)

    @property
    def may_create(self) -> bool:
        """Whether the person may create rows, which belong to the person's own lab."""
        return self._reaches_every_lab or self.person.pk in self._changing_labs.values()

    @cached_property
    def approves_rules(self) -> bool:
        """Whether the person may see how rules are set, and approve what another one proposed.

        One query at most.
        """
        vet = Membership.objects.filter(person=self.person.pk, role=Role.VET)
        return self.may(Permission.RULES) or vet.exists()

    @property
    def may_import(self) -> bool:
        """Whether there is a lab in which an import could create or change rows."""
        return self._reaches_every_lab or bool(self._changing_labs)

    def marked(self, rows: Rows) -> Rows:
        """The rows, each with `is_changeable`: the same as `may_change`, without a query."""
        return rows.annotate(is_changeable=self._has_role(CHANGING_ROLES))

    def marked_for_finding(self, rows: Rows) -> Rows:
        """The rows, each with `takes_findings`: whether `finds` would hold it."""
        return rows.annotate(takes_findings=self._has_role(FINDING_ROLES))

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions

    @cached_property
    def permissions(self) -> frozenset[Permission]:
        staff = STAFF_PERMISSIONS if self.person.is_staff else frozenset()
        return staff | (ADMINISTRATOR_PERMISSIONS if self.person.is_superuser else frozenset())

    @property
    def version(self) -> tuple[Any, ...]:
        """Differs between two people, and after a change of a person's permissions; no query."""
        return (self.person.pk, self._reaches_every_lab, sorted(self.permissions))

    @property
    def _reaches_every_lab(self) -> bool:
        return self.person.is_staff

    def _has_role(self, roles: frozenset[Role]) -> Value | ExpressionWrapper:
        if self._reaches_every_lab:
            return Value(True)
        return ExpressionWrapper(Q(lab__in=self._labs(roles)), BooleanField())

    def _within(self, rows: Rows, roles: frozenset[Role]) -> Rows:
        return rows if self._reaches_every_lab else rows.filter(lab__in=self._labs(roles))

    def _labs(self, roles: frozenset[Role]) -> QuerySet[Membership, Any]:
        memberships = Membership.objects.filter(person=self.person.pk, role__in=sorted(roles))
        return memberships.values_list("lab", flat=True)

    @cached_property
    def _changing_labs(self) -> dict[int, int | None]:
        """{lab in which the person may change rows: the person whose own lab it is}."""
        lines = getattr(self.person, "roles_read", None)
        if lines is None:
            return dict(self._labs(CHANGING_ROLES).values_list("lab", "lab__own_of"))
        return {line["lab"]: line["own_of"] for line in lines if line["role"] in CHANGING_ROLES}


def others_who_approve_rules(person: User) -> bool:
    """Whether anybody else could approve what this person proposes; one query."""
    approving = Q(is_superuser=True) | Q(memberships__role=Role.VET)
    return User.objects.active().filter(approving).exclude(pk=person.pk).exists()


class ScreenAccess(Access):
    """What a screen with a link sees: the rows of every lab. It changes nothing."""

    def __init__(self, link_id: int) -> None:
        super().__init__(User())
        self._link_id = link_id

    def sees(self, rows: Rows) -> Rows:
        return rows

    def sees_not(self, rows: Rows) -> Rows:
        return rows.none()

    @property
    def version(self) -> tuple[Any, ...]:
        return ("screen", self._link_id)


def person_of(request: HttpRequest) -> User:
    """The person who is signed in. Raises PermissionDenied if nobody is."""
    if isinstance(request.user, AnonymousUser):
        raise PermissionDenied
    return request.user
