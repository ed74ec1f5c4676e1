"""The pages of study packages: who finds which, what they say, and the file."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cages.models import Health, Study
from tests.factories import at, make_cage, make_user, record_minutes, slot
from tests.pages import text_of

NOW = at("12:00")
pytestmark = pytest.mark.usefixtures("clock")
ORDER = {
    "title": "Sleep",
    "first": "2026-03-01",
    "last": "2026-03-02",
    "leaves_out": "on",
    "margin_minutes": "60",
    "least_coverage": "60",
    "exclusions": "2026-03-02T07:00, 2026-03-02T08:00, fire alarm",
}


def make(browser, *cages, **order):
    query = "&".join(f"cage={cage.pk}" for cage in cages)
    return browser.post(f"{reverse('study-create')}?{query}", ORDER | order, follow=True)


def test_a_study_is_made_downloaded_and_compared(browser, user):
    cage = make_cage("Colony", user)
    page = text_of(make(browser, cage))
    study = Study.objects.get()
    assert f"{study.name} Made by" in page
    assert "Its checksum is kept when it has been downloaded to its end" in page
    assert "fire alarm" in page
    address = reverse("study-file", args=[study.pk])
    response = browser.get(address)
    assert response["Content-Disposition"] == (f'attachment; filename="neurocage-{study.name}.zip"')
    first = b"".join(response.streaming_content)
    assert first == b"".join(browser.get(address).streaming_content)
    page = text_of(browser.get(reverse("study-detail", args=[study.pk])))
    assert "with the same bytes" in page
    record_minutes(cage, slot("06:00"), [Health.OK] * 3)
    b"".join(browser.get(address).streaming_content)
    page = text_of(browser.get(reverse("study-detail", args=[study.pk])))
    assert f"cage {cage.pk}: 3 minutes that came later" in page


def test_only_who_sees_all_cages_finds_a_study(browser, user, client_of):
    other = make_user("other")
    mine, theirs = make_cage("Mine", user), make_cage("Theirs", other)
    make(browser, mine)
    study = Study.objects.get()
    assert study.name in text_of(browser.get(reverse("study-list")))
    assert client_of(other).get(reverse("study-detail", args=[study.pk])).status_code == 404
    study.cages.add(theirs)
    for name in ("study-detail", "study-file"):
        assert browser.get(reverse(name, args=[study.pk])).status_code == 404
    assert "There is none yet." in text_of(browser.get(reverse("study-list")))


def test_a_study_never_has_a_cage_that_the_person_does_not_see(browser, user):
    make(browser, make_cage("Mine", user), make_cage("Theirs", make_user("other")))
    assert [cage.label for cage in Study.objects.get().cages.all()] == ["Mine"]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("title", "", "This field is required."),
        ("last", "2026-02-01", "The first day is after the last one."),
        ("exclusions", "yesterday", "Write start, end and reason: yesterday"),
        ("exclusions", "2026-03-02T08:00, 2026-03-02T07:00, no", "The end is not after the start"),
    ],
)
def test_what_makes_no_sense_is_said(browser, user, field, value, words):
    assert words in text_of(make(browser, make_cage("Colony", user), **{field: value}))
    assert not Study.objects.exists()


def test_too_many_minutes_are_refused_with_their_number(browser, user, monkeypatch):
    monkeypatch.setattr("cages.forms.study.MOST_ROWS", 1000)
    words = "This has up to 2,160 minutes, and a package at most 1,000."
    assert words in text_of(make(browser, make_cage("Colony", user)))


@pytest.mark.parametrize("name", ["study-list", "study-detail"])
def test_the_number_of_queries_is_fixed(browser, user, name):
    cages = [make_cage(f"Colony {number}", user) for number in range(3)]
    make(browser, cages[0])
    counts = []
    for _round in range(2):
        arguments = [Study.objects.latest("pk").pk] if name == "study-detail" else []
        with CaptureQueriesContext(connection) as queries:
            browser.get(reverse(name, args=arguments))
        counts.append(len(queries))
        make(browser, *cages)
    assert counts[0] == counts[1]


def test_a_purged_cage_is_named(browser, user):
    make(browser, make_cage("Colony", user), gone := make_cage("Gone", user))
    gone.delete()
    page = text_of(browser.get(reverse("study-detail", args=[Study.objects.get().pk])))
    assert "nothing is known of them any more: Gone" in page
