from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('attribution', '0003_look_up_by_subject'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='keptfingerprint',
            index=models.Index(condition=models.Q(('codes', b''), ('erased_at', None), ('quality__gte', 10)), fields=['id'], name='fingerprint_kept_as_too_plain'),
        ),
    ]
