"""The one sentence of a verdict, for a person who knows nothing of C2PA."""

from __future__ import annotations

from collections.abc import Sequence

from provenance.credentials.reading import Reading
from provenance.verification.manifest_checks import signer_name
from provenance.verification.unread import about_unread
from provenance.verification.verdict import Check, FileAlone, Outcome

Sentence = tuple[str, str]
NO_CHANGE = {"signer.trusted", "dispute"}
"""Checks whose failing says nothing against the picture's being as it was signed."""

OF_THIS_FILE = {"file", "manifest"}
"""By what a record is found that speaks of this very file or of the credentials in it."""
OF_THE_COPY = {"record.agrees"}
"""Of the checks of a record, those that hold something against a file that is but a copy of the recorded picture."""

_NO_MANIFEST: Sentence = (
    "This picture carries no content credentials. Most pictures carry none: that says nothing about it.",
    "此图片不带内容凭证。多数图片都没有：仅凭这一点，什么也说明不了。",
)
_NONE_OF_ITS_OWN: Sentence = (
    "This picture carries no content credentials.",
    "此图片不带内容凭证。",
)
_REMOTE: Sentence = (
    "This picture names a place elsewhere where its content credentials are kept; they were not fetched.",
    "此图片标明其内容凭证保存在别处；本次未获取。",
)
_FAILED: dict[str, Sentence] = {
    "signature.valid": (
        "The signature on this picture's content credentials is broken: nothing that they state can be relied on.",
        "此图片内容凭证的签名无效：其中所述均不可依赖。",
    ),
    "manifest.integrity": (
        "This picture or its content credentials were changed after they were signed.",
        "此图片或其内容凭证在签名后被改动过。",
    ),
    "manifest.present": (
        "This picture carries content credentials that cannot be read: they are damaged, or not well formed.",
        "此图片带有内容凭证，但无法读取：凭证已损坏或写法有误。",
    ),
    "signer.not_expired": (
        "The certificate behind this picture's signature has ended, so the signature can no longer be confirmed. "
        "That does not mean that the picture was changed.",
        "此图片的签名证书已到期，签名无法再被确认。这不表示图片被改动过。",
    ),
    "ingredient": (
        "This picture is as it was signed, but something that it was made from had been changed before.",
        "此图片与签名时一致，但其所用素材在使用前已被改动。",
    ),
    "record.agrees": (
        "What this picture's content credentials state differs from what the record of the same picture states.",
        "此图片内容凭证所述，与同一图片的记录不符。",
    ),
}
_BESIDE_UNREADABLE: Sentence = (
    "The content credentials that were kept beside this picture cannot be read: they are damaged, or none at all.",
    "此图片之外另存的内容凭证无法读取：其已损坏，或并非内容凭证。",
)
_DISPUTED: Sentence = (
    "A dispute over it, or over what it was made with, is open.",
    "针对此图片或其所用素材的争议尚未了结。",
)
_FAILED_OTHERWISE: Sentence = (
    "Something about this picture does not hold; the checks say what.",
    "此图片有不符之处；详见各项核验。",
)
_ASKED_FIRST = (
    "signature.valid",
    "manifest.integrity",
    "manifest.present",
    "signer.not_expired",
    "ingredient",
)


def with_records(alone: FileAlone, checks: Sequence[Check]) -> tuple[Outcome, str, str]:
    """Return the outcome and the sentence in English and Chinese, once records were asked: ``checks`` is their answers.

    The same holds for records that are found later than the verdict was given.
    """
    results = {one.code: one.result for one in checks}
    outcome, (en, zh) = alone.outcome, (alone.en, alone.zh)
    found = next((one for one in checks if one.code == "record.found" and one.result == "passed"), None)
    failed = {code for code, result in results.items() if result == "failed"} - NO_CHANGE
    if found is None or found.evidence.get("layer") not in OF_THIS_FILE:
        failed &= OF_THE_COPY  # the rest is told of the picture that this is a copy of, not held against the copy
    if failed and outcome != "unreadable":
        if outcome != "failed" or (en, zh) == _FAILED_OTHERWISE:
            en, zh = _FAILED["record.agrees"] if "record.agrees" in failed else _FAILED_OTHERWISE
        outcome = "failed"
    if outcome == "no_manifest" and found is not None:
        # That most pictures carry none is for who would else conclude something from it.
        en, zh = _NONE_OF_ITS_OWN if (en, zh) == _NO_MANIFEST else (en, zh)
        # A sentence that begins with the keeper's name keeps its capital.
        told = found.en.replace("This ", "this ", 1) if found.en.startswith("This ") else found.en
        en, zh = f"{en} But {told}", f"{zh}但是，{found.zh}"
    if results.get("dispute") == "failed":
        en, zh = f"{en} {_DISPUTED[0]}", f"{zh}{_DISPUTED[1]}"
    return outcome, en, zh


def about_file(outcome: Outcome, checks: Sequence[Check], reading: Reading) -> Sentence:
    """Return what is said of a file by itself, in English and Chinese; ``checks`` is those of the file."""
    if outcome == "unreadable":
        return about_unread(next(one for one in checks if one.code == "picture.readable"))
    if outcome == "no_manifest":
        return _REMOTE if reading.state == "remote" else _NO_MANIFEST
    if outcome == "failed":
        failed = {one.code for one in checks if one.result == "failed"}
        first = next((code for code in _ASKED_FIRST if code in failed), "")
        if first == "manifest.present" and reading.beside:
            return _BESIDE_UNREADABLE
        return _FAILED.get(first, _FAILED_OTHERWISE)
    name = signer_name(reading.signer)
    if outcome == "trusted":
        return (f"Unchanged since {name} signed it.", f"自 {name} 签名以来未被改动。")
    return (
        f"Unchanged since it was signed, but nothing here vouches for the signer, whom the certificate names {name}.",
        f"自签名以来未被改动，但此处没有任何依据可以证实签名者；证书上写的是 {name}。",
    )
