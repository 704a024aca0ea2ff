"""The log must also hear of which works a style stands on, and of who belongs to a party."""

from django.db import migrations

from provenance.audit_log.changes import changes_need_an_entry


class Migration(migrations.Migration):
    dependencies = [
        ("audit_log", "0003_changes_need_an_entry"),
        ("works", "0002_leave_styles_behind"),
    ]

    operations = [*changes_need_an_entry("works_style_works", "works_partymember")]
