"""The ledger balances by constraint: transactions add up to nothing, lines stand in one account, nothing changes later."""

from django.db import migrations

from provenance.audit_log.changes import changes_need_an_entry

APPEND_ONLY = ("licensing_ledgertransaction", "licensing_royaltyline", "licensing_posting")
BALANCES = """
CREATE FUNCTION licensing_ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: % refuses %; reverse instead', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE FUNCTION licensing_posted_at_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM licensing_ledgertransaction
        WHERE id = NEW.transaction_id AND made_in = pg_current_xact_id()::text::bigint;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'a transaction of the ledger takes no posting after it was made: %', NEW.transaction_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER posted_at_once BEFORE INSERT ON licensing_posting
    FOR EACH ROW EXECUTE FUNCTION licensing_posted_at_once();

CREATE FUNCTION licensing_transaction_balances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM licensing_posting WHERE transaction_id = NEW.id GROUP BY currency HAVING sum(amount) <> 0;
    IF FOUND THEN
        RAISE EXCEPTION 'debits and credits of transaction % differ', NEW.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    PERFORM FROM licensing_posting WHERE transaction_id = NEW.id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'transaction % moves nothing', NEW.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER transaction_balances AFTER INSERT ON licensing_ledgertransaction
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION licensing_transaction_balances();

-- A line stands whole in one account, or was reversed: nothing of it is left, or what was paid is to be paid back.
CREATE FUNCTION licensing_line_stands_whole() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    line licensing_royaltyline;
    stands jsonb;
BEGIN
    IF NEW.line_id IS NULL THEN
        RETURN NULL;
    END IF;
    -- The lock lets the next statement see what another movement of the same line has committed.
    SELECT * INTO line FROM licensing_royaltyline WHERE id = NEW.line_id FOR UPDATE;
    SELECT coalesce(jsonb_object_agg(account, total), '{}') INTO stands FROM (
        SELECT account, sum(amount) AS total FROM licensing_posting WHERE line_id = line.id
        GROUP BY account HAVING sum(amount) <> 0
    ) AS sums;
    IF NEW.holder <> line.party_id OR NEW.currency <> line.currency OR NEW.account = 'owed' OR stands NOT IN (
        '{}',
        jsonb_build_object('accrued', -line.amount), jsonb_build_object('held', -line.amount),
        jsonb_build_object('payable', -line.amount), jsonb_build_object('paid', -line.amount),
        jsonb_build_object('paid', -line.amount, 'repayable', line.amount)
    ) THEN
        RAISE EXCEPTION 'line % of % would stand as %', line.id, line.amount, stands
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER line_stands_whole AFTER INSERT ON licensing_posting
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION licensing_line_stands_whole();

CREATE FUNCTION licensing_line_was_posted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM licensing_posting WHERE line_id = NEW.id AND transaction_id = NEW.transaction_id AND account = 'accrued';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'line % was never posted', NEW.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER line_was_posted AFTER INSERT ON licensing_royaltyline
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION licensing_line_was_posted();

-- What a use was reserved for never changes; only how much of it was settled and released grows.
CREATE FUNCTION licensing_use_only_ends() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (to_jsonb(OLD) - 'settled' - 'released') IS DISTINCT FROM (to_jsonb(NEW) - 'settled' - 'released')
        OR NEW.settled < OLD.settled OR NEW.released < OLD.released THEN
        RAISE EXCEPTION 'of a reserved use only settled and released grow: %', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER use_only_ends BEFORE UPDATE ON licensing_use
    FOR EACH ROW EXECUTE FUNCTION licensing_use_only_ends();
CREATE TRIGGER use_stays BEFORE DELETE ON licensing_use
    FOR EACH ROW EXECUTE FUNCTION licensing_ledger_is_append_only();
""" + "".join(
    f"""
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION licensing_ledger_is_append_only();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION licensing_ledger_is_append_only();
"""
    for table in APPEND_ONLY
)
FORGET = """
DROP TRIGGER posted_at_once ON licensing_posting;
DROP TRIGGER transaction_balances ON licensing_ledgertransaction;
DROP TRIGGER line_stands_whole ON licensing_posting;
DROP TRIGGER line_was_posted ON licensing_royaltyline;
DROP TRIGGER use_only_ends ON licensing_use;
DROP TRIGGER use_stays ON licensing_use;
""" + "".join(
    f"DROP TRIGGER append_only ON {table}; DROP TRIGGER append_only_whole ON {table};\n" for table in APPEND_ONLY
) + """
DROP FUNCTION licensing_posted_at_once();
DROP FUNCTION licensing_transaction_balances();
DROP FUNCTION licensing_line_stands_whole();
DROP FUNCTION licensing_line_was_posted();
DROP FUNCTION licensing_use_only_ends();
DROP FUNCTION licensing_ledger_is_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("licensing", "0002_keep_a_ledger"),
        ("audit_log", "0005_find_openings_by_image"),
    ]

    operations = [
        migrations.RunSQL(BALANCES, FORGET),
        *changes_need_an_entry("licensing_use", *APPEND_ONLY, "licensing_hold"),
    ]
