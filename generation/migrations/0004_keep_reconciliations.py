import uuid

import django.db.models.deletion
from django.db import migrations, models

from provenance.audit_log.changes import changes_need_an_entry


class Migration(migrations.Migration):

    dependencies = [
        ('generation', '0003_let_records_be_erased_and_searched'),
        ('audit_log', '0003_changes_need_an_entry'),
    ]

    operations = [
        migrations.CreateModel(
            name='Reconciliation',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('asked_by', models.UUIDField(null=True)),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed')], max_length=8)),
                ('stage', models.CharField(blank=True, max_length=20)),
                ('done', models.PositiveBigIntegerField(default=0)),
                ('total', models.PositiveBigIntegerField(default=0)),
                ('counts', models.JSONField(default=dict)),
                ('attempt', models.PositiveSmallIntegerField(default=0)),
                ('beat_at', models.DateTimeField(null=True)),
                ('differences', models.PositiveBigIntegerField(null=True)),
                ('report_digest', models.CharField(blank=True, max_length=71)),
                ('note', models.TextField(blank=True)),
                ('fault', models.JSONField(null=True)),
                ('asked_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['-asked_at', 'id'], name='reconciliation_newest_first')],
            },
        ),
        migrations.CreateModel(
            name='ReconciliationDifference',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=40)),
                ('table', models.CharField(max_length=80)),
                ('row', models.CharField(max_length=300)),
                ('field', models.CharField(blank=True, max_length=80)),
                ('recorded', models.CharField(blank=True, max_length=300)),
                ('found', models.CharField(blank=True, max_length=300)),
                ('entry', models.CharField(blank=True, max_length=36)),
                ('reconciliation', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='found', to='generation.reconciliation')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('reconciliation', 'table', 'row', 'field'), name='one_difference_a_field')],
            },
        ),
        # A run that begins or fails changed nothing but itself; its asking and its signed end are entries.
        *changes_need_an_entry(
            "generation_reconciliation",
            updates_when="OLD.note IS DISTINCT FROM NEW.note OR OLD.report_digest IS DISTINCT FROM NEW.report_digest",
        ),
    ]
