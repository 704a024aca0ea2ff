import uuid

import django.db.models.deletion
from django.db import migrations, models

from provenance.audit_log.changes import changes_need_an_entry


class Migration(migrations.Migration):

    dependencies = [('generation', '0004_keep_reconciliations')]

    operations = [
        migrations.CreateModel(
            name='Replay',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('asked_by', models.UUIDField()),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed')], max_length=8)),
                ('result', models.CharField(blank=True, max_length=40)),
                ('comparison', models.JSONField(null=True)),
                ('fault', models.JSONField(null=True)),
                ('step', models.PositiveSmallIntegerField(default=0)),
                ('attempt', models.PositiveIntegerField(default=0)),
                ('lost_workers', models.PositiveSmallIntegerField(default=0)),
                ('beat_at', models.DateTimeField(null=True)),
                ('asked_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
                ('generation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='replays', to='generation.generation')),
            ],
            options={
                'indexes': [
                    models.Index(condition=models.Q(('state__in', ['waiting', 'running'])), fields=['asked_at'], name='replay_waiting'),
                    models.Index(fields=['generation', '-asked_at'], name='replay_of_generation'),
                ],
            },
        ),
        *changes_need_an_entry("generation_replay", updates_when="OLD.result IS DISTINCT FROM NEW.result"),
    ]
