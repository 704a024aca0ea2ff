"""Works, styles and parties can be erased: what names a person goes, digests stay."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("works", "0002_leave_styles_behind")]

    operations = [
        migrations.AddField("party", "erased_at", models.DateTimeField(null=True)),
        migrations.AddField("work", "erased_at", models.DateTimeField(null=True)),
        migrations.AddField("style", "erased_at", models.DateTimeField(null=True)),
    ]
