
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('generation', '0006_deliver_in_other_forms'),
    ]

    operations = [
        migrations.AddField(
            model_name='generation',
            name='accepted_terms',
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name='generation',
            name='ceiling',
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name='generation',
            name='content_rating',
            field=models.CharField(blank=True, max_length=10),
        ),
    ]
