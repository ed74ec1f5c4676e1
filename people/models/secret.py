"""Secrets that Neurocage gives out: only their digest is kept."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import salted_hmac

PREFIX = "nc_"
SECRET_BYTES = 32
# The first characters are kept in the clear, so that a person recognises the secret. The others
# still hold 220 bits.
START_LENGTH = len(PREFIX) + 6
# Without it, each use would cost a write.
USE_NOTED_EVERY = timedelta(minutes=1)


def digest_of(secret: str) -> str:
    """Return the SHA-256 of a secret as 64 hex digits. Only this is kept.

    It needs no salt and no stretching, because nobody can guess 256 random bits.
    """
    return hashlib.sha256(secret.encode()).hexdigest()


def new_secret() -> str:
    return PREFIX + secrets.token_urlsafe(SECRET_BYTES)


def secret_of(*what: object) -> str:
    """Return the secret that always belongs to this. Nobody can guess it without the SECRET_KEY."""
    digest = salted_hmac("people.models.secret", repr(what), algorithm="sha256").digest()
    return PREFIX + base64.urlsafe_b64encode(digest).decode().rstrip("=")


class SecretQuerySet(models.QuerySet[Any]):
    def live(self) -> Self:
        return self.filter(revoked_at=None)

    def newest_first(self) -> Self:
        return self.order_by("-created_at", "-id")

    def make(self, now: datetime, secret: str = "", **fields: Any) -> tuple[Any, str]:
        """Make one. Returns (row, secret); the secret cannot be read again later."""
        secret = secret or new_secret()
        start, digest = secret[:START_LENGTH], digest_of(secret)
        return self.create(digest=digest, start=start, created_at=now, **fields), secret

    def make_once(
        self,
        now: datetime,
        form: str,
        same: Any,
        also: Mapping[str, Any] | None = None,
        /,
        **fields: Any,
    ) -> tuple[Any, str] | None:
        """Make one, or give out again the one that the same form has made.

        form: what tells one form from the next, or ""; same: the live row of this name, or None;
        also: further fields, which may differ each time that the same form is sent.
        Returns (row, secret), or None if `same` was made in another way.
        """
        told = [(name, getattr(value, "pk", value)) for name, value in sorted(fields.items())]
        secret = secret_of(self.model._meta.label, form, told) if form else new_secret()
        if same is not None:
            return (same, secret) if same.digest == digest_of(secret) else None
        if form and self.filter(digest=digest_of(secret)).exists():
            # It was revoked. A revoked secret never works again.
            secret = new_secret()
        return self.make(now, secret, **fields, **(also or {}))

    def holding(self, secret: str) -> Self:
        """The live one with this secret; one at most."""
        return self.live().filter(digest=digest_of(secret))

    def revoke(self, now: datetime) -> int:
        """Revoke the live ones among these for good; returns their number."""
        return self.live().update(revoked_at=now)


class Secret(models.Model):
    """What is kept of a secret, and when it was made, used and revoked."""

    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    start = models.CharField(max_length=START_LENGTH, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.name} ({self.start}…)"

    def note_use(self, now: datetime) -> None:
        """Keep the time of the last use; at most one write each USE_NOTED_EVERY."""
        before, after = now - USE_NOTED_EVERY, now + USE_NOTED_EVERY
        if self.last_used_at is None or not before < self.last_used_at < after:
            # The database compares again, because many requests may arrive at the same time. A use
            # that is ahead of now was noted by a clock that was wrong.
            is_noted = Q(last_used_at__gt=before, last_used_at__lt=after)
            not_noted = Q(last_used_at=None) | ~is_noted
            type(self)._default_manager.filter(not_noted, pk=self.pk).update(last_used_at=now)
            self.last_used_at = now
