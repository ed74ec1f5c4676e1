"""Tokens: what a person gives to a program, so that it may read the API in that person's name."""

import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

PREFIX = "nc_"
SECRET_BYTES = 32
# Of the token itself, so that a person knows it again; the rest has 220 bits still.
START_LENGTH = len(PREFIX) + 6
LIVE_AT_MOST = 20
# Else each answer of the API would cost a write.
USE_NOTED_EVERY = timedelta(minutes=1)


def digest_of(secret):
    """What is kept of a token. Without salt or stretching, as nobody guesses 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()


class ApiTokenQuerySet(models.QuerySet):
    def live(self):
        return self.filter(revoked_at=None)

    def newest_first(self):
        return self.order_by("-created_at", "-id")

    @transaction.atomic
    def issue(self, person, name, now):
        """Make a token; returns (ApiToken, the token itself), which nothing can show again.

        Raises ValidationError where the name is taken or the person has too many.
        """
        # Locked, so that two forms sent at once do not both see room for one more.
        get_user_model().objects.select_for_update().get(pk=person.pk)
        names = set(self.live().filter(person=person).values_list("name", flat=True))
        if name in names:
            raise ValidationError(_("You have a token of this name already."))
        if len(names) >= LIVE_AT_MOST:
            raise ValidationError(
                _("You have %(count)d tokens, and no more are possible. Revoke one first."),
                params={"count": LIVE_AT_MOST},
            )
        secret = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
        token = self.create(
            person=person,
            name=name,
            digest=digest_of(secret),
            start=secret[:START_LENGTH],
            created_at=now,
        )
        return token, secret

    def of_secret(self, secret):
        """The live token of somebody who may sign in, with its person, or None; one query."""
        usable = self.live().filter(digest=digest_of(secret), person__is_active=True)
        return usable.select_related("person").first()

    def revoke(self, now):
        """Make the live ones among these useless for good; returns how many there were."""
        return self.live().update(revoked_at=now)


class ApiToken(models.Model):
    """One token of one person. The token itself is not kept."""

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

    def __str__(self):
        return f"{self.name} ({self.start}…)"

    def note_use(self, now):
        """Keep when it was last used, to the minute."""
        before = now - USE_NOTED_EVERY
        if self.last_used_at is None or self.last_used_at <= before:
            # Asked again in the database: many requests may have come in at once.
            not_noted = Q(last_used_at=None) | Q(last_used_at__lte=before)
            ApiToken.objects.filter(not_noted, pk=self.pk).update(last_used_at=now)
            self.last_used_at = now
