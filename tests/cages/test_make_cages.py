"""Many cages at once: where they stand, what they are called, and whose they are."""

import io
import re

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.utils import timezone

from cages.management.commands import make_cages
from cages.models import Cage
from tests.factories import make_cage, make_user

pytestmark = pytest.mark.django_db


def make(*arguments):
    said = io.StringIO()
    call_command("make_cages", *map(str, arguments), stdout=said)
    return said.getvalue()


def labels():
    return list(Cage.objects.order_by("id").values_list("label", flat=True))


# The cages


def test_cages_are_polled_and_stand_in_racks_of_eighty(administrator):
    make(200)
    cages = list(Cage.objects.order_by("id"))
    places = [cage.position for cage in cages]
    bays = ("001 · A-01", "001 · A-06", "001 · B-01", "001 · H-10", "002 · A-01")
    assert [places[n] for n in (0, 5, 10, 79, 80)] == [f"Trial · rack {bay}" for bay in bays]
    assert len(set(places)) == 200
    assert Cage.objects.polled().count() == 200
    cages[-1].full_clean()


def test_labels_sort_as_they_count(administrator):
    make(12)
    assert labels()[0] == "C00001"
    assert labels() == sorted(labels())


def test_a_second_call_goes_on_with_the_next_label_and_a_new_rack(administrator):
    make(3)
    make(2)
    assert labels() == ["C00001", "C00002", "C00003", "C00004", "C00005"]
    racks = Cage.objects.order_by("id").values_list("rack__name", flat=True)
    assert list(racks) == ["001"] * 3 + ["002"] * 2


def test_labels_that_only_look_alike_do_not_count_and_archived_cages_do(administrator, user):
    for label in ("C12b", "Cage 99", "C", "C" + "9" * 40, "C٤٢"):
        make_cage(label, owner=user)
    make(1)
    assert labels()[-1] == "C00001"
    make_cage("C00070", owner=user, archived_at=Cage.objects.last().created_at)
    make(1)
    assert labels()[-1] == "C00071"


def test_more_than_99999_cages_have_longer_labels(administrator, user):
    make_cage("C99998", owner=user)
    make(3)
    assert labels()[1:] == ["C099999", "C100000", "C100001"]


@pytest.mark.parametrize("room", ["trial", " TRIAL "])
def test_a_rack_in_use_is_left_alone_however_its_room_is_written(administrator, user, room):
    make_cage(owner=user, room="Trial", rack="7", row="A", column=1)
    make_cage(owner=user, room="Trial", rack="Top", row="A", column=1)
    make_cage(owner=user, room="Elsewhere", rack="99", row="A", column=1)
    make(1, "--room", room)
    made = Cage.objects.latest("id")
    assert (made.room_name, made.rack_name) == ("Trial", "008")


def test_racks_of_archived_cages_stay_free_for_their_return(administrator):
    make(1)
    Cage.objects.update(archived_at=Cage.objects.get().created_at)
    make(1)
    assert Cage.objects.order_by("id").first().restore(timezone.now())


def test_the_database_gives_the_ids_also_after_one_chosen_by_hand(administrator, user):
    before = make_cage(owner=user)
    make(2)
    after = make_cage(owner=user)
    made = [cage.pk for cage in Cage.objects.filter(label__startswith="C0").order_by("id")]
    assert made == [before.pk + 1, before.pk + 2]
    assert after.pk == before.pk + 3


def test_it_goes_in_batches_and_says_in_one_line_what_was_done(
    administrator, monkeypatch, django_assert_max_num_queries
):
    monkeypatch.setattr(make_cages, "BATCH", 40)
    with django_assert_max_num_queries(17):
        said = make(100, "--room", "R9")
    assert re.fullmatch(
        r"100 cages added for ada: C00001 to C00100, id \d+ to \d+, in room R9, "
        r"rack 001 to 002\.\n",
        said,
    )
    assert Cage.objects.count() == 100


def test_a_failure_half_way_leaves_nothing(administrator, monkeypatch):
    monkeypatch.setattr(make_cages, "BATCH", 10)
    monkeypatch.setattr(make_cages, "COLUMNS", [*range(1, 10), 40_000])
    with pytest.raises(Exception, match="out of range"):
        make(30)
    assert not Cage.objects.exists()


# Their owner


def test_the_named_person_owns_them(user, administrator):
    make(2, "--owner", user.username)
    assert user.cages.count() == 2


def test_without_a_name_the_first_administrator_owns_them(user):
    make_user("gone", is_superuser=True, is_active=False)
    first = make_user("first", is_superuser=True)
    make_user("second", is_superuser=True)
    make(2)
    assert first.cages.count() == 2


def test_without_an_administrator_a_person_without_a_password_owns_them(user):
    make(2)
    make(1)
    owner = get_user_model().objects.get(username="make_cages")
    assert owner.cages.count() == 3
    assert not owner.has_usable_password()
    assert (owner.is_staff, owner.is_superuser) == (False, False)


# Bad input


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["0"], "must be from 1 to 1,000,000, not 0"),
        (["1000001"], "must be from 1 to 1,000,000, not 1,000,001"),
        (["many"], "invalid int value: 'many'"),
        ([], "required: count"),
        (["1", "--owner", "nobody"], "There is no person named 'nobody'"),
        (["1", "--owner", ""], "There is no person named ''"),
        (["1", "--room", "x" * 51], "--room: Ensure this value has at most 50 characters"),
    ],
)
def test_bad_input_is_said_and_nothing_is_made(administrator, arguments, message):
    with pytest.raises(CommandError, match=re.escape(message)):
        make(*arguments)
    assert not Cage.objects.exists()


def test_minus_one_is_refused(administrator):
    with pytest.raises(CommandError, match="not -1"):
        call_command("make_cages", -1)
