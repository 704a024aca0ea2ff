"""The planner keeps no samples of names, nor of what passwords and tokens are checked by."""

from django.db import migrations

from provenance.unsampled import unsampled


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        unsampled("accounts_account", "name", "password"),
        unsampled("accounts_token", "name", "digest"),
    ]
