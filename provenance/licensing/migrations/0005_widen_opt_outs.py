"""Opt-outs by picture, with evidence and an end; claims that wait for review; the works that a picture is near."""

import django.db.models.deletion
from django.db import migrations, models

from provenance.audit_log.changes import changes_need_an_entry


class Migration(migrations.Migration):

    dependencies = [
        ('licensing', '0004_let_terms_travel'),
        ('works', '0004_agree_on_splits'),
    ]

    operations = [
        migrations.CreateModel(
            name='OptOutMatch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('distance', models.PositiveSmallIntegerField()),
            ],
        ),
        migrations.AddField(
            model_name='optout',
            name='digest',
            field=models.CharField(blank=True, max_length=71),
        ),
        migrations.AddField(
            model_name='optout',
            name='ended_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='optout',
            name='evidence',
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name='optout',
            name='state',
            field=models.CharField(choices=[('active', 'Active'), ('awaiting-review', 'Awaiting Review'), ('dismissed', 'Dismissed'), ('withdrawn', 'Withdrawn')], default='active', max_length=16),
        ),
        migrations.AlterField(
            model_name='optout',
            name='subject_kind',
            field=models.CharField(choices=[('style', 'style'), ('work', 'work'), ('party', 'party'), ('picture', 'picture')], max_length=8),
        ),
        migrations.AddIndex(
            model_name='optout',
            index=models.Index(fields=['-recorded_at', 'id'], name='opt_out_newest_first'),
        ),
        migrations.AddIndex(
            model_name='optout',
            index=models.Index(condition=models.Q(('digest', ''), _negated=True), fields=['digest'], name='opt_out_by_digest'),
        ),
        migrations.AddField(
            model_name='optoutmatch',
            name='opt_out',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='matches', to='licensing.optout'),
        ),
        migrations.AddField(
            model_name='optoutmatch',
            name='work',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='works.work'),
        ),
        migrations.AddConstraint(
            model_name='optoutmatch',
            constraint=models.UniqueConstraint(fields=('opt_out', 'work'), name='one_match_an_opt_out_and_work'),
        ),
        *changes_need_an_entry("licensing_optoutmatch"),
    ]
