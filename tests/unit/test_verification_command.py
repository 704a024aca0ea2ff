"""``python -m provenance.verification``: run as an outsider runs it, in a process without Django."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

import pytest

from provenance.credentials.signing import PemKey
from tests.simulators.pictures import PROMPT, picture, signed
from tests.simulators.tampering import stripped, with_other_pixel

REPOSITORY = Path(__file__).resolve().parent.parent.parent
MODULE = [sys.executable, "-m", "provenance.verification"]
NEEDED = ("c2pa", "cryptography", "cffi", "_cffi_backend", "PIL", "pillow.libs", "numpy", "numpy.libs", "rfc8785")
"""What the verifier imports, and all that a bare environment for it holds."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, key: PemKey) -> Path:
    """Return a folder of files to check."""
    made = tmp_path_factory.mktemp("files")
    image = signed(key).data
    files = {
        "good.png": image,
        "changed.png": with_other_pixel(image),
        "bare.png": stripped(image),
        "nonsense.png": b"no picture at all",
        "empty.png": b"",
        "wrong.jpg": image,
        "trust.pem": key.root_pem.encode(),
        "nonsense.pem": b"\xff\xfe nonsense",
    }
    for name, data in files.items():
        (made / name).write_bytes(data)
    (made / "folder.png").mkdir()
    return made


def run(
    *arguments: str | Path,
    data: bytes | None = None,
    command: list[str] = MODULE,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run the command from the repository and return what it said."""
    done = subprocess.run(
        [*command, *map(str, arguments)],
        input=data,
        capture_output=True,
        cwd=REPOSITORY,
        env={**os.environ, **(environment or {})},
        timeout=60,
    )
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return done


@pytest.mark.parametrize(
    ("name", "trust", "code"),
    [
        ("good.png", "trust.pem", 0),
        ("good.png", None, 4),
        ("wrong.jpg", "trust.pem", 0),
        ("changed.png", "trust.pem", 1),
        ("changed.png", None, 1),
        ("bare.png", "trust.pem", 2),
        ("nonsense.png", None, 3),
        ("empty.png", None, 3),
        ("folder.png", None, 3),
        ("missing.png", None, 3),
        ("", None, 3),
        ("good.png", "nonsense.pem", 64),
        ("good.png", "missing.pem", 64),
        ("good.png", "empty.png", 64),
        ("good.png", "folder.png", 64),
    ],
)
def test_the_exit_code_tells_the_outcome(folder: Path, name: str, trust: str | None, code: int) -> None:
    trusted = ["--trust", folder / trust] if trust else []
    done = run(folder / name if name else "", *trusted)
    assert done.returncode == code, done.stdout.decode() + done.stderr.decode()
    assert done.stdout or done.stderr


@pytest.mark.parametrize(("name", "code"), [("bare.png", 2), ("missing.png", 3), ("nonsense.png", 3)])
def test_what_ends_early_is_said_in_chinese_as_well(folder: Path, name: str, code: int) -> None:
    done = run(folder / name, "--lang", "zh-Hans")
    assert done.returncode == code
    assert re.search("[\u4e00-\u9fff]", (done.stdout + done.stderr).decode())


@pytest.mark.parametrize("arguments", [[], ["--no-such"], ["a", "b"], ["a", "--lang", "fr"], ["a\x1b[2J", "--trust"]])
def test_a_wrong_use_is_no_verdict(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 64
    assert b"usage" in done.stderr
    assert b"\x1b" not in done.stderr


def test_a_file_that_may_not_be_read_ends_in_a_sentence(tmp_path: Path) -> None:
    # The superuser may read everything, so a name too long for any folder stands in for it there.
    shut = tmp_path / "shut.png"
    shut.write_bytes(picture())
    shut.chmod(0)
    done = run(shut if os.geteuid() else tmp_path / ("x" * 300 + ".png"))
    assert done.returncode == 3
    assert b"cannot be read" in done.stderr


def test_a_file_of_100_megabytes_is_refused_without_reading_it_all(tmp_path: Path) -> None:
    large = tmp_path / "large.png"
    with open(large, "wb") as file:
        file.write(picture())
        file.truncate(100 * 2**20)
    done = run(large)
    assert done.returncode == 3
    assert b"too large" in done.stdout


def test_an_endless_file_ends_in_a_verdict() -> None:
    assert run("/dev/zero").returncode == 3


def test_a_picture_may_come_through_a_pipe(folder: Path) -> None:
    data = (folder / "good.png").read_bytes()
    for name in ("-", "/dev/stdin"):
        assert run(name, "--trust", folder / "trust.pem", data=data).returncode == 0
    assert run("-", data=b"").returncode == 3


def test_a_named_pipe_that_nobody_writes_to_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert run(tmp_path / "pipe.png").returncode == 3


def test_a_reader_that_has_seen_enough_ends_it_quietly(folder: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "wb") as closed:
        done = subprocess.run(
            [*MODULE, str(folder / "good.png")], stdout=closed, stderr=subprocess.PIPE, cwd=REPOSITORY
        )
    assert (done.returncode, done.stderr) == (141, b"")


def test_the_json_is_the_whole_verdict(folder: Path) -> None:
    told = json.loads(run(folder / "good.png", "--json", "--trust", folder / "trust.pem").stdout)
    assert told["state"] == "trusted"
    assert told["manifest"]["prompt"]["text"] == PROMPT
    assert {"checks", "signer", "records", "library", "trust", "file", "summary", "v"} <= told.keys()


def test_a_person_reads_sentence_statement_and_checks(folder: Path) -> None:
    shown = run(folder / "good.png", "--trust", folder / "trust.pem").stdout.decode()
    for line in ("good.png", "Unchanged since", PROMPT, "Quiet ink", "✓ The signature fits the credentials."):
        assert line in shown
    chinese = run(folder / "good.png", "--lang", "zh-Hans").stdout.decode()
    assert "签名与凭证相符" in chinese


def test_an_output_that_knows_only_ascii_gets_the_verdict_too(folder: Path) -> None:
    plain = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    done = run(folder / "good.png", "--lang", "zh-Hans", environment=plain)
    assert done.returncode == 4
    done.stdout.decode("ascii")


def test_colour_appears_on_a_terminal_only(folder: Path) -> None:
    assert b"\x1b" not in run(folder / "good.png").stdout
    assert b"\x1b[" in on_a_terminal(folder / "good.png", {})
    assert b"\x1b" not in on_a_terminal(folder / "good.png", {"NO_COLOR": "1"})


def on_a_terminal(path: Path, environment: Mapping[str, str]) -> bytes:
    leader, follower = pty.openpty()
    process = subprocess.Popen([*MODULE, str(path)], stdout=follower, cwd=REPOSITORY, env={**os.environ, **environment})
    os.close(follower)
    shown = b""
    try:
        while chunk := os.read(leader, 4096):
            shown += chunk
    except OSError:
        pass  # the terminal closes when the process has ended
    finally:
        os.close(leader)
    process.wait()
    return shown


BLOCKED = """
import runpy, sys
for name in ("django", "celery", "rest_framework", "psycopg", "kombu", "torch"):
    sys.modules[name] = None
sys.argv = ["provenance.verification", *sys.argv[1:]]
runpy.run_module("provenance.verification", run_name="__main__")
"""


def test_the_verifier_runs_where_django_cannot_be_imported(folder: Path) -> None:
    command = [sys.executable, "-c", BLOCKED]
    assert run(folder / "good.png", "--trust", folder / "trust.pem", command=command).returncode == 0
    assert run(folder / "changed.png", command=command).returncode == 1


@pytest.mark.parametrize(
    "module", ["manifest", "definition", "signing", "development_ca", "profile", "reading", "marking"]
)
def test_plain_modules_import_where_django_cannot_be(module: str) -> None:
    code = f"import sys; sys.modules['django'] = None; import provenance.credentials.{module}"
    assert run(command=[sys.executable, "-c", code]).returncode == 0


def test_the_verifier_needs_nothing_beyond_its_own_few_packages(tmp_path: Path, folder: Path) -> None:
    """Lay out an environment with only what an outsider would install, and run there without site-packages."""
    installed = Path(sysconfig.get_path("platlib"))
    for name in NEEDED:
        for found in [installed / name, *installed.glob(f"{name}.*.so")]:
            if found.exists():
                (tmp_path / found.name).symlink_to(found)
    (tmp_path / "provenance").symlink_to(REPOSITORY / "provenance")
    bare = {"PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-S", "-P", "-m", "provenance.verification"]
    probe = [sys.executable, "-S", "-P", "-c", "import django"]
    absent = subprocess.run(probe, env={**os.environ, **bare}, capture_output=True)
    assert b"No module named 'django'" in absent.stderr
    assert run(folder / "good.png", "--trust", folder / "trust.pem", command=command, environment=bare).returncode == 0
    assert run(folder / "changed.png", command=command, environment=bare).returncode == 1
