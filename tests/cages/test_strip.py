"""Minutes, strips, spells, silences and the band: what a cage's day looks like."""

from datetime import date

import pytest

from cages.drawing import strips, words
from cages.history.band import Band, band_around, expected
from cages.history.buckets import Bucket
from cages.history.many_minutes import minutes_of_many
from cages.history.minutes import KNOWN, Minute, minutes_of
from cages.history.spells import GAP, Silence, longest_bad, longest_silence, spells_in
from cages.history.summaries import Share
from cages.history.window import Window
from cages.models import Health, Outcome
from cages.polling.recorder import record_past
from cages.templatetags.cages import share_bars
from tests.factories import FACILITY, MINUTE, at, make_cage, record_minutes, result, slot

START = slot("07:00")
LETTERS = {"-": 0, "b": 1, "o": 2, "p": 3, ".": 4}


def codes(text):
    """ "bb.o-": Bad, Bad, no answer, Ok, not watched."""
    return bytes(LETTERS[letter] for letter in text)


# Minutes


@pytest.mark.storage
@pytest.mark.django_db
@pytest.mark.parametrize("read", [minutes_of, minutes_of_many])
def test_each_minute_of_each_cage_is_known_unanswered_or_not_watched(
    user, django_assert_num_queries, read
):
    first, second, third = (make_cage(owner=user) for _ in range(3))
    polls = [Health.BAD, Outcome.TIMEOUT, None, Outcome.SKIPPED, Health.PERFECT]
    record_minutes(first, slot("07:00"), polls)
    record_minutes(second, slot("06:59"), [Health.OK, Health.OK])
    window = Window(slot("07:00"), slot("07:05"))
    with django_assert_num_queries(1):
        found = read([first.pk, second.pk, third.pk], window)
    assert found == {first.pk: codes("b.--p"), second.pk: codes("o----"), third.pk: codes("-----")}


# Strips


def test_runs_of_a_kind_are_one_stroke_and_a_kind_is_one_path():
    assert strips.paths_of(codes("bb..bo-p")) == [
        ("off", "M6 8h1"),
        ("bad", "M0 8h2M4 8h1"),
        ("ok", "M5 11h1"),
        ("perfect", "M7 13h1"),
    ]


def test_no_answer_is_blank():
    assert strips.paths_of(codes("....")) == []


def test_the_kinds_differ_in_height_and_hatching_so_that_colour_is_not_needed():
    heights = [height for name, height in strips.BARS.values() if name != "off"]
    assert len(set(heights)) == 3
    assert max(strips.BARS.values(), key=lambda bar: bar[1] * (bar[0] == "bad"))[0] == "bad"


def test_a_strip_says_in_words_what_it_shows():
    assert words.minutes_in_words(codes("ppb.-")) == "2 Perfect, 1 Bad, 1 no answer, 1 not watched"
    assert words.minutes_in_words(b"") == ""


@pytest.mark.parametrize(
    ("day", "length"),
    [(date(2026, 3, 2), 1440), (date(2026, 3, 29), 1380), (date(2026, 10, 25), 1500)],
)
def test_the_day_is_as_long_as_the_clock_makes_it(day, length):
    width, ticks = strips.ticks_of(at("00:00", day), FACILITY)
    assert width == length
    assert [tick.text for tick in ticks] == ["00", "06", "12", "18"]
    assert ticks[2].percent == pytest.approx(100 * (length - 720) / length, abs=0.01)


@pytest.mark.parametrize(
    ("start", "end", "texts", "first"),
    [
        # The clock's hours, and the date at midnight.
        (at("07:00"), at("07:00", date(2026, 3, 3)), "12:00 18:00 03-03 06:00", 20.83),
        (at("00:00"), at("00:00", date(2026, 3, 6)), "03-02 03-03 03-04 03-05", 0),
        (at("00:00"), at("07:00", date(2026, 3, 31)), "03-02 03-09 03-16 03-23 03-30", 0),
        (at("00:00", date(2025, 3, 2)), at("00:00"), "2025-03 2025-06 2025-08 2025-11 2026-03", 0),
        (at("07:00"), at("07:00"), "", None),
    ],
)
def test_any_window_has_a_handful_of_times_below_it(start, end, texts, first):
    ticks = strips.ticks_within(Window(start, end), FACILITY)
    assert [tick.text for tick in ticks] == texts.split()
    assert [tick.is_last for tick in ticks].count(True) <= 1
    assert first is None or ticks[0].percent == pytest.approx(first, abs=0.01)


def test_midnights_are_where_they_are_when_the_clock_is_set():
    window = Window(at("00:00", date(2026, 3, 28)), at("00:00", date(2026, 3, 31)))
    ticks = strips.ticks_within(window, FACILITY)
    assert [round(tick.percent * 71 / 100, 1) for tick in ticks] == [0, 24, 47]


# Bars


def bucket(start, minutes):
    """A Bucket of these minutes from the clock's `start` on."""
    begin = slot(start)
    found = Bucket(Window(begin, begin + len(minutes) * MINUTE))
    for code in minutes:
        if code in KNOWN:
            found.add_poll(Outcome.ANSWERED, code, 1500)
        elif code == Minute.NO_ANSWER:
            found.add_poll(Outcome.TIMEOUT, None, None)
    return found


def test_a_bar_is_as_wide_as_its_minutes_and_as_high_as_its_shares():
    # The second is only a part of its hour.
    hours = [bucket("07:00", codes("ppob.") * 12), bucket("08:00", codes("bb.."))]
    bars = strips.bars_of(hours, 64)
    assert bars == [
        ("perfect", "M0 100h60v-40H0z"),
        ("ok", "M0 60h60v-20H0z"),
        ("bad", "M0 40h60v-20H0zM60 100h4v-50H60z"),
    ]


def test_bars_say_unanswered_and_unwatched_minutes_too():
    hours = [bucket("07:00", codes("ppob.") * 12), bucket("08:00", codes("bb.---"))]
    window = Window(slot("07:00"), slot("08:06"))
    assert share_bars(hours, window, "Health")["label"] == (
        "Health: 24 Perfect, 12 Ok, 14 Bad, 13 no answer, 3 not watched"
    )


def test_what_was_not_watched_is_hatched_upright_from_the_top_as_in_strips():
    hours = [bucket("07:00", codes("-" * 60)), bucket("08:00", codes("p" * 54 + "-" * 6))]
    bars = strips.bars_of(hours, 10 * strips.HATCHING_LINES, start=30)
    whole = [f"M{left} 0v100" for left in range(30, 90, 10)]
    part = [f"M{left} 0v10" for left in range(90, 150, 10)]
    assert dict(bars)["off"] == "".join(whole + part)


def test_the_hours_say_the_same_as_the_strip():
    hours = strips.hours_of(codes("b" * 60 + "p.-"), slot("00:00"))
    assert [(h.bad, h.perfect, h.no_answer, h.not_watched) for h in hours] == [
        (60, 0, 0, 0),
        (0, 1, 1, 1),
    ]
    assert hours[1].start == slot("01:00")


def test_the_first_hour_of_a_new_cage_ends_with_the_hour_of_the_clock():
    hours = strips.hours_of(codes("b" * 30 + "p.-"), slot("05:30"))
    assert [(hour.start, hour.bad, hour.perfect) for hour in hours] == [
        (slot("05:30"), 30, 0),
        (slot("06:00"), 0, 1),
    ]
    assert strips.hours_of(b"", slot("05:30")) == []


# Spells


def told(text):
    """(health, minutes, same, known) of the last spell."""
    spells = spells_in(codes(text), START)
    return (s := spells[-1]) and (s.status.label, s.minutes, s.same, s.known) if spells else None


@pytest.mark.parametrize(
    ("minutes", "found"),
    [
        ("", None),
        ("....", None),
        ("ob", ("Bad", 1, 1, 1)),
        ("oobbb", ("Bad", 3, 3, 3)),
        # One contrary reading between two same ones ends nothing ...
        ("obbobb", ("Bad", 5, 4, 5)),
        ("obb.o.bb", ("Bad", 7, 4, 5)),
        # ... two do, and so does one at the end, which may be the beginning of another spell.
        ("bboobb", ("Bad", 2, 2, 2)),
        ("bbopbb", ("Bad", 2, 2, 2)),
        ("bbo", ("Ok", 1, 1, 1)),
        # Minutes that are not known end nothing, however many.
        ("bb" + "." * 100 + "b", ("Bad", 103, 3, 3)),
        ("bb" + "-" * 100 + "ob", ("Bad", 104, 3, 4)),
        ("bb" + "." * 12, ("Bad", 2, 2, 2)),
    ],
)
def test_a_spell_is_told_from_known_readings(minutes, found):
    assert told(minutes) == found


def test_a_spell_tells_what_was_asked_without_an_answer_and_what_was_not_watched():
    (spell,) = spells_in(codes("b..b-.o-b.."), START)
    assert (spell.minutes, spell.known, spell.unanswered, spell.not_watched) == (9, 4, 3, 2)
    assert (spell.first, spell.last) == (START, START + 8 * MINUTE)


@pytest.mark.parametrize(
    ("minutes", "begins", "ends"),
    [
        # The edge of what was looked at.
        ("bb", False, False),
        ("oobbpp", True, True),
        ("oo" + "." * (GAP - 2) + "bb" + "-" * (GAP - 2) + "pp", True, True),
        # Nobody knows how the cage was for so long.
        ("oo" + "." * (GAP - 1) + "bb" + "-" * (GAP - 1) + "pp", False, False),
    ],
)
def test_a_spell_knows_whether_its_beginning_and_its_end_are_known(minutes, begins, ends):
    bad = longest_bad(codes(minutes), START)
    assert (bad.begins_known, bad.ends_known) == (begins, ends)


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        ("o" + "b" * 23 + "p", "23 min, 23 of 23 minutes known"),
        ("ob" + "." * 20 + "bbp", "23 min, 3 of 23 minutes known"),
        ("bb", "at least 2 min, 2 of 2 minutes known"),
        ("o" + "bb", "at least 2 min, 2 of 2 minutes known"),
        ("obbbobb.bpp", "8 min, 7 of 8 minutes known, 6 of 7 known readings Bad"),
    ],
)
def test_a_spell_is_said_with_how_much_of_it_is_known(minutes, said):
    assert words.spell_in_words(longest_bad(codes(minutes), START), is_over=True) == said


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        ("obb", "2 min, 2 of 2 minutes known"),
        ("ob" + "." * 18 + "b", "20 min, of them 18 min without an answer"),
        ("ob" + "-" * 18 + "b", "20 min, of them 18 min not watched"),
        (
            "obb.--obb",
            "8 min, of them 1 min without an answer and 2 min not watched, "
            "4 of 5 known readings Bad",
        ),
    ],
)
def test_a_lasting_spell_says_why_minutes_are_not_known(minutes, said):
    assert words.spell_in_words(longest_bad(codes(minutes), START), kinds=True) == said


@pytest.mark.parametrize(
    ("minutes", "ago", "said"),
    [
        ("obb", 0, "2 min, 2 of 2 minutes known"),
        # The minutes that were looked at end before now, or nobody knows how the cage is now.
        ("obb", 5, "at least 2 min, 2 of 2 minutes known"),
        ("obb" + "." * GAP, 0, "at least 2 min, 2 of 2 minutes known"),
        ("obb" + "." * GAP + "pp", 0, "at least 2 min, 2 of 2 minutes known"),
        ("obbpp", 0, "2 min, 2 of 2 minutes known"),
    ],
)
def test_a_spell_that_lasts_has_no_end(minutes, ago, said):
    now = START + (len(minutes) + ago) * MINUTE
    bad = longest_bad(codes(minutes), START, now)
    assert words.spell_in_words(bad, is_over=True) == said
    assert bad.is_ongoing == (minutes.endswith("b") and not ago)


def test_a_list_says_a_lasting_spell_in_brief():
    assert words.spell_in_brief(longest_bad(codes("ob.bb"), START)) == "4 min, 3 of 4 known"
    assert words.spell_in_brief(longest_bad(codes("bb"), START)) == "at least 2 min, 2 of 2 known"


def test_every_known_reading_is_in_one_spell():
    text = "bbobpppo.ob" * 9 + "-" * 20 + "ppp"
    spells = spells_in(codes(text), START)
    assert sum(s.known for s in spells) == sum(letter in "bop" for letter in text)
    assert all(a.last < b.first for a, b in zip(spells, spells[1:], strict=False))


def test_the_longest_bad_spell_and_the_longest_silence():
    minutes = codes("bbpp.bbbpp..--...p")
    bad = longest_bad(minutes, START)
    assert (bad.first, bad.minutes) == (START + 5 * MINUTE, 3)
    # Not watched is not silence.
    assert longest_silence(minutes, START) == Silence(START + 14 * MINUTE, 3)
    assert longest_bad(codes("pp"), START) is None
    assert longest_silence(codes("pp--"), START) is None
    lasting, over = codes("p....."), codes("....p")
    assert longest_silence(lasting, START, START + 6 * MINUTE).is_ongoing
    assert not longest_silence(lasting, START, START + 9 * MINUTE).is_ongoing
    assert not longest_silence(over, START, START + 5 * MINUTE).is_ongoing


# The band


def test_the_band_is_three_sigmas_wide():
    """3 * sqrt(0.75 * 0.25 / 432) is 6.25 %."""
    band = band_around(0.75, 432)
    assert (round(band.low, 2), round(band.high, 2)) == (68.75, 81.25)
    assert band_around(1.0, 100) == Band(100, 100)
    assert band_around(0.99, 30).high == 100


@pytest.mark.parametrize(
    ("count", "place"), [(60, "below"), (69, "within"), (81, "within"), (90, "above")]
)
def test_a_share_is_below_within_or_above_its_band(count, place):
    assert Band(68.75, 81.25).place_of(Share(count, 100)) == place


@pytest.mark.storage
@pytest.mark.django_db
def test_a_band_needs_a_past_of_this_very_sensor(user):
    cage, other = make_cage(owner=user), make_cage(owner=user)
    window = Window(at("00:00"), at("07:00"))
    # Three of four are answered; what was skipped says nothing of the sensor.
    kinds = [Outcome.ANSWERED, Outcome.ANSWERED, Outcome.ANSWERED, Outcome.UNAVAILABLE]
    outcomes = [*kinds * 300, Outcome.SKIPPED]
    past = [
        (window.start - ago * MINUTE, result(other, outcome=outcome))
        for ago, outcome in enumerate(outcomes, 1)
    ]
    record_past(past)
    assert expected(cage, window, 400) is None
    assert expected(other, window, 29) is None
    assert expected(other, window, 400) == band_around(0.75, 400)


def test_minutes_are_numbered_as_health_is():
    assert [Minute(status).name for status in Health] == [status.name for status in Health]
