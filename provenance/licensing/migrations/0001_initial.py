
import django.db.models.deletion
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('works', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Grant',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('licensee_id', models.UUIDField(db_index=True)),
                ('terms', models.JSONField()),
                ('terms_digest', models.CharField(max_length=71)),
                ('granted_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='GrantEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('revoked', 'revoked')], max_length=12)),
                ('at', models.DateTimeField()),
                ('grant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='events', to='licensing.grant')),
            ],
        ),
        migrations.CreateModel(
            name='Offer',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('subject_kind', models.CharField(choices=[('style', 'style'), ('work', 'work'), ('party', 'party')], max_length=8)),
                ('subject_id', models.UUIDField()),
                ('licence', models.CharField(max_length=80)),
                ('is_open', models.BooleanField()),
                ('terms', models.JSONField()),
                ('terms_digest', models.CharField(max_length=71)),
                ('version', models.PositiveIntegerField(default=1)),
                ('published_at', models.DateTimeField()),
                ('withdrawn_at', models.DateTimeField(null=True)),
                ('party', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='offers', to='works.party')),
            ],
        ),
        migrations.AddField(
            model_name='grant',
            name='offer',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='grants', to='licensing.offer'),
        ),
        migrations.CreateModel(
            name='OptOut',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('subject_kind', models.CharField(choices=[('style', 'style'), ('work', 'work'), ('party', 'party')], max_length=8)),
                ('subject_id', models.UUIDField()),
                ('source', models.CharField(max_length=200)),
                ('recorded_at', models.DateTimeField()),
                ('party', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='opt_outs', to='works.party')),
            ],
        ),
        migrations.AddIndex(
            model_name='offer',
            index=models.Index(fields=['subject_kind', 'subject_id'], name='offer_by_subject'),
        ),
        migrations.AddIndex(
            model_name='optout',
            index=models.Index(fields=['subject_kind', 'subject_id'], name='opt_out_by_subject'),
        ),
    ]
