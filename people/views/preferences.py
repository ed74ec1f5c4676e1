"""Save the theme and the language that a person chose."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.generic import View

from people.preferences import THEME_COOKIE, THEMES

YEAR_SECONDS = 365 * 24 * 3600


class PreferencesView(View):
    """Save both in cookies, and go back to the page where they were chosen."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest) -> HttpResponse:
        response = HttpResponseRedirect(self._way_back())
        for cookie, field, possible in (
            (THEME_COOKIE, "theme", THEMES),
            (settings.LANGUAGE_COOKIE_NAME, "language", dict(settings.LANGUAGES)),
        ):
            wanted = request.POST.get(field, "")
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

    def _way_back(self) -> str:
        wanted = self.request.POST.get("next", "")
        # The menu gives a path, so no host is allowed.
        is_ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
        return wanted if is_ours else resolve_url(settings.LOGIN_REDIRECT_URL)
