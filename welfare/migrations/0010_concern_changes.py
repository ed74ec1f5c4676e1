"""What people find is noted by the database (people.0003_changes).

Not in one transaction with 0009_trail_changes: whoever writes into both tables meanwhile would wait
for it, and it for them.
"""

from django.db import migrations, models

# What the judge writes of a condition, and what the trail tells of acknowledgements.
SILENT = (
    "facts,held_since,over_slot,again_at,since,is_since_known,"
    "acknowledged_at,acknowledged_by_id,acknowledged_until,seen_at"
)
TRIGGERS = f"""
CREATE TRIGGER people_note_added AFTER INSERT ON welfare_concern FOR EACH ROW
    WHEN (NEW.finding <> '' OR NEW.ending <> '' OR NEW.closed_at IS NOT NULL)
    EXECUTE FUNCTION people_note_change('kind', '{SILENT}', '');
CREATE TRIGGER people_note_change AFTER UPDATE OR DELETE ON welfare_concern FOR EACH ROW
    EXECUTE FUNCTION people_note_change('kind', '{SILENT}', '');
"""
WITHOUT = """
DROP TRIGGER people_note_added ON welfare_concern;
DROP TRIGGER people_note_change ON welfare_concern;
"""


class Migration(migrations.Migration):
    dependencies = [("welfare", "0009_trail_changes")]

    operations = [
        migrations.AddField("concern", "again_at", models.DateTimeField(null=True)),
        # Their names on the page of changes.
        migrations.AlterField(
            model_name="concern",
            name="closed_at",
            field=models.DateTimeField(null=True, verbose_name="closed"),
        ),
        migrations.AlterField(
            model_name="concern",
            name="ending",
            field=models.CharField(
                blank=True,
                choices=[
                    ("found", "closed with a finding"),
                    ("by_hand", "closed by a person, without a finding"),
                    ("by_itself", "over, closed by itself"),
                    ("withdrawn", "withdrawn: results that arrived late show that it was not so"),
                    ("not_watched", "closed: it is not watched any more"),
                ],
                max_length=20,
                verbose_name="why closed",
            ),
        ),
        migrations.AlterField(
            model_name="concern",
            name="finding",
            field=models.CharField(
                blank=True,
                choices=[
                    ("normal", "Normal"),
                    ("sick", "Sick"),
                    ("dead", "Dead"),
                    ("handling", "Handling"),
                    ("bedding", "Bedding or water"),
                    ("sensor", "Sensor"),
                    ("other", "Other"),
                ],
                max_length=20,
                verbose_name="finding",
            ),
        ),
        migrations.AlterField(
            model_name="concern",
            name="found_at",
            field=models.DateTimeField(null=True, verbose_name="found"),
        ),
        migrations.AlterField(
            model_name="concern",
            name="recheck_at",
            field=models.DateTimeField(null=True, verbose_name="recheck due"),
        ),
        migrations.RunSQL(TRIGGERS, WITHOUT),
    ]
