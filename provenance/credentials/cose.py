"""A claim's signature as it stands in a manifest, of a length that is chosen.

COSE_Sign1 with the claim left out, which has a box of its own (RFC 9052, 4.2; C2PA 2.4, 13.2):

    D2 84                                      tag 18, an array of four
    58 .. {1: algorithm, 33: [certificate ..]} protected, as bytes; certificates in DER, leaf first
    A. {"sigTst2": .., "pad": 00 ..}           not protected: the timestamp, and zeros up to the length
    F6                                         no payload
    58 .. signature                            r and s one after another for ECDSA
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from provenance.credentials.profile import PrivateKey, PublicKey

ALGORITHMS: Mapping[str, int] = {"es256": -7, "es384": -35, "es512": -36, "ps256": -37, "ed25519": -8}
HASHES: Mapping[str, hashes.HashAlgorithm] = {
    "es256": hashes.SHA256(),
    "es384": hashes.SHA384(),
    "es512": hashes.SHA512(),
    "ps256": hashes.SHA256(),
}
PSS_SALT_BYTES = 32
EDWARDS_BYTES = 64
_ALGORITHM, _CHAIN = 1, 33
_SIGN1_TAG = b"\xd2"
_BYTES, _TEXT, _ARRAY, _MAP = 2, 3, 4, 5
_Value = int | bytes | str | None | Sequence["_Value"] | Mapping["int | str", "_Value"]


def protected_header(algorithm: str, certificates: Sequence[bytes]) -> bytes:
    """Return the part that the signature covers: the algorithm, and the chain without its root (DER, leaf first)."""
    chain = certificates[0] if len(certificates) == 1 else list(certificates)  # RFC 9360, 2
    return _encoded({_ALGORITHM: ALGORITHMS[algorithm], _CHAIN: chain})


def to_be_signed(protected: bytes, claim: bytes) -> bytes:
    """Return what a key signs for a claim (RFC 9052, 4.4)."""
    return _encoded(["Signature1", protected, b"", claim])


def to_be_stamped(protected: bytes, signature: bytes) -> bytes:
    """Return what an authority puts the time to: the signature as it stands here (C2PA 2.4, 10.3.2.5: sigTst2)."""
    return _encoded(["CounterSignature", protected, b"", _encoded(signature)])


def sign1(protected: bytes, signature: bytes, *, token: bytes = b"", size: int | None = None) -> bytes:
    """Return the whole, with a timestamp's token where there is one, filled up with zeros to a size in bytes.

    Raises ValueError where it does not fit.
    """
    beside: dict[int | str, _Value] = {"sigTst2": {"tstTokens": [{"val": token}]}} if token else {}
    bare = _sign1(protected, beside, signature)
    if size is None or size == len(bare):
        return bare
    return _sign1(protected, beside | _zeros(size - len(bare)), signature)


def is_fillable(room: int) -> bool:
    """Say whether exactly so many spare bytes can be filled with zeros."""
    try:
        return room == 0 or bool(_zeros(room))
    except ValueError:
        return False


def signature_bytes(public: PublicKey) -> int:
    """Return how long every signature is that fits a public key."""
    if isinstance(public, ec.EllipticCurvePublicKey):
        return 2 * _coordinate_bytes(public)
    return (public.key_size + 7) // 8 if isinstance(public, rsa.RSAPublicKey) else EDWARDS_BYTES


def signed_with(key: PrivateKey, algorithm: str, message: bytes) -> bytes:
    """Return a key's signature of a message, as COSE has it."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return raw_ecdsa(key.sign(message, ec.ECDSA(HASHES[algorithm])), public=key.public_key())
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PSS(padding.MGF1(hashes.SHA256()), PSS_SALT_BYTES), hashes.SHA256())
    return key.sign(message)


def raw_ecdsa(signature: bytes, *, public: ec.EllipticCurvePublicKey) -> bytes:
    """Return an ECDSA signature as r and s, from DER or from r and s. Raises ValueError for neither."""
    size = _coordinate_bytes(public)
    if len(signature) == 2 * size:
        return signature
    r, s = decode_dss_signature(signature)
    if not (0 <= r < 1 << 8 * size and 0 <= s < 1 << 8 * size):
        raise ValueError("a signature of another curve")
    return r.to_bytes(size) + s.to_bytes(size)


def _coordinate_bytes(public: ec.EllipticCurvePublicKey) -> int:
    return (public.key_size + 7) // 8


def _sign1(protected: bytes, beside: Mapping[int | str, _Value], signature: bytes) -> bytes:
    return _SIGN1_TAG + _encoded([protected, beside, None, signature])


def _zeros(room: int) -> dict[int | str, _Value]:
    """Return header entries that take exactly so many bytes; some numbers need two (C2PA 2.4, 10.4.4: pad and pad2)."""
    seconds: tuple[dict[int | str, _Value], ...] = ({}, {"pad2": b""})
    for second in seconds:
        for header in (1, 2, 3, 5):
            count = room - (len(_encoded("pad")) + header) - (len(_encoded(second)) - len(_encoded({})))
            if count >= 0 and len(_encoded(bytes(count))) == header + count:
                return {"pad": bytes(count), **second}
    raise ValueError(f"{room} bytes cannot be filled")


def _encoded(value: _Value) -> bytes:
    """Return a value in CBOR's core deterministic encoding, but for the order of maps (RFC 8949, 4.2.1)."""
    if value is None:
        return b"\xf6"
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(_BYTES, len(value)) + value
    if isinstance(value, str):
        return _head(_TEXT, len(value.encode())) + value.encode()
    if isinstance(value, Mapping):
        return _head(_MAP, len(value)) + b"".join(_encoded(key) + _encoded(one) for key, one in value.items())
    return _head(_ARRAY, len(value)) + b"".join(_encoded(one) for one in value)


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    size = next(size for size in (1, 2, 4, 8) if number < 1 << 8 * size)
    return bytes([major << 5 | 24 + size.bit_length() - 1]) + number.to_bytes(size)
