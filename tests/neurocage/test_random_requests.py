"""No page breaks, whatever is in its address or in the form that is sent to it."""

import re
from urllib.parse import quote_plus

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.neurocage import test_every_url

pytestmark = pytest.mark.usefixtures("clock")
NOW, browsers = test_every_url.NOW, test_every_url.browsers
# Requests to each page.
EXAMPLES = 5
# What pages read from an address or a hidden field, beside the fields of their forms.
NAMES = (
    *("q", "state", "room", "rack", "owner", "order", "page", "per_page", "from", "to", "span"),
    *("cage", "kind", "which", "act", "row", "column", "limit", "cursor", "next", "form", "token"),
    *("person", "person_id", "lab", "role", "secret", "signature", "reason", "format", "day"),
)
# A half of a surrogate pair becomes bytes that are not UTF-8.
ODD = (
    "",
    "\0",
    "\ud800",
    "-1",
    "0",
    "9" * 30,
    "1e400",
    "nan",
    "²",
    "٣",
    "1_0",
    "a" * 5000,
    "%",
    "'",
)
DATES = ("0001-01-01", "9999-12-31", "2026-02-30", "2026-03-29T02:30", "9999-12-31T23:59:59-14:00")
CHOICES = ("bad", "7d", "label", "hourly", "archived", "on", "true", str(test_every_url.CAGE))
VALUES = st.one_of(st.sampled_from((*ODD, *DATES, *CHOICES)), st.text(max_size=20), st.integers())


def fields_of(page):
    """The names of the fields of the page's forms."""
    return {name for name in re.findall(r'name="([a-z_0-9-]+)"', page) if name != "viewport"}


def encoded(fields):
    return "&".join(
        f"{quote_plus(name)}={quote_plus(str(value), errors='surrogatepass')}"
        for name, value in fields
    )


@pytest.mark.parametrize("name", test_every_url.PAGES)
def test_no_page_fails_for_what_is_in_its_address_or_its_form(browsers, db, name):
    people, ids = browsers
    args = (*test_every_url.PAGES[name], [])[2]
    address = reverse(name, args=[ids.get(one, one) for one in args])
    cookies = people["head"].cookies

    def ask(method, query, form=None):
        browser = Client()
        browser.cookies = cookies.copy()
        with transaction.atomic():
            answer = browser.generic(
                *(method, address, form or "", "application/x-www-form-urlencoded"),
                QUERY_STRING=query,
            )
            body = b"".join(answer) if answer.streaming else answer.content
            transaction.set_rollback(True)
        # No cycle has finished here, so Neurocage is not ready.
        assert answer.status_code < 500 or name == "readyz", (method, address, query, form)
        return body.decode(errors="replace")

    shown = ask("GET", test_every_url.TICKED.removeprefix("?"))
    field = st.tuples(st.sampled_from(sorted({*NAMES, *fields_of(shown)})), VALUES)
    some = st.lists(field, max_size=6)

    @settings(max_examples=EXAMPLES)
    @given(st.sampled_from(("GET", "POST")), some, some)
    def whatever(method, query, form):
        ask(method, encoded(query), encoded(form) if method == "POST" else None)

    whatever()
