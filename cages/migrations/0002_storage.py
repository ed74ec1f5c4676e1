"""Hypertables and continuous aggregates where TimescaleDB is there, plain views where it is not."""

from django.db import migrations

from cages import storage


def forwards(apps, schema_editor):
    storage.set_up(schema_editor.connection)


def backwards(apps, schema_editor):
    storage.take_down(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("cages", "0001_initial")]

    operations = [
        migrations.RunPython(forwards, backwards),
    ]
