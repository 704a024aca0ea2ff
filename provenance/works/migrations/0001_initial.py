
import django.db.models.deletion
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Party',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=200)),
                ('kind', models.CharField(choices=[('person', 'Person'), ('organisation', 'Organisation')], max_length=16)),
                ('capacity', models.CharField(choices=[('self', 'Self'), ('assignee', 'Assignee'), ('agent', 'Agent'), ('guardian', 'Guardian'), ('estate', 'Estate'), ('collective', 'Collective')], default='self', max_length=16)),
                ('claim', models.CharField(choices=[('self-declared', 'Self Declared'), ('evidence-reviewed', 'Evidence Reviewed'), ('identity-verified', 'Identity Verified')], default='self-declared', max_length=20)),
                ('origin', models.CharField(choices=[('joined', 'Joined'), ('public-licence', 'Public Licence')], default='joined', max_length=20)),
                ('url', models.URLField(blank=True)),
                ('recorded_at', models.DateTimeField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('origin', 'public-licence')), fields=('name',), name='one_public_licence_party_a_name')],
            },
        ),
        migrations.CreateModel(
            name='Work',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('title', models.CharField(max_length=300)),
                ('title_zh', models.CharField(blank=True, max_length=300)),
                ('author_credit', models.CharField(blank=True, max_length=200)),
                ('digest', models.CharField(max_length=71)),
                ('pixel_digest', models.CharField(blank=True, db_index=True, max_length=71)),
                ('preview_digest', models.CharField(blank=True, max_length=71)),
                ('media_type', models.CharField(max_length=40)),
                ('width', models.PositiveIntegerField(null=True)),
                ('height', models.PositiveIntegerField(null=True)),
                ('licence', models.CharField(blank=True, max_length=80)),
                ('rights_evidence', models.TextField(blank=True)),
                ('source_url', models.URLField(blank=True, max_length=500)),
                ('state', models.CharField(choices=[('active', 'Active'), ('withdrawn', 'Withdrawn'), ('disputed', 'Disputed')], default='active', max_length=12)),
                ('registered_at', models.DateTimeField()),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='works', to='works.party')),
            ],
        ),
        migrations.CreateModel(
            name='Style',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('slug', models.SlugField(max_length=80, unique=True)),
                ('name', models.CharField(max_length=120)),
                ('name_zh', models.CharField(blank=True, max_length=120)),
                ('carrier', models.CharField(choices=[('prompt-token', 'Prompt Token'), ('adapter', 'Adapter')], max_length=16)),
                ('model_digest', models.CharField(max_length=71)),
                ('token', models.CharField(blank=True, max_length=80)),
                ('adapter_digest', models.CharField(blank=True, max_length=71)),
                ('state', models.CharField(choices=[('active', 'Active'), ('withdrawn', 'Withdrawn')], default='active', max_length=12)),
                ('registered_at', models.DateTimeField()),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='styles', to='works.party')),
                ('works', models.ManyToManyField(related_name='styles', to='works.work')),
            ],
        ),
        migrations.CreateModel(
            name='PartyMember',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('account_id', models.UUIDField(db_index=True)),
                ('party', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='members', to='works.party')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('party', 'account_id'), name='one_membership_a_party')],
            },
        ),
        migrations.AddIndex(
            model_name='work',
            index=models.Index(fields=['digest'], name='work_by_digest'),
        ),
        migrations.AddIndex(
            model_name='work',
            index=models.Index(fields=['-registered_at', 'id'], name='work_newest_first'),
        ),
        migrations.AddConstraint(
            model_name='work',
            constraint=models.UniqueConstraint(fields=('owner', 'digest'), name='one_work_a_file_and_owner'),
        ),
        migrations.AddConstraint(
            model_name='style',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('adapter_digest', ''), ('carrier', 'prompt-token'), ('token__gt', '')), models.Q(('adapter_digest__gt', ''), ('carrier', 'adapter')), _connector='OR'), name='a_style_has_its_carrier'),
        ),
    ]
