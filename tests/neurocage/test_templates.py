"""Rules that every template and every page keeps."""

import contextlib
import re
from pathlib import Path
from unittest import mock

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.template.loader import get_template
from django.test import Client, override_settings
from django.urls import reverse

from tests.factories import at, make_cage, make_user
from tests.played import played_sensors
from tests.welfare.factories import make_concern
from welfare.models import Kind

ROOT = Path(settings.BASE_DIR) / "templates"
TEMPLATES = sorted(str(path.relative_to(ROOT)) for path in ROOT.rglob("*.html"))
# What crispy forms bring along stands under a form of ours, so pages are looked at as well.
PAGES = (
    *("cage-list", "cage-create", "cage-archived", "ops", "styleguide", "rack-index", "wall"),
    *("cage-import", "cage-export", "tokens", "api-examples"),
    *("concern-list", "concern-closed", "concern-quality"),
)
PAGES_OF_A_CAGE = ("detail", "history", "edit", "archive", "move")
POSTING = re.compile(r'<form[^>]*method="post".*?</form>', re.S)


def those(breaks, names=TEMPLATES):
    """The names of the templates whose source breaks a rule."""
    return [name for name in names if breaks((ROOT / name).read_text())]


def test_every_template_compiles():
    for name in TEMPLATES:
        get_template(name)


def test_no_template_has_a_script_or_a_style_of_its_own():
    script = re.compile(r"<script(?! defer src=.{% static)|<style|javascript:", re.I)
    attribute = re.compile(r"\s(style|on[a-z]+)=", re.I)
    assert those(lambda source: script.search(source) or attribute.search(source)) == []


def test_no_template_names_another_host():
    assert those(re.compile(r"""(https?:)?//[a-z0-9]|url\(""", re.I).search) == []


def test_nothing_in_a_template_is_trusted_as_markup():
    assert those(re.compile(r"\|\s*safe\b|autoescape\s+off|\|\s*safeseq").search) == []


def test_every_form_of_a_template_that_posts_has_its_token():
    token = "{% csrf_token %}"
    assert those(lambda source: any(token not in form for form in POSTING.findall(source))) == []


def test_every_partial_begins_by_saying_what_it_expects():
    partials = [name for name in TEMPLATES if Path(name).name.startswith("_")]
    says = re.compile(r"{% comment %} .+\. {% endcomment %}\n")
    assert partials
    assert those(lambda source: not says.match(source), partials) == []


def test_every_partial_is_included_with_only_what_it_expects():
    # A section of another app names its own template.
    include = re.compile(r'{% include ("(\w+/)*_\w+\.html"|section\.template) [^%]*only %}')
    assert those(lambda source: source.count("{% include ") != len(include.findall(source))) == []


# The pages themselves


@pytest.fixture(scope="module")
def pages(module_database):
    """{address: markup} of every page with a form, as an administrator or a stranger sees them."""
    administrator = make_user("ada", is_superuser=True)
    cage = make_cage(owner=administrator, id=7, room="R2", rack="B", row="B", column=2)
    make_cage(owner=administrator, id=8, archived_at=at("06:00"))
    browser, anonymous = Client(), Client()
    browser.force_login(administrator)
    room, rack = cage.room_id, cage.rack_id
    addresses = (
        *map(reverse, PAGES),
        *(reverse(f"cage-{name}", args=(7,)) for name in PAGES_OF_A_CAGE),
        *(reverse(f"cage-{name}", args=(8,)) for name in ("detail", "restore", "purge")),
        *(reverse(f"rack-{name}", args=(rack,)) for name in ("detail", "sheet", "size")),
        reverse("rack-fill", args=(rack,), query={"row": "A", "column": 1}),
        reverse("room-edit", args=(room,)),
        reverse("wall", query={"room": room}),
        reverse("cage-cards", query={"cage": 7}),
        reverse("concern-create", query={"cage": 7}),
        make_concern(cage, Kind.SENSOR_WEAK).get_absolute_url(),
        reverse("cage-compare", query={"cage": 7}),
        "/nowhere/",
    )
    found = {address: browser.get(address).content.decode() for address in addresses}
    address = reverse("cage-import")
    file = SimpleUploadedFile("cages.csv", b"id,label\n7,Renamed\n9,New\n10,\n")
    found[f"{address} of a file"] = browser.post(address, {"file": file}).content.decode()
    with played_sensors() as sensors:
        sensors.get(f"{settings.SENSOR_API_URL}/data/7/", json={"cage_id": 7, "status": 2})
        address = reverse("cage-test-sensor", args=(7,))
        found[address] = browser.post(address).content.decode()
    # The set-up is there only before anybody else.
    alone = mock.patch("people.views.accounts.nobody_has_an_account", return_value=True)
    with override_settings(REGISTRATION_OPEN=True):
        for name in ("login", "register", "setup"):
            with alone if name == "setup" else contextlib.nullcontext():
                found[reverse(name)] = anonymous.get(reverse(name)).content.decode()
    return found


def test_every_form_that_posts_has_one_token(pages):
    for address, markup in pages.items():
        for form in POSTING.findall(markup):
            assert form.count('name="csrfmiddlewaretoken"') == 1, address


def test_no_page_has_a_script_a_style_or_an_address_of_another_host(pages):
    for address, markup in pages.items():
        assert not re.search(
            r'<script(?! defer src="/static/| id="[a-z-]+" type="application/json")|<style'
            r"|\sstyle=|\son[a-z]+=",
            markup,
            re.I,
        ), address
        assert not re.search(r'(?:href|src|action)="(?:https?:)?//', markup, re.I), address


def test_every_page_has_a_title_one_heading_and_a_language(pages):
    for address, markup in pages.items():
        title = " ".join(re.search(r"<title>(.*?)</title>", markup, re.S)[1].split())
        assert re.fullmatch(r".+ · Neurocage", title), address
        assert markup.count("<h1") == 1, address
        assert '<html lang="en"' in markup, address


def test_no_id_is_given_twice_on_a_page(pages):
    for address, markup in pages.items():
        ids = re.findall(r'\sid="([^"]+)"', markup)
        assert sorted(set(ids)) == sorted(ids), address


def test_every_field_has_a_label(pages):
    for address, markup in pages.items():
        labelled = set(re.findall(r'<label[^>]*\bfor="([^"]+)"', markup))
        fields = re.findall(r"<(?:input|select|textarea)\b[^>]*>", markup)
        for field in fields:
            if not re.search(r'type="(?:hidden|submit)"', field):
                assert re.search(r'\bid="([^"]+)"', field)[1] in labelled, (address, field)
