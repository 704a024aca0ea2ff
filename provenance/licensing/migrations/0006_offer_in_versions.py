
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('licensing', '0005_widen_opt_outs'),
        ('works', '0004_agree_on_splits'),
    ]

    operations = [
        migrations.CreateModel(
            name='Notification',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('account_id', models.UUIDField()),
                ('kind', models.CharField(max_length=24)),
                ('subject', models.CharField(max_length=120)),
                ('at', models.DateTimeField()),
                ('read_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name='grant',
            name='is_exclusive',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='grant',
            name='needs_approval',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='grant',
            name='price',
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name='offer',
            name='paused_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='offer',
            name='replaces',
            field=models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='replaced_by', to='licensing.offer'),
        ),
        migrations.AddField(
            model_name='offer',
            name='superseded_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name='grantevent',
            name='kind',
            field=models.CharField(choices=[('approved', 'Approved'), ('declined', 'Declined'), ('revoked', 'Revoked')], max_length=12),
        ),
        migrations.AddIndex(
            model_name='grant',
            index=models.Index(fields=['-granted_at', 'id'], name='grant_newest_first'),
        ),
        migrations.AddIndex(
            model_name='offer',
            index=models.Index(fields=['-published_at', 'id'], name='offer_newest_first'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='grant',
            trigger=pgtrigger.compiler.Trigger(name='refuse_update', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'what was agreed on stays as it is: % refuses %', TG_TABLE_NAME, TG_OP;", hash='bd6ebbb869201ea95cbc61a2a0810127968cd588', operation='UPDATE', pgid='pgtrigger_refuse_update_b87b6', table='licensing_grant', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='grant',
            trigger=pgtrigger.compiler.Trigger(name='refuse_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'what was agreed on stays as it is: % refuses %', TG_TABLE_NAME, TG_OP;", hash='71977cae6b3e0c04ca0eaec476a76e77b20ba8e8', operation='DELETE', pgid='pgtrigger_refuse_delete_53679', table='licensing_grant', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='grantevent',
            trigger=pgtrigger.compiler.Trigger(name='refuse_update', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'what was agreed on stays as it is: % refuses %', TG_TABLE_NAME, TG_OP;", hash='65fa30b9c10e23a437f4aabc9889429231cad2fc', operation='UPDATE', pgid='pgtrigger_refuse_update_b47fe', table='licensing_grantevent', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='grantevent',
            trigger=pgtrigger.compiler.Trigger(name='refuse_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'what was agreed on stays as it is: % refuses %', TG_TABLE_NAME, TG_OP;", hash='64da86c306d521a5a2f46cf0c38d875c7bc5c6a1', operation='DELETE', pgid='pgtrigger_refuse_delete_626d1', table='licensing_grantevent', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='offer',
            trigger=pgtrigger.compiler.Trigger(name='refuse_other_terms', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."is_open" IS DISTINCT FROM (NEW."is_open") OR OLD."licence" IS DISTINCT FROM (NEW."licence") OR OLD."party_id" IS DISTINCT FROM (NEW."party_id") OR OLD."published_at" IS DISTINCT FROM (NEW."published_at") OR OLD."replaces_id" IS DISTINCT FROM (NEW."replaces_id") OR OLD."subject_id" IS DISTINCT FROM (NEW."subject_id") OR OLD."subject_kind" IS DISTINCT FROM (NEW."subject_kind") OR OLD."terms" IS DISTINCT FROM (NEW."terms") OR OLD."terms_digest" IS DISTINCT FROM (NEW."terms_digest") OR OLD."version" IS DISTINCT FROM (NEW."version"))', func="RAISE EXCEPTION 'what was agreed on stays as it is: % refuses %', TG_TABLE_NAME, TG_OP;", hash='96e5db681065a91b3f63968985457254ab03400d', operation='UPDATE', pgid='pgtrigger_refuse_other_terms_d7718', table='licensing_offer', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='grantevent',
            constraint=models.UniqueConstraint(fields=('grant', 'kind'), name='a_grant_has_each_event_once'),
        ),
        migrations.AddField(
            model_name='notification',
            name='grant',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='licensing.grant'),
        ),
        migrations.AddField(
            model_name='notification',
            name='offer',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='licensing.offer'),
        ),
        migrations.AddIndex(
            model_name='notification',
            index=models.Index(fields=['account_id', '-at', 'id'], name='notification_of_account'),
        ),
    ]
