"""Rounds, the looks at cages, and night sheets."""

import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models

# See 0004_changes.
NOTED = {
    "welfare_round": ("by", "person_id,came_of"),
    "welfare_look": ("", "key,person_id,by,noted_at"),
}
TRIGGERS = "\n".join(
    f"CREATE TRIGGER people_note_change AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW "
    f"EXECUTE FUNCTION people_note_change('{naming}', '{silent}', '');"
    for table, (naming, silent) in NOTED.items()
)
WITHOUT_TRIGGERS = "\n".join(f"DROP TRIGGER people_note_change ON {table};" for table in NOTED)


class Migration(migrations.Migration):

    dependencies = [
        ('cages', '0006_animals_time'),
        ('welfare', '0005_sender_too_busy'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Round',
            fields=[
                ('id', models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('by', models.CharField(max_length=150)),
                ('begun_at', models.DateTimeField(verbose_name='begun')),
                ('ended_at', models.DateTimeField(null=True, verbose_name='ended')),
                ('end_noted_at', models.DateTimeField(null=True)),
                ('came_of', models.JSONField(default=dict)),
                ('person', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('room', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rounds', to='cages.room')),
            ],
        ),
        migrations.CreateModel(
            name='Look',
            fields=[
                ('id', models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('at', models.DateTimeField()),
                ('result', models.CharField(choices=[('fine', 'looked fine'), ('concern', 'concern'), ('skipped', 'skipped')], max_length=10, verbose_name='result')),
                ('why', models.CharField(blank=True, max_length=100, verbose_name='why')),
                ('by', models.CharField(max_length=150)),
                ('noted_at', models.DateTimeField()),
                ('withdrawn_at', models.DateTimeField(null=True)),
                ('cage', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='looks', to='cages.cage')),
                ('concern', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='looks', to='welfare.concern')),
                ('person', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('round', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='looks', to='welfare.round')),
            ],
        ),
        migrations.AddIndex(
            model_name='round',
            index=models.Index(fields=['room', '-begun_at'], name='welfare_round_of_room'),
        ),
        migrations.AddConstraint(
            model_name='round',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('room', 'person'), name='welfare_round_one_under_way'),
        ),
        migrations.AddConstraint(
            model_name='round',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('end_noted_at', None), ('ended_at', None)), models.Q(('end_noted_at__isnull', False), ('ended_at__isnull', False)), _connector='OR'), name='welfare_round_end_is_whole'),
        ),
        migrations.AddIndex(
            model_name='look',
            index=models.Index(fields=['at'], name='welfare_look_by_time'),
        ),
        migrations.AddIndex(
            model_name='look',
            index=models.Index(fields=['cage', 'at'], name='welfare_look_of_cage'),
        ),
        migrations.AddIndex(
            model_name='look',
            index=models.Index(condition=models.Q(('concern', None), ('result', 'concern'), ('withdrawn_at', None)), fields=['at'], name='welfare_look_unopened'),
        ),
        migrations.AddConstraint(
            model_name='look',
            constraint=models.CheckConstraint(condition=models.Q(('result', 'skipped'), ('why', ''), _connector='OR'), name='welfare_look_says_why_skipped'),
        ),
        migrations.CreateModel(
            name='NightSheet',
            fields=[
                ('id', models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('begins_at', models.DateTimeField()),
                ('ends_at', models.DateTimeField()),
                ('made_at', models.DateTimeField()),
                ('facts', models.JSONField()),
                ('room', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='night_sheets', to='cages.room')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('room', 'ends_at'), name='welfare_nightsheet_once')],
            },
        ),
        migrations.AddField(
            model_name='notice',
            name='night_sheet',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='notices', to='welfare.nightsheet'),
        ),
        migrations.AddField(
            model_name='wish',
            name='night_by_mail',
            field=models.BooleanField(db_default=False, default=False, verbose_name='night sheets by mail'),
        ),
        migrations.AlterField(
            model_name='notice',
            name='why',
            field=models.CharField(choices=[('raised', 'raised'), ('escalated', 'not acknowledged in time'), ('reminder', 'reminder'), ('recheck', 'recheck not done in time'), ('over', 'over'), ('drill_due', 'a drill is due'), ('night', 'night sheet')], max_length=20),
        ),
        migrations.AlterField(
            model_name='told',
            name='why',
            field=models.CharField(choices=[('raised', 'raised'), ('escalated', 'not acknowledged in time'), ('reminder', 'reminder'), ('recheck', 'recheck not done in time'), ('over', 'over'), ('drill_due', 'a drill is due'), ('night', 'night sheet')], max_length=20),
        ),
        migrations.AddConstraint(
            model_name='notice',
            constraint=models.UniqueConstraint(fields=('recipient', 'night_sheet'), name='welfare_notice_of_night_once'),
        ),
        migrations.RunSQL(TRIGGERS, WITHOUT_TRIGGERS),
    ]
