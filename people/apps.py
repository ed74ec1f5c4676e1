"""The app, which notes what people do to their accounts."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "people"

    def ready(self) -> None:
        from people import sign_in_log

        sign_in_log.connect()
