"""The log hears of every change of a request's state: going over to marking and being handed back, too."""

from django.db import migrations

STATES = "OLD.state IS DISTINCT FROM NEW.state"
RESULTS = (
    f"{STATES} AND NEW.state <> 'marking' AND NOT (OLD.state IN ('rendering', 'marking') AND NEW.state = 'queued')"
)


def _listen(updates_when: str) -> str:
    return f"""
DROP TRIGGER change_beside_an_entry ON generation_generation;
CREATE CONSTRAINT TRIGGER change_beside_an_entry AFTER UPDATE ON generation_generation
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ({updates_when}) EXECUTE FUNCTION audit_log_require_entry();
"""


class Migration(migrations.Migration):
    dependencies = [("audit_log", "0005_find_openings_by_image")]

    operations = [migrations.RunSQL(_listen(STATES), _listen(RESULTS))]
