"""Signing with as much room as a signature takes, and no more.

The C2PA library reserves room by rules of its own: 1,024 bytes beside chain and signature; 10,000 where a token or a
key service signs, and 10,000 more where a timestamp is asked for. The claim covers how long the manifest is, so nothing
can be taken out afterwards. Here the library composes the manifest with a stand-in for the key, whose certificate is as
long as it takes for the library to reserve what will be needed; then the real signature goes where the stand-in's was.
It is made of the claim alone, in which nothing of the stand-in is, and whoever signs reads the finished file back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Protocol, cast

import c2pa  # type: ignore[import-untyped]  # it ships no types
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from provenance.credentials import boxes, cose
from provenance.credentials.errors import CredentialsError, KeyUnreachable, SigningFailed
from provenance.credentials.profile import PublicKey, usage
from provenance.credentials.timestamps import TimestampAuthority

SPARE_BYTES = 32
"""One token of an authority is some bytes longer or shorter than another: serial numbers, fractions of a second."""
_LIFE = timedelta(days=3)
_DER_LENGTHS = 16
"""More than lengths inside a certificate grow by when it does."""
_Composed = tuple[bytes, bytes]
"""A file, and the manifest store that the library made for it."""


class Signs(Protocol):
    """What signs a claim: its chain (PEM, leaf first, without the root), its algorithm, and the key behind them."""

    @property
    def certificates_pem(self) -> str:
        """Return the chain that goes into the file."""
        ...

    @property
    def algorithm(self) -> str:
        """Return C2PA's name of the signature algorithm."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message, as COSE has it."""
        ...


def sealed(
    compose: Callable[[c2pa.Context], _Composed],
    *,
    key: Signs,
    chosen: Mapping[str, Any],
    timestamps: TimestampAuthority | None = None,
    is_beside: bool = False,
) -> _Composed:
    """Return a file and its manifest store, composed by the C2PA library and signed with a key, stamped if asked for.

    A store that stands beside its file is bound to bytes that it has no part in: it holds no spare room at all.
    Raises KeyUnfit or KeyUnreachable for the key, else SigningFailed.
    """
    chain = x509.load_pem_x509_certificates(key.certificates_pem.encode())
    protected = cose.protected_header(
        key.algorithm, [one.public_bytes(serialization.Encoding.DER) for one in chain]
    )
    length = cose.signature_bytes(cast(PublicKey, chain[0].public_key()))
    expected = timestamps.token_bytes() + SPARE_BYTES if timestamps and not is_beside else 0
    needed = len(cose.sign1(protected, bytes(length), token=bytes(expected)))
    try:
        with _stand_in(needed, chosen) as context:
            data, store = compose(context)
        signature = _signature(key, cose.to_be_signed(protected, boxes.claim_of(store)))
        token = timestamps.token(cose.to_be_stamped(protected, signature)) if timestamps else b""
        size = None if is_beside else len(boxes.signature_of(store))
        signed = boxes.with_signature(store, cose.sign1(protected, signature, token=token, size=size))
        return (data, signed) if is_beside else (boxes.with_store(data, old=store, new=signed), signed)
    except (c2pa.C2paError, ValueError) as error:
        raise SigningFailed(reason=str(error)) from error


def _signature(key: Signs, message: bytes) -> bytes:
    try:
        return key.sign(message)
    except CredentialsError:
        raise
    except Exception as error:
        raise KeyUnreachable(kind=type(error).__name__) from error


@contextmanager
def _stand_in(size: int, chosen: Mapping[str, Any]) -> Iterator[c2pa.Context]:
    """Lend a context of the C2PA library that leaves so many bytes for a signature, or the fewest that it can."""
    signer = _credential(size, datetime.now(UTC).date()).signer()
    with c2pa.Context.from_dict(dict(chosen), signer=signer) as context:
        yield context


@dataclass(frozen=True)
class _Credential:
    """A certificate that nobody ever sees, and its key."""

    certificate_pem: bytes
    key_pem: bytes

    def signer(self) -> c2pa.Signer:
        """Return a signer of the C2PA library, for one call in this process."""
        return c2pa.Signer.from_info(c2pa.C2paSignerInfo(b"ed25519", self.certificate_pem, self.key_pem, None))

    @property
    def reserve(self) -> int:
        """Return how many bytes the library leaves for a signature with it."""
        with self.signer() as signer:
            return int(signer.reserve_size())


@lru_cache(maxsize=64)
def _credential(size: int, day: date) -> _Credential:
    """Return the stand-in that makes the library leave so many bytes, none too few and none that cannot be filled."""
    made, filler = _made(day, filler=0), 0
    while not cose.is_fillable(made.reserve - size):
        filler += max(1, size - made.reserve - _DER_LENGTHS)
        made = _made(day, filler=filler)
    return made


def _made(day: date, *, filler: int) -> _Credential:
    key = ed25519.Ed25519PrivateKey.generate()
    starts = datetime(day.year, day.month, day.day, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_name("a"))
        .issuer_name(_name("b"))  # the library takes none that issued itself
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(starts - _LIFE)
        .not_valid_after(starts + _LIFE)
        .add_extension(usage(signs_claims=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier(bytes(1 + filler), None, None), critical=False)
        .sign(ed25519.Ed25519PrivateKey.generate(), None)
    )
    pem = serialization.Encoding.PEM
    return _Credential(
        certificate.public_bytes(pem),
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
