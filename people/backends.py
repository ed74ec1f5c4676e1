"""Checks a person's password, and reads the person of a session."""

from allauth.account.auth_backends import AuthenticationBackend

from people.models import User


class PeopleBackend(AuthenticationBackend):
    """allauth's own, which also reads the person's roles with the same query."""

    def get_user(self, user_id: int) -> User | None:
        person = User.objects.with_roles().filter(pk=user_id).first()
        return person if person and self.user_can_authenticate(person) else None
