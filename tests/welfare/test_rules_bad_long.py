"""The edges of the rule "Bad for long", told from minutes alone."""

import random

from cages.models.minute import KNOWN, Minute
from welfare.rules import bad_long
from welfare.rules.parameters import UNSEEN_MINUTES, BadLong

RULE = BadLong(window_minutes=10, share_percent=80, least_known=5, over_percent=50)


def codes(text):
    return bytes(int(digit) for digit in text)


def test_it_begins_at_the_first_slot_with_enough_bad_readings():
    assert bad_long.edges(codes("111111"), RULE) == [(4, True)]


def test_it_is_over_at_the_first_slot_below_the_lower_share():
    # Of ten minutes, 5 are Bad at index 14 and 4 at index 15.
    assert bad_long.edges(codes("1" * 10 + "2" * 8), RULE) == [(4, True), (15, False)]


def test_between_the_two_shares_it_stays_as_it_was():
    mixed = codes("1112211122")
    assert bad_long.edges(mixed, RULE, is_on=False, lead=5) == []
    assert bad_long.edges(mixed, RULE, is_on=True, lead=5) == []


def test_minutes_before_the_lead_are_only_looked_back_at():
    assert bad_long.edges(codes("111111"), RULE, lead=5) == [(5, True)]


def test_it_is_held_while_the_cage_is_unseen():
    rule = BadLong(window_minutes=60, share_percent=80, least_known=3, over_percent=50)
    silent = codes("222" + "4" * (UNSEEN_MINUTES + 5))
    assert bad_long.edges(silent, rule, is_on=True, lead=3) == [(3, False)]
    assert bad_long.edges(silent, rule, is_on=True, lead=3 + UNSEEN_MINUTES) == []


def test_fewer_bad_readings_than_the_least_never_begin_it():
    chance = random.Random(17)
    for _ in range(300):
        rule = BadLong(chance.randint(5, 30), chance.randint(51, 100), chance.randint(3, 5), 50)
        some = bytes(chance.choices(list(Minute)[:5], [1, 6, 1, 1, 2], k=120))
        lead = bad_long.lead_of(rule)
        for index, begins in bad_long.edges(some, rule, False, lead):
            if begins:
                window = some[index + 1 - rule.window_minutes : index + 1]
                assert window.count(Minute.BAD) >= bad_long.least_bad(rule)


def test_it_is_as_each_window_counted_anew_says():
    chance = random.Random(18)
    for _ in range(200):
        some = bytes(chance.choices(list(Minute)[:5], [2, 9, 2, 1, 4], k=200))
        assert bad_long.edges(some, RULE, False, 20) == counted_anew(some, RULE, 20)


def counted_anew(some, rule, lead):
    is_on, found = False, []
    for index in range(lead, len(some)):
        window = some[max(index + 1 - rule.window_minutes, 0) : index + 1]
        known = sum(code in KNOWN for code in window)
        bad = window.count(Minute.BAD)
        seen = any(code in KNOWN for code in some[max(index + 1 - UNSEEN_MINUTES, 0) : index + 1])
        if known < rule.least_known or not seen:
            continue
        share = 100 * bad
        turns = share < rule.over_percent * known if is_on else share >= rule.share_percent * known
        if turns:
            is_on = not is_on
            found.append((index, is_on))
    return found
