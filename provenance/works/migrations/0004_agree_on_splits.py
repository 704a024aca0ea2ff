"""Who shares in what, who acts for whom and how, styles that wait for a carrier, and works that are flagged."""

import django.db.models.deletion
import uuid
from django.db import migrations, models

from provenance.audit_log.changes import changes_need_an_entry


class Migration(migrations.Migration):

    dependencies = [
        ('works', '0003_let_holdings_be_erased'),
        ('audit_log', '0004_memberships_need_an_entry'),
    ]

    operations = [
        migrations.CreateModel(
            name='Flag',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('against_kind', models.CharField(max_length=8)),
                ('against_id', models.UUIDField()),
                ('distance', models.PositiveSmallIntegerField()),
                ('raised_at', models.DateTimeField()),
                ('decision', models.CharField(blank=True, choices=[('cleared', 'Cleared'), ('rejected', 'Rejected')], max_length=8)),
                ('decided_by', models.UUIDField(null=True)),
                ('decided_at', models.DateTimeField(null=True)),
                ('reason', models.TextField(blank=True)),
            ],
        ),
        migrations.CreateModel(
            name='Share',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('basis_points', models.PositiveIntegerField()),
                ('consented_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='SplitAgreement',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('subject_kind', models.CharField(choices=[('style', 'style'), ('work', 'work')], max_length=8)),
                ('subject_id', models.UUIDField()),
                ('state', models.CharField(choices=[('proposed', 'Proposed'), ('active', 'Active'), ('refused', 'Refused'), ('replaced', 'Replaced')], default='proposed', max_length=12)),
                ('proposed_at', models.DateTimeField()),
                ('active_from', models.DateTimeField(null=True)),
                ('active_until', models.DateTimeField(null=True)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='style',
            name='a_style_has_its_carrier',
        ),
        migrations.AddField(
            model_name='party',
            name='capacity_evidence',
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name='party',
            name='capacity_until',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='party',
            name='guardian',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='wards', to='works.party'),
        ),
        migrations.AddField(
            model_name='party',
            name='is_minor',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='partymember',
            name='is_invited',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='work',
            name='authors',
            field=models.JSONField(default=list),
        ),
        migrations.AlterField(
            model_name='style',
            name='carrier',
            field=models.CharField(choices=[('prompt-token', 'Prompt Token'), ('adapter', 'Adapter'), ('none', 'None')], max_length=16),
        ),
        migrations.AlterField(
            model_name='style',
            name='state',
            field=models.CharField(choices=[('proposed', 'Proposed'), ('untrained', 'Untrained'), ('active', 'Active'), ('withdrawn', 'Withdrawn'), ('left-behind', 'Left Behind')], default='active', max_length=12),
        ),
        migrations.AlterField(
            model_name='work',
            name='state',
            field=models.CharField(choices=[('active', 'Active'), ('withdrawn', 'Withdrawn'), ('disputed', 'Disputed'), ('flagged', 'Flagged'), ('rejected', 'Rejected')], default='active', max_length=12),
        ),
        migrations.AddConstraint(
            model_name='party',
            constraint=models.CheckConstraint(condition=models.Q(('guardian', models.F('id')), _negated=True), name='nobody_is_their_own_guardian'),
        ),
        migrations.AddConstraint(
            model_name='style',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('adapter_digest', ''), ('carrier', 'prompt-token'), ('token__gt', '')), models.Q(('adapter_digest__gt', ''), ('carrier', 'adapter')), models.Q(('adapter_digest', ''), ('carrier', 'none'), ('token', ''), models.Q(('state', 'active'), _negated=True)), _connector='OR'), name='a_style_has_its_carrier'),
        ),
        migrations.AddField(
            model_name='flag',
            name='work',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='flags', to='works.work'),
        ),
        migrations.AddField(
            model_name='share',
            name='party',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='shares', to='works.party'),
        ),
        migrations.AddField(
            model_name='splitagreement',
            name='proposed_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='split_proposals', to='works.party'),
        ),
        migrations.AddField(
            model_name='share',
            name='agreement',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='shares', to='works.splitagreement'),
        ),
        migrations.AddIndex(
            model_name='flag',
            index=models.Index(fields=['-raised_at', 'id'], name='flag_newest_first'),
        ),
        migrations.AddConstraint(
            model_name='flag',
            constraint=models.UniqueConstraint(fields=('work', 'against_kind', 'against_id'), name='one_flag_a_pair'),
        ),
        migrations.AddIndex(
            model_name='splitagreement',
            index=models.Index(fields=['subject_kind', 'subject_id'], name='splits_by_subject'),
        ),
        migrations.AddConstraint(
            model_name='splitagreement',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ['proposed', 'active'])), fields=('subject_kind', 'subject_id', 'state'), name='one_split_in_force_and_one_proposed'),
        ),
        migrations.AddConstraint(
            model_name='share',
            constraint=models.UniqueConstraint(fields=('agreement', 'party'), name='one_share_a_party'),
        ),
        migrations.AddConstraint(
            model_name='share',
            constraint=models.CheckConstraint(condition=models.Q(('basis_points__gte', 1), ('basis_points__lte', 10000)), name='a_share_is_part_of_10000'),
        ),
        *changes_need_an_entry("works_flag", "works_share", "works_splitagreement"),
    ]
