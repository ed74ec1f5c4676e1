"""Accounts."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import OuterRef
from django.db.models.functions import JSONObject

from people.models.lab import Lab, Membership
from people.names import KeyField, SortField, key_of


class PeopleManager(UserManager["User"]):
    use_in_migrations = False

    def active(self) -> models.QuerySet[User]:
        """The people who may sign in."""
        return self.filter(is_active=True)

    def administrators(self) -> models.QuerySet[User]:
        """The administrators who may sign in, the oldest account first."""
        return self.active().filter(is_superuser=True).order_by("pk")

    def with_roles(self) -> models.QuerySet[User]:
        """The people, each with its memberships as Access reads them, without a further query."""
        own = Membership.objects.filter(person=OuterRef("pk"))
        lines = own.values(
            line=JSONObject(lab="lab_id", role="role", own_of="lab__own_of_id", is_home="is_home")
        )
        return self.annotate(roles_read=ArraySubquery(lines))


class User(AbstractUser):
    """A person with an account. `people.access` says what the flags and roles allow."""

    key = KeyField(of="username")
    sort_key = SortField(of="username")

    objects: ClassVar[PeopleManager] = PeopleManager()

    def clean(self) -> None:
        """Refuse a name that reads the same as that of another person."""
        super().clean()
        if User.objects.filter(key=key_of(self.username)).exclude(pk=self.pk).exists():
            message = self.unique_error_message(User, ("username",))
            raise ValidationError({"username": message})

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the account. A new one gets a lab of its own in the same transaction."""
        is_new = self._state.adding
        with transaction.atomic():
            super().save(*args, **kwargs)
            if is_new:
                Lab.objects.found(self)
