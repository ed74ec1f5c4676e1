"""What every template knows about the person who looks at it."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from people.access import Access, Permission
from people.models import User
from people.preferences import THEMES, theme_of


def person(request: HttpRequest) -> dict[str, Any]:
    """`may`: {name of a Permission: whether the person has it}, and the person's preferences."""

    def may() -> dict[str, bool]:
        person = getattr(request, "user", None)
        granted = Access(person).permissions if isinstance(person, User) else frozenset()
        return {permission.value: permission in granted for permission in Permission}

    return {
        # A page that does not ask for it reads no session.
        "may": SimpleLazyObject(may),
        "theme": theme_of(request),
        "themes": THEMES.items(),
        "languages": settings.LANGUAGES,
    }
