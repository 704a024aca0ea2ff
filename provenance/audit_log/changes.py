"""Changes that the log must hear of: their transaction fails at its commit when it wrote no entry.

``append`` marks its transaction through a trigger on the entries (``colophon.entry_in`` holds the transaction's
id, and a savepoint that is rolled back takes the mark along). A deferred constraint trigger on each table
that matters looks for the mark when the transaction commits.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db.migrations import RunSQL

MARK_TRANSACTIONS = """
CREATE FUNCTION audit_log_mark_transaction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('colophon.entry_in', pg_current_xact_id()::text, true);
    RETURN NULL;
END $$;
CREATE FUNCTION audit_log_require_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('colophon.entry_in', true) IS DISTINCT FROM pg_current_xact_id()::text THEN
        RAISE EXCEPTION 'a change in % has no entry in the audit log: append() one in the same transaction',
            TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER mark_transaction AFTER INSERT ON audit_log_entry
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_mark_transaction();
"""
FORGET_MARKS = """
DROP TRIGGER mark_transaction ON audit_log_entry;
DROP FUNCTION audit_log_mark_transaction();
DROP FUNCTION audit_log_require_entry();
"""
ANY_DIFFERENCE = "OLD.* IS DISTINCT FROM NEW.*"


def changes_need_an_entry(*tables: str, updates_when: str = ANY_DIFFERENCE) -> Sequence[RunSQL]:
    """Return migration operations after which rows of some tables come, change and go only beside an entry.

    ``updates_when`` is an SQL condition on OLD and NEW: which updates count.
    """
    return [RunSQL(_create(table, updates_when), _drop(table)) for table in tables]


def _create(table: str, updates_when: str) -> str:
    return f"""
CREATE CONSTRAINT TRIGGER come_and_go_beside_an_entry AFTER INSERT OR DELETE ON {table}
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit_log_require_entry();
CREATE CONSTRAINT TRIGGER change_beside_an_entry AFTER UPDATE ON {table}
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ({updates_when}) EXECUTE FUNCTION audit_log_require_entry();
"""


def _drop(table: str) -> str:
    return f"""
DROP TRIGGER come_and_go_beside_an_entry ON {table};
DROP TRIGGER change_beside_an_entry ON {table};
"""
