from django.apps import AppConfig


class CagesConfig(AppConfig):
    name = "cages"
    verbose_name = "Cages"

    def ready(self) -> None:
        from cages import checks  # noqa: F401  (registers the system checks)
