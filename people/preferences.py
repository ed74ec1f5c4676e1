"""Theme and language. Both are kept in the browser, not in the account."""

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

THEMES = {
    "auto": _("System"),
    "light": _("Light"),
    "dark": _("Dark"),
    "night": _("Night (dim red)"),
}
THEME_COOKIE = "theme"


def theme_of(request: HttpRequest) -> str:
    """The key of THEMES that the browser keeps, or "auto"."""
    wanted = request.COOKIES.get(THEME_COOKIE)
    return wanted if wanted in THEMES else "auto"
