"""The database notes who changes what in these tables (people.0003_changes)."""

from django.db import migrations

# {table: (columns that name a row, columns that are left out, columns told without their values)}
NOTED = {
    "welfare_rule": ("kind", "", ""),
    "welfare_ruleedition": ("", "", ""),
    "welfare_channel": ("name", "", "address"),
    "welfare_dutyshift": ("", "", ""),
    "welfare_noticesettings": ("", "drill_reminded_at", ""),
}
TRIGGERS = "\n".join(
    f"CREATE TRIGGER people_note_change AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW "
    f"EXECUTE FUNCTION people_note_change('{naming}', '{silent}', '{hidden}');"
    for table, (naming, silent, hidden) in NOTED.items()
)
WITHOUT_TRIGGERS = "\n".join(f"DROP TRIGGER people_note_change ON {table};" for table in NOTED)


class Migration(migrations.Migration):
    dependencies = [("welfare", "0003_sensor_fleet"), ("people", "0003_changes")]

    operations = [migrations.RunSQL(TRIGGERS, WITHOUT_TRIGGERS)]
