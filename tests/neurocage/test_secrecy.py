"""What is shown and logged holds no passwords and no secrets."""

import logging

import pytest
from django.conf import settings
from django.urls import reverse
from django.views.debug import get_default_exception_reporter_filter

from neurocage.secrecy import Formatter, without_secrets
from tests.pages import text_of


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://user:pa:ss@host:80/x", "http://…@host:80/x"),
        ("at redis://:p@ss@10.0.0.1/0 now", "at redis://…@10.0.0.1/0 now"),
        ("postgresql://u:p@h/n, redis://:q@h", "postgresql://…@h/n, redis://…@h"),
        ("https://host/api?key=abc", "https://host/api?…"),
        ("Not Found: /screen/nc_" + "A1-_" * 10 + "abc/", "Not Found: /screen/nc_A1-_A1…/"),
        ("mail a@b, http://host/a and x@y", "mail a@b, http://host/a and x@y"),
    ],
)
def test_logins_queries_and_secrets_are_left_out(text, shown):
    assert without_secrets(text) == shown


def test_every_line_of_a_log_is_without_secrets():
    configured = settings.LOGGING["formatters"]["line"]
    assert configured["()"] == f"{Formatter.__module__}.{Formatter.__name__}"
    formatter = Formatter(configured["fmt"], style=configured["style"])
    try:
        raise ValueError("cannot reach redis://:topsecret@host")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("x", 40, "f", 1, "%s", ("http://u:topsecret@h",), info)
    line = formatter.format(record)
    assert "topsecret" not in line
    assert "redis://…@host" in line


def test_the_page_of_an_error_is_without_logins(settings):
    settings.REDIS_URL = settings.CELERY_BROKER_URL = "redis://:topsecret@host/0"
    shown = get_default_exception_reporter_filter().get_safe_settings()
    assert shown["REDIS_URL"] == "redis://…@host/0"
    assert "topsecret" not in str(shown)


def test_operations_show_the_sensor_api_without_its_login(client_of, staff, settings):
    settings.SENSOR_API_URL = "http://user:topsecret@sensors.test"
    page = client_of(staff).get(reverse("ops"))
    assert "Sensor API http://…@sensors.test" in text_of(page)
    assert b"topsecret" not in page.content
