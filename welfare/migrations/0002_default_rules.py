"""The rules that Neurocage comes with: one of each kind, for the whole facility."""

from datetime import datetime, UTC

from django.db import migrations

# Older than any slot, so that every slot has a rule.
SINCE = datetime(2000, 1, 1, tzinfo=UTC)
DEFAULTS = {
    "bad_long": {"window_minutes": 30, "share_percent": 85, "least_known": 18, "over_percent": 50},
    "unseen": {"after_minutes": 12, "by_eye_minutes": 60},
    "sensor_weak": {"hours": 24, "least_requests": 60, "sigmas": 4.5, "usual_days": 7, "times": 2.0},
    "place_silent": {"within_minutes": 3, "least_cages": 3, "rarity": 5},
    "neurocage": {"disk_percent": 90, "backup_hours": 36},
}


def add(apps, schema_editor):
    Rule = apps.get_model("welfare", "Rule")
    RuleEdition = apps.get_model("welfare", "RuleEdition")
    for kind, parameters in DEFAULTS.items():
        rule = Rule.objects.create(kind=kind)
        RuleEdition.objects.create(
            rule=rule, parameters=parameters, proposed_at=SINCE, in_force_since=SINCE
        )


class Migration(migrations.Migration):
    dependencies = [("welfare", "0001_initial")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
