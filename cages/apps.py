from django.apps import AppConfig


class CagesConfig(AppConfig):
    name = "cages"

    def ready(self) -> None:
        from cages import noted

        noted.register()
        # They register the system checks, and what a database session is told.
        from cages import checks  # noqa: F401
        from cages.storage import session  # noqa: F401
