"""The pages of rules: who sees, proposes and approves them, and what they tell beforehand."""

import subprocess
import sys

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import translation

from cages.models import Health
from cages.slots import SLOT_LENGTH, slot_of
from people.models import Change, Lab, Role
from tests.factories import MINUTE, at, make_cage, make_member, make_user, slot, write_polls
from tests.pages import errors_of, queries_of, text_of
from welfare.models import Kind, Rule, RuleEdition
from welfare.rules import editions
from welfare.rules.editions import Decided, OwnProposal, Texts
from welfare.rules.figures import in_words, number_in_words
from welfare.rules.parameters import BadLong, PlaceSilent, SensorWeak, pack

NOW = at("09:00:30")
NEXT = slot_of(NOW) + SLOT_LENGTH
FIGURES = {"window_minutes": 30, "share_percent": 90, "least_known": 18, "over_percent": 50}
pytestmark = pytest.mark.usefixtures("clock", "db")


@pytest.fixture
def rule():
    """The facility's rule as it came with Neurocage."""
    cache.clear()
    Rule.objects.all().delete()
    rule = Rule.objects.create(kind=Kind.BAD_LONG)
    RuleEdition.objects.create(
        rule=rule,
        parameters=pack(BadLong()),
        proposed_at=at("00:00"),
        in_force_since=at("00:00"),
    )
    return rule


@pytest.fixture
def vet(user):
    """A vet of the facility."""
    person = make_user("vera", is_staff=True)
    make_member(person, user.own_lab, Role.VET)
    return person


@pytest.fixture
def lab_vet(user):
    person = make_user("lars")
    make_member(person, user.own_lab, Role.VET)
    return person


def address(rule, name="rule-edit"):
    return reverse(name, args=[rule.pk])


def form(**fields):
    return {"is_on": "on", "days": "7", "reason": "Fewer alarms", **FIGURES, **fields}


def in_force(moment, rule):
    return RuleEdition.objects.in_force(moment).get(rule=rule)


def proposed(rule, person, now=NOW, **fields):
    parameters = BadLong(**{**FIGURES, **fields})
    return editions.propose(rule, person, parameters, Texts(), True, now)


@pytest.mark.parametrize(
    ("name", "method", "codes"),
    [
        ("rule-list", "get", (403, 403, 200, 200, 200)),
        ("rule-create", "get", (403, 403, 403, 403, 200)),
        ("rule-edit", "get", (403, 403, 200, 200, 200)),
        ("rule-edit", "post", (403, 403, 200, 200, 200)),
        ("rule-rate", "get", (403, 403, 200, 200, 200)),
        ("rule-rate", "post", (403, 403, 405, 405, 405)),
        ("rule-decide", "get", (403, 403, 405, 405, 405)),
        ("rule-decide", "post", (403, 403, 403, 404, 404)),
    ],
)
def test_administrators_and_vets_get_in(
    client_of, user, lab_vet, vet, administrator, rule, name, method, codes
):
    staff = make_user("stefan", is_staff=True)
    args = [] if name in ("rule-list", "rule-create") else [rule.pk]
    answers = [
        getattr(client_of(person), method)(reverse(name, args=args)).status_code
        for person in (user, staff, lab_vet, vet, administrator)
    ]
    assert tuple(answers) == codes


def test_a_vet_of_a_lab_sees_what_its_cages_are_judged_by(client_of, user, lab_vet, vet, rule):
    mine, theirs = make_cage(owner=user, room="R1"), make_cage(room="R2")
    scopes = [{"room": mine.room}, {"lab": mine.lab}, {"room": theirs.room}, {"lab": theirs.lab}]
    rules = [rule, *(Rule.objects.create(kind=Kind.BAD_LONG, **scope) for scope in scopes)]
    codes = [client_of(lab_vet).get(address(one)).status_code for one in rules]
    assert codes == [200, 200, 200, 404, 404]
    shown = [client_of(who).get(reverse("rule-list")).context["rows"] for who in (lab_vet, vet)]
    assert [len(rows) for rows in shown] == [3, 5]


@pytest.mark.parametrize("act", ["approve", "refuse"])
@pytest.mark.parametrize("scope", ["facility", "room", "lab"])
def test_a_vet_of_a_lab_decides_on_rules_of_the_lab_only(
    client_of, user, administrator, lab_vet, vet, rule, scope, act
):
    cage = make_cage(owner=user, room="R1")
    if scope != "facility":
        rule = Rule.objects.create(kind=Kind.BAD_LONG, **{scope: getattr(cage, scope)})
    edition, browser = proposed(rule, administrator), client_of(lab_vet)
    button = f'name="{act}"' in browser.get(address(rule)).content.decode()
    answer = browser.post(address(rule, "rule-decide"), {"edition": edition.pk, act: "1"})
    waits = rule.editions.proposed().exists()
    own = scope == "lab"
    assert (button, answer.status_code, waits) == (own, 302 if own else 403, not own)


def test_a_rule_waits_for_a_vet_of_its_lab_and_of_no_other(user, administrator, lab_vet, rule):
    """The facility has only one who could approve, so what is for all is in force at once."""
    own, other = make_cage(owner=user).lab, make_cage().lab
    rules = [Rule.objects.create(kind=Kind.BAD_LONG, lab=lab) for lab in (own, other)]
    begun = [proposed(one, administrator).in_force_since for one in (rule, *rules)]
    assert begun == [NEXT, None, NEXT]


def test_a_vet_proposes_nothing(client_of, vet, rule):
    page = client_of(vet).post(address(rule), form(propose="1"))
    assert page.status_code == 403
    assert rule.editions.count() == 1


def test_the_list_says_how_each_rule_is_set(client_of, administrator, rule):
    room = make_cage(room="R2").room
    Rule.objects.create(kind=Kind.UNSEEN, room=room)
    proposed(rule, administrator)
    words = text_of(client_of(administrator).get(reverse("rule-list")))
    assert (
        "the facility Bad in at least 90 % of the known readings of 30 min, at least 18 known; "
        "over below 50 % 2026-03-02 09:01 ada" in words
    )
    assert "Unseen room R2 Not in force yet" in words


def test_the_list_takes_as_many_queries_for_many_rules(client_of, administrator, rule):
    browser = client_of(administrator)
    few = queries_of(browser.get, reverse("rule-list"))
    for number in range(10):
        room = make_cage(room=f"R{number}").room
        other = Rule.objects.create(kind=Kind.UNSEEN, room=room)
        RuleEdition.objects.create(rule=other, proposed_at=NOW, in_force_since=NOW)
    assert queries_of(browser.get, reverse("rule-list")) == few


def test_the_page_takes_as_many_queries_with_many_editions(client_of, administrator, rule):
    browser = client_of(administrator)
    few = queries_of(browser.get, address(rule))
    for _ in range(10):
        proposed(rule, administrator)
    # The shares of the facility are known already.
    assert queries_of(browser.get, address(rule)) == few - 1


def test_an_only_administrator_puts_a_rule_in_force_at_once(client_of, administrator, rule):
    before = in_force(NOW, rule)
    page = client_of(administrator).post(
        address(rule), form(propose="1", cause=" Too hot "), follow=True
    )
    assert "The rule is in force from the next minute on." in text_of(page)
    assert in_force(NOW, rule) == before
    now = in_force(NEXT, rule)
    assert now.parameters == FIGURES
    assert now.cause == "Too hot"
    assert now.in_force_since == NEXT == in_force(NOW, rule).ended_at
    assert now.approved_by == administrator


def test_a_second_person_approves(client_of, administrator, vet, rule):
    browser = client_of(administrator)
    page = browser.post(address(rule), form(propose="1"), follow=True)
    assert "The rule is proposed." in text_of(page)
    edition = rule.editions.proposed().get()
    own = browser.post(
        address(rule, "rule-decide"), {"edition": edition.pk, "approve": "1"}, follow=True
    )
    assert "You proposed this yourself." in text_of(own)
    assert in_force(NEXT, rule) != edition
    client_of(vet).post(address(rule, "rule-decide"), {"edition": edition.pk, "approve": "1"})
    assert in_force(NEXT, rule) == edition
    assert RuleEdition.objects.get(pk=edition.pk).approved_by == vet


def test_a_proposal_takes_a_reason_which_is_noted(client_of, administrator, vet, rule):
    browser = client_of(administrator)
    page = browser.post(address(rule), form(propose="1", reason=" "))
    assert errors_of(page) == {"reason": ["Say why the rule is changed."]}
    assert rule.editions.count() == 1
    # To try a rule changes nothing, so it takes none.
    assert errors_of(browser.post(address(rule), form(reason="", **{"try": "1"}))) == {}
    browser.post(address(rule), form(propose="1"))
    change = Change.objects.filter(table="welfare_ruleedition").newest_first()[0]
    assert (change.by, change.reason) == ("ada", "Fewer alarms")


def test_a_refused_proposal_changes_nothing(client_of, administrator, vet, rule):
    edition = proposed(rule, administrator)
    client_of(vet).post(address(rule, "rule-decide"), {"edition": edition.pk, "refuse": "1"})
    assert in_force(NEXT, rule) != edition
    with pytest.raises(Decided):
        editions.approve(edition.pk, vet, NOW)


def test_an_edition_of_another_rule_is_not_found(client_of, administrator, vet, rule):
    other = Rule.objects.create(kind=Kind.UNSEEN)
    edition = RuleEdition.objects.create(rule=other, proposed_at=NOW)
    page = client_of(vet).post(address(rule, "rule-decide"), {"edition": edition.pk, "approve": 1})
    assert page.status_code == 404


def test_a_new_proposal_takes_the_place_of_the_one_that_waits(administrator, vet, rule):
    first, second = proposed(rule, administrator), proposed(rule, administrator, window_minutes=40)
    with pytest.raises(Decided):
        editions.approve(first.pk, vet, NOW)
    assert list(rule.editions.proposed()) == [second]


def test_who_proposed_approves_once_nobody_else_can(administrator, vet, rule):
    edition = proposed(rule, administrator)
    with pytest.raises(OwnProposal):
        editions.approve(edition.pk, administrator, NOW)
    vet.is_active = False
    vet.save()
    editions.approve(edition.pk, administrator, NOW)
    assert in_force(NEXT, rule) == edition


def test_two_changes_in_one_minute_leave_one_in_force(administrator, rule):
    first, second = proposed(rule, administrator), proposed(rule, administrator)
    assert in_force(NEXT, rule) == second
    first.refresh_from_db()
    assert first.in_force_since == first.ended_at


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"window_minutes": "4"}, {"window_minutes": ["Enter a number from 5 to 60."]}),
        ({"share_percent": "many"}, {"share_percent": ["Enter a whole number."]}),
        ({"least_known": "31"}, {"least_known": ["This cannot be more than the window."]}),
    ],
)
def test_figures_that_make_no_sense_are_refused(client_of, administrator, rule, fields, wrong):
    page = client_of(administrator).post(address(rule), form(propose="1", **fields))
    assert errors_of(page) == wrong
    assert rule.editions.count() == 1


def test_what_was_typed_stays_after_a_back_test(client_of, administrator, rule):
    page = client_of(administrator).post(
        address(rule), form(cause="Too hot", share_percent=77, **{"try": "1"})
    )
    assert "Too hot</textarea>" in page.content.decode()
    assert 'name="share_percent" value="77"' in page.content.decode()


def test_an_empty_text_has_the_words_of_the_kind_beside_it(client_of, administrator, rule):
    words = text_of(client_of(administrator).get(address(rule)))
    assert "Left empty, it says: An animal may be sick, hurt or without water." in words


def test_the_page_tells_the_rate_by_chance(client_of, administrator, rule):
    words = text_of(client_of(administrator).get(address(rule)))
    assert "0.18 false concerns a day in 500 cages simulated with a fixed seed" in words
    assert "Nothing is known of this facility yet" in words


def test_the_rate_follows_what_is_typed(client_of, administrator, rule):
    browser = client_of(administrator)
    words = text_of(browser.get(address(rule, "rule-rate"), {**FIGURES, "share_percent": 80}))
    assert "false concerns a day in 500 cages" in words
    assert "0.18" not in words
    assert text_of(browser.get(address(rule, "rule-rate"), {"window_minutes": 3})) == (
        "With these values there is no rate."
    )


def test_without_javascript_a_button_reckons_again(client_of, administrator, rule):
    page = client_of(administrator).post(
        address(rule), form(window_minutes=10, least_known=5, share_percent=80, rate="1")
    )
    assert "cages exact" in text_of(page)


def test_a_back_test_stands_beside_the_rule_in_force(client_of, administrator, user, rule):
    cage = make_cage(owner=user)
    polls = [
        (slot("07:00") + n * MINUTE, [Health.BAD, Health.BAD, Health.OK][n % 3], 1500)
        for n in range(60)
    ]
    polls += [(slot("08:00") + n * MINUTE, Health.BAD, 1500) for n in range(40)]
    write_polls(cage, polls)
    page = client_of(administrator).post(address(rule), form(share_percent=60, **{"try": "1"}))
    words = text_of(page)
    assert "Tried on the last 7 days" in words
    # Two thirds Bad from 07:00 on are enough for the one, 08:24 for the other.
    assert "Concerns raised 1 1 In how many cages 1 1 At night (19:00 to 07:00) 0 0" in words
    assert "Of 0 real cases caught 0 0" in words


def test_a_rule_is_made_for_a_room_or_a_lab(client_of, administrator, rule):
    browser, room = client_of(administrator), make_cage(room="R2").room
    new = {"kind": Kind.BAD_LONG, "room": room.pk}
    page = browser.post(reverse("rule-create"), new, follow=True)
    assert "Bad for long room R2" in text_of(page)
    made = Rule.objects.get(room=room)
    assert not made.editions.exists()
    assert errors_of(browser.post(reverse("rule-create"), new)) == {
        "room": ["There is such a rule already."]
    }


@pytest.mark.parametrize("both", [True, False])
def test_a_new_rule_has_one_scope(client_of, administrator, rule, both):
    new = {"kind": Kind.BAD_LONG}
    if both:
        new |= {"room": make_cage(room="R2").room.pk, "lab": Lab.objects.first().pk}
    page = client_of(administrator).post(reverse("rule-create"), new)
    assert errors_of(page) == {"room": ["Choose either a room or a lab."]}


def test_pollers_and_workers_load_no_numpy():
    """It takes memory in each process, and most never reckon with it."""
    program = (
        "import django; django.setup(); import sys, cages.polling.tasks, welfare.tasks;"
        "sys.exit('numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["more than 3 standard deviations", "less than once in 10,000"]),
        ("de", ["mehr als 3 Standardabweichungen", "seltener als einmal in 10.000"]),
    ],
)
def test_figures_are_written_as_the_reader_writes_numbers(language, words):
    with translation.override(language):
        told = [
            in_words(Kind.SENSOR_WEAK, SensorWeak(sigmas=3.0)),
            in_words(Kind.PLACE_SILENT, PlaceSilent(rarity=4)),
        ]
    assert [part for part, text in zip(words, told, strict=True) if part not in text] == []


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0"), (0.0004, "less than 0.001"), (0.189, "0.19"), (1.96, "2.0"), (12.7, "13")],
)
def test_a_number_is_rounded_and_not_cut(number, words):
    assert number_in_words(number) == words
