"""Events are noted by the database, and written once (people.0003_changes, 0008_append_only)."""

from django.db import migrations, models

# Only a purge that was ordered, and noted, deletes events, and only an account that is deleted goes
# from them.
TRIGGERS = """
CREATE FUNCTION cages_is_being_purged(cage bigint) RETURNS boolean LANGUAGE sql STABLE AS $function$
    SELECT EXISTS (SELECT FROM cages_cage WHERE id = cage AND purge_ordered_at IS NOT NULL)
$function$;
DO $do$ BEGIN
    EXECUTE format(
        'ALTER FUNCTION cages_is_being_purged(bigint) SET search_path = pg_catalog, %I, pg_temp',
        current_schema()
    );
END $do$;
CREATE TRIGGER people_note_change AFTER INSERT OR UPDATE OR DELETE ON cages_cageevent FOR EACH ROW
    EXECUTE FUNCTION people_note_change('kind', '', '');
CREATE TRIGGER people_refuse_update BEFORE UPDATE ON cages_cageevent FOR EACH ROW
    WHEN (NEW.person_id IS NOT NULL
          OR to_jsonb(NEW) - 'person_id' IS DISTINCT FROM to_jsonb(OLD) - 'person_id')
    EXECUTE FUNCTION people_refuse_change();
CREATE TRIGGER people_refuse_delete BEFORE DELETE ON cages_cageevent FOR EACH ROW
    WHEN (NOT cages_is_being_purged(OLD.cage_id))
    EXECUTE FUNCTION people_refuse_change();
"""
WITHOUT = """
DROP TRIGGER people_note_change ON cages_cageevent;
DROP TRIGGER people_refuse_update ON cages_cageevent;
DROP TRIGGER people_refuse_delete ON cages_cageevent;
DROP FUNCTION cages_is_being_purged(bigint);
"""


class Migration(migrations.Migration):
    dependencies = [("cages", "0012_withdrawn_housing"), ("people", "0008_append_only")]

    operations = [
        # Their names on the page of changes.
        migrations.AlterField(
            "cageevent",
            "kind",
            models.CharField(
                "act",
                max_length=20,
                choices=[
                    ("moved", "moved"),
                    ("paused", "paused"),
                    ("resumed", "resumed"),
                    ("archived", "archived"),
                    ("restored", "restored"),
                    ("joined", "handed over"),
                ],
            ),
        ),
        migrations.AlterField(
            "cageevent", "before", models.CharField("before", max_length=150, blank=True)
        ),
        migrations.AlterField(
            "cageevent", "after", models.CharField("after", max_length=150, blank=True)
        ),
        migrations.RunSQL(TRIGGERS, WITHOUT),
    ]
