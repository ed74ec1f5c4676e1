"""API tokens: a program that holds one reads the API in the name of a person."""

from __future__ import annotations

from datetime import datetime
from typing import Self, cast

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from people.models.secret import Secret, SecretQuerySet
from people.models.user import User
from people.names import key_of

LIVE_AT_MOST = 20
# Days after which a token expires, as a person may choose; None: never.
LIFETIMES = (30, 90, 365, None)
DEFAULT_LIFETIME = 365


class Scope(models.TextChoices):
    """What a token opens. Each address of the API says which scope it belongs to."""

    ALL = "all", _("Everything that you can see")
    CAGES = "cages", _("Cages, how they are now, and concerns")
    MINUTES = "minutes", _("Minutes and hours that were measured")


class ApiTokenQuerySet(SecretQuerySet):
    def unexpired(self, now: datetime) -> Self:
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now))

    @transaction.atomic
    def issue(
        self,
        person: User,
        name: str,
        now: datetime,
        form: str = "",
        scope: Scope = Scope.ALL,
        expires_at: datetime | None = None,
    ) -> tuple[ApiToken, str]:
        """Make a token. Returns (ApiToken, secret); the secret cannot be read again later.

        form: what tells one form from the next. The same form sent again gives the same token.
        expires_at: from then on the token opens nothing; None: never.

        Raises ValidationError if the person has a live token of this name, or LIVE_AT_MOST tokens.
        """
        # The lock keeps two forms sent at the same time from both taking the last place.
        User.objects.select_for_update().get(pk=person.pk)
        # An expired token opens nothing, so it keeps neither its name nor its place.
        own = self.live().filter(person=person)
        own.filter(expires_at__lte=now).revoke(now)
        live = {key_of(token.name): token for token in own}
        same = live.get(key_of(name))
        if same is None and len(live) >= LIVE_AT_MOST:
            raise ValidationError(
                _("You have %(count)d tokens, which is the maximum. Revoke one first."),
                params={"count": LIVE_AT_MOST},
            )
        # The moment of expiry is another one each time that the same form is sent.
        later = {"expires_at": expires_at}
        made = self.make_once(now, form, same, later, person=person, name=name, scope=scope)
        if made is None:
            raise ValidationError(_("You already have a token with this name."))
        return made

    def of_secret(self, secret: str, now: datetime) -> ApiToken | None:
        """The live token of a person who may sign in, with its person, or None; one query."""
        usable = self.holding(secret).unexpired(now).filter(person__is_active=True)
        return cast("ApiToken | None", usable.select_related("person").first())


class ApiToken(Secret):
    """One token of one person. The secret itself is not kept."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens"
    )

    scope = models.CharField(
        max_length=10, choices=Scope.choices, default=Scope.ALL, db_default=Scope.ALL
    )
    expires_at = models.DateTimeField(null=True)

    objects = ApiTokenQuerySet.as_manager()

    @property
    def scope_label(self) -> str:
        return str(Scope(self.scope).label)

    def opens(self, scope: Scope) -> bool:
        """Whether the token opens what belongs to this scope."""
        return self.scope in (Scope.ALL, scope)
