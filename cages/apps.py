from django.apps import AppConfig


class CagesConfig(AppConfig):
    name = "cages"

    def ready(self) -> None:
        # They register the system checks, and what a database session is told.
        from cages import checks  # noqa: F401
        from cages.storage import session  # noqa: F401
