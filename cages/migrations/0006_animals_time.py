"""Light schedules, marks, animals, and where each cage stood since when."""

import datetime
import django.db.models.deletion
import django.db.models.expressions
import people.names
import uuid
from django.conf import settings
from django.db import migrations, models

# The statement that moves a cage says when it did, in updated_at.
STAYS = """
CREATE FUNCTION cages_note_stay() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO cages_stay (cage_id, room_id, rack_id, since)
        VALUES (NEW.id, NEW.room_id, NEW.rack_id, NEW.created_at);
    ELSIF (NEW.room_id, NEW.rack_id) IS DISTINCT FROM (OLD.room_id, OLD.rack_id) THEN
        INSERT INTO cages_stay (cage_id, room_id, rack_id, since)
        VALUES (NEW.id, NEW.room_id, NEW.rack_id, NEW.updated_at);
    END IF;
    RETURN NULL;
END
$function$;
CREATE TRIGGER cages_note_stay AFTER INSERT OR UPDATE OF room_id, rack_id ON cages_cage
    FOR EACH ROW EXECUTE FUNCTION cages_note_stay();
-- Events tell positions in words only, so nobody knows the room from before the last move.
INSERT INTO cages_stay (cage_id, room_id, rack_id, since)
SELECT cage.id, CASE WHEN moved.at IS NULL THEN cage.room_id END,
       CASE WHEN moved.at IS NULL THEN cage.rack_id END, cage.created_at
FROM cages_cage AS cage LEFT JOIN LATERAL (
    SELECT max(at) AS at FROM cages_cageevent WHERE cage_id = cage.id AND kind = 'moved'
) AS moved ON true;
INSERT INTO cages_stay (cage_id, room_id, rack_id, since)
SELECT cage.id, cage.room_id, cage.rack_id, max(event.at)
FROM cages_cage AS cage JOIN cages_cageevent AS event
    ON event.cage_id = cage.id AND event.kind = 'moved'
GROUP BY cage.id;
"""
WITHOUT_STAYS = """
DROP TRIGGER cages_note_stay ON cages_cage;
DROP FUNCTION cages_note_stay();
"""
# See 0003_changes.
NOTED = {
    "cages_lightschedule": ("name", "key,sort_key", ""),
    "cages_lightperiod": ("", "noted_at,noted_by_id", ""),
    "cages_markkind": ("name", "key,sort_key", ""),
    "cages_mark": ("", "key,person_id,by,noted_at", ""),
    "cages_animal": ("number", "key,sort_key", ""),
    "cages_housing": ("", "", ""),
}
TRIGGERS = "\n".join(
    f"CREATE TRIGGER people_note_change AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW "
    f"EXECUTE FUNCTION people_note_change('{naming}', '{silent}', '', '{joined}');"
    for table, (naming, silent, joined) in NOTED.items()
)
WITHOUT_TRIGGERS = "\n".join(f"DROP TRIGGER people_note_change ON {table};" for table in NOTED)
KINDS = {
    "cage_change": "Cage change",
    "food": "Food",
    "water": "Water",
    "handling": "Handling",
    "procedure": "Procedure",
    "weighing": "Weighing",
    "room_works": "Work in the room",
    "sensor_swapped": "Sensor swapped",
}


def make_kinds(apps, schema_editor):
    kinds = apps.get_model("cages", "MarkKind")
    for code, name in KINDS.items():
        kinds.objects.create(code=code, name=name, is_handling=code != "sensor_swapped")


class Migration(migrations.Migration):

    dependencies = [
        ('cages', '0005_event_of_a_lab'),
        ('people', '0004_roles_and_tokens'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='MarkKind',
            fields=[
                ('id', models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(choices=[('cage_change', 'Cage change'), ('food', 'Food'), ('water', 'Water'), ('handling', 'Handling'), ('procedure', 'Procedure'), ('weighing', 'Weighing'), ('room_works', 'Work in the room'), ('sensor_swapped', 'Sensor swapped')], max_length=20, editable=False, null=True, unique=True)),
                ('name', models.CharField(max_length=40, verbose_name='Name')),
                ('key', people.names.KeyField(of='name', unique=True)),
                ('sort_key', people.names.SortField(of='name')),
                ('is_handling', models.BooleanField(default=True, verbose_name='disturbs the animals')),
                ('is_on', models.BooleanField(default=True, verbose_name='can be chosen')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='Animal',
            fields=[
                ('id', models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.CharField(max_length=50, verbose_name='Number')),
                ('key', people.names.KeyField(of='number')),
                ('sort_key', people.names.SortField(of='number')),
                ('sex', models.CharField(blank=True, choices=[('f', 'female'), ('m', 'male'), ('', 'not known')], max_length=1, verbose_name='Sex')),
                ('born_on', models.DateField(blank=True, null=True, verbose_name='Born')),
                ('strain', models.CharField(blank=True, max_length=100, verbose_name='Strain')),
                ('genotype', models.CharField(blank=True, max_length=100, verbose_name='Genotype')),
                ('protocol', models.CharField(blank=True, max_length=50, verbose_name='Protocol')),
                ('group', models.CharField(blank=True, max_length=50, verbose_name='Group')),
                ('lab', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='animals', to='people.lab')),
            ],
            options={
                'ordering': ['sort_key', 'id'],
            },
        ),
        migrations.CreateModel(
            name='Housing',
            fields=[
                ('id', models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('since', models.DateField(verbose_name='since')),
                ('until', models.DateField(blank=True, null=True, verbose_name='until')),
                ('animal', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='housings', to='cages.animal')),
                ('cage', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='housings', to='cages.cage')),
            ],
        ),
        migrations.CreateModel(
            name='LightSchedule',
            fields=[
                ('id', models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=60, verbose_name='Name')),
                ('key', people.names.KeyField(of='name', unique=True)),
                ('sort_key', people.names.SortField(of='name')),
                ('regime', models.CharField(choices=[('cycle', 'light and dark every day'), ('dark', 'constant dark'), ('light', 'constant light')], default='cycle', max_length=10, verbose_name='Light')),
                ('lights_on', models.TimeField(blank=True, null=True, verbose_name='Lights on')),
                ('lights_off', models.TimeField(blank=True, null=True, verbose_name='Lights off')),
                ('utc_offset_minutes', models.SmallIntegerField(blank=True, null=True, verbose_name='Clock')),
            ],
            options={
                'ordering': ['sort_key', 'id'],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('lights_off__isnull', False), ('lights_on__isnull', False), ('regime', 'cycle'), models.Q(('lights_on', models.F('lights_off')), _negated=True)), models.Q(models.Q(('regime', 'cycle'), _negated=True), ('lights_off', None), ('lights_on', None)), _connector='OR'), name='cages_lightschedule_times_of_a_cycle'), models.CheckConstraint(condition=models.Q(('utc_offset_minutes', None), ('utc_offset_minutes__range', (-840, 840)), _connector='OR'), name='cages_lightschedule_offset_of_a_clock')],
            },
        ),
        migrations.CreateModel(
            name='LightPeriod',
            fields=[
                ('id', models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('starts_at', models.DateTimeField(verbose_name='Valid from')),
                ('note', models.CharField(blank=True, max_length=200, verbose_name='Note')),
                ('noted_at', models.DateTimeField()),
                ('cage', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='light_periods', to='cages.cage')),
                ('noted_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('room', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='light_periods', to='cages.room')),
                ('schedule', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='periods', to='cages.lightschedule', verbose_name='Light schedule')),
            ],
        ),
        migrations.CreateModel(
            name='Mark',
            fields=[
                ('id', models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('starts_at', models.DateTimeField(verbose_name='Start')),
                ('ends_at', models.DateTimeField(verbose_name='End')),
                ('note', models.CharField(blank=True, max_length=500, verbose_name='Note')),
                ('by', models.CharField(max_length=150)),
                ('noted_at', models.DateTimeField()),
                ('withdrawn_at', models.DateTimeField(blank=True, null=True)),
                ('cage', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='marks', to='cages.cage')),
                ('person', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('rack', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='marks', to='cages.rack')),
                ('room', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='marks', to='cages.room')),
                ('kind', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='marks', to='cages.markkind', verbose_name='What')),
            ],
        ),
        migrations.CreateModel(
            name='Stay',
            fields=[
                ('id', models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('since', models.DateTimeField()),
                ('cage', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='stays', to='cages.cage')),
                ('rack', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='stays', to='cages.rack')),
                ('room', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='stays', to='cages.room')),
            ],
        ),
        migrations.AddConstraint(
            model_name='animal',
            constraint=models.UniqueConstraint(fields=('lab', 'key'), name='cages_animal_one_per_number'),
        ),
        migrations.AddIndex(
            model_name='housing',
            index=models.Index(fields=['cage', 'since'], name='cages_housing_of_cage'),
        ),
        migrations.AddConstraint(
            model_name='housing',
            constraint=models.CheckConstraint(condition=models.Q(('until', None), ('until__gt', models.F('since')), _connector='OR'), name='cages_housing_ends_after_its_start'),
        ),
        migrations.AddConstraint(
            model_name='housing',
            constraint=models.UniqueConstraint(fields=('animal', 'since'), name='cages_housing_one_per_day'),
        ),
        migrations.AddConstraint(
            model_name='lightperiod',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('cage__isnull', False), ('room', None)), models.Q(('cage', None), ('room__isnull', False)), _connector='OR'), name='cages_lightperiod_of_one_place'),
        ),
        migrations.AddConstraint(
            model_name='lightperiod',
            constraint=models.UniqueConstraint(fields=('room', 'starts_at'), name='cages_lightperiod_of_room'),
        ),
        migrations.AddConstraint(
            model_name='lightperiod',
            constraint=models.UniqueConstraint(fields=('cage', 'starts_at'), name='cages_lightperiod_of_cage'),
        ),
        migrations.AddIndex(
            model_name='mark',
            index=models.Index(fields=['cage', 'starts_at'], name='cages_mark_of_cage'),
        ),
        migrations.AddIndex(
            model_name='mark',
            index=models.Index(fields=['rack', 'starts_at'], name='cages_mark_of_rack'),
        ),
        migrations.AddIndex(
            model_name='mark',
            index=models.Index(fields=['room', 'starts_at'], name='cages_mark_of_room'),
        ),
        migrations.AddIndex(
            model_name='mark',
            index=models.Index(fields=['starts_at'], name='cages_mark_start'),
        ),
        migrations.AddConstraint(
            model_name='mark',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('cage__isnull', False), ('rack', None), ('room', None)), models.Q(('cage', None), ('rack__isnull', False), ('room', None)), models.Q(('cage', None), ('rack', None), ('room__isnull', False)), _connector='OR'), name='cages_mark_at_one_place'),
        ),
        migrations.AddConstraint(
            model_name='mark',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at__gte', models.F('starts_at')), ('ends_at__lte', django.db.models.expressions.CombinedExpression(models.F('starts_at'), '+', models.Value(datetime.timedelta(days=7))))), name='cages_mark_ends_after_its_start'),
        ),
        migrations.AddIndex(
            model_name='stay',
            index=models.Index(fields=['cage', 'since'], name='cages_stay_of_cage'),
        ),
        migrations.RunSQL(STAYS, WITHOUT_STAYS),
        migrations.RunPython(make_kinds, migrations.RunPython.noop),
        migrations.RunSQL(TRIGGERS, WITHOUT_TRIGGERS),
    ]
