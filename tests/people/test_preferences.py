"""Theme and language: chosen in the menu, kept in the browser."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse

LIST, PREFERENCES = reverse("cage-list"), reverse("preferences")
PALETTE = Path(settings.BASE_DIR, "static/css/palette.css").read_text()


def palette(theme):
    """{name: colour} of light, dark or night; of "initial" where light-dark() is not known."""
    colour = r"(#[0-9a-f]{6})"
    pattern = {
        "initial": rf"@property --nc-([\w-]+) \{{[^}}]*initial-value: {colour};",
        "light": rf"--nc-([\w-]+): light-dark\({colour}, #\w+\);",
        "dark": rf"--nc-([\w-]+): light-dark\(#\w+, {colour}\);",
        "night": rf"--nc-([\w-]+): {colour};",
    }[theme]
    return dict(re.findall(pattern, PALETTE))


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


def test_every_theme_gives_every_colour_and_browsers_without_light_dark_get_the_light_ones():
    light = palette("light")
    assert palette("dark").keys() == palette("night").keys() == light.keys()
    assert palette("initial") == light


def _luminance(colour):
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("theme", ["light", "dark", "night"])
def test_words_and_shapes_stand_out_in_every_theme(theme):
    """4.5 : 1, WCAG 2.2 success criterion 1.4.3."""
    colours = palette(theme)
    grounds = ["page", "surface", "hover"]
    inks = ["ink", "quiet", "accent", "bad", "ok", "perfect", "unseen", "late"]
    for ground in grounds:
        for ink in inks:
            pair = (_luminance(colours[name]) for name in (ground, ink))
            dark, light = sorted(pair)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (ground, ink)


def test_the_night_is_red_and_dim():
    for colour in palette("night").values():
        red, green, blue = (int(colour[n : n + 2], 16) for n in (1, 3, 5))
        assert max(green, blue) <= red / 2
        assert _luminance(colour) < 0.4
