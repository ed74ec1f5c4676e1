"""What is done in trails is noted by the database, and trails are written once.

See people.0003_changes, people.0008_append_only and cages.0013_event_changes.
"""

from django.db import migrations, models

# Not noted when they are added: there may be hundreds in a minute.
ROUTINE = (
    "'raised', 'over', 'again', 'unacknowledged', 'lapsed', 'told', 'corrected', 'by_eye', 'closed'"
)
FUNCTION = """
CREATE FUNCTION welfare_is_being_purged(concern bigint) RETURNS boolean LANGUAGE sql STABLE
AS $function$
    SELECT EXISTS (
        SELECT FROM welfare_concern AS one JOIN cages_cage AS cage ON cage.id = one.cage_id
        WHERE one.id = concern AND cage.purge_ordered_at IS NOT NULL
    )
$function$;
DO $do$ BEGIN
    EXECUTE format(
        'ALTER FUNCTION welfare_is_being_purged(bigint) SET search_path = pg_catalog, %I, pg_temp',
        current_schema()
    );
END $do$;
"""
TRIGGERS = f"""
CREATE TRIGGER people_note_added AFTER INSERT ON welfare_trailentry FOR EACH ROW
    WHEN (NEW.person_id IS NOT NULL OR NEW.by <> '' OR NEW.finding <> ''
          OR NEW.act NOT IN ({ROUTINE}))
    EXECUTE FUNCTION people_note_change('act', '', '');
CREATE TRIGGER people_note_change AFTER UPDATE OR DELETE ON welfare_trailentry FOR EACH ROW
    EXECUTE FUNCTION people_note_change('act', '', '');
CREATE TRIGGER people_refuse_update BEFORE UPDATE ON welfare_trailentry FOR EACH ROW
    WHEN (NEW.person_id IS NOT NULL
          OR to_jsonb(NEW) - 'person_id' IS DISTINCT FROM to_jsonb(OLD) - 'person_id')
    EXECUTE FUNCTION people_refuse_change();
CREATE TRIGGER people_refuse_delete BEFORE DELETE ON welfare_trailentry FOR EACH ROW
    WHEN (NOT welfare_is_being_purged(OLD.concern_id))
    EXECUTE FUNCTION people_refuse_change();
"""
WITHOUT = """
DROP TRIGGER people_note_added ON welfare_trailentry;
DROP TRIGGER people_note_change ON welfare_trailentry;
DROP TRIGGER people_refuse_update ON welfare_trailentry;
DROP TRIGGER people_refuse_delete ON welfare_trailentry;
DROP FUNCTION welfare_is_being_purged(bigint);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("welfare", "0008_refused_address"),
        ("people", "0008_append_only"),
        ("cages", "0013_event_changes"),
    ]

    operations = [
        # Their names on the page of changes.
        migrations.AlterField(
            model_name="trailentry",
            name="act",
            field=models.CharField(
                choices=[
                    ("raised", "raised"),
                    ("opened", "opened by hand"),
                    ("over", "over"),
                    ("again", "there again"),
                    ("acknowledged", "acknowledged"),
                    ("unacknowledged", "acknowledgement ended"),
                    ("commented", "commented"),
                    ("found", "finding"),
                    ("planned", "recheck planned"),
                    ("rechecked", "rechecked"),
                    ("lapsed", "recheck not done in time"),
                    ("told", "notice sent"),
                    ("corrected", "corrected by results that arrived late"),
                    ("by_eye", "to be checked by eye"),
                    ("closed", "closed"),
                ],
                max_length=20,
                verbose_name="act",
            ),
        ),
        migrations.AlterField(
            model_name="trailentry",
            name="due_at",
            field=models.DateTimeField(null=True, verbose_name="due"),
        ),
        migrations.AlterField(
            model_name="trailentry",
            name="finding",
            field=models.CharField(blank=True, max_length=20, verbose_name="finding"),
        ),
        migrations.AlterField(
            model_name="trailentry",
            name="reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("on_my_way", "I am on my way"),
                    ("looked", "I have looked"),
                    ("handling", "The cage is being handled"),
                    ("known", "Known, and being treated"),
                    ("sensor", "The sensor is being mended"),
                    ("other", "Other"),
                ],
                max_length=20,
                verbose_name="reason",
            ),
        ),
        migrations.AlterField(
            model_name="trailentry",
            name="text",
            field=models.TextField(blank=True, max_length=2000, verbose_name="text"),
        ),
        migrations.RunSQL(FUNCTION + TRIGGERS, WITHOUT),
    ]
