"""A timestamp authority (RFC 3161) on this machine: openssl's own responder behind a small web server."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NAME = "Atelier timestamps"
CONFIGURATION = """
[ tsa ]
default_tsa = here
[ here ]
dir = {folder}
serial = $dir/serial
crypto_device = builtin
signer_cert = $dir/tsa.pem
certs = $dir/chain.pem
signer_key = $dir/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1
ordering = no
tsa_name = no
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


@dataclass
class Authority:
    """A running authority: where it answers, its root, what it was asked; ``is_down`` makes it refuse.

    What it ``says`` instead of an answer of its own is up to the test.
    """

    url: str
    root_pem: str
    is_down: bool = False
    asked: list[int] = field(default_factory=list)
    says: bytes | None = None


@contextmanager
def authority(folder: Path) -> Iterator[Authority]:
    """Run an authority of one's own for the time of a test."""
    root_pem = _make_keys(folder)
    (folder / "tsa.cnf").write_text(CONFIGURATION.format(folder=folder))
    (folder / "serial").write_text("01\n")
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    running = Authority(f"http://127.0.0.1:{server.server_port}/", root_pem)
    server.RequestHandlerClass = _handler(folder, running)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(folder: Path, running: Authority) -> type[BaseHTTPRequestHandler]:
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            question = self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                running.asked.append(len(question))
                answer = b"" if running.is_down else running.says
                if answer is None:
                    answer = _reply(folder, question)
            self.send_response(503 if running.is_down else 200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


def _reply(folder: Path, question: bytes) -> bytes:
    (folder / "question").write_bytes(question)
    asked = ["-queryfile", str(folder / "question"), "-config", str(folder / "tsa.cnf"), "-out", str(folder / "answer")]
    subprocess.run(["openssl", "ts", "-reply", *asked], check=True, capture_output=True, timeout=30)
    return (folder / "answer").read_bytes()


def _make_keys(folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    root_key, key = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    root = _certificate("Atelier timestamp root", root_key, "Atelier timestamp root", is_authority=True)
    signed_root = root.sign(root_key, hashes.SHA256())
    leaf = (
        _certificate(NAME, key, "Atelier timestamp root", is_authority=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        .sign(root_key, hashes.SHA256())
    )
    encoded = [one.public_bytes(serialization.Encoding.PEM) for one in (leaf, signed_root)]
    (folder / "tsa.pem").write_bytes(encoded[0])
    (folder / "chain.pem").write_bytes(encoded[1])
    (folder / "tsa.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return encoded[1].decode()


def _certificate(name: str, key: rsa.RSAPrivateKey, issuer: str, *, is_authority: bool) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=400))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(_usage(is_authority), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(is_authority: bool) -> x509.KeyUsage:
    signs = not is_authority
    return x509.KeyUsage(signs, False, False, False, False, is_authority, is_authority, False, False)
