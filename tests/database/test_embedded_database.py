"""The embedded PostgreSQL: made once, lent to commands, found again after every kind of death."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import psycopg
import pytest

from server.command_line import embedded_database, errors
from server.command_line.embedded_database import Cluster
from server.environment import Environment
from tests.services import REPOSITORY

ORDINARY = 65534


def environment_of(home: Path) -> Environment:
    return Environment(home=home, database_url=None)


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="colophon-db-"))
    folder.chmod(0o711)
    yield folder / "home"
    embedded_database.stop(Cluster.of(environment_of(folder / "home")))
    shutil.rmtree(folder, ignore_errors=True)


def query(cluster: Cluster, statement: str) -> object:
    with psycopg.connect(cluster.conninfo()) as connection:
        row = connection.execute(statement).fetchone()
    return row[0] if row else None


def command(home: Path, code: str, *, user: int | None = None, python: str = sys.executable) -> subprocess.Popen[str]:
    """Start a Python child that has ``running(environment())`` and Cluster at hand."""
    preamble = (
        "import sys, time, pathlib, psycopg\n"
        "from server.command_line.embedded_database import Cluster, postmaster, running\n"
        "from server.environment import environment\n"
        "cluster = Cluster.of(environment())\n"
    )
    variables = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    packages = os.pathsep.join(path for path in sys.path if path.endswith("-packages"))
    return subprocess.Popen(
        [python, "-c", preamble + code],
        cwd=REPOSITORY, env={**variables, "COLOPHON_HOME": str(home), "PYTHONPATH": packages}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        user=user, group=user, extra_groups=[] if user else None,
    )  # fmt: skip


def python_for_everybody() -> str:
    """Return a Python of this version that an ordinary user may run: root's own may lie in a closed folder."""
    version = "import sys; print(*sys.version_info[:2])"
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        try:
            done = subprocess.run([python, "-c", version], capture_output=True, text=True, user=ORDINARY, cwd="/")
        except OSError:
            continue
        if done.stdout.split() == [str(part) for part in sys.version_info[:2]]:
            return python
    pytest.skip("an ordinary user may run no Python of this version here")


def line_of(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def said(child: subprocess.Popen[str], *, told: str = "") -> str:
    out, err = child.communicate(told, timeout=90)
    assert child.returncode == 0, err
    return out.strip()


LEND = """
with running(environment()):
    with psycopg.connect(cluster.conninfo()) as connection:
        print(connection.execute("SELECT current_setting('server_version_num')::int / 10000").fetchone()[0])
"""


def test_a_command_has_postgresql_18_with_vectors_for_as_long_as_it_lasts(home: Path) -> None:
    cluster = Cluster.of(environment_of(home))
    with embedded_database.running(environment_of(home)):
        assert str(query(cluster, "SHOW server_version")).startswith("18.")
        assert query(cluster, "SELECT name FROM pg_available_extensions WHERE name = 'vector'") == "vector"
        assert query(cluster, "SHOW fsync") == "on"
        assert query(cluster, "SHOW listen_addresses") == ""
    assert embedded_database.postmaster(cluster) is None


def test_what_was_stored_is_there_the_next_time(home: Path) -> None:
    cluster = Cluster.of(environment_of(home))
    with embedded_database.running(environment_of(home)), psycopg.connect(cluster.conninfo()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    with embedded_database.running(environment_of(home)):
        assert query(cluster, "SELECT answer FROM kept") == 42


def test_commands_that_start_together_share_one_database_and_the_last_one_stops_it(home: Path) -> None:
    code = LEND + "    print(postmaster(cluster).pid, flush=True); sys.stdin.readline()\n"
    code += "    psycopg.connect(cluster.conninfo()).close()\n"
    children = [command(home, code) for _ in range(3)]
    answers = [(line_of(child), line_of(child)) for child in children]
    assert {version for version, _ in answers} == {"18"}
    assert len({process for _, process in answers}) == 1
    for child in children:  # each finds the database there until its own end
        said(child, told="\n")
    assert embedded_database.postmaster(Cluster.of(environment_of(home))) is None


def test_a_database_whose_command_was_killed_is_found_and_stopped_by_the_next(home: Path) -> None:
    child = command(home, "with running(environment()):\n    print('up', flush=True); time.sleep(60)")
    assert line_of(child) == "up"
    child.kill()
    child.communicate()
    cluster = Cluster.of(environment_of(home))
    orphan = embedded_database.postmaster(cluster)
    assert orphan is not None
    with embedded_database.running(environment_of(home)):
        assert embedded_database.postmaster(cluster) == orphan
    assert embedded_database.postmaster(cluster) is None


def test_the_database_comes_back_with_its_data_after_kill_9(home: Path) -> None:
    cluster = Cluster.of(environment_of(home))
    with embedded_database.running(environment_of(home)):
        with psycopg.connect(cluster.conninfo()) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        process = embedded_database.postmaster(cluster)
        assert process is not None
        family = [process, *process.children()]
        process.kill()
        psutil.wait_procs(family, timeout=30)
    assert (cluster.folder / "postmaster.pid").exists()
    with embedded_database.running(environment_of(home)):
        assert query(cluster, "SELECT answer FROM kept") == 42


def test_a_pid_file_that_names_another_program_now_does_not_stop_a_start(home: Path) -> None:
    cluster = Cluster.of(environment_of(home))
    with embedded_database.running(environment_of(home)):
        lines = (cluster.folder / "postmaster.pid").read_text().split("\n")
    bystander = subprocess.Popen(["sleep", "60"], user=cluster.user.uid if os.geteuid() == 0 else None)
    try:
        (cluster.folder / "postmaster.pid").write_text("\n".join([str(bystander.pid), *lines[1:]]))
        with embedded_database.running(environment_of(home)):
            assert query(cluster, "SELECT 1") == 1
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_an_interrupted_first_start_leaves_nothing_in_the_way(home: Path) -> None:
    draft = home / "postgres.draft"
    draft.mkdir(parents=True)
    (draft / "PG_VERSION").write_text("18\n")
    with embedded_database.running(environment_of(home)):
        assert query(Cluster.of(environment_of(home)), "SELECT 1") == 1


def test_a_data_folder_with_a_very_long_name_works(home: Path) -> None:
    far = home / ("long-" * 20) / ("name, with 'signs' \"and\" spaces " * 3)
    settings = environment_of(far)
    with embedded_database.running(settings):
        assert query(Cluster.of(settings), "SELECT 1") == 1
    shutil.rmtree(settings.socket_folder)


def test_two_data_folders_run_side_by_side(home: Path) -> None:
    homes = [home / "one", home / "two"]
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda each: said(command(each, LEND)), homes)) == ["18", "18"]


def test_the_foreground_database_stops_fast_when_its_supervisor_dies(home: Path) -> None:
    code = (
        "import subprocess\n"
        "subprocess.Popen([sys.executable, '-m', 'server.command_line.embedded_database'])\n"
        "while postmaster(cluster) is None: time.sleep(0.05)\n"
        "print(postmaster(cluster).pid, flush=True); time.sleep(60)\n"
    )
    child = command(home, code)
    server = psutil.Process(int(line_of(child)))
    child.kill()
    child.communicate()
    if sys.platform == "linux":
        server.wait(30)
    else:
        server.send_signal(signal.SIGINT)
        server.wait(30)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user; ordinary users run every other test")
def test_an_ordinary_user_beside_another_one_of_the_same_machine_needs_no_privilege(home: Path) -> None:
    home.mkdir()
    os.chown(home, ORDINARY, ORDINARY)
    home.chmod(0o700)
    code = LEND + "    print(postmaster(cluster).uids().effective)"
    assert said(command(home, code, user=ORDINARY, python=python_for_everybody())).split() == ["18", str(ORDINARY)]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has folders that its database user cannot enter")
def test_root_can_keep_its_data_below_a_folder_that_is_closed_to_others(home: Path) -> None:
    closed = home / "root"
    closed.mkdir(parents=True)
    closed.chmod(0o700)
    with embedded_database.running(environment_of(closed / "data")):
        process = embedded_database.postmaster(Cluster.of(environment_of(closed / "data")))
        assert process is not None and process.uids().effective != 0
    assert closed.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has folders that its database user cannot enter")
def test_the_programs_too_may_stand_below_a_folder_that_is_closed_to_others(home: Path) -> None:
    installed = embedded_database.programs().parent
    closed = home / "root"
    closed.mkdir(parents=True)
    for folder in (installed, installed.with_name(f"{installed.name}.libs")):
        shutil.copytree(folder, closed / folder.name)
    program = closed / installed.name / embedded_database.programs().name / "bin" / "initdb"
    user = Cluster.of(environment_of(home)).user
    draft = closed / "draft"
    draft.mkdir()
    os.chown(draft, user.uid, user.gid)
    closed.chmod(0o700)
    words = [str(program), "-D", str(draft), "-U", "postgres", "--no-sync", "--no-locale", "--encoding=UTF8"]
    command = user.command(words, reaching=(draft / "x", program))
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_data_folder_that_cannot_be_made_is_refused_in_both_languages(home: Path) -> None:
    home.write_text("a file, not a folder")
    with pytest.raises(errors.HomeUnwritable) as caught, embedded_database.running(environment_of(home)):
        pass
    assert str(home) in caught.value.said("en") and str(home) in caught.value.said("zh-Hans")


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mount"), reason="only root can mount a small disk")
def test_a_full_disk_is_refused_with_a_sentence_and_leaves_no_half_cluster(home: Path) -> None:
    home.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=60m", "tmpfs", home], check=False)
    if mounted.returncode:
        pytest.skip("this machine does not let root mount a small disk")
    try:
        with pytest.raises(errors.DiskFull, match="MiB left"), embedded_database.running(environment_of(home)):
            pass
        assert not (home / "postgres").exists()
    finally:
        subprocess.run(["umount", home], check=True)
