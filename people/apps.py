from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PeopleConfig(AppConfig):
    name = "people"

    def ready(self) -> None:
        from people import sessions, sign_in_notes  # noqa: F401 - they listen to signals
        from people.models import ApiToken, Lab, Membership, OwnAddress, User
        from people.noted import Noted, note

        note(
            Noted(User, _("Account")),
            Noted(Lab, _("Lab")),
            Noted(Membership, _("Membership")),
            Noted(ApiToken, _("API token")),
            Noted(OwnAddress, _("Address of Neurocage")),
        )
