"""The database notes who changes what in these tables (people.0003_changes)."""

from django.db import migrations

# {table: (columns that name a row, columns that are left out, columns that are told together)}
NOTED = {
    "cages_cage": ("label", "label_key,label_sort_key,strain_key,updated_at", "row,column"),
    "cages_room": ("name", "key,sort_key", ""),
    "cages_rack": ("name", "key,sort_key", ""),
    "cages_walllink": ("name", "digest,last_used_at", ""),
    "cages_retentionchange": ("", "", ""),
}
TRIGGERS = "\n".join(
    f"CREATE TRIGGER people_note_change AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW "
    f"EXECUTE FUNCTION people_note_change('{naming}', '{silent}', '', '{joined}');"
    for table, (naming, silent, joined) in NOTED.items()
)
WITHOUT_TRIGGERS = "\n".join(f"DROP TRIGGER people_note_change ON {table};" for table in NOTED)


class Migration(migrations.Migration):
    dependencies = [("cages", "0002_backup"), ("people", "0003_changes")]

    operations = [migrations.RunSQL(TRIGGERS, WITHOUT_TRIGGERS)]
