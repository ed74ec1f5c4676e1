"""API tokens: a program that holds one reads the API in the name of a person."""

from __future__ import annotations

import base64
import hashlib
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from people.models.user import User
from people.names import key_of

PREFIX = "nc_"
SECRET_BYTES = 32
# The first characters are kept in the clear, so that a person recognises the token. The others
# still hold 220 bits.
START_LENGTH = len(PREFIX) + 6
LIVE_AT_MOST = 20
# Without it, each answer of the API would cost a write.
USE_NOTED_EVERY = timedelta(minutes=1)


def digest_of(secret: str) -> str:
    """Return the SHA-256 of a token as 64 hex digits. Only this is kept.

    It needs no salt and no stretching, because nobody can guess 256 random bits.
    """
    return hashlib.sha256(secret.encode()).hexdigest()


def _new_secret() -> str:
    return PREFIX + secrets.token_urlsafe(SECRET_BYTES)


def _secret_of(person: User, name: str, form: str) -> str:
    """The secret that belongs to one form. Nobody can guess it without the SECRET_KEY."""
    value = repr((person.pk, name, form))
    digest = salted_hmac("people.models.token", value, algorithm="sha256").digest()
    return PREFIX + base64.urlsafe_b64encode(digest).decode().rstrip("=")


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def live(self) -> ApiTokenQuerySet:
        return self.filter(revoked_at=None)

    def newest_first(self) -> ApiTokenQuerySet:
        return self.order_by("-created_at", "-id")

    @transaction.atomic
    def issue(self, person: User, name: str, now: datetime, form: str = "") -> tuple[ApiToken, str]:
        """Make a token. Returns (ApiToken, secret); the secret cannot be read again later.

        form: what tells one form from the next. The same form sent again gives the same token.

        Raises ValidationError if the person has a live token of this name, or LIVE_AT_MOST tokens.
        """
        # The lock keeps two forms sent at the same time from both taking the last place.
        User.objects.select_for_update().get(pk=person.pk)
        live = {key_of(token.name): token for token in self.live().filter(person=person)}
        secret = _secret_of(person, name, form) if form else _new_secret()
        if same := live.get(key_of(name)):
            if same.digest == digest_of(secret):
                return same, secret
            raise ValidationError(_("You already have a token with this name."))
        if len(live) >= LIVE_AT_MOST:
            raise ValidationError(
                _("You have %(count)d tokens, which is the maximum. Revoke one first."),
                params={"count": LIVE_AT_MOST},
            )
        if form and self.filter(digest=digest_of(secret)).exists():
            # It was revoked. A revoked token never works again.
            secret = _new_secret()
        token = self.create(
            person=person,
            name=name,
            digest=digest_of(secret),
            start=secret[:START_LENGTH],
            created_at=now,
        )
        return token, secret

    def of_secret(self, secret: str) -> ApiToken | None:
        """The live token of a person who may sign in, with its person, or None; one query."""
        usable = self.live().filter(digest=digest_of(secret), person__is_active=True)
        return usable.select_related("person").first()

    def revoke(self, now: datetime) -> int:
        """Revoke the live tokens among these for good; returns their number."""
        return self.live().update(revoked_at=now)


class ApiToken(models.Model):
    """One token of one person. The secret itself is not kept."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens"
    )
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    start = models.CharField(max_length=START_LENGTH, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    objects = ApiTokenQuerySet.as_manager()

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
            ApiToken.objects.filter(not_noted, pk=self.pk).update(last_used_at=now)
            self.last_used_at = now
