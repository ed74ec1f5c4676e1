"""Rules that every template and every page keeps."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.template.loader import get_template
from django.urls import reverse

from tests.factories import at, make_cage, make_user
from tests.played import played_sensors

ROOT = Path(settings.BASE_DIR) / "templates"
TEMPLATES = sorted(str(path.relative_to(ROOT)) for path in ROOT.rglob("*.html"))
PARTIALS = [name for name in TEMPLATES if Path(name).name.startswith("_")]
# What crispy forms bring along stands under a form of ours, so pages are looked at as well.
PAGES_OF_A_CAGE = ("detail", "history", "edit", "archive", "move")
POSTING = re.compile(r'<form[^>]*method="post".*?</form>', re.S)


def source_of(name):
    return (ROOT / name).read_text()


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_compiles(name):
    get_template(name)


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_has_no_script_and_no_style_of_its_own(name):
    source = source_of(name)
    assert not re.search(r"<script(?! defer src=.{% static)|<style|javascript:", source, re.I)
    assert not re.search(r"\s(style|on[a-z]+)=", source, re.I)


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_names_no_other_host(name):
    assert not re.search(r"""(https?:)?//[a-z0-9]|url\(""", source_of(name), re.I)


@pytest.mark.parametrize("name", TEMPLATES)
def test_nothing_in_a_template_is_trusted_as_markup(name):
    assert not re.search(r"\|\s*safe\b|autoescape\s+off|\|\s*safeseq", source_of(name))


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_form_that_posts_has_its_token(name):
    for form in POSTING.findall(source_of(name)):
        assert "{% csrf_token %}" in form


@pytest.mark.parametrize("name", PARTIALS)
def test_a_partial_begins_by_saying_what_it_expects(name):
    assert re.match(r"{% comment %} .+\. {% endcomment %}\n", source_of(name))


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_partial_is_included_with_only_what_it_expects(name):
    for include in re.findall(r"{% include [^%]+%}", source_of(name)):
        assert re.search(r'include "(\w+/)*_\w+\.html"', include)
        assert include.endswith(" only %}")


# The pages themselves


@pytest.fixture
def pages(administrator, client_of, settings, monkeypatch):
    """{address: markup} of every page with a form, as an administrator or a stranger sees them."""
    settings.REGISTRATION_OPEN = True
    make_cage(owner=administrator, id=7, room="R2", rack="B", row="B", column=2)
    make_cage(owner=administrator, id=8, archived_at=at("06:00"))
    browser = client_of(administrator)
    anonymous = client_of(make_user())
    anonymous.logout()
    found = {}
    for address in (
        *(
            reverse(name)
            for name in ("cage-list", "cage-create", "cage-archived", "ops", "styleguide")
        ),
        *(reverse(f"cage-{name}", args=(7,)) for name in PAGES_OF_A_CAGE),
        *(
            reverse(name)
            for name in (
                "rack-index",
                "wall",
                "cage-import",
                "cage-export",
                "tokens",
                "api-examples",
            )
        ),
        *(f"{reverse(f'rack-{name}')}?room=R2&rack=B" for name in ("detail", "sheet", "size")),
        f"{reverse('rack-fill')}?room=R2&rack=B&row=A&column=1",
        f"{reverse('wall')}?room=R2",
        f"{reverse('cage-cards')}?cage=7",
        f"{reverse('cage-compare')}?cage=7",
        *(reverse(f"cage-{name}", args=(8,)) for name in ("detail", "restore", "purge")),
        "/nowhere/",
    ):
        found[address] = browser.get(address).content.decode()
    address = reverse("cage-import")
    file = SimpleUploadedFile("cages.csv", b"id,label\n7,Renamed\n9,New\n10,\n")
    found[f"{address} of a file"] = browser.post(address, {"file": file}).content.decode()
    with played_sensors() as sensors:
        sensors.get(f"{settings.SENSOR_API_URL}/data/7/", json={"cage_id": 7, "status": 2})
        address = reverse("cage-test-sensor", args=(7,))
        found[address] = browser.post(address).content.decode()
    for address in (reverse("login"), reverse("register")):
        found[address] = anonymous.get(address).content.decode()
    # The set-up is there only before anybody else.
    monkeypatch.setattr("people.views.accounts.nobody_has_an_account", lambda: True)
    found[reverse("setup")] = anonymous.get(reverse("setup")).content.decode()
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
