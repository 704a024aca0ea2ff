"""An erasure by the least-privilege role: the planner forgets as well, or the operator hears that it does not."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest
from django.db import connection
from psycopg import conninfo
from structlog.testing import capture_logs

from generation.actions.erasing import NOT_SAMPLED_AGAIN, erase_person
from provenance.actor import COLOPHON
from server.accounts.models import Account
from tests.database.test_log_role import SQL
from tests.database.test_planner_statistics import kept, run, sampled
from tests.factories.records import a_model, a_party, a_request, a_work, an_artist, as_image
from tests.simulators.secrets import leaks

pytestmark = pytest.mark.django_db(transaction=True)
ROLE = f"colophon_eraser_{os.getpid()}"


@pytest.fixture
def role() -> Iterator[str]:
    """Make a role that has what the SQL file gives it in this very database."""
    if not shutil.which("psql"):
        pytest.skip("psql is not here: install Debian's postgresql-client")
    run([f"CREATE ROLE {ROLE}"])
    try:
        made = {**connection.get_connection_params(), "dbname": connection.settings_dict["NAME"]}
        address = conninfo.make_conninfo(
            **{name: made[name] for name in ("dbname", "user", "password", "host", "port") if made.get(name)}
        )
        command = ["psql", address, "-q", "-v", f"role={ROLE}", "-f", str(SQL)]
        given = subprocess.run(command, text=True, capture_output=True, check=False)
        assert given.returncode == 0, given.stderr
        yield ROLE
    finally:
        run(["RESET ROLE", f"DROP OWNED BY {ROLE}", f"DROP ROLE {ROLE}"])


def erased_as(role: str) -> list[str]:
    """Erase a person as a role, and return the warnings that are logged."""
    a_model()
    mara: Account = an_artist()
    work = a_work(mara, a_party(member=mara), title="Kinkajou")
    for number in range(3):
        a_request(mara, seeds=(number,), **as_image(work))
    assert leaks(sampled()) == ["kinkajou"]
    run([f"SET ROLE {role}"])
    with capture_logs() as logged:
        erase_person(actor=COLOPHON, account_id=mara.pk)
    run(["RESET ROLE"])
    return [str(one["event"]) for one in logged if one["log_level"] == "warning"]


def test_an_erasure_by_the_role_has_the_planner_forget_where_postgresql_lets_it_be_granted(role: str) -> None:
    warnings = erased_as(role)
    if connection.cursor().connection.info.server_version >= 170000:
        assert warnings == [] and not leaks(kept())
    else:
        assert warnings == [NOT_SAMPLED_AGAIN] and leaks(kept()) == ["kinkajou"]


def test_where_the_role_may_not_the_operator_is_told_what_to_run_and_it_helps(role: str) -> None:
    if connection.cursor().connection.info.server_version >= 170000:
        run([f"REVOKE MAINTAIN ON generation_generation FROM {role}"])
    assert erased_as(role) == [NOT_SAMPLED_AGAIN] and leaks(kept()) == ["kinkajou"]
    run(['ANALYZE generation_generation ("references", "inputs")'])
    assert not leaks(kept())
