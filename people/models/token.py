"""API tokens: a program that holds one reads the API in the name of a person."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from people.models.secret import Secret, SecretQuerySet
from people.models.user import User
from people.names import key_of

LIVE_AT_MOST = 20


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
        same = live.get(key_of(name))
        if same is None and len(live) >= LIVE_AT_MOST:
            raise ValidationError(
                _("You have %(count)d tokens, which is the maximum. Revoke one first."),
                params={"count": LIVE_AT_MOST},
            )
        made = self.make_once(now, form, same, person=person, name=name)
        if made is None:
            raise ValidationError(_("You already have a token with this name."))
        return made

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
