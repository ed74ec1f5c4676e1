"""A mark says whether it was noted for several cages at once."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cages", "0008_study_changes")]

    operations = [
        migrations.AddField(
            "mark",
            "is_of_several",
            models.BooleanField(
                "For several cages at once", default=False, db_default=False, editable=False
            ),
        ),
    ]
