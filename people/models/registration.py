"""Accounts that wait for an administrator."""

from __future__ import annotations

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from people.models.user import User

# More people than this do not wait at the same time.
WAITING_AT_MOST = 100


class Registration(models.Model):
    """The mark of an account that waits. Until it is approved, nobody can sign in with it."""

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="registration"
    )
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.person} waits"

    @transaction.atomic
    def approve(self) -> None:
        User.objects.filter(pk=self.person_id).update(is_active=True)
        self.delete()

    def refuse(self) -> None:
        """Delete the account, which nobody has ever used."""
        self.person.delete()
