from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('attribution', '0004_find_what_was_too_plain'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='keptfingerprint',
            index=models.Index(condition=models.Q(('kind', 'opt-out')), fields=['digest'], name='fingerprint_of_opted_out_file'),
        ),
    ]
