"""Every URL that there is, for every role, by GET and POST. A URL without a rule here fails.

The rules tell only who is let in. What each page answers exactly is tested beside the page.
"""

import re

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse

from cages.exporting.study.order import StudyOrder
from cages.history.window import Window
from cages.models import LightPeriod, Study
from neurocage.ids import advance_ids
from people.models import Role
from tests.factories import (
    at,
    make_animal,
    make_cage,
    make_mark,
    make_member,
    make_schedule,
    make_user,
    record_minute,
    slot,
)
from tests.welfare.conftest import add_default_rules
from tests.welfare.factories import make_concern
from welfare.models import Concern, Kind, NightSheet, Round, Rule
from welfare.night.sheet import EMPTY

NOW = at("07:02:30")
pytestmark = pytest.mark.usefixtures("clock")
ROLES = ("anonymous", "stranger", *Role.values, "staff", "head")
IN, LOGIN = "let in", "asked to sign in"


def rule(anonymous, stranger, *of_roles):
    return dict(zip(ROLES, (anonymous, stranger, *of_roles), strict=True))


# In the order of ROLES: viewer, technician, researcher, vet, administrator, staff, head (an
# administrator of the facility). The stranger has a lab of their own only.
EVERYBODY = rule(*[IN] * 9)
NOBODY = rule(*[404] * 9)
SIGNED_IN = rule(LOGIN, *[IN] * 8)
NOT_THERE = rule(LOGIN, *[404] * 8)
SESSION = rule(401, *[IN] * 8)
TOKEN = rule(*[401] * 9)
SEES = rule(LOGIN, 404, *[IN] * 7)
HANDLES = rule(LOGIN, 404, 403, IN, IN, 403, IN, IN, IN)
CHANGES = rule(LOGIN, 404, 403, 403, IN, 403, IN, IN, IN)
FINDS = rule(LOGIN, 404, 403, 403, 403, IN, IN, IN, IN)
PURGES = rule(LOGIN, 404, *[403] * 6, IN)
MANAGES = rule(LOGIN, 404, 403, 403, 403, 403, IN, 404, IN)
LAB_HEADS = rule(LOGIN, *[403] * 5, IN, 403, IN)
STAFF = rule(LOGIN, *[403] * 6, IN, IN)
HEAD = rule(LOGIN, *[403] * 7, IN)
MAKES_SCHEDULES = rule(LOGIN, *[403] * 3, IN, 403, IN, IN, IN)
ROOM_LIGHT = rule(LOGIN, 404, *[403] * 5, IN, IN)
APPROVES = rule(LOGIN, *[403] * 4, IN, 403, 403, IN)
ADMIN = rule(*[LOGIN] * 7, 403, IN)
ADMIN_HOME = rule(*[LOGIN] * 7, IN, IN)
# Only where mail is set, and here it is not.
MAIL_ONLY = (NOBODY, NOBODY)

# A cage, its rack, room, lab, and a concern about it, of the lab in which the roles are.
CAGE, ARCHIVED, CONCERN = 7, 8, 1
TICKED = f"?cage={CAGE}"
API_PAGES = (
    *("cages", "states", "minutes", "readings", "requests", "hourly", "animals", "marks"),
    *("concerns", "notices"),
)
# {name: (rule of GET, rule of POST, arguments, query)}. What names no arguments needs none.
PAGES = {
    "home": (SIGNED_IN, SIGNED_IN),
    "login": (EVERYBODY, EVERYBODY),
    "logout": (SIGNED_IN, SIGNED_IN),
    # The names by which allauth finds its pages.
    **{
        f"account_{name}": (EVERYBODY, EVERYBODY)
        for name in ("login", "logout", "reset_password_from_key_done")
    },
    **{
        f"account_{name}": (SIGNED_IN, SIGNED_IN)
        for name in ("change_password", "set_password", "reauthenticate")
    },
    "account_reset_password": MAIL_ONLY,
    "account_reset_password_done": MAIL_ONLY,
    "account_reset_password_from_key": (*MAIL_ONLY, ["1", "abc"]),
    "account_email": (NOT_THERE, NOT_THERE),
    "account_email_verification_sent": MAIL_ONLY,
    "account_confirm_email": (*MAIL_ONLY, ["abc"]),
    # No provider is set.
    "oidc-start": (NOBODY, NOBODY),
    "oidc-callback": (NOBODY, NOBODY),
    "mfa_authenticate": (EVERYBODY, EVERYBODY),
    **{
        f"mfa_{name}": (SIGNED_IN, SIGNED_IN)
        for name in ("index", "reauthenticate", "activate_totp", "generate_recovery_codes")
    },
    **{
        f"mfa_{name}_webauthn": (SIGNED_IN, SIGNED_IN) for name in ("list", "add", "reauthenticate")
    },
    # They ask for the password first, and do not tell yet whose passkey it is.
    "mfa_edit_webauthn": (SIGNED_IN, SIGNED_IN, [1]),
    "mfa_remove_webauthn": (SIGNED_IN, SIGNED_IN, [1]),
    "mfa_login_webauthn": (EVERYBODY, EVERYBODY),
    # Nobody here has a second factor.
    "mfa_deactivate_totp": (NOT_THERE, NOT_THERE),
    "mfa_view_recovery_codes": (NOT_THERE, SIGNED_IN),
    "sessions": (SIGNED_IN, SIGNED_IN),
    "sign-in-acts": (SIGNED_IN, SIGNED_IN),
    **dict.fromkeys(("all-sign-in-acts", "sign-in-acts-export", "end-lock"), (HEAD, HEAD)),
    "registrations": (HEAD, rule(LOGIN, *[403] * 7, 404)),
    "changes": (HEAD, HEAD),
    "changes-file": (HEAD, HEAD),
    "cage-changes": (CHANGES, CHANGES, [CAGE]),
    "cage-changes-file": (CHANGES, CHANGES, [CAGE]),
    "notice-export": (SIGNED_IN, SIGNED_IN),
    "sensor-fleet": (STAFF, STAFF),
    "register": (NOBODY, NOBODY),
    "session": (SESSION, SESSION),
    "setup": (NOBODY, NOBODY),
    "preferences": (SIGNED_IN, SIGNED_IN),
    "labs": (SIGNED_IN, rule(LOGIN, *[403] * 8)),
    "lab": (MANAGES, rule(LOGIN, 404, *[403] * 5, 404, 403), ["lab"]),
    "tokens": (SIGNED_IN, SIGNED_IN),
    "peoples-tokens": (LAB_HEADS, rule(LOGIN, *[IN] * 8)),
    "token-revoke": (SIGNED_IN, NOT_THERE),
    "cage-list": (SIGNED_IN, SIGNED_IN),
    "cage-create": (SIGNED_IN, SIGNED_IN),
    "cage-bulk": (SIGNED_IN, SIGNED_IN, [], f"{TICKED}&act=pause"),
    "cage-cards": (SIGNED_IN, SIGNED_IN, [], TICKED),
    "cage-rhythm": (SEES, SIGNED_IN, [CAGE]),
    "cage-rhythms": (SIGNED_IN, SIGNED_IN, [], TICKED),
    "cage-animals": (SEES, SIGNED_IN, [CAGE]),
    "animal-create": (CHANGES, CHANGES, [CAGE]),
    "animal-edit": (CHANGES, CHANGES, [CAGE, "animal"]),
    "animal-housing": (CHANGES, CHANGES, [CAGE, "housing"]),
    "cage-compare": (SIGNED_IN, SIGNED_IN, [], TICKED),
    "cage-export": (SIGNED_IN, SIGNED_IN, [], TICKED),
    "cage-export-file": (SIGNED_IN, SIGNED_IN, [], TICKED),
    "cage-export-cages": (SIGNED_IN, SIGNED_IN, [], TICKED),
    "cage-export-animals": (SIGNED_IN, SIGNED_IN, [], TICKED),
    "cage-export-dictionary": (SIGNED_IN, SIGNED_IN),
    "cage-import": (SIGNED_IN, SIGNED_IN),
    "animal-import": (SIGNED_IN, SIGNED_IN),
    "cage-import-template": (SIGNED_IN, SIGNED_IN),
    "cage-import-template-csv": (SIGNED_IN, SIGNED_IN),
    "cage-archived": (SIGNED_IN, SIGNED_IN),
    "cage-detail": (SEES, SIGNED_IN, [CAGE]),
    "cage-history": (SEES, SIGNED_IN, [CAGE]),
    "cage-edit": (CHANGES, CHANGES, [CAGE]),
    "cage-test-sensor": (HANDLES, HANDLES, [CAGE]),
    "cage-archive": (CHANGES, CHANGES, [CAGE]),
    "cage-restore": (CHANGES, CHANGES, [ARCHIVED]),
    "cage-purge": (PURGES, PURGES, [ARCHIVED]),
    "cage-move": (HANDLES, HANDLES, [CAGE]),
    "mark-list": (SIGNED_IN, SIGNED_IN),
    "mark-export": (SIGNED_IN, SIGNED_IN),
    "mark-create": (HANDLES, HANDLES, [], f"?cage={CAGE}"),
    "mark-detail": (SEES, SIGNED_IN, ["mark"]),
    "mark-edit": (HANDLES, HANDLES, ["mark"]),
    "mark-end": (SIGNED_IN, HANDLES, ["mark"]),
    "mark-withdraw": (HANDLES, HANDLES, ["mark"]),
    "mark-kinds": (HEAD, HEAD),
    "mark-kind-edit": (HEAD, HEAD, ["mark_kind"]),
    "cage-export-table": (SIGNED_IN, SIGNED_IN),
    "cage-export-circadian": (SIGNED_IN, SIGNED_IN),
    "study-list": (SIGNED_IN, SIGNED_IN),
    "study-create": (SIGNED_IN, SIGNED_IN, [], f"?cage={CAGE}"),
    "study-detail": (SEES, SIGNED_IN, ["study"]),
    "study-groups": (SEES, SIGNED_IN, ["study"]),
    "study-file": (SEES, SIGNED_IN, ["study"]),
    "rack-index": (SIGNED_IN, SIGNED_IN),
    "rack-detail": (SEES, SIGNED_IN, ["rack"]),
    "rack-size": (STAFF, STAFF, ["rack"]),
    "rack-sheet": (SEES, SIGNED_IN, ["rack"]),
    "rack-fill": (SEES, SIGNED_IN, ["rack"], "?row=A&column=1"),
    "room-edit": (STAFF, STAFF, ["room"]),
    "light": (SIGNED_IN, SIGNED_IN),
    "light-schedule-create": (MAKES_SCHEDULES, MAKES_SCHEDULES),
    "light-schedule-remove": (MAKES_SCHEDULES, MAKES_SCHEDULES, ["schedule"]),
    "room-light": (SEES, ROOM_LIGHT, ["room"]),
    "cage-light": (SEES, CHANGES, [CAGE]),
    "light-period-remove": (ROOM_LIGHT, ROOM_LIGHT, ["period"]),
    "wall": (SIGNED_IN, SIGNED_IN),
    "wall-links": (HEAD, HEAD),
    "wall-link-revoke": (HEAD, rule(LOGIN, *[403] * 7, 404)),
    "wall-screen": (NOBODY, NOBODY, ["nc_unknown"]),
    "api-examples": (SIGNED_IN, SIGNED_IN),
    "watch": (SIGNED_IN, SIGNED_IN),
    "styleguide": (STAFF, STAFF),
    "ops": (STAFF, STAFF),
    "healthz": (EVERYBODY, EVERYBODY),
    "readyz": (EVERYBODY, EVERYBODY),
    "metrics": (EVERYBODY, EVERYBODY),
    "concern-list": (SIGNED_IN, SIGNED_IN),
    "concern-create": (FINDS, FINDS, [], TICKED),
    "concern-closed": (SIGNED_IN, SIGNED_IN),
    "concern-export": (SIGNED_IN, SIGNED_IN),
    "concern-quality": (SIGNED_IN, SIGNED_IN),
    # A form that names no act.
    "concern-detail": (SEES, rule(LOGIN, 404, *[403] * 7), [CONCERN]),
    "round-list": (SIGNED_IN, NOT_THERE),
    "round": (SEES, SEES, ["round"]),
    "round-cage": (SEES, SIGNED_IN, [CAGE]),
    "round-arrivals": (SIGNED_IN, SIGNED_IN),
    "round-worker": (SIGNED_IN, SIGNED_IN),
    "night": (SIGNED_IN, SIGNED_IN),
    "night-sheet": (SEES, SIGNED_IN, ["room", "2026-03-02"]),
    "night-sheet-pdf": (SEES, SIGNED_IN, ["room", "2026-03-02"]),
    "looks": (SIGNED_IN, SIGNED_IN),
    "looks-file": (SIGNED_IN, SIGNED_IN, [], "?from=2026-03-01&to=2026-03-02"),
    "notice-list": (SIGNED_IN, SIGNED_IN),
    "notice-wish": (SIGNED_IN, SIGNED_IN),
    "notice-duty": (SIGNED_IN, HEAD),
    "notice-channels": (HEAD, rule(LOGIN, *[403] * 7, 404)),
    "notice-drill": (HEAD, HEAD),
    "rule-list": (APPROVES, APPROVES),
    "rule-create": (HEAD, HEAD),
    # A vet may try settings there. test_rule_pages.py tells who proposes them.
    "rule-edit": (APPROVES, APPROVES, ["rule"]),
    "rule-rate": (APPROVES, APPROVES, ["rule"]),
    # Nobody has proposed anything. The vet is one of a lab.
    "rule-decide": (APPROVES, rule(LOGIN, *[403] * 7, 404), ["rule"]),
    # A session opens none of these but the document. A POST is told that there is only GET (405).
    **{f"api:{name}": (TOKEN, EVERYBODY) for name in API_PAGES},
    "api:cage": (TOKEN, EVERYBODY, [CAGE]),
    "api:openapi": (SESSION, EVERYBODY),
    "api:api-root": (NOBODY, NOBODY),
    "admin:index": (ADMIN_HOME, ADMIN_HOME),
    "admin:login": (rule(LOGIN, *[403] * 6, IN, IN),) * 2,
    "admin:logout": (SIGNED_IN, SIGNED_IN),
    **{f"admin:{name}": (ADMIN_HOME, ADMIN_HOME) for name in ("password_change", "jsi18n")},
    "admin:password_change_done": (ADMIN_HOME, ADMIN_HOME),
    "admin:autocomplete": (rule(*[LOGIN] * 7, 403, 403), ADMIN_HOME),
    "admin:view_on_site": (rule(*[LOGIN] * 7, 404, 404),) * 2 + ([99, 99],),
    "admin:app_list": (rule(*[LOGIN] * 7, 404, IN),) * 2 + (["cages"],),
}
# Pages of Django's admin for each of these models.
MODELS = ("people_user", "people_lab", "cages_cage")
OF_A_MODEL = ("changelist", "add", "history", "delete", "change")
FOR_ADMIN = {f"admin:{model}_{page}" for model in MODELS for page in OF_A_MODEL} | {
    "admin:auth_user_password_change"
}
# They lead to another address of this table, or nowhere.
NO_PAGES = {"admin:<path:object_id>/", "admin:(?P<url>.*)$", "api:"}


def names_of(patterns, namespace=""):
    """The name of each URL, with its namespace; the route of one without a name."""
    for one in patterns:
        if isinstance(one, URLResolver):
            inner = f"{namespace}{one.namespace}:" if one.namespace else namespace
            yield from names_of(one.url_patterns, inner)
        else:
            yield namespace + (one.name or str(one.pattern))


@pytest.fixture(scope="module")
def browsers(module_database):
    """({role: a browser}, {what an argument names: its id})."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("django.utils.timezone.now", lambda: NOW)
        owner = make_user("anotherlabsowner")
        people = {role: make_user(role) for role in ROLES[1:]}
        for role in Role:
            make_member(people[role], owner.own_lab, role)
        people["staff"].is_staff = people["head"].is_staff = people["head"].is_superuser = True
        people["staff"].save()
        people["head"].save()
        where = {"room": "R1", "rack": "Rack", "row": "A", "column": 1}
        cage = make_cage("Anotherlabslabel", owner, id=CAGE, strain="Anotherlabsstrain", **where)
        make_cage("Anotherlabsarchived", owner, id=ARCHIVED, archived_at=at("06:50"))
        record_minute(cage, slot("07:00"))
        make_concern(cage, pk=CONCERN)
        advance_ids(Concern)
        made = {"anonymous": Client()}
        for role, person in people.items():
            made[role] = Client()
            made[role].force_login(person)
        mark = make_mark(cage, at("06:30"), note="Anotherlabsnote")
        one = Round.objects.create(room=cage.room, person=owner, by="owner", begun_at=NOW)
        order = StudyOrder([(CAGE, cage.label, cage.created_at)], Window(NOW, NOW), None, [])
        study = Study.objects.create(title="Anotherlabsstudy", made_at=NOW, order=order.to_json())
        study.cages.add(cage)
        animal = make_animal(cage, "Anotherlabsanimal")
        night = {"begins_at": at("01:00"), "ends_at": at("07:00"), "made_at": NOW}
        NightSheet.objects.create(room=cage.room, facts=EMPTY, **night)
    period = LightPeriod.objects.create(room=cage.room, starts_at=NOW, noted_at=NOW)
    ids = {"period": period.pk, "lab": cage.lab_id, "rack": cage.rack_id, "room": cage.room_id}
    ids["round"] = one.pk
    ids["study"], ids["schedule"] = study.pk, make_schedule().pk
    ids |= {"mark": mark.pk, "mark_kind": mark.kind_id}
    ids |= {"animal": animal.pk, "housing": animal.housings.get().pk}
    add_default_rules()
    return made, {**ids, "rule": Rule.objects.filter(kind=Kind.BAD_LONG).first().pk}


def meaning_of(answer):
    if answer.status_code == 302 and "/login/?next=" in answer["Location"]:
        return LOGIN
    assert answer.status_code != 500
    return answer.status_code if answer.status_code in (401, 403, 404) else IN


def test_every_url_has_a_rule():
    assert set(names_of(get_resolver().url_patterns)) == {*PAGES, *FOR_ADMIN, *NO_PAGES}


@pytest.mark.parametrize("name", PAGES)
def test_each_role_is_let_in_where_the_rule_says(browsers, db, name):
    people, ids = browsers
    # A page that signs out ends the session of its own copy only.
    made = {role: Client() for role in people}
    for role, browser in people.items():
        made[role].cookies = browser.cookies.copy()
    of_get, of_post, *rest = PAGES[name]
    args, query = (*rest, [], "")[:2] if rest else ([], "")
    address = reverse(name, args=[ids.get(one, one) for one in args]) + (query or "")
    for method, expected in (("get", of_get), ("post", of_post)):
        got, shown = {}, b""
        for role, browser in made.items():
            with transaction.atomic():
                answer = getattr(browser, method)(address)
                got[role] = meaning_of(answer)
                if role == "stranger":
                    shown = b"".join(answer) if answer.streaming else answer.content
                transaction.set_rollback(True)
        assert got == expected, method
        # Of another lab's cages nothing is shown but that an id or a bay is taken.
        # The word is long, because the random letters of a page's form would hold a short one.
        assert b"anotherlabs" not in shown.lower()


# Pages of the signed-in person, which are in their menu and under no place.
IN_THE_MENU = re.compile(
    "account_|mfa_|notice-|sessions|sign-in-acts|all-sign-in-acts|registrations|changes|labs?$|"
    "tokens|peoples-tokens|styleguide|api-examples|register|setup"
)


def test_each_page_says_in_the_main_navigation_where_it_is(browsers, db):
    people, ids = browsers
    places = {}
    for name, (_get, _post, *rest) in PAGES.items():
        if name.startswith(("admin:", "api:")) or IN_THE_MENU.match(name):
            continue
        args, query = (*rest, [], "")[:2] if rest else ([], "")
        address = reverse(name, args=[ids.get(one, one) for one in args]) + (query or "")
        answer = people["head"].get(address)
        shown = b"" if answer.streaming else answer.content
        if answer.status_code == 200 and b'<nav class="places" aria-label="Main">' in shown:
            main = shown.partition(b'aria-label="Main">')[2].partition(b"</nav>")[0]
            places[name] = main.count(b'aria-current="page"')
    assert len(places) > 30
    assert {name: count for name, count in places.items() if count != 1} == {}


@pytest.mark.parametrize("name", sorted(FOR_ADMIN))
def test_only_administrators_open_pages_of_the_admin(browsers, db, name):
    made, _ids = browsers
    takes_one = not name.endswith(("changelist", "add"))
    address = reverse(name, args=[99] if takes_one else [])
    for role in ("anonymous", Role.ADMINISTRATOR, "staff"):
        for method in ("get", "post"):
            got = meaning_of(getattr(made[role], method)(address))
            # The admin leads an id that does not exist home, and says so.
            assert got in ((LOGIN,) if role != "staff" else (403, 404, IN)), (role, method)
            if role == "staff" and not takes_one:
                assert got == 403
