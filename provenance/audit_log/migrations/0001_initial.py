
import django.db.models.deletion
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Entry',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(max_length=64)),
                ('at', models.DateTimeField()),
                ('commitment', models.CharField(max_length=71)),
                ('leaf_hash', models.CharField(max_length=71, unique=True)),
            ],
        ),
        migrations.CreateModel(
            name='Position',
            fields=[
                ('index', models.BigIntegerField(primary_key=True, serialize=False)),
            ],
        ),
        migrations.CreateModel(
            name='Opening',
            fields=[
                ('entry', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='opening', serialize=False, to='audit_log.entry')),
                ('salt', models.BinaryField(max_length=32)),
                ('details', models.JSONField()),
            ],
        ),
        migrations.CreateModel(
            name='Pending',
            fields=[
                ('entry', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, serialize=False, to='audit_log.entry')),
            ],
        ),
        migrations.AddIndex(
            model_name='entry',
            index=models.Index(fields=['-at', 'id'], name='entry_newest_first'),
        ),
        migrations.AddIndex(
            model_name='entry',
            index=models.Index(fields=['kind', '-at'], name='entry_by_kind'),
        ),
        migrations.AddField(
            model_name='position',
            name='entry',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, to='audit_log.entry'),
        ),
        migrations.AddIndex(
            model_name='opening',
            index=models.Index(models.F('details__actor'), name='opening_by_actor'),
        ),
        migrations.AddIndex(
            model_name='opening',
            index=models.Index(models.F('details__generation'), name='opening_by_generation'),
        ),
    ]
