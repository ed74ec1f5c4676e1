"""German beside English: nothing untranslated, nothing left behind, and pages that say so."""

import re

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import translation

from cages.models import CageEvent, Condition, Health
from tests import translations
from tests.factories import at, make_cage, make_cycle, record_minute, slot
from tests.pages import text_of

PLACEHOLDER = re.compile(r"%\(\w+\)s|%[sd]|{\w*}|</?\w+[^>]*>")
# What no person reads in a template, or what is marked.
NOT_READ = re.compile(
    r"{% comment %}.*?{% endcomment %}|{#.*?#}|{% blocktranslate.*?{% endblocktranslate %}"
    r"|{%.*?%}|{{.*?}}|&\w+;|<code>[a-z_]+</code>",
    re.S,
)
TAG = re.compile(r"""<(?:"[^"]*"|'[^']*'|[^'">])*>""")
# Names, units, and the samples of the style page.
PROGRAMS = {"Python", "Django", "PostgreSQL", "TimescaleDB", "Redis"}
THE_SAME = {"Neurocage", "doctype", "SHA", "min", "ms", "nc", "Aa", "colony"} | PROGRAMS
GERMAN = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}


@pytest.fixture(scope="module")
def needed():
    return translations.extracted()


@pytest.fixture(scope="module")
def german():
    return translations.translated()


@pytest.fixture
def german_browser(client_of, administrator):
    browser = client_of(administrator)
    browser.defaults["HTTP_ACCEPT_LANGUAGE"] = GERMAN["Accept-Language"]
    return browser


# The files


def test_every_message_is_in_the_german_file_and_no_other(needed, german):
    """After a change of words: `make messages`, then translate what is new."""

    def keys(catalog):
        return {(message.context, message.id) for message in catalog if message.id}

    assert keys(german) == keys(needed)


def test_every_message_is_translated(german):
    assert translations.missing(german) == []


def test_a_translation_fills_in_the_same_values_and_markup_as_its_message(german):
    for message in german:
        if not message.id:
            continue
        ids = message.id if isinstance(message.id, tuple) else (message.id,) * 2
        strings = message.string if isinstance(message.string, tuple) else (message.string,) * 2
        for english, other in zip(ids, strings, strict=True):
            assert sorted(PLACEHOLDER.findall(other)) == sorted(PLACEHOLDER.findall(english))
        assert list(message.check(german)) == []


def test_what_is_compiled_is_what_was_written(german):
    assert translations.MO.read_bytes() == translations.as_mo(german)


def test_the_german_file_is_as_make_messages_writes_it(german):
    assert translations.PO.read_text() == translations.as_po(german)


def test_templates_are_read_as_well_as_python(needed):
    assert needed.get("Archive this cage")
    assert needed.get("answered")
    assert needed.get(("%(total)s reading", "%(total)s readings"))


def test_every_word_of_every_template_is_marked():
    for path in (translations.ROOT / "templates").rglob("*.html"):
        rest = NOT_READ.sub(" ", path.read_text())
        attributes = re.findall(r'\s(?:aria-label|placeholder|title|alt)="([^"]*)"', rest)
        words = re.findall(r"[^\W\d_]{2,}", " ".join([TAG.sub(" ", rest), *attributes]))
        assert set(words) <= THE_SAME, path


# The pages


def test_a_page_is_in_the_language_that_the_browser_asks_for(german_browser):
    page = german_browser.get(reverse("cage-archived"))
    assert '<html lang="de"' in page.content.decode()
    assert "Archivierte Käfige" in text_of(page)
    assert "Noch kein voller Durchlauf." in text_of(page)
    assert page["Content-Language"] == "de"
    assert "Accept-Language" in page["Vary"]


@pytest.mark.parametrize("languages", ["", "en", "fr", "fr,en;q=0.5", "\x00", "x" * 999])
def test_a_page_is_in_english_for_everybody_else(client_of, user, languages):
    page = client_of(user).get(reverse("cage-archived"), headers={"Accept-Language": languages})
    assert '<html lang="en"' in page.content.decode()
    assert "Archived cages" in page.content.decode()


def test_the_language_chosen_in_the_menu_wins(german_browser):
    german_browser.post(reverse("preferences"), {"language": "en"})
    assert "Archived cages" in german_browser.get(reverse("cage-archived")).content.decode()
    german_browser.post(reverse("preferences"), {"language": "de"})
    assert "Archivierte Käfige" in german_browser.get(reverse("cage-archived")).content.decode()


def test_one_persons_language_does_not_stay_for_the_next(db, administrator):
    browser = Client()
    for headers, word in ((GERMAN, "Anmelden"), ({}, "Sign in"), (GERMAN, "Anmelden")):
        page = browser.get(reverse("login"), headers=headers).content.decode()
        assert f'value="{word}"' in page
        assert f"<h1>{word}</h1>" in page


def test_a_form_and_its_errors_are_in_german(german_browser):
    page = german_browser.post(reverse("cage-create"), {"row": "7!", "column": "7"})
    words = text_of(page)
    for phrase in (
        "Bezeichnung",
        "Standort",
        "Dieses Feld ist zwingend erforderlich.",
        "Eine Reihe ist ein oder zwei Buchstaben oder eine Zahl, wie am Regal.",
        "Geben Sie das Regal zu dieser Reihe und Spalte ein.",
        "Abbrechen",
    ):
        assert phrase in words


def test_the_data_dictionary_is_in_german_with_its_figures(german_browser):
    page = text_of(german_browser.get(reverse("cage-export")))
    assert "Geplante Abfragen mit diesem Ergebnis: Zeit\xfcberschreitung." in page
    assert "Klassenbreiten: 50 ms bis 100 ms, 100 ms bis 300 ms," in page
    for english in ("Outcome of", "Planned polls", "Width of"):
        assert english not in page


def test_times_stay_iso_and_of_24_hours_and_figures_are_written_as_in_german(german_browser):
    make_cycle(slot("19:01"), planned=50_000, duration_ms=37_200)
    words = text_of(german_browser.get(reverse("ops")))
    assert "2026-03-02 19:01" in words
    assert "50.000" in words
    assert "37,2 s" in words


def test_states_and_ages_are_in_german(german_browser, administrator, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: at("07:34"))
    cage = make_cage(owner=administrator, created_at=at("06:00"))
    record_minute(cage, slot("07:00"), status=Health.BAD)
    words = text_of(german_browser.get(reverse("cage-list")))
    assert "Ungesehen" in words
    assert "zuletzt bekannt: Schlecht, vor 34 min" in words
    assert Condition.UNSEEN.label == "Ungesehen"


def test_no_coordinate_has_a_decimal_comma(german_browser, administrator):
    cage = make_cage(owner=administrator, room="R2", rack="B", row="B", column=7)
    for address in (reverse("cage-list"), cage.get_absolute_url()):
        page = german_browser.get(address).content.decode()
        drawings = re.findall(r"<svg.*?</svg>", page, re.S)
        assert drawings
        for drawing in drawings:
            attributes = re.findall(
                r'\s(?:x|y|width|height|x1|x2|y1|y2|cx|cy|r)="([^"]*)"', drawing
            )
            assert not [value for value in attributes if "," in value]


def test_events_are_kept_in_one_language_whoever_acts(administrator):
    cage = make_cage(owner=administrator, room="R2", rack="B", row="B", column=7)
    with translation.override("de"):
        assert cage.position == "R2 · Regal B · B-07"
        cage.column = 8
        cage.save_change(at("07:00"), administrator)
    event = CageEvent.objects.get()
    assert (event.before, event.after) == ("R2 · rack B · B-07", "R2 · rack B · B-08")


@pytest.mark.parametrize("name", ["readyz", "metrics"])
def test_what_machines_read_is_in_english(german_browser, name):
    assert german_browser.get(reverse(name)).content == (Client().get(reverse(name)).content)


def test_each_language_offered_is_there():
    assert [code for code, _name in settings.LANGUAGES] == ["en", "de"]
