"""Keys that sign claims, and the signing of a picture: the last thing that ever changes its bytes."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol, TypeVar, cast

import c2pa  # type: ignore[import-untyped]  # it ships no types
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from provenance.canonical import Digest, sha256_digest
from provenance.credentials.cose import signed_with
from provenance.credentials.definition import Ingredient, ingredients, manifest_definition, nested
from provenance.credentials.errors import CredentialsError, KeyUnfit, KeyUnreachable, LibraryTooOld, SigningFailed
from provenance.credentials.manifest import Colophon
from provenance.credentials.nesting import manifest_in
from provenance.credentials.profile import KEY_KINDS, PrivateKey, ProfileFault, algorithm_of, profile_faults
from provenance.credentials.reading import DEVELOPMENT_NAME, Reading, media_type_of, read, settings
from provenance.credentials.sealing import sealed
from provenance.credentials.timestamps import TimestampAuthority
from provenance.picture import PictureError

LEAST_LIBRARY = (0, 91, 0)
"""Older ones read some forged pictures as trusted."""
NO_PICTURE = "application/octet-stream"
COMPRESSED = frozenset({"image/png", "image/jpeg"})
"""Files in which the library compresses a manifest that is to be compact."""
_Signed = TypeVar("_Signed")


class SigningKey(Protocol):
    """Something that signs claims: its certificates, and a signer made anew for each call.

    The library's signers do not survive a fork, so none is ever kept.
    """

    @property
    def certificates_pem(self) -> str:
        """Return the chain that goes into the file: leaf first, without the root."""
        ...

    @property
    def root_pem(self) -> str:
        """Return the certificate that whoever trusts this key must trust."""
        ...

    @property
    def key_id(self) -> Digest:
        """Return the digest of the leaf's SubjectPublicKeyInfo (DER)."""
        ...

    @property
    def algorithm(self) -> str:
        """Return C2PA's name of the signature algorithm."""
        ...

    @property
    def is_development(self) -> bool:
        """Say whether this is a key that nobody but this machine has a reason to trust."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message as COSE has it; raise KeyUnfit where it is not the certificate's."""
        ...

    def signer(self, *, timestamp_url: str, heard: list[Exception]) -> c2pa.Signer:
        """Return a signer of the C2PA library, for one call in this process.

        The library keeps to itself why a key did not sign: that goes into ``heard``.
        """
        ...


@dataclass(frozen=True)
class PemKey:
    """A signing key held in memory; the private part never shows in a repr or a log."""

    certificates_pem: str = field(repr=False)
    root_pem: str = field(repr=False)
    key_id: Digest
    algorithm: str
    is_development: bool
    _private_pem: bytes = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message as COSE has it."""
        # Its numbers were checked when it was installed, which takes longer than signing.
        key = serialization.load_pem_private_key(self._private_pem, None, unsafe_skip_rsa_key_validation=True)
        return signed_with(cast(PrivateKey, key), self.algorithm, message)

    def signer(self, *, timestamp_url: str, heard: list[Exception]) -> c2pa.Signer:
        """Return a signer of the C2PA library, for one call in this process."""
        information = c2pa.C2paSignerInfo(
            self.algorithm.encode(),
            self.certificates_pem.encode(),
            self._private_pem,
            timestamp_url.encode() or None,
        )
        return c2pa.Signer.from_info(information)


@dataclass(frozen=True)
class SignedImage:
    """A picture with its manifest inside, and that manifest's store by itself."""

    data: bytes = field(repr=False)
    manifest_store: bytes = field(repr=False)
    manifest_id: str
    is_timestamped: bool = False
    reading: Reading | None = field(default=None, repr=False)
    """What the finished file reads as, with its own signer trusted."""

    @property
    def files(self) -> tuple[bytes, bytes]:
        """Return what is kept of it: the picture, and the manifest store."""
        return self.data, self.manifest_store


def pem_chain(
    *, chain_pem: str, key_pem: bytes, root_pem: str = "", password: bytes | None = None, now: datetime
) -> PemKey:
    """Return the key of a configured PEM chain, once it has passed the profile of a claim signer.

    Without ``root_pem`` the last certificate of the chain stands for it. Raises KeyUnfit, a sentence for each fault.
    """
    chain = certificates_in(chain_pem)
    key = _private_key(key_pem, password=password)
    require_profile(chain, key=key, now=now)
    return PemKey(
        certificates_pem=pem_text(sent_of(chain)),
        root_pem=root_pem or pem_text(chain[-1:]),
        key_id=key_id_of(chain[0]),
        algorithm=algorithm_of(key),
        is_development=is_development(chain[0]),
        _private_pem=private_pem(key),
    )


def sign_image(
    data: bytes,
    *,
    media_type: str,
    colophon: Colophon,
    key: SigningKey,
    timestamps: TimestampAuthority | None = None,
    is_compact: bool = False,
) -> SignedImage:
    """Return the picture with its manifest embedded, signed and read back whole; stamped where the authority answers.

    Without its answer the picture is signed all the same: ``updating.stamp_later`` adds what is missing. A compact
    manifest is compressed (C2PA 2.4, compressed manifests), which the library does for PNG and JPEG alone.
    Raises ManifestError for what cannot be said, KeyUnfit or KeyUnreachable for the key, else SigningFailed.
    """
    require_library()
    definition = manifest_definition(colophon)
    parts = [_with_own_manifest(part, key=key) for part in ingredients(colophon)]
    chosen = signing_settings(key, is_compact=is_compact)

    def compose(context: c2pa.Context) -> tuple[bytes, bytes]:
        signed = io.BytesIO()
        store = _builder(definition, parts, context).sign(media_type, io.BytesIO(data), signed)
        return signed.getvalue(), store

    def sign(authority: TimestampAuthority | None) -> SignedImage:
        if is_compact and media_type in COMPRESSED:  # with its signature, so only the library can put that in
            with signing_context(key, timestamp_url=authority.url if authority else "", chosen=chosen) as context:
                signed, store = compose(context)
        else:
            signed, store = sealed(compose, key=key, chosen=chosen, timestamps=authority)
        image = SignedImage(signed, store, colophon.manifest_id, is_timestamped=authority is not None)
        return read_back(image, key=key)

    return stamped_if_possible(sign, timestamps)


def stamped_if_possible(
    sign: Callable[[TimestampAuthority | None], _Signed], timestamps: TimestampAuthority | None
) -> _Signed:
    """Return what signing gives with an authority, or without one while the authority does not answer."""
    if timestamps is None or not timestamps.is_awake:
        return sign(None)
    with contextlib.suppress(SigningFailed):
        return timestamps.ask(lambda _: sign(timestamps))
    unstamped = sign(None)
    timestamps.rest()  # the key and the picture are good: it was the authority
    return unstamped


@contextlib.contextmanager
def signing_context(
    key: SigningKey, *, timestamp_url: str = "", chosen: Mapping[str, Any] | None = None
) -> Iterator[c2pa.Context]:
    """Lend a context of the C2PA library that signs with a key; every fault inside is one of ours."""
    heard: list[Exception] = []
    try:
        signer = key.signer(timestamp_url=timestamp_url, heard=heard)
        with c2pa.Context.from_dict(dict(chosen or signing_settings(key)), signer=signer) as context:
            yield context
    except c2pa.C2paError as error:
        if heard and isinstance(heard[0], CredentialsError):
            raise heard[0] from error
        if heard:
            raise KeyUnreachable(kind=type(heard[0]).__name__) from heard[0]
        raise SigningFailed(reason=str(error)) from error


def require_library() -> str:
    """Return the C2PA library's version; raise LibraryTooOld for one that misjudges forged pictures."""
    found: str = c2pa.sdk_version()
    numbers = tuple(int(part) for part in found.split("-")[0].split(".") if part.isdigit())
    if numbers < LEAST_LIBRARY:
        raise LibraryTooOld(found=found)
    return found


def key_id_of(leaf: x509.Certificate) -> Digest:
    """Return the digest of a certificate's SubjectPublicKeyInfo (DER)."""
    return sha256_digest(
        leaf.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def pem_text(certificates: Sequence[x509.Certificate]) -> str:
    """Return certificates one after another in PEM."""
    return "".join(certificate.public_bytes(serialization.Encoding.PEM).decode() for certificate in certificates)


def private_pem(key: PrivateKey) -> bytes:
    """Return a private key as unencrypted PKCS#8, the only form that the library takes."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def new_builder(definition: Mapping[str, Any], context: c2pa.Context, *, is_update: bool = False) -> c2pa.Builder:
    """Return a builder of one manifest, which signs once; an update leaves the picture and its manifest alone."""
    builder = c2pa.Builder(dict(definition), context=context)
    if is_update:
        builder.set_intent(c2pa.C2paBuilderIntent.UPDATE)
    return builder


def _builder(definition: dict[str, Any], parts: Sequence[Ingredient], context: c2pa.Context) -> c2pa.Builder:
    if all(part.is_embedded for part in parts):
        builder = new_builder(definition | {"ingredients": [part.definition for part in parts]}, context)
        for part in parts:
            _add_resource(builder, part)
        return builder
    # What the definition lists would come before what is added; so all are added, and keep their order.
    builder = new_builder(definition, context)
    for part in parts:
        add_ingredient(builder, part)
    return builder


def _add_resource(builder: c2pa.Builder, part: Ingredient) -> None:
    if part.data is not None:
        builder.add_resource(part.resource, io.BytesIO(part.data))


def add_ingredient(builder: c2pa.Builder, part: Ingredient) -> None:
    """Add an ingredient that is read from its bytes, or one whose definition says everything."""
    if part.is_embedded or part.data is None:
        _add_resource(builder, part)
        builder.add_ingredient(json.dumps(part.definition), NO_PICTURE, io.BytesIO())
        return
    media_type = media_type_of(part.data)
    builder.add_ingredient(json.dumps(part.definition | {"format": media_type}), media_type, io.BytesIO(part.data))


def _with_own_manifest(part: Ingredient, *, key: SigningKey) -> Ingredient:
    """Return an ingredient that is read from a file with the manifest in that file, where one can be taken out.

    Of a file whose credentials cannot be read the digest alone is stated, as of one that has none.
    """
    if part.is_embedded or part.data is None:
        return part
    manifest = manifest_in(part.data, media_type=media_type_of(part.data), trust_pem=key.root_pem)
    if manifest is not None:
        return nested(part.definition, manifest)
    return part if is_readable(part.data) else Ingredient(part.definition)


def is_readable(data: bytes) -> bool:
    """Say whether the library takes a file in as an ingredient: one whose credentials are damaged it refuses whole."""
    try:
        return read(data).state != "unreadable"
    except PictureError:  # of another kind than we read: the library decides
        return True


def signing_settings(key: SigningKey, *, is_compact: bool = False) -> dict[str, Any]:
    """Return the library's settings for signing offline, without thumbnails and with nothing gathered from others."""
    chosen = settings(trust_pem=key.root_pem)
    chosen["core"] |= {"prefer_compress_manifests": is_compact}
    chosen["verify"] |= {"verify_after_sign": False}  # the finished file is read back whole, as an outsider reads it
    chosen["builder"] = {
        "thumbnail": {"enabled": False},
        # Ingredients are the signer's own statement, not gathered from others.
        "created_assertion_labels": ["c2pa.ingredient", "c2pa.ingredient.v3", "c2pa.embedded-data"],
    }
    return chosen


def read_back(image: SignedImage, *, key: SigningKey) -> SignedImage:
    """Return a signed picture with its reading; raise SigningFailed unless it reads as it was meant to."""
    try:
        reading = read(image.data, trust_pem=key.root_pem)
    except PictureError as error:
        raise SigningFailed(reason=error.code) from error
    if reading.manifest_id != image.manifest_id or reading.validation_state != "Trusted":
        failures = ", ".join(sorted(reading.codes("failure")))
        raise SigningFailed(reason=failures or reading.problem or reading.validation_state or reading.state)
    if image.is_timestamped and "timeStamp.validated" not in reading.codes("success"):
        raise SigningFailed(reason="the timestamp does not fit the signature")
    return replace(image, reading=reading)


def require_profile(chain: Sequence[x509.Certificate], *, key: PrivateKey | None, now: datetime) -> None:
    """Raise KeyUnfit, with a sentence for each fault, unless a chain and its key may sign claims."""
    faults = profile_faults(chain, key=key, now=now)
    if faults:
        raise unfit(faults)


def sent_of(chain: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """Return what goes into the file: the chain without its root."""
    return [certificate for certificate in chain if certificate.issuer != certificate.subject]


def is_development(leaf: x509.Certificate) -> bool:
    """Say whether a certificate was issued by a development authority."""
    return DEVELOPMENT_NAME in leaf.issuer.rfc4514_string()


def certificates_in(chain_pem: str) -> list[x509.Certificate]:
    """Return the certificates of a PEM text in their order; raise KeyUnfit where it is none."""
    try:
        return x509.load_pem_x509_certificates(chain_pem.encode())
    except ValueError as error:
        raise unfit(
            [
                ProfileFault(
                    "chain-unreadable",
                    "The certificate chain is not PEM text with certificates.",
                    "证书链不是包含证书的 PEM 文本。",
                )
            ]
        ) from error


def _private_key(key_pem: bytes, *, password: bytes | None) -> PrivateKey:
    try:
        key = serialization.load_pem_private_key(key_pem, password)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Without its cause: a parser's message may quote what it read.
        raise unfit([_KEY_UNREADABLE]) from None
    if not algorithm_of(key):
        raise unfit([_KEY_KIND])
    return key  # type: ignore[return-value]  # algorithm_of has looked at its class


def unfit(faults: Sequence[ProfileFault]) -> KeyUnfit:
    """Return the fault that says each of these in both languages."""
    return KeyUnfit(
        said_en=" ".join(fault.en for fault in faults),
        said_zh="".join(fault.zh for fault in faults),
        faults=tuple(fault.code for fault in faults),
    )


_KEY_UNREADABLE = ProfileFault(
    "key-unreadable",
    "The private key is not PEM text, or its password is wrong or missing.",
    "私钥不是 PEM 文本，或其密码错误或缺失。",
)
_KEY_KIND = ProfileFault("key-algorithm", *KEY_KINDS)
