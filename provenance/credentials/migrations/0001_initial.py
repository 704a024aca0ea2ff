
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Credential',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('image_digest', models.CharField(max_length=71, unique=True)),
                ('manifest_id', models.CharField(max_length=80, unique=True)),
                ('store_digest', models.CharField(max_length=71)),
                ('verdict', models.JSONField()),
                ('library_version', models.CharField(max_length=80)),
                ('key_id', models.CharField(max_length=71)),
                ('signed_at', models.DateTimeField()),
            ],
        ),
    ]
