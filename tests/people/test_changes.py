"""What the database notes of changes: who, when, through what, before and after."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cages.models import Cage, CageState
from cages.polling.tasks import purge_cage
from people.acting import Acting, acting, because, named
from people.models import Change, User
from people.noted import lines_of
from tests.factories import at, make_cage, make_user, record_minute, slot

pytestmark = [pytest.mark.django_db, pytest.mark.storage]


def newest(table="cages_cage"):
    return Change.objects.filter(table=table).newest_first()[0]


def test_an_edit_of_a_page_is_noted_with_person_address_and_page(client_of):
    owner = make_user("ruth")
    cage = make_cage("Old", owner=owner)
    form = {"label": "New", "is_polled": "on", "save": "Save"}
    client_of(owner).post(reverse("cage-edit", args=[cage.pk]), form, REMOTE_ADDR="10.1.2.3")
    change = newest()
    assert (change.verb, change.row, change.words) == ("changed", str(cage.pk), "New")
    assert (change.before, change.after) == ({"label": "Old"}, {"label": "New"})
    assert (change.person_id, change.by, change.address) == (owner.pk, "ruth", "10.1.2.3")
    assert change.through == "POST cage-edit"
    assert len(change.request) == 16


def test_a_move_to_another_bay_is_one_line():
    cage = make_cage("Seven", rack="B", row="B", column=7)
    cage.column = 8
    cage.save_change(at("08:00"))
    (line,) = lines_of([newest()])
    assert line.what == f"Cage {cage.pk} · Seven"
    assert [(d.name, d.before, d.after) for d in line.differences] == [("Bay", "B-07", "B-08")]


def test_a_room_is_told_by_its_name():
    cage = make_cage("Seven", room="North")
    with transaction.atomic():
        Cage.objects.filter(pk=cage.pk).move("South", "", at("08:00"))
    (line,) = lines_of([newest()])
    assert [(d.name, d.before, d.after) for d in line.differences] == [("Room", "North", "South")]


def test_what_changes_nothing_and_what_polling_writes_is_not_noted():
    cage = make_cage()
    before = Change.objects.count()
    cage.save()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        record_minute(cage, slot("07:00"))
    assert CageState.objects.filter(cage=cage).exists()
    assert not any("neurocage.acting" in query["sql"] for query in queries)
    assert Change.objects.count() == before


def test_a_password_and_a_sign_in_are_told_without_their_values(client_of):
    person = make_user("ruth")
    before = Change.objects.count()
    client_of(person)
    assert Change.objects.count() == before
    person.set_password("another long and boring passphrase")
    person.save()
    change = newest("people_user")
    assert (change.before, change.after) == ({"password": "…"}, {"password": "…"})
    assert not Change.objects.filter(after__password__startswith="md5").exists()


def test_no_change_holds_a_digest_or_the_address_of_a_channel(client_of, administrator):
    from people.models import ApiToken
    from welfare.models import Channel

    ApiToken.objects.issue(administrator, "script", at("08:00"))
    ApiToken.objects.all().revoke(at("09:00"))
    assert set(newest("people_apitoken").after) == {"revoked_at"}
    Channel.objects.create(name="Team", address="slack://secret", made_at=at("08:00"))
    assert newest("welfare_channel").after["address"] == "…"
    assert not Change.objects.saying("secret").exists()
    assert not any("digest" in change.after for change in Change.objects.all())


def test_a_change_outlives_the_person_who_made_it(client_of):
    leaver = make_user("leaver", is_superuser=True)
    cage = make_cage("Kept", owner=make_user("owner"))
    with acting(Acting(who=lambda: (leaver.pk, leaver.username))):
        Cage.objects.filter(pk=cage.pk).update(label="Changed")
    number = newest().pk
    User.objects.filter(pk=leaver.pk).delete()
    assert Change.objects.get(pk=number).by == "leaver"
    assert newest("people_user").words == "leaver"


def test_a_reason_and_a_name_are_noted_with_what_was_done_within():
    cage = make_cage()
    with named("Ada of IT"), because("mouse died"):
        Cage.objects.filter(pk=cage.pk).archive(at("08:00"))
    assert (newest().by, newest().reason) == ("Ada of IT", "mouse died")
    Cage.objects.filter(pk=cage.pk).update(archived_at=None)
    assert (newest().by, newest().reason) == ("", "")


def test_a_statement_with_signs_of_percent_and_without_parameters_is_noted():
    cage = make_cage()
    with because("100 % sure"), connection.cursor() as cursor:
        cursor.execute("UPDATE cages_cage SET notes = '50%s'")
        assert cursor.rowcount == 1
        cursor.execute(
            "UPDATE cages_cage SET notes = %(notes)s WHERE id = %(id)s RETURNING notes",
            {"notes": "more", "id": cage.pk},
        )
        assert cursor.fetchall() == [("more",)]
    assert [change.reason for change in Change.objects.newest_first()[:2]] == ["100 % sure"] * 2
    assert newest().before == {"notes": "50%s"}


def test_it_costs_no_query(django_assert_num_queries):
    cage = make_cage()
    with django_assert_num_queries(1), because("counted"):
        Cage.objects.filter(pk=cage.pk).update(label="New")
    assert newest().reason == "counted"


@pytest.mark.parametrize("act", ["update", "delete"])
def test_the_models_own_words_refuse_to_change_what_was_noted(act):
    make_cage()
    with pytest.raises(TypeError):
        getattr(Change.objects.all(), act)()


def test_a_task_and_a_command_are_told_by_their_names(monkeypatch):
    cage = make_cage(archived_at=at("06:00"), purge_ordered_at=at("06:30"))
    monkeypatch.setattr("sys.argv", ["./manage.py", "shell", "-c", "..."])
    Cage.objects.filter(pk=cage.pk).update(label="By a command")
    assert newest().through == "manage.py shell"
    with acting(Acting()):
        purge_cage.apply([cage.pk])
    assert (newest().verb, newest().through) == (
        "deleted",
        "task cages.polling.tasks.purge_cage",
    )
