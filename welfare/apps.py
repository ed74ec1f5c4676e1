from django.apps import AppConfig


class WelfareConfig(AppConfig):
    name = "welfare"

    def ready(self) -> None:
        from welfare import noted, receivers, study_looks

        noted.register()
        study_looks.register()
        receivers.connect()
