"""Say by which address the first account is made."""

from typing import Any

from django.core.management.base import BaseCommand
from django.urls import reverse

from neurocage.address import own_address
from people.models import User
from people.setup_code import setup_code


class Command(BaseCommand):
    help = "Print the address of the set-up with its code. Prints nothing once there is an account."

    def handle(self, *args: Any, **options: Any) -> None:
        if not User.objects.exists():
            code = setup_code()
            path = reverse("setup", query={"code": code})
            known = own_address()
            where = f"at {known}{path}" if known else f"on the page {path} of this server"
            self.stdout.write(
                f"Nobody has an account yet. Make the first one with the code {code} {where}"
            )
