"""Animals and study packages for the tests of pages in a browser."""

from datetime import timedelta

from cages.exporting.study.order import Exclusion, StudyOrder
from cages.history.window import Window
from cages.models import Cage, Study
from tests.factories import make_animal

# Words of the greatest length that people type, without a blank at which a line could end.
LONG = "Neuropsychopharmakologische-Langzeitbeobachtung-unter-Dauerdunkel"
ADDRESSES = [
    "/cages/1/animals/",
    "/cages/1/animals/new/",
    "/cages/1/animals/900/",
    "/animals/import/",
    "/studies/",
    "/studies/new/?which=all",
    "/studies/900/",
    "/studies/901/",
    "/studies/902/groups/",
]


def add_studies(person, now):
    """Something on each of ADDRESSES, of the cages 1 and 2."""
    cages = list(Cage.objects.filter(pk__in=(1, 2)))
    since = now.date() - timedelta(days=400)
    told = {"strain": LONG[:40], "genotype": "Per1-/-;Per2-/-", "group": "treated", "sex": "f"}
    make_animal(cages[0], LONG[:40], since, pk=900, born_on=since, protocol="P-1", **told)
    make_animal(cages[0], "M-2", since, until=since + timedelta(days=9), group="control")
    window = Window(now - timedelta(days=9), now)
    reason = Exclusion(Window(now - timedelta(days=2), now - timedelta(days=1)), LONG)
    pairs = [(cage.pk, cage.label, cage.created_at) for cage in cages]
    order = StudyOrder(pairs, window, timedelta(minutes=60), [reason]).to_json()
    told = {"title": f"{LONG}, {LONG}", "by": person.username, "made_at": now, "order": order}
    files = {f"{name}.csv": 64 * "f" for name in ("minutes", "data-dictionary", "schedules")}
    made = Study.objects.create(
        pk=900, sha256=64 * "e", size=12_345_678, rows=25_920, contents={"files": files},
        app_version="1.0.0", checked_at=now, differences=[("file", {"name": f"{LONG}.csv"})],
        **told,
    )  # fmt: skip
    for study in (made, Study.objects.create(pk=901, **told)):
        study.cages.set(cages)


def add_study_of_groups(cages, person, now):
    """A study of two groups, with a cage that is withheld and cages in no group."""
    day = (now - timedelta(days=3)).date()
    for cage in cages[:4]:
        group = "control" if cage.pk % 2 else "treated with a name that is long for a group"
        make_animal(cage, since=day, group=group)
    pairs = [(cage.pk, cage.label, now - timedelta(days=1)) for cage in cages]
    order = StudyOrder(pairs, Window(now - timedelta(minutes=9), now), None, []).to_json()
    study = Study.objects.create(
        pk=902, title="Sleep", by=person.username, made_at=now, order=order
    )
    study.cages.set(cages)
