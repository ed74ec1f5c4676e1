"""Who may see and who may change what. Nothing else in the project decides this.

Rows that belong to a lab are seen and changed through the roles that a person has in that lab.
Pages that are not about such rows are opened by a Permission.
"""

from enum import StrEnum
from functools import cached_property
from typing import Any, Protocol, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import (
    BooleanField,
    Count,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Value,
)
from django.http import HttpRequest

from people.models import ApiToken, Lab, Membership, Role, User
from people.models.token import ApiTokenQuerySet


class Permission(StrEnum):
    """What can be allowed beside seeing and changing the rows of a lab."""

    ACCOUNTS = "accounts"  # everybody's sign-ins, locks, and who waits for an account
    ADMIN_SITE = "admin_site"  # Django's admin, where accounts are made
    CHANGES = "changes"  # who changed what, in the whole facility
    CHANNELS = "channels"  # the ways in which notices are sent
    DUTY = "duty"  # who is told first, and drills
    KINDS_OF_MARKS = "kinds_of_marks"  # what can be noted, and whether it disturbs the animals
    LABS = "labs"  # make labs, set their limits, and take care of the people of each
    OPERATIONS = "operations"
    OWNERS = "owners"  # see whose each cage is, and choose its owner
    PURGE = "purge"  # of the cages that the person may change
    RACK_SIZES = "rack_sizes"
    ROOMS = "rooms"
    RULES = "rules"  # propose how rules are set
    STYLE_GUIDE = "style_guide"
    WALL_LINKS = "wall_links"  # screens that show every cage of a room, without a session


# What each role allows in its lab. Vets judge animals and technicians take care of them, so neither
# changes what a cage is: its label, its animals, its owner, whether it is polled.
ROLES_THAT: dict[str, frozenset[Role]] = {
    "see": frozenset(Role),
    # Take care of a concern and comment on it.
    "acknowledge": frozenset(Role) - {Role.VIEWER},
    # Open a concern by hand, say what was found, and close it.
    "find": frozenset({Role.VET, Role.ADMINISTRATOR}),
    # What is done with a cage in its hands: move it to another bay, test its sensor.
    "handle": frozenset({Role.TECHNICIAN, Role.RESEARCHER, Role.ADMINISTRATOR}),
    # Create, edit, pause, import and archive cages.
    "change": frozenset({Role.RESEARCHER, Role.ADMINISTRATOR}),
    # Invite and remove people, set their roles, and revoke their tokens.
    "manage": frozenset({Role.ADMINISTRATOR}),
}
# What somebody with each flag of an account may do beside it. Staff also see and change the cages
# of all labs.
ADMINISTRATOR_PERMISSIONS = frozenset(
    {
        Permission.ACCOUNTS,
        Permission.CHANGES,
        Permission.CHANNELS,
        Permission.DUTY,
        Permission.KINDS_OF_MARKS,
        Permission.LABS,
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
        return self._within(rows, "see")

    def sees_not(self, rows: Rows) -> Rows:
        """The other rows. A page may tell that they exist, and nothing else about them."""
        if self._reaches_every_lab:
            return rows.none()
        return rows.exclude(lab__in=self._labs("see"))

    def changes(self, rows: Rows) -> Rows:
        """The rows that the person may change."""
        return self._within(rows, "change")

    def may_change(self, row: InLab) -> bool:
        """Whether `changes` would hold the row. One query at most, however many rows are asked."""
        return self._reaches_every_lab or row.lab_id in self._labs_to("change")

    def handles(self, rows: Rows) -> Rows:
        """The rows that the person may move and test."""
        return self._within(rows, "handle")

    def may_handle(self, row: InLab) -> bool:
        """Whether `handles` would hold the row. One query at most, as `may_change`."""
        return self._reaches_every_lab or row.lab_id in self._labs_to("handle")

    def acknowledges(self, rows: Rows) -> Rows:
        """The rows whose concerns the person may acknowledge and comment on."""
        return self._within(rows, "acknowledge")

    def finds(self, rows: Rows) -> Rows:
        """The rows whose concerns the person may open by hand, give a finding, and close."""
        return self._within(rows, "find")

    def counts(self, rows: QuerySet[Any], *verbs: str) -> dict[str, int]:
        """{"all": how many rows there are, each verb: how many of them it allows}; one query.

        verbs: keys of ROLES_THAT. What concerns several rows at once, such as a room with all its
        cages, needs the right over all of them.
        """
        allowed = {verb: self._count(verb) for verb in verbs}
        counted: dict[str, int] = rows.aggregate(all=Count("pk"), **allowed)
        return counted

    @property
    def may_create(self) -> bool:
        """Whether the person may create rows, which belong to the person's own lab."""
        return self._reaches_every_lab or self.new_cages_lab in self._labs_to("change")

    @property
    def sees_rules(self) -> bool:
        """Whether the person may see how rules are set: all of them or some. One query at most."""
        return self.may(Permission.RULES) or bool(self.labs_as_vet)

    @property
    def labs_as_vet(self) -> set[int]:
        """The labs in which the person is a vet. One query at most."""
        return {line["lab"] for line in self._roles if line["role"] == Role.VET}

    @property
    def approves_every_rule(self) -> bool:
        """Whether the person may approve what another one proposed for the facility or a room.

        A vet of the facility is one of its staff. Others are made vets by their labs, and so
        approve rules of these labs only.
        """
        is_vet = self.person.is_staff and bool(self.labs_as_vet)
        return self.may(Permission.RULES) or is_vet

    def approves_rule_of(self, lab_id: int | None) -> bool:
        """Whether the same for a rule of this lab; None: of the facility or a room."""
        return self.approves_every_rule or lab_id in self.labs_as_vet

    @property
    def may_import(self) -> bool:
        """Whether there is a lab in which an import could create or change rows."""
        return self._reaches_every_lab or bool(self._labs_to("change"))

    def marked(self, rows: Rows) -> Rows:
        """The rows, each with `is_changeable` and `is_handled`.

        The same as `may_change` and `may_handle`, without a query.
        """
        return rows.annotate(
            is_changeable=self._has_role("change"), is_handled=self._has_role("handle")
        )

    def marked_for_finding(self, rows: Rows) -> Rows:
        """The rows, each with `takes_findings`: whether `finds` would hold it."""
        return rows.annotate(takes_findings=self._has_role("find"))

    @property
    def labs_to_change(self) -> QuerySet[Lab]:
        """The labs to which the person may give cages."""
        labs = Lab.objects.all()
        return labs if self._reaches_every_lab else labs.filter(pk__in=self._labs("change"))

    @property
    def new_cages_lab(self) -> int | None:
        """The lab of the cages that the person creates, as `Lab.objects.ids_by_person` says."""
        homes = [line["lab"] for line in self._roles if line["is_home"]]
        own = [line["lab"] for line in self._roles if line["own_of"] == self.person.pk]
        return next(iter(homes + own), None)

    @property
    def homes(self) -> QuerySet[Lab]:
        """The labs to which the person's new cages may belong: the own one comes first."""
        labs = Lab.objects.filter(pk__in=self._labs("change"))
        return labs.order_by(F("own_of").asc(nulls_last=True), "name", "pk")

    @property
    def managed_labs(self) -> QuerySet[Lab]:
        """The labs whose people the person takes care of."""
        labs = Lab.objects.all()
        if self.may(Permission.LABS):
            return labs
        return labs.filter(pk__in=self._labs("manage"))

    @property
    def managed_tokens(self) -> ApiTokenQuerySet:
        """The tokens of other people that the person may see and revoke."""
        tokens: ApiTokenQuerySet = ApiToken.objects.exclude(person=self.person.pk)
        if self.may(Permission.LABS):
            return tokens
        # A lab can add anybody, so being in it is not enough. It does not answer for the tokens of
        # those who administer the facility, nor for those that read cages elsewhere.
        theirs = Membership.objects.filter(person=OuterRef("person"))
        within = theirs.filter(lab__in=self._labs("manage"))
        unused = Q(lab__own_of=F("person"), lab__cages=None, lab__animals=None)
        beyond = theirs.exclude(lab__in=self._labs("manage")).exclude(unused)
        return tokens.filter(
            Exists(within), ~Exists(beyond), person__is_staff=False, person__is_superuser=False
        )

    @property
    def manages_people(self) -> bool:
        """Whether there is a lab whose people the person takes care of. One query at most."""
        return self.may(Permission.LABS) or bool(self._labs_to("manage"))

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

    def _has_role(self, verb: str) -> Value | ExpressionWrapper:
        if self._reaches_every_lab:
            return Value(True)
        return ExpressionWrapper(Q(lab__in=self._labs(verb)), BooleanField())

    def _count(self, verb: str) -> Count:
        if self._reaches_every_lab:
            return Count("pk")
        return Count("pk", filter=Q(lab__in=self._labs(verb)))

    def _within(self, rows: Rows, verb: str) -> Rows:
        return rows if self._reaches_every_lab else rows.filter(lab__in=self._labs(verb))

    def _labs(self, verb: str) -> QuerySet[Membership, Any]:
        roles = sorted(ROLES_THAT[verb])
        return Membership.objects.filter(person=self.person.pk, role__in=roles).values_list(
            "lab", flat=True
        )

    @cached_property
    def _roles(self) -> list[dict[str, Any]]:
        """Of each membership: lab, role, own_of (whose own lab it is) and is_home."""
        lines = getattr(self.person, "roles_read", None)
        if lines is None:
            own = User.objects.with_roles().filter(pk=self.person.pk).first()
            lines = getattr(own, "roles_read", [])
        return list(lines)

    def _labs_to(self, verb: str) -> set[int]:
        return {line["lab"] for line in self._roles if line["role"] in ROLES_THAT[verb]}


def others_who_approve(person: User, lab_id: int | None) -> bool:
    """Whether anybody else could approve what this person proposes; one query.

    As `Access.approves_rule_of`.
    """
    vets = Q(memberships__role=Role.VET)
    approving = Q(is_superuser=True) | (vets & Q(is_staff=True))
    if lab_id is not None:
        approving |= vets & Q(memberships__lab=lab_id)
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
