"""Days and moments near the years 1 and 9999, in every address and form that takes one."""

from html.parser import HTMLParser
from urllib.parse import urlencode

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from people.models import ApiToken, User
from tests.neurocage import test_every_url

pytestmark = pytest.mark.usefixtures("clock")
NOW, browsers = test_every_url.NOW, test_every_url.browsers
FIRST, LAST, USUAL = "0001-01-01", "9999-12-31", "2026-03-01"
PAIRS = ((FIRST, USUAL), (USUAL, LAST), (FIRST, LAST), (FIRST, FIRST), (LAST, LAST))
# What pages and the API read from an address, beside the fields of their forms.
NAMES = (("from", "to"), ("start", "end"), ("at", "day"), ("on", "on"))
# Pages that show what the forms have saved.
SHOW = (
    *("notice-duty", "mark-list", "mark-export", "light", "cage-animals", "cage-detail"),
    *("cage-history", "cage-export-animals", "cage-rhythm", "study-list", "cage-changes"),
)


class Forms(HTMLParser):
    """All forms of a page: [(method, {name: value}, {name of a day or moment: clock to add})]."""

    def __init__(self, page):
        super().__init__()
        self.found, self._select, self._area = [], None, None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        told = dict(attrs)
        name, kind = told.get("name"), told.get("type", "text")
        if tag == "form":
            self.found.append((told.get("method", "get").lower(), {}, {}))
        if not self.found:
            return
        _method, values, times = self.found[-1]
        if tag == "option" and self._select and not values.get(self._select):
            values[self._select] = told.get("value", "")
        elif not name:
            return
        elif tag == "input" and kind in ("date", "datetime-local"):
            times[name] = "" if kind == "date" else "T00:00"
        elif tag == "input" and (kind not in ("checkbox", "radio") or "checked" in told):
            values[name] = told.get("value") or ("7" if kind == "number" else "x")
        elif tag == "button":
            values.setdefault(name, told.get("value", ""))
        elif tag == "textarea":
            values[name] = ""
        if tag == "select":
            self._select = name

    def handle_endtag(self, tag):
        if tag == "select":
            self._select = None


def body_of(answer):
    return b"".join(answer) if answer.streaming else answer.content


def address_of(name, ids):
    _get, _post, *rest = test_every_url.PAGES[name]
    args, query = (*rest, "")[:2] if rest else ([], "")
    return reverse(name, args=[ids.get(one, one) for one in args]), query.removeprefix("?")


@pytest.mark.parametrize("name", test_every_url.PAGES)
def test_no_page_fails_for_days_far_away(browsers, db, name):
    people, ids = browsers
    address, query = address_of(name, ids)
    browser = Client()
    if name.startswith("api:"):
        head = User.objects.get(username="head")
        _token, secret = ApiToken.objects.issue(head, "far", NOW, form="1")
        browser = Client(headers={"Authorization": f"Bearer {secret}"})
        query = f"cage={test_every_url.CAGE}"
    else:
        browser.cookies = people["head"].cookies.copy()

    def ask(method, fields):
        with transaction.atomic():
            sent = {"data": fields} if method == "post" else {}
            asked = query if method == "post" else f"{query}&{urlencode(fields)}"
            answer = getattr(browser, method)(f"{address}?{asked}", **sent)
            body_of(answer)
            assert answer.status_code < 500 or name == "readyz", (method, fields)
            if method == "post" and answer.status_code == 302:
                for shown in SHOW:
                    where, with_query = address_of(shown, ids)
                    page = browser.get(f"{where}?{with_query}")
                    body_of(page)
                    assert page.status_code < 500, (shown, fields)
            transaction.set_rollback(True)

    shown = browser.get(f"{address}?{query}")
    forms = Forms(body_of(shown).decode(errors="replace")).found
    for pair in PAIRS:
        ask("get", {name: day for names in NAMES for name, day in zip(names, pair, strict=True)})
        for method, values, times in forms:
            # The first one of the form, and all others.
            days = dict.fromkeys(times, pair[1]) | dict.fromkeys(list(times)[:1], pair[0])
            if times:
                ask(method, {**values, **{one: days[one] + times[one] for one in times}})
