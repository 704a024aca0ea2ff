"""The certificate profile of a C2PA claim signer, checked when a key is installed: one sentence for each fault.

C2PA 2.4, 14.5 (certificate profiles) and RFC 5280. The signing library is laxer than the profile in
places and says only "the certificate is invalid" in others, so every point is looked at here.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, ObjectIdentifier

CLAIM_SIGNING = ObjectIdentifier("1.3.6.1.4.1.62558.2.1")
LONGEST_LIFE = timedelta(days=366)
FORBIDDEN_USES = {
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE: "anyExtendedKeyUsage",
    ExtendedKeyUsageOID.SERVER_AUTH: "serverAuth",
    ExtendedKeyUsageOID.TIME_STAMPING: "timeStamping",
    ExtendedKeyUsageOID.OCSP_SIGNING: "OCSPSigning",
}
CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
LEAST_RSA_BITS = 2048
MOST_RSA_BITS = 4096
"""What readers check: of a longer key the C2PA library calls its own signature broken."""
WEAK_HASHES = frozenset({"md5", "sha1", "sha224"})

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey
_ELLIPTIC = (ec.EllipticCurvePrivateKey, ec.EllipticCurvePublicKey)
_RSA = (rsa.RSAPrivateKey, rsa.RSAPublicKey)
_EDWARDS = (ed25519.Ed25519PrivateKey, ed25519.Ed25519PublicKey)
_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


@dataclass(frozen=True)
class ProfileFault:
    """One way in which a chain or key breaks the profile."""

    code: str
    en: str
    zh: str


KEY_KINDS = (
    "The key must be ECDSA on P-256, P-384 or P-521, Ed25519, or RSA of 2,048 to 4,096 bits.",
    "密钥必须是 P-256、P-384 或 P-521 上的 ECDSA、Ed25519，或 2048 至 4096 位的 RSA。",
)
KEY_MISMATCH = ProfileFault(
    "key-mismatch",
    "The private key does not belong to the first certificate; put the signer's certificate first.",
    "私钥与第一张证书不匹配；请把签名者证书放在最前面。",
)


def profile_faults(
    chain: Sequence[x509.Certificate], *, key: PrivateKey | None, now: datetime
) -> tuple[ProfileFault, ...]:
    """Return every fault of a chain (leaf first) and its key; none means that it may sign claims.

    A key that stays in a token or a service is None: only its signatures can show that it fits.
    """
    leaf = chain[0]
    checks: tuple[Callable[[], Iterator[ProfileFault]], ...] = (
        lambda: _key_faults(leaf, key),
        lambda: _life_faults(leaf, now),
        lambda: _leaf_faults(leaf),
        lambda: _usage_faults(leaf),
        lambda: _extended_usage_faults(leaf),
        lambda: _identifier_faults(leaf),
        lambda: _chain_faults(chain, now),
    )
    return tuple(fault for check in checks for fault in check())


def usage(*, signs_claims: bool) -> x509.KeyUsage:
    """Return what a certificate says that its key is for: to sign claims, or else to sign certificates."""
    return x509.KeyUsage(
        digital_signature=signs_claims,
        content_commitment=signs_claims,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=not signs_claims,
        crl_sign=not signs_claims,
        encipher_only=False,
        decipher_only=False,
    )


def algorithm_of(key: object) -> str:
    """Return the C2PA name of a private or public key's signature algorithm; empty for one that C2PA does not take."""
    if isinstance(key, _ELLIPTIC):
        return CURVES.get(key.curve.name, "")
    if isinstance(key, _RSA):
        return "ps256" if LEAST_RSA_BITS <= key.key_size <= MOST_RSA_BITS else ""
    return "ed25519" if isinstance(key, _EDWARDS) else ""


def _key_faults(leaf: x509.Certificate, key: PrivateKey | None) -> Iterator[ProfileFault]:
    if not algorithm_of(key or leaf.public_key()):
        yield ProfileFault(
            "key-algorithm",
            *KEY_KINDS,
        )
    if key is not None and leaf.public_key() != key.public_key():
        yield KEY_MISMATCH


def _life_faults(leaf: x509.Certificate, now: datetime) -> Iterator[ProfileFault]:
    starts, ends = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    if now < starts:
        yield ProfileFault(
            "not-yet-valid",
            f"The certificate is valid only from {starts:%Y-%m-%d}; check the clock or wait.",
            f"证书自 {starts:%Y-%m-%d} 起才有效；请检查时钟或等待。",
        )
    if now > ends:
        yield ProfileFault(
            "expired",
            f"The certificate ended on {ends:%Y-%m-%d}; ask its authority for a new one.",
            f"证书已于 {ends:%Y-%m-%d} 到期；请向颁发机构申请新证书。",
        )
    if ends - starts > LONGEST_LIFE:
        yield ProfileFault(
            "lives-too-long",
            f"The certificate lives {(ends - starts).days} days; a claim signer's may live 366.",
            f"证书有效期为 {(ends - starts).days} 天；签名者证书最多 366 天。",
        )


def _leaf_faults(leaf: x509.Certificate) -> Iterator[ProfileFault]:
    if leaf.version is not x509.Version.v3:
        yield ProfileFault("not-v3", "The certificate is not X.509 version 3.", "证书不是 X.509 第 3 版。")
    constraints = _extension(leaf, x509.BasicConstraints)
    if constraints is not None and constraints.ca:
        yield ProfileFault(
            "is-authority",
            "The first certificate is an authority's (CA); a claim signer's own certificate must come first.",
            "第一张证书是颁发机构（CA）证书；应以签名者自己的证书开头。",
        )
    if leaf.issuer == leaf.subject:
        yield ProfileFault(
            "self-signed",
            "The certificate is self-signed; it must be issued by an authority.",
            "证书为自签名；必须由颁发机构签发。",
        )
    if leaf.signature_hash_algorithm is not None and leaf.signature_hash_algorithm.name in WEAK_HASHES:
        yield ProfileFault(
            "weak-hash",
            f"The certificate is signed with {leaf.signature_hash_algorithm.name}; SHA-256 is the least.",
            f"证书使用 {leaf.signature_hash_algorithm.name} 签名；至少需要 SHA-256。",
        )
    for one in leaf.extensions:
        if one.critical and isinstance(one.value, x509.UnrecognizedExtension):
            yield ProfileFault(
                "unknown-critical-extension",
                f"The certificate has a critical extension that readers do not know ({one.oid.dotted_string}).",
                f"证书带有读取软件不认识的关键扩展（{one.oid.dotted_string}）。",
            )


def _usage_faults(leaf: x509.Certificate) -> Iterator[ProfileFault]:
    usage = _extension(leaf, x509.KeyUsage)
    if usage is None or not usage.digital_signature:
        yield ProfileFault(
            "no-digital-signature",
            "The certificate's key usage does not name digitalSignature.",
            "证书的密钥用途未包含 digitalSignature。",
        )
        return
    if not leaf.extensions.get_extension_for_oid(ExtensionOID.KEY_USAGE).critical:
        yield ProfileFault(
            "key-usage-not-critical",
            "The certificate's key usage is not marked critical.",
            "证书的密钥用途未标记为关键。",
        )
    if usage.key_cert_sign:
        yield ProfileFault(
            "may-sign-certificates",
            "The certificate's key may sign certificates; a claim signer's may not.",
            "证书密钥可签发证书；签名者证书不得如此。",
        )


def _extended_usage_faults(leaf: x509.Certificate) -> Iterator[ProfileFault]:
    uses = set(_extension(leaf, x509.ExtendedKeyUsage) or ())
    if ExtendedKeyUsageOID.EMAIL_PROTECTION not in uses:
        yield ProfileFault(
            "no-email-protection",
            "The certificate's extended key usage does not name emailProtection, which readers ask for.",
            "证书的扩展密钥用途未包含读取软件要求的 emailProtection。",
        )
    if CLAIM_SIGNING not in uses:
        yield ProfileFault(
            "no-claim-signing",
            "The certificate's extended key usage does not name C2PA claim signing (1.3.6.1.4.1.62558.2.1).",
            "证书的扩展密钥用途未包含 C2PA 声明签名（1.3.6.1.4.1.62558.2.1）。",
        )
    for use in uses & FORBIDDEN_USES.keys():
        yield ProfileFault(
            "forbidden-use",
            f"The certificate's extended key usage names {FORBIDDEN_USES[use]}, which a claim signer's may not.",
            f"证书的扩展密钥用途包含 {FORBIDDEN_USES[use]}，签名者证书不得包含。",
        )


def _identifier_faults(leaf: x509.Certificate) -> Iterator[ProfileFault]:
    if _extension(leaf, x509.AuthorityKeyIdentifier) is None:
        yield ProfileFault(
            "no-authority-key-identifier",
            "The certificate has no authority key identifier.",
            "证书缺少颁发机构密钥标识符。",
        )
    if _extension(leaf, x509.SubjectKeyIdentifier) is None:
        yield ProfileFault(
            "no-subject-key-identifier",
            "The certificate has no subject key identifier.",
            "证书缺少使用者密钥标识符。",
        )


def _chain_faults(chain: Sequence[x509.Certificate], now: datetime) -> Iterator[ProfileFault]:
    if len(chain) < 2:
        yield ProfileFault(
            "no-intermediate",
            "The chain holds only one certificate; add its issuer's.",
            "证书链只有一张证书；请加入其颁发机构的证书。",
        )
    for below, above in itertools.pairwise(chain):
        try:
            below.verify_directly_issued_by(above)
        except (ValueError, TypeError, InvalidSignature):
            yield ProfileFault(
                "chain-broken",
                f"{_common_name(below)} was not issued by {_common_name(above)}, which follows it in the chain.",
                f"{_common_name(below)} 并非由链中下一张证书 {_common_name(above)} 签发。",
            )
    for authority in chain[1:]:
        yield from _authority_faults(authority)
        if not authority.not_valid_before_utc <= now <= authority.not_valid_after_utc:
            yield ProfileFault(
                "authority-expired",
                f"The authority's certificate {_common_name(authority)} is not valid today.",
                f"颁发机构证书 {_common_name(authority)} 目前无效。",
            )


def _authority_faults(authority: x509.Certificate) -> Iterator[ProfileFault]:
    name, constraints, usage = _common_name(authority), *_powers(authority)
    if constraints is None or not constraints.ca or (usage is not None and not usage.key_cert_sign):
        yield ProfileFault(
            "not-an-authority",
            f"The certificate {name} in the chain may not issue certificates: it is no authority's (CA).",
            f"链中证书 {name} 无权签发证书：它不是颁发机构（CA）证书。",
        )
    public = authority.public_key()
    is_long_enough = isinstance(public, rsa.RSAPublicKey) and public.key_size >= LEAST_RSA_BITS
    if not (algorithm_of(public) or is_long_enough):
        yield ProfileFault(
            "authority-key",
            f"The authority's certificate {name} has a key of a kind or length that readers do not take.",
            f"颁发机构证书 {name} 的密钥类型或长度不为读取软件所接受。",
        )


def _powers(authority: x509.Certificate) -> tuple[x509.BasicConstraints | None, x509.KeyUsage | None]:
    return _extension(authority, x509.BasicConstraints), _extension(authority, x509.KeyUsage)


def _common_name(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string() or "a certificate without a name"


def _extension(certificate: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
