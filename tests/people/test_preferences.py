"""Theme and language: chosen in the menu, kept in the browser."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse

LIST, PREFERENCES = reverse("cage-list"), reverse("preferences")
CSS = Path(settings.BASE_DIR, "static/neurocage.css").read_text()


def variables(selector):
    """{variable: colour} of the first block with the selector."""
    block = re.search(re.escape(selector) + r" \{\n(.*?)\n\s*\}", CSS, re.S)[1]
    return dict(re.findall(r"(--nc-[\w-]+): (#\w+);", block))


def theme_of(response):
    return re.search(r'data-theme="(\w+)"', response.content.decode())[1]


@pytest.mark.parametrize("theme", ["light", "dark", "night"])
def test_a_theme_stays_until_another_is_chosen(client_of, user, theme):
    browser = client_of(user)
    assert theme_of(browser.get(LIST)) == "auto"
    answer = browser.post(PREFERENCES, {"theme": theme, "next": "/cages/?q=a"})
    assert answer["Location"] == "/cages/?q=a"
    assert theme_of(browser.get(LIST)) == theme
    browser.post(PREFERENCES, {"theme": "auto"})
    assert theme_of(browser.get(LIST)) == "auto"


@pytest.mark.parametrize("way", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_the_way_back_never_leads_to_another_host(client_of, user, way):
    answer = client_of(user).post(PREFERENCES, {"theme": "dark", "next": way})
    assert answer["Location"] == LIST


@pytest.mark.parametrize("theme", ["", "pink", "\x00", '"><script>'])
def test_an_unknown_theme_is_not_kept(client_of, user, theme):
    browser = client_of(user)
    browser.post(PREFERENCES, {"theme": theme})
    assert theme_of(browser.get(LIST)) == "auto"
    browser.cookies["theme"] = theme
    assert theme_of(browser.get(LIST)) == "auto"


def test_dark_is_the_same_whoever_wishes_it():
    assert variables(':root[data-theme="auto"]') == variables(':root[data-theme="dark"]')


@pytest.mark.parametrize("theme", [':root[data-theme="dark"]', ':root[data-theme="night"]'])
def test_a_theme_gives_every_colour(theme):
    assert variables(theme).keys() == variables(":root").keys()


def _luminance(colour):
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize(
    "theme", [":root", ':root[data-theme="dark"]', ':root[data-theme="night"]']
)
def test_words_and_shapes_stand_out_in_every_theme(theme):
    """4.5 : 1, WCAG 2.2 success criterion 1.4.3."""
    colours = variables(theme)
    grounds = ["page", "surface", "hover"]
    inks = ["ink", "quiet", "accent", "bad", "ok", "perfect", "unseen", "late"]
    for ground in grounds:
        for ink in inks:
            pair = (_luminance(colours[f"--nc-{name}"]) for name in (ground, ink))
            dark, light = sorted(pair)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (ground, ink)


def test_the_night_is_red_and_dim():
    for colour in variables(':root[data-theme="night"]').values():
        red, green, blue = (int(colour[n : n + 2], 16) for n in (1, 3, 5))
        assert max(green, blue) <= red / 2
        assert _luminance(colour) < 0.4
