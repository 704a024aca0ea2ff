
import django.contrib.postgres.fields
import django.db.models.deletion
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='ImageModel',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('slug', models.SlugField(max_length=80, unique=True)),
                ('name', models.CharField(max_length=200)),
                ('source', models.CharField(max_length=500)),
                ('revision', models.CharField(blank=True, max_length=80)),
                ('digest', models.CharField(max_length=71)),
                ('weights', models.JSONField()),
                ('licence', models.CharField(max_length=80)),
                ('training', models.CharField(choices=[('known', 'Known'), ('licensed-by-statement', 'Licensed By Statement'), ('undisclosed', 'Undisclosed')], max_length=24)),
                ('training_statement', models.TextField(blank=True)),
                ('pipeline_class', models.CharField(max_length=120)),
                ('tasks', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=20), size=None)),
                ('defaults', models.JSONField()),
                ('sizes', models.JSONField()),
                ('vocabulary', models.JSONField(default=dict)),
                ('is_withdrawn', models.BooleanField(default=False)),
                ('registered_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='Generation',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('owner_id', models.UUIDField()),
                ('owner_name', models.CharField(blank=True, max_length=150)),
                ('state', models.CharField(choices=[('requested', 'Requested'), ('queued', 'Queued'), ('rendering', 'Rendering'), ('marking', 'Marking'), ('done', 'Done'), ('refused', 'Refused'), ('failed', 'Failed'), ('cancelled', 'Cancelled')], max_length=10)),
                ('priority', models.SmallIntegerField(default=0)),
                ('prompt', models.TextField(blank=True)),
                ('expanded_prompt', models.TextField(blank=True)),
                ('negative_prompt', models.TextField(blank=True)),
                ('prompt_salt', models.BinaryField(max_length=32)),
                ('disclosure', models.CharField(choices=[('public', 'Public'), ('committed', 'Committed'), ('private', 'Private')], max_length=9)),
                ('task', models.CharField(max_length=16)),
                ('seeds', django.contrib.postgres.fields.ArrayField(base_field=models.DecimalField(decimal_places=0, max_digits=20), size=None)),
                ('width', models.PositiveIntegerField()),
                ('height', models.PositiveIntegerField()),
                ('steps', models.PositiveSmallIntegerField()),
                ('guidance_scale', models.FloatField()),
                ('scheduler', models.CharField(blank=True, max_length=80)),
                ('strength', models.FloatField(null=True)),
                ('references', models.JSONField(default=list)),
                ('inputs', models.JSONField(default=list)),
                ('purpose', models.CharField(blank=True, max_length=40)),
                ('territory', models.CharField(blank=True, max_length=2)),
                ('recipient', models.CharField(blank=True, max_length=200)),
                ('decision', models.JSONField()),
                ('request_leaf', models.CharField(blank=True, max_length=71)),
                ('fault', models.JSONField(null=True)),
                ('notes', models.JSONField(default=list)),
                ('environment', models.JSONField(null=True)),
                ('settings', models.JSONField(null=True)),
                ('attempt', models.PositiveSmallIntegerField(default=0)),
                ('worker', models.CharField(blank=True, max_length=120)),
                ('lease_expires', models.DateTimeField(null=True)),
                ('lost_workers', models.PositiveSmallIntegerField(default=0)),
                ('woken_at', models.DateTimeField(null=True)),
                ('passed_over', models.PositiveSmallIntegerField(default=0)),
                ('step', models.PositiveSmallIntegerField(default=0)),
                ('cancel_requested', models.BooleanField(default=False)),
                ('release_requested', models.BooleanField(default=False)),
                ('requested_at', models.DateTimeField()),
                ('claimed_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('model', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='generations', to='generation.imagemodel')),
            ],
        ),
        migrations.CreateModel(
            name='Output',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('index', models.PositiveSmallIntegerField()),
                ('use_id', models.UUIDField(default=uuid.uuid4, unique=True)),
                ('digest', models.CharField(max_length=71, unique=True)),
                ('seed', models.DecimalField(decimal_places=0, max_digits=20)),
                ('width', models.PositiveIntegerField()),
                ('height', models.PositiveIntegerField()),
                ('media_type', models.CharField(max_length=40)),
                ('size_bytes', models.PositiveBigIntegerField()),
                ('raw_pixels', models.CharField(max_length=71)),
                ('delivered_pixels', models.CharField(db_index=True, max_length=71)),
                ('manifest_id', models.CharField(max_length=80, unique=True)),
                ('delivered_leaf', models.CharField(blank=True, max_length=71)),
                ('delivered_at', models.DateTimeField()),
                ('generation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='outputs', to='generation.generation')),
            ],
        ),
        migrations.CreateModel(
            name='IdempotencyKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('owner_id', models.UUIDField()),
                ('key', models.CharField(max_length=200)),
                ('body_digest', models.CharField(max_length=71)),
                ('generation', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='generation.generation')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('owner_id', 'key'), name='one_request_a_key_and_owner')],
            },
        ),
        migrations.AddIndex(
            model_name='generation',
            index=models.Index(condition=models.Q(('state', 'queued')), fields=['priority', 'owner_id', 'requested_at'], name='generation_waiting'),
        ),
        migrations.AddIndex(
            model_name='generation',
            index=models.Index(condition=models.Q(('state__in', ['rendering', 'marking'])), fields=['lease_expires'], name='generation_leased'),
        ),
        migrations.AddIndex(
            model_name='generation',
            index=models.Index(fields=['owner_id', '-requested_at', 'id'], name='generation_of_owner'),
        ),
        migrations.AddIndex(
            model_name='generation',
            index=models.Index(fields=['owner_id', '-claimed_at'], name='generation_last_turn'),
        ),
        migrations.AddConstraint(
            model_name='generation',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['requested', 'queued', 'rendering', 'marking', 'done', 'refused', 'failed', 'cancelled'])), name='a_generation_has_a_known_state'),
        ),
        migrations.AddConstraint(
            model_name='generation',
            constraint=models.CheckConstraint(condition=models.Q(('ended_at', None), ('state__in', ['done', 'refused', 'failed', 'cancelled']), _connector='XOR'), name='a_generation_ends_once'),
        ),
        migrations.AddConstraint(
            model_name='output',
            constraint=models.UniqueConstraint(fields=('generation', 'index'), name='one_output_a_seed'),
        ),
    ]
