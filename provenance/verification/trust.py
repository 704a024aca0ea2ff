"""Whom a verification takes for trusted: signers on one list, timestamp authorities on another, never mixed.

A root listed for timestamps alone would make a claim's signer trusted too, so the two never meet in one context.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import c2pa  # type: ignore[import-untyped]  # it ships no types
from cryptography import x509

from provenance.canonical import Digest, sha256_digest, timestamp
from provenance.credentials.reading import DEVELOPMENT_NAME, settings
from provenance.errors import ProvenanceError
from provenance.verification.plain_text import plain_text


class TrustUnreadable(ProvenanceError):
    """What was given as the list of trusted signers is none."""

    code = "trust-list-unreadable"
    en = "The list of trusted signers holds no certificate in PEM that can be read. Give the signer's root certificate."
    zh = "可信签名者名单中没有可读取的 PEM 证书。请提供签名者的根证书。"


@dataclass(frozen=True)
class TrustFile:
    """One file of roots: its name, its digest, when it was last changed, how many certificates it holds."""

    name: str
    digest: Digest
    dated_at: str
    certificates: int

    def as_json(self) -> dict[str, Any]:
        """Return the file as it stands in a verdict."""
        told = {"name": plain_text(self.name, longest=200), "digest": self.digest, "dated_at": self.dated_at}
        return told | {"certificates": self.certificates}


@dataclass(frozen=True)
class TrustList:
    """Root certificates of one kind, with the names in them and their digest, which is the list's version."""

    names: tuple[str, ...] = ()
    digest: Digest = ""
    pem: str = field(default="", repr=False)
    files: tuple[TrustFile, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the list as it stands in a verdict."""
        told = {"names": [plain_text(name) for name in self.names], "digest": self.digest}
        return told | {"files": [one.as_json() for one in self.files]}


@dataclass(frozen=True)
class Trust:
    """The signers and the timestamp authorities that a verification trusts."""

    signers: TrustList = TrustList()
    timestamps: TrustList = TrustList()
    own: tuple[str, ...] = ()
    """The names of an installation's own roots, which stand first among the signers'; empty offline."""

    @property
    def names(self) -> tuple[str, ...]:
        """Return the signers' roots by name."""
        return self.signers.names

    @property
    def knows_as_own(self) -> bool:
        """Say whether a development certificate that is trusted can be none but this installation's own."""
        listed = self.names[len(self.own) :]
        return bool(self.own) and not any(name.startswith(DEVELOPMENT_NAME) for name in listed)

    @property
    def digest(self) -> Digest:
        """Return the version of both lists together; empty where nobody is trusted."""
        if not self.timestamps.digest:
            return self.signers.digest
        return sha256_digest(f"{self.signers.digest}\n{self.timestamps.digest}".encode())

    def as_json(self) -> dict[str, Any]:
        """Return both lists as they stand in a verdict."""
        return self.signers.as_json() | {"timestamps": self.timestamps.as_json(), "version": self.digest}


NOBODY = Trust()


@lru_cache(maxsize=32)
def trust_in(trust_pem: str | None, *, timestamps_pem: str | None = None) -> Trust:
    """Return whom lists of root certificates (PEM) name; raise TrustUnreadable for one that holds none."""
    return Trust(signers=_list_of(trust_pem), timestamps=_list_of(timestamps_pem))


def trust_in_files(own_pem: str, *, signers: Iterable[Path], timestamps: Iterable[Path] = ()) -> Trust:
    """Return whom an installation trusts: its own roots, and what its operator's files hold now.

    A file that was changed is read again. Raises TrustUnreadable for one without certificates or that is gone.
    """
    return _from_files(own_pem, _seen(signers), _seen(timestamps))


_Seen = tuple[tuple[Path, int, int], ...]


def _seen(paths: Iterable[Path]) -> _Seen:
    try:
        return tuple((path, path.stat().st_mtime_ns, path.stat().st_size) for path in paths)
    except OSError as error:
        raise TrustUnreadable() from error


@lru_cache(maxsize=8)
def _from_files(own_pem: str, signers: _Seen, timestamps: _Seen) -> Trust:
    signer_pems, signer_files = _read_all(signers)
    stamp_pems, stamp_files = _read_all(timestamps)
    return Trust(
        signers=_list_of("\n".join([own_pem, *signer_pems]) if signer_pems else own_pem, files=signer_files),
        timestamps=_list_of("\n".join(stamp_pems) or None, files=stamp_files),
        own=_list_of(own_pem).names,
    )


def _read_all(seen: _Seen) -> tuple[list[str], tuple[TrustFile, ...]]:
    pems, files = [], []
    for path, changed_at, _ in seen:
        try:
            text = path.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise TrustUnreadable() from error
        dated_at = timestamp(datetime.fromtimestamp(changed_at // 10**9, UTC))
        files.append(TrustFile(path.name, sha256_digest(text.encode()), dated_at, len(_certificates(text))))
        pems.append(text)
    return pems, tuple(files)


def _list_of(pem: str | None, *, files: tuple[TrustFile, ...] = ()) -> TrustList:
    if pem is None:
        return TrustList()
    names = tuple(plain_text(_name(one), longest=200) for one in _certificates(pem))
    try:
        c2pa.Context.from_dict(settings(trust_pem=pem)).close()
    except c2pa.C2paError as error:
        raise TrustUnreadable() from error
    return TrustList(names=names, digest=sha256_digest(pem.encode()), pem=pem, files=files)


def _certificates(pem: str) -> Sequence[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem.encode())
    except ValueError as error:
        raise TrustUnreadable() from error


def _name(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()
