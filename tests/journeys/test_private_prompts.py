"""Real workers on a private prompt, at DEBUG, some of it breaking: no log file, queue or other table says a word."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from server.command_line.embedded_database import Cluster
from tests.running import Colophon
from tests.simulators.secrets import NEGATIVE, PROMPT, leaks
from tests.simulators.visitor import Visitor

pytestmark = [pytest.mark.journey]
OWN = "'prompt', 'expanded_prompt', 'negative_prompt'"


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Colophon]:
    """Lend a Colophon that logs all it can, with a pipeline that quotes its prompt in what it raises and logs."""
    running = Colophon(
        tmp_path_factory.mktemp("studio") / "data",
        COLOPHON_PIPELINE="tests.simulators.telling.TellingPipeline", COLOPHON_LOG_LEVEL="DEBUG",
    )  # fmt: skip
    try:
        running.start()
        yield running
    finally:
        running.sweep()


def test_nothing_that_the_processes_write_says_a_word(studio: Colophon) -> None:
    visitor = Visitor(studio)
    undisclosed = {"negative_prompt": NEGATIVE, "disclosure": "private"}
    states = [
        visitor.ended(visitor.ask(PROMPT + ending, **undisclosed))["state"]
        for ending in (", and a thread", ", break", ", break the database")
    ]
    assert states == ["done", "failed", "failed"]
    with pytest.raises(OSError, match="422") as refused:
        visitor.ask(PROMPT, **undisclosed, output_format=PROMPT)
    assert leaks(str(refused.value).encode()) == []
    _no_log_says_a_word(studio.home)
    _no_other_table_says_a_word(studio)


def _no_log_says_a_word(home: Path) -> None:
    logs = {path.name: path.read_bytes() for path in (home / "logs").rglob("*") if path.is_file()}
    everything = b"".join(logs.values())
    assert b"internal fault" in everything and b"(words withheld)" in everything and b'"level": "debug"' in everything
    assert b"a thread ended by an exception" in logs["render.log"]
    assert {name: found for name, data in logs.items() if (found := leaks(data))} == {}


def _no_other_table_says_a_word(studio: Colophon) -> None:
    """Look into every table of every schema, the queues' too, and leave out three columns of the request's own row."""
    found = {}
    with psycopg.connect(Cluster.of(studio.settings).conninfo()) as connection:
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for schema, table in tables:
            rows = connection.execute(
                f"SELECT (to_jsonb(t) - ARRAY[{OWN}])::text FROM \"{schema}\".\"{table}\" AS t"  # type: ignore[arg-type]  # of the catalogue
            ).fetchall()
            if words := leaks("\n".join(row[0] for row in rows).encode()):
                found[f"{schema}.{table}"] = words
    assert any("pgmq" in schema for schema, _ in tables) and found == {}
