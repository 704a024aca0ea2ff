"""Which changes the log must hear of. The tables of every topic stand here together, so that one look tells."""

from django.db import migrations

from provenance.audit_log.changes import FORGET_MARKS, MARK_TRANSACTIONS, changes_need_an_entry


class Migration(migrations.Migration):
    dependencies = [
        ("audit_log", "0002_keep_entries_as_they_are"),
        ("works", "0001_initial"),
        ("licensing", "0001_initial"),
        ("credentials", "0001_initial"),
        ("generation", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(MARK_TRANSACTIONS, FORGET_MARKS),
        *changes_need_an_entry("works_party", "works_work", "works_style"),
        *changes_need_an_entry("licensing_offer", "licensing_grant", "licensing_grantevent", "licensing_optout"),
        *changes_need_an_entry("credentials_credential", "generation_imagemodel", "generation_output"),
        # Marking is a step of rendering, and a worker that stops hands back what it had begun: neither is a result.
        *changes_need_an_entry(
            "generation_generation",
            updates_when="OLD.state IS DISTINCT FROM NEW.state AND NEW.state <> 'marking' "
            "AND NOT (OLD.state IN ('rendering', 'marking') AND NEW.state = 'queued')",
        ),
        *changes_need_an_entry("audit_log_logkey"),
    ]
