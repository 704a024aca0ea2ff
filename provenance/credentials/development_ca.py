"""A certificate authority of one's own for development: made on first use, clearly named, trusted by nobody else.

Files, all 0600: ``authority.pem`` (intermediate key, intermediate, root), ``signer.pem`` (leaf key, leaf) and
``root.pem``, what ``--trust`` takes. The root's key is dropped once it has signed the intermediate.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from provenance.credentials.errors import DevelopmentKeysDamaged
from provenance.credentials.profile import CLAIM_SIGNING, usage
from provenance.credentials.reading import DEVELOPMENT_NAME
from provenance.credentials.signing import PemKey, key_id_of, pem_text, private_pem

ROOT_LIFE = timedelta(days=3652)
LEAF_LIFE = timedelta(days=366)
RENEWED_AFTER = timedelta(days=300)
BACKDATED = timedelta(hours=1)
"""Room for another machine's slow clock."""


@dataclass(frozen=True)
class _Issued:
    certificates: tuple[x509.Certificate, ...]
    key: ec.EllipticCurvePrivateKey


class DevelopmentCA:
    """The development authority kept in a folder; the same root for as long as the folder stays."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    def signing_key(self, *, now: datetime) -> PemKey:
        """Return the key that signs today: made on first use, its leaf renewed at 300 days under the same root.

        Raises DevelopmentKeysDamaged when the files are there but cannot be used.
        """
        with self._locked():
            authority = self._authority(now)
            leaf = self._leaf(authority, now)
        return PemKey(
            certificates_pem=pem_text([leaf.certificates[0], authority.certificates[0]]),
            root_pem=pem_text(authority.certificates[1:]),
            key_id=key_id_of(leaf.certificates[0]),
            algorithm="es256",
            is_development=True,
            _private_pem=private_pem(leaf.key),
        )

    def root_pem(self, *, now: datetime) -> str:
        """Return the root certificate, which whoever wants to trust this authority must trust."""
        return self.signing_key(now=now).root_pem

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _authority(self, now: datetime) -> _Issued:
        path = self.folder / "authority.pem"
        if path.exists():
            authority = self._load(path, certificates=2)
            if now > authority.certificates[0].not_valid_after_utc:
                raise DevelopmentKeysDamaged(path=str(path), said_en="its ten years are over", said_zh="十年期限已满")
        else:
            authority = _new_authority(now)
            _write(path, private_pem(authority.key) + pem_text(authority.certificates).encode())
        root = pem_text(authority.certificates[1:]).encode()
        if not _holds(self.folder / "root.pem", root):
            _write(self.folder / "root.pem", root)
        return authority

    def _leaf(self, authority: _Issued, now: datetime) -> _Issued:
        path = self.folder / "signer.pem"
        if path.exists():
            leaf = self._load(path, certificates=1)
            if now < leaf.certificates[0].not_valid_before_utc + BACKDATED + RENEWED_AFTER:
                return leaf
        leaf = _new_leaf(authority, now)
        _write(path, private_pem(leaf.key) + pem_text(leaf.certificates).encode())
        return leaf

    def _load(self, path: Path, *, certificates: int) -> _Issued:
        if path.stat().st_mode & 0o777 != 0o600:  # else the file would look changed to whoever keeps what it held
            path.chmod(0o600)
        try:
            data = path.read_bytes()
            key = serialization.load_pem_private_key(data, None)
            found = tuple(x509.load_pem_x509_certificates(data))
        except (ValueError, TypeError):
            # Without its cause: a parser's message may quote what it read.
            raise _damaged(path) from None
        is_whole = len(found) == certificates and isinstance(key, ec.EllipticCurvePrivateKey)
        if not is_whole or found[0].public_key() != key.public_key():
            raise _damaged(path)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return _Issued(found, key)


def _damaged(path: Path) -> DevelopmentKeysDamaged:
    return DevelopmentKeysDamaged(path=str(path), said_en="it is damaged", said_zh="文件已损坏")


def _holds(path: Path, data: bytes) -> bool:
    return path.exists() and path.read_bytes() == data


def _write(path: Path, data: bytes) -> None:
    draft = path.with_name(f".draft-{uuid4().hex}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _new_authority(now: datetime) -> _Issued:
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root_name = _name(f"{DEVELOPMENT_NAME} Root (not trusted by anyone)")
    ends = now + ROOT_LIFE
    root = _authority_certificate(root_name, root_name, root_key, now, ends, below=1).sign(root_key, hashes.SHA256())
    name = _name(f"{DEVELOPMENT_NAME} (not trusted by anyone)")
    intermediate = (
        _authority_certificate(name, root_name, key, now, ends, below=0)
        .add_extension(_issued_by(root), critical=False)
        .sign(root_key, hashes.SHA256())
    )
    return _Issued((intermediate, root), key)


def _new_leaf(authority: _Issued, now: datetime) -> _Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = authority.certificates[0]
    ends = min(now + LEAF_LIFE - BACKDATED, issuer.not_valid_after_utc)
    leaf = (
        _certificate(
            _name("Colophon development signer", organization="not trusted by anyone"), issuer.subject, key, now, ends
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage(signs_claims=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION, CLAIM_SIGNING]), critical=False)
        .add_extension(_issued_by(issuer), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return _Issued((leaf,), key)


def _name(common_name: str, *, organization: str = DEVELOPMENT_NAME) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _authority_certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
    ends: datetime,
    *,
    below: int,
) -> x509.CertificateBuilder:
    return (
        _certificate(subject, issuer, key, now, ends)
        .add_extension(x509.BasicConstraints(ca=True, path_length=below), critical=True)
        .add_extension(usage(signs_claims=False), critical=True)
    )


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, ends: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _issued_by(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
