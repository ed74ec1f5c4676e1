import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cages", "0004_years_of_minutes"),
        ("people", "0001_initial"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="cage", name="cages_cage_of_owner"),
        migrations.AddField(
            model_name="cage",
            name="lab",
            field=models.ForeignKey(
                default=None,
                editable=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="cages",
                to="people.lab",
            ),
            preserve_default=False,
        ),
        migrations.AddIndex(
            model_name="cage",
            index=models.Index(fields=["lab", "archived_at"], name="cages_cage_of_lab"),
        ),
    ]
