"""The planner keeps no samples of verdicts, which quote manifests, nor of pictures that wait to be read."""

from django.db import migrations

from provenance.unsampled import unsampled


class Migration(migrations.Migration):
    dependencies = [("credentials", "0007_finish_watermark_readings")]

    operations = [
        unsampled("credentials_credential", "verdict"),
        unsampled("credentials_watermarkreading", "picture", "file_alone"),
    ]
