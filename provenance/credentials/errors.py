"""What can go wrong with keys, certificates and signatures."""

from __future__ import annotations

from provenance.errors import ProvenanceError


class CredentialsError(ProvenanceError):
    """A fault in signing a picture or in the key that signs."""


class KeyUnfit(CredentialsError):
    """A configured key or certificate chain breaks the profile of a claim signer; ``faults`` lists each breach."""

    code = "signing-key-unfit"
    en = "The signing key cannot be used. {said_en}"
    zh = "签名密钥无法使用。{said_zh}"


class KeyUnreachable(CredentialsError):
    """The token or service that keeps the key did not sign; its own words stay in the cause, out of every answer."""

    code = "signing-key-unreachable"
    en = "The signing key did not answer ({kind}). Check the token or key service, its PIN and the key's name."
    zh = "签名密钥没有响应（{kind}）。请检查令牌或密钥服务、其 PIN 以及密钥名称。"


class KeyRevoked(CredentialsError):
    """The configured key was revoked, so nothing is signed with it."""

    code = "signing-key-revoked"
    en = "The signing key was revoked, so nothing is signed with it. The operator has to install another one."
    zh = "签名密钥已被吊销，不再用于签名。请运营者安装新的密钥。"


class KeyRevokedAlready(CredentialsError):
    """A key is revoked once; a revocation is never changed."""

    code = "signing-key-revoked-already"
    en = "This key was revoked already, from {since} on. A revocation is never changed."
    zh = "该密钥已自 {since} 起被吊销。吊销记录不可更改。"


class UnknownKey(CredentialsError):
    """Nothing here was signed with this key, nor would it be now."""

    code = "unknown-signing-key"
    en = "Nothing was signed with this key, and it is not the one in force. Check its id."
    zh = "没有任何内容由该密钥签名，它也不是当前使用的密钥。请核对其标识。"


class RevokedFromFuture(CredentialsError):
    """A key is revoked from a moment that has come."""

    code = "revoked-from-the-future"
    en = "A key can be revoked from now or from an earlier moment, not from a later one."
    zh = "密钥只能自当前或更早的时刻起吊销，不能自将来的时刻起吊销。"


class SigningFailed(CredentialsError):
    """The picture could not be signed; nothing may be delivered."""

    code = "signing-failed"
    en = "The picture could not be signed, so it was not delivered: {reason}. Try again, or tell the operator."
    zh = "图片签名失败，因此未交付：{reason}。请重试，或告知运营者。"


class NotStampable(SigningFailed):
    """No timestamp can ever be added to this file later."""


class LibraryTooOld(CredentialsError):
    """The C2PA library misjudges forged pictures and must not be used."""

    code = "c2pa-library-too-old"
    en = "The C2PA library {found} is too old to be trusted; install c2pa-python 0.38 or newer."
    zh = "C2PA 库 {found} 版本过旧，不可信赖；请安装 c2pa-python 0.38 或更新版本。"


class DevelopmentKeysDamaged(CredentialsError):
    """The development authority's files are there and cannot be used; a new root is never made unasked."""

    code = "development-keys-damaged"
    en = "The development signing key {path} cannot be used: {said_en}. Restore it, or remove its folder for a new one."
    zh = "开发签名密钥 {path} 无法使用：{said_zh}。请恢复该文件，或删除其所在文件夹以生成新的密钥。"
