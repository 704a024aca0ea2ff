"""Everything that can fall, falling for real: no request is lost, and rows, files and entries agree afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from provenance.canonical import sha256_digest
from server.command_line.embedded_database import Cluster
from tests.running import HELD, Colophon, wait_until
from tests.simulators.visitor import Visitor

pytestmark = [pytest.mark.journey]
STARTED, ABANDONED = "RenderingStarted", "RenderingAbandoned"
DELIVERED = ["MarkingStarted", "OutputDelivered", "GenerationDone"]
LAST = {"done": "GenerationDone", "failed": "GenerationFailed", "cancelled": "GenerationCancelled"}


@pytest.fixture(scope="module")
def hurt() -> Iterator[Colophon]:
    """Lend a Colophon of its own whose steps take a tenth of a second and whose disk is small where it can be."""
    folder = Path(tempfile.mkdtemp(prefix="colophon-faults-"))
    folder.chmod(0o711)
    files = folder / "data" / "files"
    files.mkdir(parents=True)
    is_small = os.geteuid() == 0 and not _run("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(files))
    running = Colophon(folder / "data", COLOPHON_NOISE_STEP_MS="100", COLOPHON_PIPELINE=HELD)
    try:
        running.start()
        yield running
    finally:
        running.sweep()
        if is_small:
            _run("umount", str(files))
        shutil.rmtree(folder, ignore_errors=True)


def _run(*command: str) -> int:
    return subprocess.run(command, check=False, capture_output=True).returncode


@pytest.fixture(scope="module")
def visitor(hurt: Colophon) -> Visitor:
    return Visitor(hurt)


@pytest.fixture(autouse=True)
def nothing_is_lost(hurt: Colophon, visitor: Visitor) -> Iterator[None]:
    """After each test: every request has ended, and rows, files and entries say the same."""
    yield
    with asked(hurt) as database:
        wait_until(lambda: not _unfinished(database), what="every request to end" + hurt.logs())
        files = {path.name: path for path in (hurt.home / "files").glob("??/*")}
        for digest in _column(database, "SELECT digest FROM generation_output"):
            assert sha256_digest(files[digest.removeprefix("sha256:")].read_bytes()) == digest
        done_without_images = """
            SELECT id FROM generation_generation AS g WHERE (state = 'done') != (
                (SELECT count(*) FROM generation_output WHERE generation_id = g.id) = cardinality(seeds))
        """
        assert _column(database, done_without_images) == []
        assert _column(database, "SELECT image_digest FROM credentials_credential ORDER BY 1") == _column(
            database, "SELECT digest FROM generation_output ORDER BY 1"
        )
        for number, state in database.execute("SELECT id, state FROM generation_generation").fetchall():
            assert entries(database, number)[-1] == LAST[state]


def _unfinished(database: psycopg.Connection[Any]) -> list[Any]:
    return _column(database, "SELECT id FROM generation_generation WHERE ended_at IS NULL")


def _column(database: psycopg.Connection[Any], query: str) -> list[Any]:
    return [row[0] for row in database.execute(query).fetchall()]


def entries(database: psycopg.Connection[Any], generation: object) -> list[str]:
    """Return the kinds of the entries that tell of a generation, oldest first."""
    query = """
        SELECT entry.kind FROM audit_log_entry AS entry JOIN audit_log_opening AS opening ON opening.entry_id = entry.id
        WHERE opening.details ->> 'generation' = %s ORDER BY entry.at, entry.id
    """
    return [row[0] for row in database.execute(query, [str(generation)]).fetchall()]


@contextlib.contextmanager
def asked(colophon: Colophon) -> Iterator[psycopg.Connection[Any]]:
    """Lend a connection to the database of a running Colophon."""
    with psycopg.connect(Cluster.of(colophon.settings).conninfo(), autocommit=True) as connection:
        yield connection


@contextlib.contextmanager
def locked(colophon: Colophon, table: str) -> Iterator[psycopg.Connection[Any]]:
    """Let nobody write to a table; yield a connection that can say who waits for it."""
    with asked(colophon) as holder, asked(colophon) as watcher:
        holder.execute("BEGIN")
        holder.execute(f"LOCK TABLE {table} IN SHARE MODE")
        yield watcher
        holder.execute("ROLLBACK")


def somebody_waits_for(watcher: psycopg.Connection[Any], table: str) -> bool:
    query = "SELECT 1 FROM pg_locks WHERE relation = %s::regclass AND NOT granted"
    return watcher.execute(query, [table]).fetchone() is not None


def painter(colophon: Colophon) -> psutil.Process:
    """Return the child of the render worker that draws."""
    worker = psutil.Process(colophon.pid("render"))
    return wait_until(lambda: next(iter(worker.children()), None), what="the render worker's child") or worker


# ---- a worker killed at each stage ----------------------------------------------------------------------------


def test_a_request_is_drawn_by_its_own_wake_up(hurt: Colophon, visitor: Visitor) -> None:
    record = visitor.ended(visitor.ask())
    assert record["state"] == "done"
    with asked(hurt) as database:
        assert _column(database, "SELECT woken_at FROM generation_generation") == [None], "only the reaper woke it"


def test_kill_9_of_the_worker_in_the_middle_of_a_job_ends_in_a_finished_picture(
    hurt: Colophon, visitor: Visitor
) -> None:
    with hurt.holding():
        generation = visitor.ask(steps=10)
        visitor.at_step(generation, 3)
        painter(hurt).kill()
    record = visitor.ended(generation)
    assert record["state"] == "done" and len(record["outputs"]) == 1
    with asked(hurt) as database:
        told = entries(database, generation)
    assert told == ["GenerationRequested", STARTED, ABANDONED, STARTED, *DELIVERED]


def test_kill_9_of_the_whole_render_worker_ends_in_a_finished_picture(hurt: Colophon, visitor: Visitor) -> None:
    with hurt.holding():
        generation = visitor.ask(steps=10)
        visitor.at_step(generation, 3)
        child = painter(hurt)
        before = hurt.kill("render")
        child.kill()
    hurt.wait_for_another("render", than=before)
    assert visitor.ended(generation)["state"] == "done"


def test_a_worker_killed_while_it_claims_leaves_the_request_waiting_for_the_next(
    hurt: Colophon, visitor: Visitor
) -> None:
    child = painter(hurt)
    child.suspend()
    generation = visitor.ask()
    with locked(hurt, "audit_log_entry") as watcher:
        child.resume()
        wait_until(lambda: somebody_waits_for(watcher, "audit_log_entry"), what="the claim to reach its entry")
        child.kill()
        child.wait(30)
    assert visitor.ended(generation)["state"] == "done"
    with asked(hurt) as database:
        assert entries(database, generation) == ["GenerationRequested", STARTED, *DELIVERED]


def test_a_worker_killed_between_file_and_row_leaves_no_row_and_the_picture_comes_all_the_same(
    hurt: Colophon, visitor: Visitor
) -> None:
    with locked(hurt, "credentials_credential") as watcher:
        generation = visitor.ask()
        wait_until(lambda: somebody_waits_for(watcher, "credentials_credential"), what="the delivery to write")
        written = len(list((hurt.home / "files").glob("??/*")))
        child = painter(hurt)
        child.kill()
        child.wait(30)
    record = visitor.ended(generation)
    assert record["state"] == "done" and len(record["outputs"]) == 1
    assert len(list((hurt.home / "files").glob("??/*"))) == written + 2, "the first attempt's files are orphans"


def test_a_site_killed_between_row_and_message_has_its_request_drawn(hurt: Colophon, visitor: Visitor) -> None:
    with asked(hurt) as database:
        before = set(_column(database, "SELECT id FROM generation_generation"))
        with locked(hurt, "pgmq.q_render") as watcher:
            asking = _ask_in_the_background(visitor)
            wait_until(lambda: somebody_waits_for(watcher, "pgmq.q_render"), what="the message to be sent")
            new = wait_until(
                lambda: set(_column(database, "SELECT id FROM generation_generation")) - before, what="the row"
            )
            web = hurt.kill("web")
        asking.join(60)
        hurt.wait_for_another("web", than=web)
        wait_until(hurt.answers, what="the site")
        (generation,) = new
    assert visitor.ended(str(generation))["state"] == "done"


def _ask_in_the_background(visitor: Visitor) -> threading.Thread:
    def ask() -> None:
        with contextlib.suppress(OSError):
            visitor.ask()

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    return thread


def test_a_request_that_kills_its_worker_twice_fails_as_such_and_the_next_is_drawn(
    hurt: Colophon, visitor: Visitor
) -> None:
    deadly, harmless = visitor.ask("a cat [[crash at step 3]]"), visitor.ask()
    record = visitor.ended(deadly)
    assert record["state"] == "failed" and record["fault"]["code"] == "worker-lost"
    assert record["fault"]["zh-Hans"] and record["outputs"] == []
    assert visitor.ended(harmless)["state"] == "done"
    with asked(hurt) as database:
        told = entries(database, deadly)
    assert told == ["GenerationRequested", *[STARTED, ABANDONED] * 2, "GenerationFailed"]


# ---- everything else that can fall ----------------------------------------------------------------------------


def test_the_database_killed_under_load_loses_nothing(hurt: Colophon, visitor: Visitor) -> None:
    with hurt.holding():  # else the first may be done before the last is asked for
        wanted = [visitor.ask(steps=8, seeds=[str(number), str(number + 100)]) for number in range(6)]
        visitor.at_step(wanted[0], 2)
    before = hurt.kill("database")
    hurt.wait_for_another("database", than=before)
    wait_until(hurt.answers, what="the site")
    records = [visitor.ended(generation) for generation in wanted]
    assert [(record["state"], record["fault"]) for record in records] == [("done", None)] * 6, hurt.logs()
    assert [len(record["outputs"]) for record in records] == [2] * 6


def test_a_database_away_for_longer_than_a_lease_twice_costs_a_living_worker_nothing(
    hurt: Colophon, visitor: Visitor
) -> None:
    with hurt.holding():
        generation = visitor.ask(steps=10)
        visitor.at_step(generation, 2)
        for _ in range(2):
            with database_away(hurt):
                time.sleep(4)  # a lease lasts three
            wait_until(hurt.answers, what="the site")
    assert visitor.ended(generation)["state"] == "done", hurt.logs()
    with asked(hurt) as database:
        assert entries(database, generation) == ["GenerationRequested", STARTED, *DELIVERED], hurt.logs()
        assert _column(database, f"SELECT lost_workers FROM generation_generation WHERE id = '{generation}'") == [0]


@contextlib.contextmanager
def database_away(colophon: Colophon) -> Iterator[None]:
    """Kill the database, and keep the supervisor from starting it again until the block ends."""
    supervisor = next(each for each in colophon.family() if "supervision" in " ".join(each.cmdline()))
    before = colophon.pid("database")  # asked of the supervisor, while it can answer
    supervisor.suspend()
    try:
        os.kill(before, signal.SIGKILL)
        yield
    finally:
        supervisor.resume()
    colophon.wait_for_another("database", than=before)


def test_a_full_disk_fails_the_request_in_a_sentence_and_the_next_one_is_drawn_once_there_is_room(
    hurt: Colophon, visitor: Visitor
) -> None:
    files = hurt.home / "files"
    if not os.path.ismount(files):
        pytest.skip("only root can mount a small disk")
    ballast = files / "ballast"
    with open(ballast, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    before = {path.name for path in files.glob("??/*")}
    try:
        record = visitor.ended(visitor.ask())
    finally:
        ballast.unlink()
    assert record["state"] == "failed" and record["fault"]["code"] == "storage-full"
    assert record["outputs"] == [] and "空间" in record["fault"]["zh-Hans"]
    assert {path.name for path in files.glob("??/*")} == before
    assert visitor.ended(visitor.ask())["state"] == "done"


def test_a_busy_render_does_not_delay_housekeeping(hurt: Colophon, visitor: Visitor) -> None:
    with hurt.holding(), asked(hurt) as database:
        busy = visitor.ask(steps=10)
        visitor.at_step(busy, 1)
        silent = visitor.ask()
        with database.transaction():
            # Only a change beside an entry is let through; this one stands for a worker's that died since.
            database.execute("SELECT set_config('colophon.entry_in', pg_current_xact_id()::text, true)")
            database.execute(
                "UPDATE generation_generation SET state = 'rendering', attempt = 1, worker = 'gone',"
                " lease_expires = clock_timestamp() - interval '1 second' WHERE id = %s",
                [silent],
            )
        lost = "SELECT lost_workers FROM generation_generation WHERE id = %s"
        wait_until(lambda: database.execute(lost, [silent]).fetchone() == (1,), what="the reaper")
        assert visitor.record(busy)["state"] == "rendering"
        visitor.call(f"/api/v1/generations/{busy}/cancel", {})
        assert visitor.ended(busy)["state"] == "cancelled"
    assert visitor.ended(silent)["state"] == "done"


def test_progress_is_told_in_order_from_waiting_to_done(hurt: Colophon, visitor: Visitor) -> None:
    told = []
    with hurt.holding() as let_go:
        visitor.ask(steps=15)
        for event in visitor.events(visitor.ask(steps=6)):
            told.append(event)
            let_go()
    names = [name for name, _ in told]
    firsts = list(dict.fromkeys(name for name in names if name != "rendering"))
    assert firsts == ["queued", "step", "marking", "done"] and names[-1] == "done"
    steps = [event["step"] for name, event in told if name == "step"]
    assert steps == sorted(steps) and steps[-1] == 6 and len(set(steps)) >= 5
    assert all(event["of"] == 6 for name, event in told if name == "step")


def test_a_worker_told_to_stop_lets_the_next_one_finish_its_request(hurt: Colophon, visitor: Visitor) -> None:
    with hurt.holding():
        generation = visitor.ask(steps=10)
        visitor.at_step(generation, 1)
        before = hurt.kill("render", signal.SIGTERM)
        hurt.wait_for_another("render", than=before)
    assert visitor.ended(generation)["state"] == "done"


def test_what_was_made_through_all_of_this_still_verifies(hurt: Colophon, visitor: Visitor) -> None:
    record = visitor.ended(visitor.ask())
    (output,) = record["outputs"]
    assert sha256_digest(visitor.download(output["links"]["file"])) == output["digest"]
