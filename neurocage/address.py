"""The address by which people reach this installation."""

from django.conf import settings


def absolute(path: str) -> str:
    """The whole address of a page, for links and codes. path begins with a slash.

    It never comes from the Host of a request, which whoever sends the request chooses.
    """
    return f"{settings.BASE_URL}{path}"
