"""What happens when a password changes, beside that it is kept."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _


class RevokeTokens:
    """Revokes the API tokens of a person whose password changes. Refuses no password.

    Django tells its password validators of each change (`password_changed`), by whatever page or
    command, but not when it only keeps the same password in a newer way.
    """

    def validate(self, password: str, user: Any = None) -> None:
        """Accept every password."""

    def password_changed(self, password: str, user: Any = None) -> None:
        # A model of this app, which is not loaded yet when Django reads the settings.
        from people.models import ApiToken

        if user is not None and user.pk:
            ApiToken.objects.filter(person=user.pk).revoke(timezone.now())

    def get_help_text(self) -> str:
        return _("With a new password, all API tokens of the account stop working.")
