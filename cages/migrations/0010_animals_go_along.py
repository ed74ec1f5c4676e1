"""Animals of cages that were handed over before belong to the lab of their cage."""

from django.db import migrations

# An animal whose number is taken in that lab stays as it is: nobody can say which of the two the
# number means. So does one with a number that another one brings along. The trigger of changes
# notes each that goes.
GO_ALONG = """
UPDATE cages_animal AS animal SET lab_id = cage.lab_id
FROM cages_housing AS housing JOIN cages_cage AS cage ON cage.id = housing.cage_id
WHERE housing.animal_id = animal.id AND housing.until IS NULL AND animal.lab_id <> cage.lab_id
    AND NOT EXISTS (
        SELECT FROM cages_housing AS other
        WHERE other.animal_id = animal.id AND other.until IS NULL AND other.id <> housing.id
    )
    AND NOT EXISTS (
        SELECT FROM cages_animal AS other
        LEFT JOIN cages_housing AS home ON home.animal_id = other.id AND home.until IS NULL
        LEFT JOIN cages_cage AS place ON place.id = home.cage_id
        WHERE other.id <> animal.id AND other.key = animal.key
            AND cage.lab_id IN (other.lab_id, place.lab_id)
    );
"""


class Migration(migrations.Migration):
    dependencies = [("cages", "0009_marks_of_several_cages")]

    operations = [migrations.RunSQL(GO_ALONG, migrations.RunSQL.noop)]
