"""The app of people."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "people"
    default_auto_field = "django.db.models.AutoField"

    def ready(self) -> None:
        from people import sessions, sign_in_notes  # noqa: F401 - they listen to signals
