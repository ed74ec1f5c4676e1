"""The log of sign-in acts."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from people.addresses import address_of
from people.names import key_of

logger = logging.getLogger("people.sign_in")


class Act(models.TextChoices):
    SIGNED_IN = "signed_in", _("Signed in")
    FAILED = "failed", _("Wrong name or password")
    LOCKED = "locked", _("Refused: too many attempts")
    SIGNED_OUT = "signed_out", _("Signed out")
    PASSWORD_CHANGED = "password_changed", _("Password changed")
    REGISTERED = "registered", _("Registered")
    LOCK_ENDED = "lock_ended", _("Lock ended by an administrator")


class SignInActQuerySet(models.QuerySet["SignInAct"]):
    def note(
        self, act: Act, request: HttpRequest, *, person: models.Model | None = None, name: str = ""
    ) -> SignInAct:
        """Keep the act, and log it. `name` is what was typed, where nobody is known.

        The log has no name that was typed, as people type passwords there by mistake.
        """
        name = (person.get_username() if person else name)[: SignInAct.NAME_LENGTH]  # type: ignore[attr-defined]
        kept = self.create(
            at=timezone.now(),
            person_id=person.pk if person else None,
            name=name,
            key=key_of(name),
            address=address_of(request) or None,
            act=act,
            user_agent=request.META.get("HTTP_USER_AGENT", "").replace("\x00", "")[
                : SignInAct.AGENT_LENGTH
            ],
        )
        level = logging.WARNING if act in {Act.FAILED, Act.LOCKED} else logging.INFO
        logger.log(level, "%s: person %s, address %s", act.value, kept.person_id, kept.address)
        return kept

    def newest_first(self) -> SignInActQuerySet:
        return self.order_by("-at", "-pk")

    def forget(self, now: datetime) -> int:
        """Delete acts that are old enough, at most FORGET_AT_ONCE. Returns how many."""
        old = self.filter(at__lt=now - SignInAct.KEPT).order_by("at")
        ids = old.values_list("pk", flat=True)[: SignInAct.FORGET_AT_ONCE]
        return self.filter(pk__in=list(ids)).delete()[0]


class SignInAct(models.Model):
    """Something that a person, or somebody who tried to be one, did to an account."""

    NAME_LENGTH = 150
    AGENT_LENGTH = 200
    KEPT = timedelta(days=400)
    FORGET_AT_ONCE = 10_000

    at = models.DateTimeField()
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True
    )
    name = models.CharField(max_length=NAME_LENGTH, blank=True)
    # Names that read the same are counted together. Its form may be longer than the name.
    key = models.TextField(blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)
    act = models.CharField(max_length=20, choices=Act.choices)
    user_agent = models.CharField(max_length=AGENT_LENGTH, blank=True)

    objects: ClassVar[SignInActQuerySet] = SignInActQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        indexes = [
            models.Index(fields=["key", "-at"], name="people_signin_key"),
            models.Index(fields=["address", "-at"], name="people_signin_address"),
            models.Index(fields=["-at"], name="people_signin_at"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.act} {self.name}"
