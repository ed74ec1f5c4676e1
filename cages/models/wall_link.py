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
        self, person: User, name: str, room: Room | None, now: datetime, form: str = ""
    ) -> tuple[WallLink, str]:
        """Make a link. Returns (WallLink, secret); the secret cannot be read again later.

        room: None for all rooms. form: what tells one form from the next. The same form sent again
        gives the same link.

        Raises ValidationError if a live link has this name, or if there are LINKS_AT_MOST.
        """
        # Held until the end, so that two administrators do not both take the last place. Read after
        # that, because whoever held them before may have added one.
        list(self.live().select_for_update())
        live = {key_of(link.name): link for link in self.live()}
        same = live.get(key_of(name))
        if same is None and len(live) >= LINKS_AT_MOST:
            raise ValidationError(
                _("There are %(count)d links, which is the maximum. Revoke one first."),
                params={"count": LINKS_AT_MOST},
            )
        made = self.make_once(now, form, same, created_by=person, name=name, room=room)
        if made is None:
            raise ValidationError(_("There is a link with this name already."))
        return made

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
