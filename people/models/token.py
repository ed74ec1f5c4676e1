"""API tokens: a program that holds one reads the API in the name of a person."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import cast

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from people.models.secret import PREFIX, Secret, SecretQuerySet, digest_of, new_secret
from people.models.user import User
from people.names import key_of

LIVE_AT_MOST = 20


def _secret_of(person: User, name: str, form: str) -> str:
    """The secret that belongs to one form. Nobody can guess it without the SECRET_KEY."""
    value = repr((person.pk, name, form))
    digest = salted_hmac("people.models.token", value, algorithm="sha256").digest()
    return PREFIX + base64.urlsafe_b64encode(digest).decode().rstrip("=")


class ApiTokenQuerySet(SecretQuerySet):
    @transaction.atomic
    def issue(self, person: User, name: str, now: datetime, form: str = "") -> tuple[ApiToken, str]:
        """Make a token. Returns (ApiToken, secret); the secret cannot be read again later.

        form: what tells one form from the next. The same form sent again gives the same token.

        Raises ValidationError if the person has a live token of this name, or LIVE_AT_MOST tokens.
        """
        # The lock keeps two forms sent at the same time from both taking the last place.
        User.objects.select_for_update().get(pk=person.pk)
        live = {key_of(token.name): token for token in self.live().filter(person=person)}
        secret = _secret_of(person, name, form) if form else new_secret()
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
            secret = new_secret()
        return self.make(now, secret, person=person, name=name)

    def of_secret(self, secret: str) -> ApiToken | None:
        """The live token of a person who may sign in, with its person, or None; one query."""
        usable = self.holding(secret).filter(person__is_active=True)
        return cast("ApiToken | None", usable.select_related("person").first())


class ApiToken(Secret):
    """One token of one person. The secret itself is not kept."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens"
    )

    objects = ApiTokenQuerySet.as_manager()
