"""The checker as a command: what it says, how it ends, and what a server may send it."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from provenance.audit_log import check
from provenance.audit_log.note import with_signatures
from tests.services import REPOSITORY
from tests.simulators.changed_logs import SIX_HUNDRED, WHOLE, a_copy, flip, proof_of
from tests.simulators.logs import SimulatedLog, a_leaf, a_log, a_signer, a_witness, an_opening, jsonl


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    try:
        code = check.main([str(each) for each in arguments])
    except SystemExit as ended:
        code = int(ended.code or 0)
    captured = capsys.readouterr()
    return code, captured.out + captured.err


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a whole log."""
    return a_copy(SIX_HUNDRED).write(tmp_path / "log")


def test_the_command_says_who_holds_the_log(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vkey, witness = a_signer().vkey, a_witness()
    code, text = run(capsys, folder, "--key", vkey)
    assert code == 0 and "600 entries" in text and "log held by the operator alone" in text
    code, text = run(capsys, folder, "--key", vkey, "--lang", "zh-Hans")
    assert code == 0 and "600 条" in text and "日志仅由运营者保管" in text
    note = (folder / "checkpoint").read_text()
    cosigned = with_signatures(
        note, [witness.cosign(note.rpartition("\n\n")[0] + "\n", at=datetime(2026, 11, 23, tzinfo=UTC))]
    )
    (folder / "checkpoint").write_text(cosigned)
    assert "log held by the operator alone" in run(capsys, folder, "--key", vkey)[1]
    code, text = run(capsys, folder, "--key", vkey, "--witness", witness.vkey)
    assert code == 0 and "cosigned by witness.example/one" in text and "alone" not in text


def test_the_command_holds_everything_that_it_is_given_against_the_log(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given_files: Mapping[str, bytes] = {
        "old": SIX_HUNDRED.checkpoint(300).encode(),
        "proof": proof_of(SIX_HUNDRED, 9, 600),
        "leaf": a_leaf(9),
        "openings": jsonl(map(an_opening, range(600))),
    }
    for name, data in given_files.items():
        (tmp_path / name).write_bytes(data)
    told = ("--since", tmp_path / "old", "--proof", tmp_path / "proof", "--leaf", tmp_path / "leaf")
    told += ("--openings", tmp_path / "openings", "--key", a_signer().vkey, "--json")
    code, text = run(capsys, folder, *told)
    assert code == 0 and json.loads(text) == {
        "findings": [], "key": "colophon.example/log", "entries": 600, "root": SIX_HUNDRED.root().hex(),
        "witnesses": [], "openings": 600,
    }  # fmt: skip
    (tmp_path / "leaf").write_bytes(a_leaf(8))
    (folder / "tile/0/001").write_bytes(b"")
    code, text = run(capsys, folder, *told)
    assert code == 1
    assert [(each["code"], each["path"]) for each in json.loads(text)["findings"]] == [
        ("proof-fails", str(tmp_path / "proof")),
        ("tile-damaged", "tile/0/001"),
    ]
    assert json.loads(text)["findings"][1]["en"] == "tile/0/001 has 0 bytes and should have 8192."


def test_exit_codes_tell_wrong_from_unread_and_unread_from_misused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vkey = a_signer().vkey
    assert run(capsys, tmp_path / "nowhere", "--key", vkey)[0] == 2
    assert run(capsys, folder, "--key", a_signer("other").vkey)[0] == 2
    assert run(capsys, a_log(0).write(tmp_path / "empty"), "--key", vkey)[0] == 2
    for wrong in ((), ("--key", "nonsense"), ("--key", vkey, "--proof", "x"), ("--key", vkey, "--since", "nowhere")):
        assert run(capsys, folder, *wrong)[0] == 64
    assert run(capsys, "ftp://localhost/log", "--key", vkey)[0] == 64
    (folder / "tile/0/001").unlink()
    assert run(capsys, folder, "--key", vkey)[0] == 1


def test_a_pipe_in_place_of_a_file_is_no_wait(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import os

    (folder / "tile/0/001").unlink()
    os.mkfifo(folder / "tile/0/001")
    code, text = run(capsys, folder, "--key", a_signer().vkey)
    assert code == 1 and "tile/0/001 is missing" in text


def test_the_checker_needs_neither_django_nor_a_package_but_cryptography(folder: Path) -> None:
    program = (
        "import sys; from provenance.audit_log import check; code = check.main(sys.argv[1:]);"
        "print(sorted({name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder), "--key", a_signer().vkey],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    )  # fmt: skip
    loaded = json.loads(done.stdout.splitlines()[-1].replace("'", '"'))
    assert "cryptography" in loaded and "provenance" in loaded
    assert not {"django", "rest_framework", "rfc8785", "numpy", "PIL", "c2pa", "psycopg"} & set(loaded)


# ---- over the network ----------------------------------------------------------------------------------------

Answer = Callable[[BaseHTTPRequestHandler, str], None]


@pytest.fixture
def served() -> Iterator[Callable[[Answer], str]]:
    """Return a function that serves an answer on this machine and returns its address."""
    servers = []

    def serve(answer: Answer) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer(self, self.path.removeprefix("/log/"))

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/log"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def answer_with(handler: BaseHTTPRequestHandler, data: bytes, *, status: int = 200, **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)


def answering(log: SimulatedLog) -> Answer:
    def answer(handler: BaseHTTPRequestHandler, path: str) -> None:
        if path not in log.files:
            answer_with(handler, b"", status=404)
        elif "entries" in path:
            answer_with(handler, gzip.compress(log.files[path]), Content_Encoding="gzip")
        else:
            answer_with(handler, log.files[path])

    return answer


def test_a_published_log_is_checked_packed_or_not(
    served: Callable[[Answer], str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, text = run(capsys, served(answering(WHOLE)), "--key", a_signer().vkey)
    assert code == 0 and "1600 entries" in text
    log = a_copy()
    del log.files["tile/0/003"]
    flip(log, "tile/entries/000", 100)
    code, text = run(capsys, served(answering(log)), "--key", a_signer().vkey)
    assert code == 1 and "tile/0/003 is missing" in text and "in tile/entries/000 was changed" in text


def test_another_host_is_not_followed_and_the_same_is(
    served: Callable[[Answer], str], capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    def listening(handler: BaseHTTPRequestHandler, path: str) -> None:
        asked.append(path)
        answering(WHOLE)(handler, path)

    elsewhere = served(listening)
    away = served(lambda handler, path: answer_with(handler, b"", status=302, Location=f"{elsewhere}/{path}"))
    code, text = run(capsys, away, "--key", a_signer().vkey)
    assert code == 2 and asked == [] and "redirected to another host" in text

    def moved(handler: BaseHTTPRequestHandler, path: str) -> None:
        if path == "checkpoint":
            answer_with(handler, b"", status=302, Location="/log/there")
        else:
            answering(WHOLE)(handler, "checkpoint" if path == "there" else path)

    assert run(capsys, served(moved), "--key", a_signer().vkey)[0] == 0


def test_an_endless_answer_is_left(served: Callable[[Answer], str], capsys: pytest.CaptureFixture[str]) -> None:
    def endless(handler: BaseHTTPRequestHandler, path: str) -> None:
        if path != "tile/0/001":
            answering(WHOLE)(handler, path)
            return
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(bytes(65_536))
        except OSError:
            pass

    code, text = run(capsys, served(endless), "--key", a_signer().vkey)
    assert code == 1 and "tile/0/001 has 8193 bytes and should have 8192" in text


def test_a_packed_answer_that_grows_without_end_is_left(
    served: Callable[[Answer], str], capsys: pytest.CaptureFixture[str]
) -> None:
    bomb = gzip.compress(bytes(2**28), compresslevel=9)

    def answer(handler: BaseHTTPRequestHandler, path: str) -> None:
        if path == "tile/0/001":
            answer_with(handler, bomb, Content_Encoding="gzip")
        else:
            answering(WHOLE)(handler, path)

    code, text = run(capsys, served(answer), "--key", a_signer().vkey)
    assert code == 1 and "tile/0/001 has 8193 bytes" in text


@pytest.mark.parametrize("status", [403, 500, 503])
def test_a_server_that_fails_is_not_taken_for_a_missing_file(
    served: Callable[[Answer], str], capsys: pytest.CaptureFixture[str], status: int
) -> None:
    def failing(handler: BaseHTTPRequestHandler, path: str) -> None:
        if path == "tile/0/001":
            answer_with(handler, b"", status=status)
        else:
            answering(WHOLE)(handler, path)

    code, text = run(capsys, served(failing), "--key", a_signer().vkey)
    assert code == 2 and str(status) in text


def test_what_was_found_before_a_server_failed_is_still_told(
    served: Callable[[Answer], str], capsys: pytest.CaptureFixture[str]
) -> None:
    log = a_copy()
    log.files["tile/0/000"] = b"short"

    def failing(handler: BaseHTTPRequestHandler, path: str) -> None:
        if path == "tile/1/000.p/6":
            answer_with(handler, b"", status=500)
        else:
            answering(log)(handler, path)

    code, text = run(capsys, served(failing), "--key", a_signer().vkey)
    assert code == 1 and "tile/0/000 has 5 bytes" in text and "500" in text
