"""A keeper of records in memory: the stand-in for a server's own, behind the same Protocol."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from provenance.canonical import pixel_digest, sha256_digest
from provenance.picture import decode_picture
from provenance.verification.copy import Copy
from provenance.verification.evidence import Answer, Layer, RecordFound
from tests.simulators.pictures import LEAF, MADE_AT, PROMPT, colophon, digest

IN_LOG = Answer("passed", "The log includes the entries.", "日志收录了这些条目。")
LICENCES_STAND = Answer("passed", "The licences stand.", "许可有效。")
UNDISPUTED = Answer("passed", "Nobody disputes it.", "无人提出争议。")
KEY_STANDS = Answer("passed", "The key was not revoked.", "密钥未被吊销。")


@dataclass
class Ledger:
    """Records of one image or several, kept in memory: the stand-in for a server's own."""

    records: Sequence[RecordFound] = ()
    keeper: str = "colophon.example"
    log: Answer = IN_LOG
    licences: Answer = LICENCES_STAND
    disputed: Answer = UNDISPUTED
    key: Answer = KEY_STANDS
    left_out: Sequence[str] = ()

    def find(self, copy: Copy) -> Sequence[RecordFound]:
        layers: tuple[tuple[Layer, Callable[[RecordFound], bool]], ...] = (
            ("file", lambda one: one.image_digest == copy.file_digest),
            ("manifest", lambda one: one.manifest_id == copy.manifest_id),
            ("pixels", lambda one: one.delivered_pixels == copy.pixel_digest),
        )
        for layer, fits in layers:
            if found := [replace(one, layer=layer) for one in self.records if fits(one)]:
                return found
        return ()

    def log_inclusion(self, record: RecordFound) -> Answer:
        return self.log

    def licences_today(self, record: RecordFound) -> Answer:
        return self.licences

    def dispute(self, record: RecordFound) -> Answer:
        return self.disputed

    def signing_key(self, record: RecordFound) -> Answer:
        return self.key


def record_of(data: bytes, **changes: object) -> RecordFound:
    found = RecordFound(
        layer="file",
        image_digest=sha256_digest(data),
        manifest_id=colophon().manifest_id,
        delivered_pixels=pixel_digest(decode_picture(data).pixels),
        generation_id=colophon().generation_id,
        model="Starter",
        made_at=MADE_AT,
        leaf_hashes=(LEAF, digest("9")),
        model_digest=digest("b"),
        seed=str(2**63 - 1),
        disclosure="public",
        prompt_text=PROMPT,
        references=({"kind": "style", "name": "Quiet ink", "digest": digest("d"), "licence": "CC-BY-4.0"},),
        inputs=(),
        request_leaf=LEAF,
        key_id=digest("8"),
    )
    return replace(found, **changes)
