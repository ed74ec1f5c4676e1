"""Reads the person of a session."""

from django.contrib.auth.backends import ModelBackend

from people.models import User


class PeopleBackend(ModelBackend):
    """Django's own, which also reads the person's roles with the same query."""

    def get_user(self, user_id: int) -> User | None:
        person = User.objects.with_roles().filter(pk=user_id).first()
        return person if person and self.user_can_authenticate(person) else None
