"""An animal lives in a cage within the years that Neurocage knows."""

import datetime

from django.db import migrations, models

FIRST_DAY, LAST_DAY = datetime.date(1970, 1, 1), datetime.date(2999, 12, 31)
# A day before 1970 is a slip, and pages and exports ended with an error at it. Nothing was measured
# then, so a stay that reaches into the known years says the same of them from their first day on.
# One that does not is taken away, and so is the older of two that would begin on that day. The
# trigger of changes keeps what each said.
IN_KNOWN_YEARS = [
    """
    DELETE FROM cages_housing AS housing
    WHERE until <= %(first)s OR since > %(last)s OR since < %(first)s AND EXISTS (
        SELECT FROM cages_housing AS other
        WHERE other.animal_id = housing.animal_id
            AND other.since <= %(first)s AND (other.until IS NULL OR other.until > %(first)s)
            AND (other.since, other.id) > (housing.since, housing.id)
    )
    """,
    "UPDATE cages_housing SET since = %(first)s WHERE since < %(first)s",
    # In the far future nobody can have said when it left.
    "UPDATE cages_housing SET until = NULL WHERE until > %(last)s",
]


def bound(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        for statement in IN_KNOWN_YEARS:
            cursor.execute(statement.strip(), {"first": FIRST_DAY, "last": LAST_DAY})


class Migration(migrations.Migration):
    dependencies = [("cages", "0010_animals_go_along")]

    operations = [
        migrations.RunPython(bound, migrations.RunPython.noop),
        migrations.AddConstraint(
            "housing",
            models.CheckConstraint(
                condition=models.Q(
                    ("since__range", (FIRST_DAY, LAST_DAY)),
                    models.Q(("until", None), ("until__lte", LAST_DAY), _connector="OR"),
                ),
                name="cages_housing_in_known_years",
            ),
        ),
    ]
