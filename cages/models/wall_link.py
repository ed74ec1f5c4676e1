"""Links to the wall: a screen that has one shows a room without a person's session."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from cages.models.place import Room
from people.models import User
from people.models.secret import Secret, SecretQuerySet
from people.names import key_of

LINKS_AT_MOST = 50


class WallLinkQuerySet(SecretQuerySet):
    @transaction.atomic
    def issue(
        self, person: User, name: str, room: Room | None, now: datetime
    ) -> tuple[WallLink, str]:
        """Make a link. Returns (WallLink, secret); the secret cannot be read again later.

        room: None for all rooms. Raises ValidationError if a live link has this name, or if there
        are LINKS_AT_MOST.
        """
        # Held until the end, so that two administrators do not both take the last place.
        list(self.live().select_for_update())
        names = {key_of(taken) for taken in self.live().values_list("name", flat=True)}
        if key_of(name) in names:
            raise ValidationError(_("There is a link with this name already."))
        if len(names) >= LINKS_AT_MOST:
            raise ValidationError(
                _("There are %(count)d links, which is the maximum. Revoke one first."),
                params={"count": LINKS_AT_MOST},
            )
        return self.make(now, created_by=person, name=name, room=room)

    def of_secret(self, secret: str) -> WallLink | None:
        """The live link with this secret, with its room, or None; one query."""
        found = self.holding(secret).select_related("room").first()
        return cast("WallLink | None", found)


class WallLink(Secret):
    """One link. It shows the cages of its room, or of all rooms, of every lab."""

    room = models.ForeignKey(
        Room, on_delete=models.CASCADE, null=True, blank=True, related_name="wall_links"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )

    objects = WallLinkQuerySet.as_manager()
