"""Witnesses: an outsider cosigns our checkpoints, and we cosign those of another log, but never two stories."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection
from django.test import Client
from pytest_django import Settings

from provenance.audit_log import files, proofs, queries, witnesses
from provenance.audit_log.errors import OldSizeDiffers
from provenance.audit_log.models import Cosignature, WitnessedLog
from provenance.audit_log.note import Checkpoint, Cosigner, Ed25519NoteSigner, VerifierKey, cosigned_at, sign_note
from provenance.audit_log.proof import LogProof, verify_proof
from provenance.audit_log.sequencing import sequence
from provenance.audit_log.tree import consistency_proof, leaf_hash, node_hash, root
from tests.factories.log import entries, published

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("home")]

KEY = Ed25519PrivateKey.generate()


# ---- we are witnessed -----------------------------------------------------------------------------------------


BAD_SIZES = {"knows a superscript": "²\n", "knows five thousand digits": "9" * 5_000, "knows a padded size": "03\n"}


class Stranger:
    """A witness on a port of its own, which answers as it is told and notes what it was sent."""

    def __init__(self) -> None:
        self.signer = Cosigner("witness.example/w", KEY)
        self.known = 0
        self.mood = "good"
        self.sent: list[str] = []
        self.was_left, self.stopped = threading.Event(), threading.Event()
        stranger = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                stranger.sent.append(body)
                if stranger.mood == "speaks no HTTP":
                    self.wfile.write(b"\xff nonsense\r\n\r\n")
                    return
                if stranger.mood in {"drips its head", "drips its body"}:
                    stranger.drip(self)
                    return
                status, text = stranger.answer(body)
                self.send_response(status)
                self.send_header("Location", "/elsewhere")
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def drip(self, handler: BaseHTTPRequestHandler) -> None:
        """Send a byte at a time until the caller has gone, or for as long as no caller should wait."""
        handler.wfile.write(b"HTTP/1.1 200 " if self.mood == "drips its head" else b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(300):
            try:
                handler.wfile.write(b"x")
            except OSError:
                self.was_left.set()
                return
            self.stopped.wait(0.05)

    @property
    def setting(self) -> str:
        return f"{self.signer.vkey} http://127.0.0.1:{self.server.server_port}/w"

    def answer(self, body: str) -> tuple[int, str]:
        old, text = int(body.split("\n")[0].split(" ")[1]), body.partition("\n\n")[2].rpartition("\n\n")[0] + "\n"
        if self.mood == "redirects":
            return 302, ""
        if self.mood == "signs something else":
            return 200, self.signer.cosign(text.replace("log", "dog", 1), at=datetime.now(UTC))
        if self.mood == "babbles":
            return 200, "hello\n" * 10
        if self.mood in BAD_SIZES:
            return 409, BAD_SIZES[self.mood]
        if self.mood == "fails" or old != self.known:
            return (500, "no") if self.mood == "fails" else (409, f"{self.known}\n")
        self.known = int(text.split("\n")[1])
        return 200, self.signer.cosign(text, at=datetime.now(UTC))


@pytest.fixture
def stranger(settings: Settings) -> Iterator[Stranger]:
    """Lend a witness that the operator has configured."""
    found = Stranger()
    settings.ENVIRONMENT = settings.ENVIRONMENT.model_copy(update={"log_witnesses": (found.setting,)})
    yield found
    found.stopped.set()
    found.server.shutdown()
    found.server.server_close()


def test_a_witness_cosigns_and_its_signature_is_published_under_the_checkpoint(stranger: Stranger) -> None:
    entries(5)
    sequence()
    assert witnesses.ask_witnesses() == 1
    assert cosigned_at(files.published() or "", stranger.signer.verifier) and published().checkpoint.size == 6
    entries(3)
    sequence()
    assert cosigned_at(files.published() or "", stranger.signer.verifier) is None
    assert witnesses.ask_witnesses() == 1 and stranger.sent[-1].startswith("old 6\n")
    assert cosigned_at(files.published() or "", stranger.signer.verifier)


def test_a_proof_stands_on_the_newest_checkpoint_that_a_witness_vouches_for(stranger: Stranger) -> None:
    first = entries(300)[7]
    sequence()
    witnesses.ask_witnesses()
    late = entries(40)[3]
    sequence()  # the log has outrun its witness
    vouching = [stranger.signer.verifier]
    old, new = (proofs.proof_file(leaf, witnesses=vouching) for leaf in (first, late))
    for leaf, text, size in ((first, old, 301), (late, new, 341)):
        opened = verify_proof(text, leaf_hash=bytes.fromhex(leaf.removeprefix("sha256:")), keys=queries.keys())
        assert opened.checkpoint.size == size
    assert cosigned_at(LogProof.parse(old).note, vouching[0])
    assert cosigned_at(LogProof.parse(new).note, vouching[0]) is None


def test_a_witness_that_cosigned_is_not_asked_about_the_same_checkpoint_again(stranger: Stranger) -> None:
    entries(5)
    sequence()
    witnesses.ask_witnesses()
    witnesses.ask_witnesses()
    assert len(stranger.sent) == 1


def test_a_witness_that_knows_another_size_is_answered_from_there(stranger: Stranger) -> None:
    entries(5)
    sequence()
    stranger.known = 3
    assert witnesses.ask_witnesses() == 1
    assert [body.split("\n")[0] for body in stranger.sent] == ["old 0", "old 3"]


@pytest.mark.parametrize("mood", ["fails", "signs something else", "babbles", "redirects"])
def test_a_witness_that_does_not_cosign_changes_nothing(mood: str, stranger: Stranger) -> None:
    entries(5)
    sequence()
    before = files.published()
    stranger.mood = mood
    assert witnesses.ask_witnesses() == 0
    assert files.published() == before and not Cosignature.objects.exists()


@pytest.mark.parametrize("mood", [*BAD_SIZES, "speaks no HTTP"])
def test_a_witness_that_misbehaves_does_not_silence_another(mood: str, stranger: Stranger, settings: Settings) -> None:
    good = Stranger()
    good.signer = Cosigner("good.example/w", Ed25519PrivateKey.generate())
    asked = (stranger.setting, good.setting)
    settings.ENVIRONMENT = settings.ENVIRONMENT.model_copy(update={"log_witnesses": asked})
    stranger.mood = mood
    entries(5)
    sequence()
    try:
        assert witnesses.ask_witnesses() == 1 and len(stranger.sent) == 1
    finally:
        good.server.shutdown()
        good.server.server_close()
    assert cosigned_at(files.published() or "", good.signer.verifier)


@pytest.mark.parametrize("mood", ["drips its head", "drips its body"])
def test_a_witness_whose_answer_never_ends_is_left(
    mood: str, stranger: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witnesses, "SECONDS_TO_ANSWER", 1)
    stranger.mood = mood
    entries(1)
    sequence()
    assert witnesses.ask_witnesses() == 0
    assert stranger.was_left.wait(10)


def test_a_witness_that_is_away_delays_nothing_for_long(stranger: Stranger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witnesses, "SECONDS_TO_ANSWER", 0.2)
    stranger.server.shutdown()  # it listens still, and never answers
    entries(1)
    sequence()
    assert witnesses.ask_witnesses() == 0


def test_a_witness_that_remembers_more_than_we_have_is_not_followed(stranger: Stranger) -> None:
    entries(5)
    sequence()
    stranger.known = 99
    assert witnesses.ask_witnesses() == 0 and len(stranger.sent) == 1


# ---- we are a witness -----------------------------------------------------------------------------------------

OTHER = Ed25519NoteSigner("other.example/log", Ed25519PrivateKey.generate())


def hashes_of(many: int, *, story: str = "") -> list[bytes]:
    return [leaf_hash(f"{story}{number}".encode()) for number in range(many)]


def reader(hashes: list[bytes]) -> Any:
    def read(level: int, index: int) -> bytes:
        if level == 0:
            return hashes[index]
        return node_hash(read(level - 1, 2 * index), read(level - 1, 2 * index + 1))

    return read


def request(old: int, size: int, *, story: str = "", signer: Ed25519NoteSigner = OTHER, origin: str = "") -> bytes:
    """Return what another log of so many entries sends."""
    hashes = hashes_of(size, story=story)
    proof = consistency_proof(old, size, reader(hashes)) if old <= size else []
    note = sign_note(Checkpoint(origin or signer.name, size, root(hashes)).text(), [signer])
    return "\n".join([f"old {old}", *(base64.b64encode(each).decode() for each in proof), "", note]).encode()


@pytest.fixture
def other(settings: Settings, client: Client) -> Any:
    """Lend the address to which a log that we witness sends its checkpoints."""
    settings.ENVIRONMENT = settings.ENVIRONMENT.model_copy(update={"log_witnessed": (OTHER.vkey,)})
    return lambda body: client.post("/log/witness/add-checkpoint", body, content_type="text/plain")


def test_we_cosign_another_log_as_it_grows(other: Any, client: Client) -> None:
    key = VerifierKey.parse(client.get("/log/witness/vkey").content.decode())
    old = 0
    for size in (1, 5, 5, 300):
        body = request(old, size)
        answer = other(body)
        note = body.decode().partition("\n\n")[2] + answer.content.decode()
        assert answer.status_code == 200 and cosigned_at(note, key), answer.content
        old = size
    assert WitnessedLog.objects.get().size == 300


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (request(3, 9), 409),
        (request(5, 5, story="other"), 409),
        (request(5, 9, story="other"), 422),
        (request(5, 4), 400),
        (request(0, 9, origin="unknown.example/log"), 404),
        (request(5, 9, signer=Ed25519NoteSigner(OTHER.name, Ed25519PrivateKey.generate())), 403),
        (request(5, 9).replace(b"\n9\n", b"\n8\n"), 403),
        (b"", 400),
        (b"old 05\n\n", 400),
        (b"\xff\n\n", 400),
        (b"old 5\n" + b"AAAA\n" * 5 + b"\n", 400),
        (b"x" * 100_000, 400),
    ],
    ids=["another old size", "a fork of the same size", "a fork that grew", "smaller than before", "unknown log",
         "a stranger's key", "a changed size", "empty", "padded size", "no text", "short hashes", "too large"],
)  # fmt: skip
def test_what_does_not_continue_the_log_that_we_know_is_refused_and_forgotten(
    body: bytes, status: int, other: Any
) -> None:
    assert other(request(0, 5)).status_code == 200
    known = WitnessedLog.objects.values().get()
    answer = other(body)
    assert answer.status_code == status, answer.content
    if status == 409:
        assert answer["Content-Type"] == "text/x.tlog.size" and answer.content == b"5\n"
    assert WitnessedLog.objects.values().get() == known


def test_of_two_stories_sent_at_once_only_one_is_cosigned(other: Any) -> None:
    assert other(request(0, 5)).status_code == 200
    together = threading.Barrier(2)

    def send(body: bytes) -> int:
        together.wait(30)
        try:
            witnesses.cosign(body, at=datetime.now(UTC))
            return 200
        except OldSizeDiffers:
            return 409
        finally:
            connection.close()

    longer = [*hashes_of(5), *hashes_of(9, story="other")[5:]]
    note = sign_note(Checkpoint(OTHER.name, 9, root(longer)).text(), [OTHER])
    hashes = [base64.b64encode(each).decode() for each in consistency_proof(5, 9, reader(longer))]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(send, [request(5, 9), "\n".join(["old 5", *hashes, "", note]).encode()]))
    assert sorted(answers) == [200, 409]


def test_without_a_log_to_witness_nobody_is_cosigned(client: Client) -> None:
    answer = client.post("/log/witness/add-checkpoint", request(0, 5), content_type="text/plain")
    assert answer.status_code == 404 and client.get("/log/witness/vkey").status_code == 404
    assert not queries.keys() and not WitnessedLog.objects.exists()
