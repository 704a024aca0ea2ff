"""The planner keeps no samples of what entries say: an erased opening leaves none behind."""

from django.db import migrations

from provenance.unsampled import unsampled


class Migration(migrations.Migration):
    dependencies = [("audit_log", "0006_every_change_of_state_needs_an_entry")]

    operations = [
        unsampled("audit_log_opening", "salt", "details"),
    ]
