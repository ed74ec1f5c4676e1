"""The log of sign-in acts. `people.locks` counts in it."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from people.addresses import address_of
from people.models.user import User
from people.names import KeyField

logger = logging.getLogger(__name__)

NAME_LENGTH = 150
USER_AGENT_LENGTH = 200
# A trigger refuses to delete younger ones (people.0008_append_only), so less needs a migration.
KEPT = timedelta(days=400)
# Deleted in one run at most. The next run goes on.
DELETED_AT_ONCE = 10_000


class Act(models.TextChoices):
    SIGNED_IN = "signed_in", _("signed in")
    FAILED = "failed", _("wrong name, password or code")
    LOCKED = "locked", _("refused after too many attempts")
    LOCK_ENDED = "lock_ended", _("lock ended by an administrator")
    SIGNED_OUT = "signed_out", _("signed out")
    SIGNED_OUT_EVERYWHERE = "everywhere", _("signed out everywhere")
    PASSWORD_CHANGED = "password_changed", _("password changed")
    PASSWORD_RESET = "password_reset", _("password reset by mail")
    RESET_ASKED = "reset_asked", _("asked for a mail to reset the password")
    FACTOR_ADDED = "factor_added", _("second factor added")
    FACTOR_REMOVED = "factor_removed", _("second factor removed")
    LINKED = "linked", _("linked to the identity provider")
    PROVIDER_FAILED = "provider_failed", _("refused sign-in by the identity provider")
    REGISTERED = "registered", _("registered")
    APPROVED = "approved", _("registration approved")
    REFUSED = "refused", _("registration refused")


# Of these the person of the account has proved who it is.
CAME_IN = (Act.SIGNED_IN, Act.PASSWORD_RESET)


class SignInActQuerySet(models.QuerySet["SignInAct"]):
    def note(
        self, act: Act, request: HttpRequest, *, name: str = "", person: User | None = None
    ) -> SignInAct:
        """Keep one act, and log it. name: as it was typed; without one, that of the person."""
        typed = (name or (person.username if person else "")).replace("\x00", "")[:NAME_LENGTH]
        made = self.create(
            act=act,
            person=person,
            name=typed,
            address=address_of(request) or None,
            user_agent=request.headers.get("User-Agent", "")[:USER_AGENT_LENGTH],
        )
        # People type passwords into the wrong field, so the log names only accounts that exist.
        known = person.username if person else "unknown"
        logger.info("%s: account %s, address %s.", act.value, known, made.address or "unknown")
        return made

    def of(self, key: str, person: User | None) -> SignInActQuerySet:
        """The acts about one account: under this key, or of this person under any name."""
        return self.filter(Q(key=key) | Q(person=person) if person else Q(key=key))

    def delete_old(self, now: datetime) -> int:
        """Delete what is older than KEPT, DELETED_AT_ONCE at most. Returns how many."""
        old = self.filter(at__lt=now - KEPT).order_by("at")[:DELETED_AT_ONCE]
        return self.filter(pk__in=list(old.values_list("pk", flat=True))).delete()[0]


class SignInAct(models.Model):
    """One thing that happened to an account, or that somebody tried."""

    at = models.DateTimeField(default=timezone.now)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="sign_in_acts"
    )
    name = models.CharField(max_length=NAME_LENGTH)
    key = KeyField(of="name")
    address = models.GenericIPAddressField(null=True)
    act = models.CharField(max_length=20, choices=Act)
    user_agent = models.CharField(max_length=USER_AGENT_LENGTH, blank=True)

    objects = SignInActQuerySet.as_manager()

    class Meta:
        indexes = (
            models.Index(fields=["key", "at"], name="sign_in_by_key"),
            models.Index(fields=["address", "at"], name="sign_in_by_address"),
            models.Index(fields=["person", "at"], name="sign_in_by_person"),
            models.Index(fields=["at"], name="sign_in_by_time"),
            # Small, however often others try.
            models.Index(
                fields=["person", "address", "at"],
                condition=Q(act__in=CAME_IN),
                name="sign_in_known_addresses",
            ),
        )

    def __str__(self) -> str:
        return f"{self.name}: {self.act}"
