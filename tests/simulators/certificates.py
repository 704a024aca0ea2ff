"""Certificate chains, right or wrong in one chosen way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

CLAIM_SIGNING = ObjectIdentifier("1.3.6.1.4.1.62558.2.1")
RIGHT_USES = (ExtendedKeyUsageOID.EMAIL_PROTECTION, CLAIM_SIGNING)


@dataclass(frozen=True)
class Chain:
    """A chain in PEM with its leaf's key."""

    pem: str
    root_pem: str
    key: Any

    def key_pem(self, password: bytes | None = None) -> bytes:
        """Return the leaf's key, encrypted where a password is given."""
        encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        return self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


def chain(
    *,
    now: datetime,
    key: Any = None,
    uses: tuple[ObjectIdentifier, ...] | None = RIGHT_USES,
    days: int = 300,
    starts: timedelta = timedelta(hours=-1),
    is_authority: bool = False,
    names_issuer: bool = True,
    names_subject: bool = True,
    signs: bool = True,
    is_usage_critical: bool = True,
    wrong_issuer: bool = False,
    is_issuer_authority: bool = True,
    issuer_key: Any = None,
    hashed: hashes.HashAlgorithm | None = None,
    more: tuple[x509.ExtensionType, ...] = (),
    name: str = "Atelier signer",
) -> Chain:
    """Return root, intermediate and leaf; every argument but ``now`` breaks or changes one thing."""
    root_key, middle_key, other_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    middle_key = issuer_key or middle_key
    leaf_key = key or ec.generate_private_key(ec.SECP256R1())
    root = _authority("Atelier root", root_key, "Atelier root", root_key, now, depth=1)
    depth = 0 if is_issuer_authority else None
    middle = _authority("Atelier CA", middle_key, "Atelier root", root_key, now, depth=depth)
    leaf = _base(name, leaf_key, "Atelier CA", now + starts, now + starts + timedelta(days=days))
    leaf = leaf.add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    leaf = leaf.add_extension(_usage(signs, is_authority), critical=is_usage_critical)
    if uses is not None:
        leaf = leaf.add_extension(x509.ExtendedKeyUsage(uses), critical=False)
    if names_issuer:
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(middle_key.public_key())
        leaf = leaf.add_extension(identifier, critical=False)
    if names_subject:
        leaf = leaf.add_extension(x509.SubjectKeyIdentifier.from_public_key(leaf_key.public_key()), critical=False)
    for one in more:
        leaf = leaf.add_extension(one, critical=True)
    made = leaf.sign(other_key if wrong_issuer else middle_key, hashed or hashes.SHA256())
    return Chain(pem="".join(map(_pem, (made, middle, root))), root_pem=_pem(root), key=leaf_key)


def service(key: Any) -> Callable[[bytes], bytes]:
    """Return a key service's answers: DER for ECDSA, as cloud services give it."""

    def sign(message: bytes) -> bytes:
        if isinstance(key, ec.EllipticCurvePrivateKey):
            kind = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}[key.curve.key_size]
            return key.sign(message, ec.ECDSA(kind))
        if isinstance(key, rsa.RSAPrivateKey):
            return key.sign(message, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
        return bytes(key.sign(message))

    return sign


def self_signed(*, now: datetime) -> Chain:
    """Return one certificate that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    made = (
        _base("Alone", key, "Alone", now - timedelta(hours=1), now + timedelta(days=100))
        .add_extension(_usage(True, False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(RIGHT_USES), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Chain(pem=_pem(made), root_pem=_pem(made), key=key)


def _authority(
    name: str, key: Any, issuer: str, issuer_key: Any, now: datetime, *, depth: int | None
) -> x509.Certificate:
    return (
        _base(name, key, issuer, now - timedelta(days=500), now + timedelta(days=2000))
        .add_extension(x509.BasicConstraints(ca=depth is not None, path_length=depth), critical=True)
        .add_extension(_usage(False, True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


def _base(name: str, key: Any, issuer: str, starts: datetime, ends: datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(starts)
        .not_valid_after(ends)
    )


def _name(name: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Atelier"), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    )


def _usage(signs: bool, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(signs, False, not signs and not is_authority, False, False, is_authority, False, False, False)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
