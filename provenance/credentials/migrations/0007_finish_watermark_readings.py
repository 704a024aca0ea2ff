from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('credentials', '0006_read_watermarks_later'),
    ]

    operations = [
        migrations.AddField(
            model_name='watermarkreading',
            name='file_alone',
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name='watermarkreading',
            name='tries',
            field=models.PositiveSmallIntegerField(default=0),
        ),
    ]
