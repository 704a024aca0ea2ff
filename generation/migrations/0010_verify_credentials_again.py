import django.db.models.deletion
import uuid
from django.db import migrations, models

from provenance.audit_log.changes import changes_need_an_entry


class Migration(migrations.Migration):

    dependencies = [
        ('generation', '0009_keep_renditions'),
        ('audit_log', '0003_changes_need_an_entry'),
    ]

    operations = [
        migrations.CreateModel(
            name='Reverification',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('asked_by', models.UUIDField(null=True)),
                ('reason', models.CharField(choices=[('asked', 'Asked'), ('library-changed', 'Library'), ('trust-lists-changed', 'Trust')], max_length=20)),
                ('library_version', models.CharField(max_length=80)),
                ('trust_version', models.CharField(blank=True, max_length=71)),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed')], max_length=8)),
                ('done', models.PositiveBigIntegerField(default=0)),
                ('total', models.PositiveBigIntegerField(default=0)),
                ('last', models.CharField(blank=True, max_length=71)),
                ('changed', models.PositiveBigIntegerField(null=True)),
                ('attempt', models.PositiveSmallIntegerField(default=0)),
                ('beat_at', models.DateTimeField(null=True)),
                ('fault', models.JSONField(null=True)),
                ('asked_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['-asked_at', 'id'], name='reverification_newest_first')],
            },
        ),
        migrations.CreateModel(
            name='VerdictChange',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('image_digest', models.CharField(db_index=True, max_length=71)),
                ('manifest_id', models.CharField(max_length=80)),
                ('before', models.JSONField()),
                ('after', models.JSONField()),
                ('why', models.JSONField()),
                ('found_at', models.DateTimeField()),
                ('reverification', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='changes', to='generation.reverification')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('reverification', 'image_digest'), name='one_change_an_image_and_run')],
            },
        ),
        # A run that begins, goes on or fails changed nothing but itself; its asking and its end are entries.
        *changes_need_an_entry("generation_reverification", updates_when="OLD.changed IS DISTINCT FROM NEW.changed"),
        *changes_need_an_entry("generation_verdictchange"),
    ]
