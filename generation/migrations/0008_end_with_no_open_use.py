"""A request that has ended has nothing reserved: the database refuses its end while a use is open."""

from django.db import migrations

ENDS_SETTLED = """
CREATE FUNCTION generation_ends_with_no_open_use() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM licensing_use AS use JOIN generation_generation AS generation ON generation.id = use.generation
        WHERE use.generation = NEW.id AND use.reserved <> use.settled + use.released
        AND generation.ended_at IS NOT NULL;
    IF FOUND THEN
        RAISE EXCEPTION 'generation % has ended and still has uses reserved: settle or release them', NEW.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION generation_of_use_is_open() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM licensing_use AS use JOIN generation_generation AS generation ON generation.id = use.generation
        WHERE use.id = NEW.id AND use.reserved <> use.settled + use.released AND generation.ended_at IS NOT NULL;
    IF FOUND THEN
        RAISE EXCEPTION 'use % is open and its request has ended', NEW.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ends_with_no_open_use AFTER UPDATE ON generation_generation
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL)
    EXECUTE FUNCTION generation_ends_with_no_open_use();
CREATE CONSTRAINT TRIGGER generation_is_open AFTER INSERT OR UPDATE ON licensing_use
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION generation_of_use_is_open();
"""
FORGET = """
DROP TRIGGER ends_with_no_open_use ON generation_generation;
DROP TRIGGER generation_is_open ON licensing_use;
DROP FUNCTION generation_ends_with_no_open_use();
DROP FUNCTION generation_of_use_is_open();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("generation", "0007_decide_on_declared_facts"),
        ("licensing", "0003_let_the_ledger_balance"),
    ]

    operations = [migrations.RunSQL(ENDS_SETTLED, FORGET)]
