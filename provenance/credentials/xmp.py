"""What a picture's XMP says for readers that know no C2PA: IPTC, PLUS, rights, and China's mark of AI content.

IPTC Photo Metadata 2025.1; PLUS License Data Format; XMP Part 1 (ISO 16684-1); GB 45438-2025, annex E.
Everything comes from the colophon, so a prompt that is not public cannot get in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape

from provenance.canonical import timestamp
from provenance.credentials.manifest import Colophon, MiningUse, credit_lines

NAMESPACES: Mapping[str, str] = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "plus": "http://ns.useplus.org/ldf/xmp/1.0/",
    "TC260": "http://www.tc260.org.cn/ns/AIGC/1.0/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
}
AIGC = "TC260:AIGC"
SAID_BY_C2PA = frozenset({"dc:identifier", "xmp:CreateDate", "xmp:ModifyDate", "xmp:CreatorTool"})
"""In the manifest these are its label, the time of its actions, and its claim's generator."""
LONGEST_TEXT = 2000
LONGEST_NAME = 300
"""In characters: a JPEG holds 64 kB of XMP at most, and the manifest quotes a public prompt whole."""
_PLUS = "http://ns.useplus.org/ldf/vocab/DMI-"
_EVERY_USE = ("cawg.data_mining", "cawg.ai_inference", "cawg.ai_training", "cawg.ai_generative_training")
_NO_XML = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class InBothLanguages:
    """A text that XMP holds as language alternatives, English by default."""

    en: str
    zh: str


RIGHTS = InBothLanguages(
    "Made with AI. Colophon claims no rights in this image; whether copyright exists in it depends "
    "on the country and on what people contributed.",
    "由人工智能生成。Colophon 不主张对该图片享有任何权利；其是否受著作权保护，取决于所在国家以及人的创作贡献。",
)
USAGE = {
    "AIMLTRAINING": InBothLanguages("Not to be used for training AI models.", "不得用于训练人工智能模型。"),
    "GENAIMLTRAINING": InBothLanguages(
        "Not to be used for training generative AI models.", "不得用于训练生成式人工智能模型。"
    ),
    "": InBothLanguages("Not to be used for data mining.", "不得用于数据挖掘。"),
}


def xmp_packet(colophon: Colophon) -> bytes:
    """Return the XMP packet (UTF-8) of a picture, to be written into the file before it is signed."""
    stated = properties(colophon)
    prefixes = {name.split(":")[0] for name in stated}
    spaces = "".join(f' xmlns:{prefix}="{NAMESPACES[prefix]}"' for prefix in sorted(prefixes))
    lines = "".join(f"<{name}>{_value(value)}</{name}>\n" for name, value in stated.items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
        f'<rdf:Description rdf:about=""{spaces}>\n{lines}</rdf:Description>\n'
        '</rdf:RDF></x:xmpmeta>\n<?xpacket end="r"?>'
    ).encode()


def properties(colophon: Colophon) -> dict[str, str | InBothLanguages]:
    """Return each property by its qualified name; what is not known or not public is left out.

    There is no ``dc:creator``: a style's artist did not make the picture, and who did is not ours to say.
    """
    prohibited = _prohibition(colophon.mining)
    stated: dict[str, str | InBothLanguages] = {
        "Iptc4xmpExt:DigitalSourceType": colophon.source_type,
        "Iptc4xmpExt:AISystemUsed": _name(f"{colophon.software.name}, model {colophon.model.name}"),
        "Iptc4xmpExt:AISystemVersionUsed": _name(_versions(colophon)),
        "Iptc4xmpExt:AIPromptInformation": _prompt(colophon),
        "Iptc4xmpExt:AIPromptWriterName": _name(colophon.prompt.writer),
        "plus:DataMining": _plus(colophon.mining),
        "plus:OtherConstraints": _other_constraints(colophon),
        "dc:identifier": colophon.manifest_id,
        "dc:rights": RIGHTS,
        "photoshop:Credit": _cut("; ".join(credit_lines(colophon)), LONGEST_TEXT),
        "xmpRights:UsageTerms": _usage(colophon, prohibited),
        "xmpRights:WebStatement": colophon.page_url,
        "xmp:CreateDate": timestamp(colophon.made_at),
        "xmp:ModifyDate": timestamp(colophon.opened.edited_at) if colophon.opened else "",
        "xmp:CreatorTool": _name(f"{colophon.software.name} {colophon.software.version}"),
        AIGC: _aigc(colophon),
    }
    return {name: value for name, value in stated.items() if value != ""}


def metadata_assertion(colophon: Colophon) -> dict[str, object]:
    """Return the same properties as ``cawg.metadata`` holds them (JSON-LD), so that a signature covers them.

    Without those that the manifest states in C2PA's own words.
    """
    stated = {
        name: value.en if isinstance(value, InBothLanguages) else value
        for name, value in properties(colophon).items()
        if name != AIGC and name not in SAID_BY_C2PA
    }
    prefixes = sorted({name.split(":")[0] for name in stated})
    return {"@context": {prefix: NAMESPACES[prefix] for prefix in prefixes}, **stated}


def _versions(colophon: Colophon) -> str:
    return f"{colophon.software.version}, model {colophon.model.revision or colophon.model.weights_digest}"


def _prompt(colophon: Colophon) -> str:
    if colophon.prompt.disclosure != "public":
        return ""
    negative = colophon.prompt.negative_text
    return _cut(colophon.prompt.text + (f"\nNegative prompt: {negative}" if negative else ""), LONGEST_TEXT)


def _prohibition(mining: Mapping[str, MiningUse]) -> str | None:
    """Return what PLUS calls the widest use that is not allowed; None where all that is stated is allowed."""
    for purpose, said in (
        ("cawg.data_mining", ""),
        ("cawg.ai_training", "AIMLTRAINING"),
        ("cawg.ai_generative_training", "GENAIMLTRAINING"),
    ):
        if mining.get(purpose) == "notAllowed":
            return said
    return None


def _plus(mining: Mapping[str, MiningUse]) -> str:
    prohibited = _prohibition(mining)
    if prohibited is not None:
        return _PLUS + "-".join(filter(None, ("PROHIBITED", prohibited)))
    if _is_training_constrained(mining):
        return _PLUS + "PROHIBITED-SEECONSTRAINT"
    return _PLUS + ("ALLOWED" if all(mining.get(use) == "allowed" for use in _EVERY_USE) else "UNSPECIFIED")


def _is_training_constrained(mining: Mapping[str, MiningUse]) -> bool:
    return any(mining.get(use) == "constrained" for use in ("cawg.ai_training", "cawg.ai_generative_training"))


def _other_constraints(colophon: Colophon) -> str | InBothLanguages:
    """Return the constraints that PLUS's code refers to; nothing beside another code."""
    en, zh = colophon.conditions
    is_referred_to = _prohibition(colophon.mining) is None and _is_training_constrained(colophon.mining)
    return InBothLanguages(en, zh) if is_referred_to and en else ""


def _usage(colophon: Colophon, prohibited: str | None) -> str | InBothLanguages:
    """Return what may not be done with the picture, and the conditions that travelled to it."""
    mining = USAGE[prohibited] if prohibited is not None else InBothLanguages("", "")
    en, zh = colophon.conditions
    said = InBothLanguages(" ".join(filter(None, (mining.en, en))), "".join((mining.zh, zh)))
    return said if said.en else ""


def _aigc(colophon: Colophon) -> str:
    """Return GB 45438-2025's seven strings: 1 says that the content is generated; whoever passes it on fills in his."""
    seven = {
        "Label": "1",
        "ContentProducer": _name(colophon.provider or colophon.software.name),
        "ProduceID": colophon.manifest_id,
        "ReservedCode1": "",
        "ContentPropagator": "",
        "PropagateID": "",
        "ReservedCode2": "",
    }
    return json.dumps(seven, ensure_ascii=False, separators=(",", ":"))  # in the order of the standard's annex


def _name(text: str) -> str:
    return _cut(text, LONGEST_NAME)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _value(value: str | InBothLanguages) -> str:
    if isinstance(value, str):
        return _escaped(value)
    alternatives = (("x-default", value.en), ("en", value.en), ("zh-Hans", value.zh))
    items = "".join(f'<rdf:li xml:lang="{language}">{_escaped(text)}</rdf:li>' for language, text in alternatives)
    return f"<rdf:Alt>{items}</rdf:Alt>"


def _escaped(text: str) -> str:
    return escape(_NO_XML.sub("\ufffd", text))
