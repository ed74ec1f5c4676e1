"""What every template knows about the person who looks at it."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from people.access import Access, Permission
from people.models import User
from people.preferences import THEMES, theme_of


def person(request: HttpRequest) -> dict[str, Any]:
    """`may`: {name of a Permission: whether the person has it}, and the person's preferences.

    `has_mail`: whether a mail server is set, so that people have pages about their mail address.
    `may.create` and `may.import` are about cages, `may.see_rules` about rules. They take one
    query, where a page asks for them.
    """

    def may() -> dict[str, Any]:
        person = getattr(request, "user", None)
        access = Access(person) if isinstance(person, User) else None
        granted = access.permissions if access else frozenset()
        return {
            **{permission.value: permission in granted for permission in Permission},
            "create": SimpleLazyObject(lambda: bool(access and access.may_create)),
            "import": SimpleLazyObject(lambda: bool(access and access.may_import)),
            "see_rules": SimpleLazyObject(lambda: bool(access and access.sees_rules)),
        }

    return {
        # A page that does not ask for it reads no session.
        "may": SimpleLazyObject(may),
        "has_mail": bool(settings.EMAIL_URL),
        "theme": theme_of(request),
        "themes": THEMES.items(),
        "languages": settings.LANGUAGES,
    }
