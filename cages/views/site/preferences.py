"""How a person likes the pages: theme and language. Kept in the browser, not in the account."""

from django.conf import settings
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.generic import View

THEMES = {
    "auto": _("As the system"),
    "light": _("Light"),
    "dark": _("Dark"),
    "night": _("Night (dim red)"),
}
THEME_COOKIE = "theme"
YEAR_SECONDS = 365 * 24 * 3600


def theme_of(request):
    """One of THEMES."""
    wanted = request.COOKIES.get(THEME_COOKIE)
    return wanted if wanted in THEMES else "auto"


class PreferencesView(View):
    """Take theme and language, and lead back to the page they were chosen on."""

    http_method_names = ["post", "options"]

    def post(self, request, *args, **kwargs):
        response = HttpResponseRedirect(self._way_back())
        for cookie, field, possible in (
            (THEME_COOKIE, "theme", THEMES),
            (settings.LANGUAGE_COOKIE_NAME, "language", dict(settings.LANGUAGES)),
        ):
            wanted = request.POST.get(field)
            if wanted in possible:
                response.set_cookie(
                    cookie,
                    wanted,
                    max_age=YEAR_SECONDS,
                    secure=settings.HTTPS,
                    httponly=True,
                    samesite="Lax",
                )
        return response

    def _way_back(self):
        wanted = self.request.POST.get("next", "")
        is_ours = url_has_allowed_host_and_scheme(
            wanted, allowed_hosts={self.request.get_host()}, require_https=self.request.is_secure()
        )
        return wanted if is_ours else reverse("cage-list")
