"""Let the demo's administrator be told of everything by mail, and at once.

So a newcomer sees a message soon.
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from people.models import User
from welfare.models import Kind, NoticeSettings, Wish


class Command(BaseCommand):
    help = "Give this person a wish for everything by mail, unless they have a wish."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")

    @transaction.atomic
    def handle(self, *args: Any, username: str, **options: Any) -> None:
        person = User.objects.filter(username=username).first()
        if person is None or Wish.objects.filter(person=person).exists():
            return
        if not person.email:
            person.email = f"{username}@localhost"
            person.save(update_fields=["email"])
        NoticeSettings.objects.get_or_create(pk=1, defaults={"collects_for_minutes": 0})
        Wish.objects.create(person=person, kinds=list(Kind), by_mail=True)
