"""The least-privilege role on a server PostgreSQL: it runs the log, and cannot rewrite it even without triggers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.running import variables
from tests.services import REPOSITORY

pytestmark = pytest.mark.server_postgresql
ROLE = f"colophon_app_{os.getpid()}"
SQL = REPOSITORY / "deploy" / "postgresql" / "least-privilege.sql"
USE = """
import django; django.setup()
from provenance.audit_log import sequencing
from tests.factories.log import entries
from django.db import connection
entries(3)
done = sequencing.sequence()
with connection.cursor() as cursor:
    cursor.execute("SELECT current_user")
    print(cursor.fetchone()[0], done.size)
"""


def run(home: Path, address: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words], cwd=REPOSITORY, text=True, capture_output=True, check=False,
        env={**variables(home, DATABASE_URL=address), "DJANGO_SETTINGS_MODULE": "server.settings"},
    )  # fmt: skip


@pytest.fixture
def restricted(server_postgresql: str, tmp_path: Path) -> Iterator[str]:
    """Lend a migrated database on which the role has what the SQL file gives it; its address as that role."""
    if not shutil.which("psql"):
        pytest.skip("psql is not here: install Debian's postgresql-client")
    done = run(tmp_path / "owner", server_postgresql, "manage.py", "migrate", "--verbosity", "0")
    assert done.returncode == 0, done.stderr
    with psycopg.connect(server_postgresql, autocommit=True) as owner:
        owner.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(ROLE)))
        try:
            command = ["psql", server_postgresql, "-q", "-v", f"role={ROLE}", "-f", str(SQL)]
            given = subprocess.run(command, text=True, capture_output=True, check=False)
            assert given.returncode == 0, given.stderr
            yield server_postgresql.replace("postgres@", f"{ROLE}@")
        finally:
            owner.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(ROLE)))
            owner.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(ROLE)))


def test_the_role_keeps_a_log_and_every_way_of_rewriting_it_is_forbidden(
    restricted: str, server_postgresql: str, tmp_path: Path
) -> None:
    done = run(tmp_path / "app", restricted, "-c", USE)
    assert done.returncode == 0 and done.stdout.split() == [ROLE, "4"], done.stdout + done.stderr
    with psycopg.connect(server_postgresql, autocommit=True) as owner:
        for table in ("entry", "position", "opening", "pending", "checkpoint", "logkey", "cosignature"):
            owner.execute(f"ALTER TABLE audit_log_{table} DISABLE TRIGGER USER")  # the grants must hold alone
    forbidden = [
        "UPDATE audit_log_entry SET kind = 'Other'",
        "DELETE FROM audit_log_entry",
        "TRUNCATE audit_log_entry CASCADE",
        "UPDATE audit_log_position SET index = index + 1",
        "DELETE FROM audit_log_position",
        "UPDATE audit_log_opening SET details = '{}'",
        "TRUNCATE audit_log_opening",
        "UPDATE audit_log_pending SET entry_id = entry_id",
        "UPDATE audit_log_checkpoint SET note = ''",
        "DELETE FROM audit_log_checkpoint",
        "DELETE FROM audit_log_logkey",
        "UPDATE audit_log_cosignature SET line = ''",
        "ALTER TABLE audit_log_entry DISABLE TRIGGER ALL",
        "SET session_replication_role = replica",
        "DROP TABLE audit_log_entry CASCADE",
    ]
    with psycopg.connect(restricted, autocommit=True) as role:
        for statement in forbidden:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                role.execute(statement)
        assert role.execute("SELECT count(*) FROM audit_log_position").fetchone() == (4,)
        assert role.execute("DELETE FROM audit_log_opening WHERE entry_id IN (SELECT entry_id FROM audit_log_position"
                            " WHERE index = 0)").rowcount == 1  # fmt: skip
