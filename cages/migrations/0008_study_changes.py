"""The database notes who makes and changes studies (people.0003_changes)."""

from django.db import migrations, models

# Of the order only that it changed is told, as it can name thousands of cages. What each download
# writes anew, and what goes with the SHA-256 of the first one, is left out.
SILENT = "made_by_id,size,rows,contents,app_version,checked_at,differences"
TRIGGER = f"""
CREATE TRIGGER people_note_change AFTER INSERT OR UPDATE OR DELETE ON cages_study FOR EACH ROW
    EXECUTE FUNCTION people_note_change('title', '{SILENT}', 'order');
"""
WITHOUT_TRIGGER = "DROP TRIGGER people_note_change ON cages_study;"


class Migration(migrations.Migration):
    dependencies = [("cages", "0007_study"), ("people", "0003_changes")]

    operations = [
        # Their names on the page of changes.
        migrations.AlterField("study", "by", models.CharField("Who", max_length=150)),
        migrations.AlterField("study", "made_at", models.DateTimeField("Made")),
        migrations.AlterField("study", "order", models.JSONField("What it shall hold")),
        migrations.AlterField(
            "study", "sha256", models.CharField("SHA-256", max_length=64, blank=True)
        ),
        migrations.RunSQL(TRIGGER, WITHOUT_TRIGGER),
    ]
