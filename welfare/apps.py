from django.apps import AppConfig


class WelfareConfig(AppConfig):
    name = "welfare"

    def ready(self) -> None:
        from welfare import noted, receivers

        noted.register()
        receivers.connect()
