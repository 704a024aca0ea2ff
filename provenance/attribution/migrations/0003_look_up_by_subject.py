from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('attribution', '0002_know_later_forms'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='keptfingerprint',
            index=models.Index(fields=['kind', 'subject_id', 'stage'], name='fingerprint_by_subject'),
        ),
    ]
