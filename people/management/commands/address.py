"""Say by which address people reach Neurocage."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from neurocage.address import forget, said_at_the_set_up
from people.models import OwnAddress


class Command(BaseCommand):
    help = (
        "Print the address with which links and codes begin, or set it. Where neither BASE_URL nor "
        "ALLOWED_HOSTS is set, Neurocage answers only to its host name."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("address", nargs="?", help="such as https://cages.example.org")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.BASE_URL and options["address"]:
            raise CommandError(f"BASE_URL is set to {settings.BASE_URL} and wins. Change it there.")
        if options["address"]:
            try:
                OwnAddress.objects.say(options["address"])
            except ValidationError as error:
                raise CommandError(error.messages[0]) from None
            forget()
        known = settings.BASE_URL or said_at_the_set_up()
        self.stdout.write(str(known or "Nobody has said the address yet."))
