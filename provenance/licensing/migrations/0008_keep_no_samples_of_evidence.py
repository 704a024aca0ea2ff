"""The planner keeps no samples of what an opt-out rests on, nor of whom a notification names."""

from django.db import migrations

from provenance.unsampled import unsampled


class Migration(migrations.Migration):
    dependencies = [("licensing", "0007_bind_copies")]

    operations = [
        unsampled("licensing_optout", "source", "evidence"),
        unsampled("licensing_notification", "subject"),
    ]
