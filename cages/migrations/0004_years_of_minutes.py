"""Roll-ups by day, response times in bins, compression; and who decided on retention."""

from django.db import migrations, models

from cages import storage


def forwards(apps, schema_editor):
    storage.set_up(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [
        ("cages", "0003_events_and_racks"),
    ]

    operations = [
        migrations.CreateModel(
            name="ReadingDaily",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "cage_id",
                        "bucket",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("bucket", models.DateTimeField()),
                ("known", models.IntegerField()),
                ("bad", models.IntegerField()),
                ("ok", models.IntegerField()),
                ("perfect", models.IntegerField()),
            ],
            options={
                "db_table": "cages_reading_daily",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="SensorRequestDaily",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "cage_id",
                        "bucket",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("bucket", models.DateTimeField()),
                ("planned", models.IntegerField()),
                ("answered", models.IntegerField()),
                ("unavailable", models.IntegerField()),
                ("timeout", models.IntegerField()),
                ("connection_error", models.IntegerField()),
                ("http_error", models.IntegerField()),
                ("malformed", models.IntegerField()),
                ("skipped", models.IntegerField()),
                ("latency_ms_sum", models.BigIntegerField(null=True)),
                ("latency_ms_max", models.IntegerField(null=True)),
                ("latency_to_50", models.IntegerField()),
                ("latency_to_100", models.IntegerField()),
                ("latency_to_200", models.IntegerField()),
                ("latency_to_300", models.IntegerField()),
                ("latency_to_500", models.IntegerField()),
                ("latency_to_750", models.IntegerField()),
                ("latency_to_1000", models.IntegerField()),
                ("latency_to_1250", models.IntegerField()),
                ("latency_to_1500", models.IntegerField()),
                ("latency_to_1750", models.IntegerField()),
                ("latency_to_2000", models.IntegerField()),
                ("latency_to_2250", models.IntegerField()),
                ("latency_to_2500", models.IntegerField()),
                ("latency_to_2750", models.IntegerField()),
                ("latency_to_3000", models.IntegerField()),
                ("latency_to_3500", models.IntegerField()),
                ("latency_to_4000", models.IntegerField()),
                ("latency_to_5000", models.IntegerField()),
                ("latency_to_7500", models.IntegerField()),
                ("latency_to_10000", models.IntegerField()),
                ("latency_above", models.IntegerField()),
            ],
            options={
                "db_table": "cages_sensorrequest_daily",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="RetentionChange",
            fields=[
                (
                    "id",
                    models.AutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("person", models.CharField(max_length=200)),
                (
                    "keep_days",
                    models.PositiveIntegerField(null=True),
                ),
                ("removed_rows", models.BigIntegerField(default=0)),
                ("removed_bytes", models.BigIntegerField(default=0)),
            ],
            options={
                "get_latest_by": "at",
            },
        ),
        # Backwards the roll-ups may stay: 0002 takes them down.
        migrations.RunPython(forwards, migrations.RunPython.noop),
    ]
