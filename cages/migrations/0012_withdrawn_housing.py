"""What was noted of where an animal lives can be withdrawn. It counts nowhere then."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cages", "0011_days_of_housing")]

    operations = [
        migrations.AddField(
            "housing",
            "withdrawn_at",
            models.DateTimeField("Withdrawn", null=True, blank=True),
        ),
        migrations.RemoveConstraint("housing", "cages_housing_one_per_day"),
        migrations.AddConstraint(
            "housing",
            models.UniqueConstraint(
                fields=("animal", "since"),
                condition=models.Q(("withdrawn_at", None)),
                name="cages_housing_one_per_day",
            ),
        ),
    ]
