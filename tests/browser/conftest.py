import os

import pytest
from django.test import Client

from tests.browser import chromium


@pytest.fixture(scope="session")
def browser():
    if chromium.path() is None:
        message = "BROWSER TESTS SKIPPED: no Chromium on this machine (apt install chromium)."
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    # Playwright's event loop runs in this thread, so Django takes every query for an asynchronous
    # one.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with chromium.launched() as browser:
        yield browser
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def new_page(browser, live_server, settings):
    """Return a function that gives a page in which the person is signed in.

    It shows the list. Options: new_page(person, size=..., java_script_enabled=...). At the end of
        the test it checks that nothing was loaded from another host, that no script failed, and
        that no file was missing.
    """
    # Links and codes lead to the server of the test.
    settings.BASE_URL = live_server.url
    contexts, strangers, missing, errors = [], [], [], []

    def open_page(person=None, **options):
        context = chromium.new_context(browser, base_url=live_server.url, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda asked: strangers.append(asked.url))
        page.on("response", lambda got: got.ok or got.status < 400 or missing.append(got.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        if person:
            client = Client()
            client.force_login(person)
            name = settings.SESSION_COOKIE_NAME
            session = {"name": name, "value": client.cookies[name].value, "url": live_server.url}
            context.add_cookies([session])
            page.goto("/cages/")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [url for url in strangers if not url.startswith((live_server.url, "data:"))] == []
    assert missing == []
    assert errors == []
