"""Columns of which the database's planner keeps no samples: it would copy people's words where no erasure reaches."""

from __future__ import annotations

from django.db import migrations

_NO_MORE = 'ALTER TABLE {table} ALTER COLUMN "{column}" SET STATISTICS 0;'
_AGAIN = 'ALTER TABLE {table} ALTER COLUMN "{column}" SET STATISTICS -1;'
# What is there stays for ever otherwise: ANALYZE passes such columns over. Before PostgreSQL 18 only a superuser may.
_FORGET = """
DO $$ BEGIN
    IF current_setting('server_version_num')::int >= 180000 THEN
        PERFORM pg_clear_attribute_stats(current_schema()::text, '{table}', '{column}', false);
    ELSE
        DELETE FROM pg_statistic WHERE starelid = '{table}'::regclass AND staattnum = (
            SELECT attnum FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attname = '{column}'
        );
    END IF;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE WARNING 'Samples of {table}.{column} stay in pg_statistic: have a superuser delete them (docs/erasure.md).';
END $$;
"""


def unsampled(table: str, *columns: str) -> migrations.RunSQL:
    """Return the step of a migration after which no samples of these columns are kept, and those there are gone."""
    forwards = [sql.format(table=table, column=name) for name in columns for sql in (_NO_MORE, _FORGET)]
    return migrations.RunSQL(forwards, [_AGAIN.format(table=table, column=name) for name in columns])
