"""Columns of which the database's planner keeps no samples: it would copy people's words where no erasure reaches."""

from __future__ import annotations

import sys
from typing import Any

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
    NULL; -- told below: a notice of the database would reach nobody who migrates
END $$;
"""
_LEFT = (
    "Samples of {column} stay in pg_statistic: only a superuser may delete them (docs/erasure.md says how). "
    "{column} 的采样仍留在 pg_statistic 中：只有超级用户可以删除（方法见 docs/erasure.md）。"
)
_STAYS = "SELECT attname FROM pg_stats WHERE schemaname = current_schema() AND tablename = %s AND attname = ANY(%s)"


class Unsampled(migrations.RunSQL):
    """A step of a migration that says on stderr of which columns it had to leave samples where they are."""

    def __init__(self, table: str, columns: tuple[str, ...]) -> None:
        forwards = [sql.format(table=table, column=name) for name in columns for sql in (_NO_MORE, _FORGET)]
        super().__init__(forwards, [_AGAIN.format(table=table, column=name) for name in columns])
        self.table, self.columns = table, columns

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Take the step, then look at what the planner still holds."""
        super().database_forwards(app_label, schema_editor, from_state, to_state)
        if schema_editor.collect_sql:
            return
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(_STAYS, [self.table, list(self.columns)])
            for (column,) in cursor.fetchall():
                sys.stderr.write(f"{_LEFT.format(column=f'{self.table}.{column}')}\n")


def unsampled(table: str, *columns: str) -> Unsampled:
    """Return the step of a migration after which no samples of these columns are kept, and those there are gone."""
    return Unsampled(table, columns)
