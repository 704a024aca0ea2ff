"""A signing key that never enters this process: a token or a key service signs, and every answer is checked here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import c2pa  # type: ignore[import-untyped]  # it ships no types
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from provenance.canonical import Digest
from provenance.credentials.cose import HASHES, PSS_SALT_BYTES, raw_ecdsa
from provenance.credentials.profile import KEY_MISMATCH, algorithm_of
from provenance.credentials.signing import (
    certificates_in,
    is_development,
    key_id_of,
    pem_text,
    require_profile,
    sent_of,
    unfit,
)

Sign = Callable[[bytes], bytes]
"""Signs a message (not its digest): ECDSA as DER or r‖s, RSA-PSS with SHA-256 and 32 bytes of salt, or Ed25519."""


@dataclass(frozen=True)
class ExternalKey:
    """A signing key behind a function: a PKCS#11 token's or a key service's."""

    certificates_pem: str = field(repr=False)
    root_pem: str = field(repr=False)
    key_id: Digest
    algorithm: str
    is_development: bool
    _leaf: x509.Certificate = field(repr=False)
    _sign: Sign = field(repr=False)

    def signer(self, *, timestamp_url: str, heard: list[Exception]) -> c2pa.Signer:
        """Return a signer of the C2PA library, for one call in this process."""

        def answer(message: bytes) -> bytes:
            try:
                return self.sign(message)
            except Exception as error:  # the library would keep it to itself, and log its text
                heard.append(error)
                return b""

        algorithm = getattr(c2pa.C2paSigningAlg, self.algorithm.upper())
        return c2pa.Signer.from_callback(answer, algorithm, self.certificates_pem, timestamp_url or None)

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message as COSE has it; raise KeyUnfit where it is not the certificate's."""
        signature = self._sign(message)
        try:
            return _checked(self._leaf.public_key(), self.algorithm, signature, message)
        except (InvalidSignature, ValueError) as error:
            raise unfit([KEY_MISMATCH]) from error


def external_key(*, chain_pem: str, sign: Sign, root_pem: str = "", now: datetime) -> ExternalKey:
    """Return the key behind a function, once its chain has passed the profile of a claim signer.

    The key itself is first asked when it first signs. Raises KeyUnfit, a sentence for each fault.
    """
    chain = certificates_in(chain_pem)
    require_profile(chain, key=None, now=now)
    return ExternalKey(
        certificates_pem=pem_text(sent_of(chain)),
        root_pem=root_pem or pem_text(chain[-1:]),
        key_id=key_id_of(chain[0]),
        algorithm=algorithm_of(chain[0].public_key()),
        is_development=is_development(chain[0]),
        _leaf=chain[0],
        _sign=sign,
    )


def answers_for(chain_pem: str) -> Callable[[bytes, bytes], bool]:
    """Return what says of a signature and its message whether a chain's first certificate vouches for it."""
    public = certificates_in(chain_pem)[0].public_key()
    algorithm = algorithm_of(public)

    def belongs(signature: bytes, message: bytes) -> bool:
        try:
            _checked(public, algorithm, signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    return belongs


def _checked(public: object, algorithm: str, signature: bytes, message: bytes) -> bytes:
    if isinstance(public, ec.EllipticCurvePublicKey):
        return _checked_ecdsa(public, HASHES[algorithm], signature, message)
    if isinstance(public, rsa.RSAPublicKey):
        scheme = padding.PSS(padding.MGF1(hashes.SHA256()), PSS_SALT_BYTES)
        public.verify(signature, message, scheme, hashes.SHA256())
    if isinstance(public, ed25519.Ed25519PublicKey):
        public.verify(signature, message)
    return signature


def _checked_ecdsa(
    public: ec.EllipticCurvePublicKey, algorithm: hashes.HashAlgorithm, signature: bytes, message: bytes
) -> bytes:
    raw = raw_ecdsa(signature, public=public)
    r, s = (int.from_bytes(half) for half in (raw[: len(raw) // 2], raw[len(raw) // 2 :]))
    public.verify(encode_dss_signature(r, s), message, ec.ECDSA(algorithm))
    return raw
