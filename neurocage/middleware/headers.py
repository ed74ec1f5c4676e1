"""Headers of every answer that no package of ours sets."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from cages.clock import now_of

# The moment of the answer, for open pages: the clock of a browser may be wrong.
SERVER_TIME = "Server-Time"
# What a page could ask the browser for. No page of ours needs any of UNUSED.
UNUSED = (
    *("accelerometer", "autoplay", "bluetooth", "camera", "display-capture", "encrypted-media"),
    *("fullscreen", "geolocation", "gyroscope", "hid", "idle-detection", "magnetometer"),
    *("microphone", "midi", "payment", "picture-in-picture"),
    *("screen-wake-lock", "serial", "usb", "web-share", "xr-spatial-tracking"),
)
# Passkeys are made and used by our own pages, and by no page of another site in a frame.
OWN = ("publickey-credentials-create", "publickey-credentials-get")
PERMISSIONS_POLICY = ", ".join(
    [f"{feature}=()" for feature in UNUSED] + [f"{feature}=(self)" for feature in OWN]
)


class PermissionsPolicyMiddleware:
    """Says that no page uses the camera, the position or the like."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        return response


class ServerTimeMiddleware:
    """Says of which moment an answer is, and that no copy of it is to be stored.

    A stored copy would show a past state as if it were the present one. Static files do not pass
    through here.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        now = now_of(request)
        response = self.get_response(request)
        response.headers[SERVER_TIME] = now.isoformat()
        if "no-store" not in response.headers.get("Cache-Control", ""):
            response.headers["Cache-Control"] = "private, no-store"
        return response
