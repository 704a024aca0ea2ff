"""A record's chain finds the entries of its images' credentials."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit_log", "0004_memberships_need_an_entry")]

    operations = [
        migrations.AddIndex(
            "opening",
            models.Index(
                models.F("details__image"), name="opening_by_image", condition=models.Q(details__has_key="image")
            ),
        ),
    ]
