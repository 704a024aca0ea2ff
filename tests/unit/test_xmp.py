"""What the XMP of a delivered picture says, read back by exiftool; and what it never says."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.credentials.label import VisibleLabel
from provenance.credentials.manifest import MiningUse, Prompt, Reference
from provenance.credentials.marking import mark
from provenance.credentials.reading import read
from provenance.credentials.signing import PemKey, sign_image
from provenance.credentials.xmp import LONGEST_TEXT, NAMESPACES, metadata_assertion, properties, xmp_packet
from provenance.picture import decode_picture
from tests import services
from tests.simulators.pictures import ENCODINGS, PROMPT, colophon, digest, over, picture

IPTC, PLUS = NAMESPACES["Iptc4xmpExt"], "http://ns.useplus.org/ldf/vocab/DMI-"
AIGC_NAMES = [
    "Label", "ContentProducer", "ProduceID", "ReservedCode1", "ContentPropagator", "PropagateID", "ReservedCode2",
]  # fmt: skip
TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def delivered(key: PemKey, *, media_type: str = "image/png", **changes: Any) -> bytes:
    """Return a picture as it leaves: told in XMP, encoded, signed."""
    said = colophon(media_type=media_type, **changes)
    marked = mark(decode_picture(picture()).pixels, media_type=media_type, packet=xmp_packet(said))
    return sign_image(marked.data, media_type=media_type, colophon=said, key=key).data


def by_exiftool(tmp_path: Path, data: bytes) -> dict[str, Any]:
    """Return every XMP property that exiftool finds, by its group and name."""
    exiftool = services.require_tool("exiftool")
    path = tmp_path / "picture"
    path.write_bytes(data)
    done = subprocess.run([exiftool, "-j", "-G1", "-XMP:all", str(path)], capture_output=True, check=True, timeout=60)
    found: dict[str, Any] = json.loads(done.stdout)[0]
    return found


@pytest.mark.parametrize("media_type", ENCODINGS)
def test_exiftool_reads_every_property_of_a_signed_file(key: PemKey, media_type: str, tmp_path: Path) -> None:
    prompt = Prompt.public(PROMPT, negative_text="blurry", writer="A. Writer")
    page = "https://colophon.example/provenance/1"
    said = {"prompt": prompt, "provider": "Atelier <&>", "page_url": page}
    found = by_exiftool(tmp_path, delivered(key, media_type=media_type, **said))
    assert found["XMP-iptcExt:DigitalSourceType"].endswith("/trainedAlgorithmicMedia")
    assert found["XMP-iptcExt:AISystemUsed"] == "Colophon, model Starter"
    assert found["XMP-iptcExt:AISystemVersionUsed"] == "0.1.0, model 1"
    assert found["XMP-iptcExt:AIPromptInformation"] == f"{PROMPT}\nNegative prompt: blurry"
    assert found["XMP-iptcExt:AIPromptWriterName"] == "A. Writer"
    assert found["XMP-plus:DataMining"] in {PLUS + "PROHIBITED-AIMLTRAINING", "Prohibited for AI/ML training"}
    assert "claims no rights" in found["XMP-dc:Rights"]
    assert "不主张" in found["XMP-dc:Rights-zh-hans"]
    assert found["XMP-photoshop:Credit"] == colophon().references[0].credit_line
    assert found["XMP-xmpRights:WebStatement"] == page
    assert found["XMP-dc:Identifier"] == colophon().manifest_id
    assert found["XMP-xmp:CreateDate"].startswith("2026:11:23 12:30:15")
    assert found["XMP-xmp:CreatorTool"] == "Colophon 0.1.0"


@pytest.mark.parametrize("media_type", ENCODINGS)
def test_china_s_mark_is_seven_strings(key: PemKey, media_type: str, tmp_path: Path) -> None:
    found = by_exiftool(tmp_path, delivered(key, media_type=media_type, provider="某工作室 <&>"))
    (name,) = [name for name in found if name.lower() == "xmp-tc260:aigc"]
    told = found[name] if isinstance(found[name], dict) else json.loads(found[name])
    assert list(told) == AIGC_NAMES, "as the standard's annex has them"
    assert all(isinstance(value, str) for value in told.values())
    assert (told["Label"], told["ContentProducer"], told["ProduceID"]) == ("1", "某工作室 <&>", colophon().manifest_id)


@pytest.mark.parametrize("media_type", ENCODINGS)
def test_a_picture_told_in_xmp_and_labelled_reads_back_trusted(key: PemKey, media_type: str) -> None:
    label = VisibleLabel()
    said = colophon(media_type=media_type, visible_label=label.text)
    pixels = decode_picture(picture(size=128)).pixels
    marked = mark(pixels, media_type=media_type, packet=xmp_packet(said), label=label)
    reading = read(sign_image(marked.data, media_type=media_type, colophon=said, key=key).data, trust_pem=key.root_pem)
    assert (reading.validation_state, reading.faults) == ("Trusted", ())


@pytest.mark.parametrize("media_type", ENCODINGS)
@pytest.mark.parametrize("prompt", [Prompt.private(), Prompt.committed(PROMPT, salt=b"s" * 32)])
def test_no_byte_of_an_undisclosed_prompt_leaves(key: PemKey, media_type: str, prompt: Prompt) -> None:
    data = delivered(key, media_type=media_type, prompt=prompt)
    for text in (PROMPT, "fox asleep"):
        for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
            assert text.encode(encoding) not in data
    assert not {"Iptc4xmpExt:AIPromptInformation", "Iptc4xmpExt:AIPromptWriterName"} & set(
        properties(colophon(prompt=prompt))
    )
    assert delivered(key, media_type=media_type).count(PROMPT.encode()) >= 2, "the search would find nothing anyway"


def test_no_one_is_named_as_the_picture_s_creator(key: PemKey, tmp_path: Path) -> None:
    style = Reference(
        kind="style",
        name="Ink",
        digest=digest("d"),
        licence="CC0-1.0",
        credit_line="Made with Ink, works by A. Painter",
    )
    found = by_exiftool(tmp_path, delivered(key, references=(style,)))
    assert not [name for name in found if "creator" in name.lower() and "tool" not in name.lower()]
    assert [name for name, value in found.items() if "A. Painter" in str(value)] == ["XMP-photoshop:Credit"]
    assert "dc:creator" not in properties(colophon())


def test_the_signature_covers_what_the_xmp_says(key: PemKey) -> None:
    data = delivered(key, media_type="image/jpeg")
    told = read(data, trust_pem=key.root_pem).assertion("cawg.metadata")
    assert told == metadata_assertion(colophon(media_type="image/jpeg"))
    assert told["plus:DataMining"] == PLUS + "PROHIBITED-AIMLTRAINING"
    changed = data.replace("不主张".encode(), "要主张".encode())
    assert changed != data
    assert "assertion.dataHash.mismatch" in {fault.code for fault in read(changed, trust_pem=key.root_pem).faults}


def test_a_picture_made_over_another_is_told_as_a_composite() -> None:
    said = properties(colophon(inputs=over(picture())))
    assert str(said["Iptc4xmpExt:DigitalSourceType"]).endswith("/compositeWithTrainedAlgorithmicMedia")


EVERY: tuple[str, ...] = ("cawg.data_mining", "cawg.ai_inference", "cawg.ai_training", "cawg.ai_generative_training")
MINING: list[tuple[Mapping[str, MiningUse], str, str]] = [
    (dict.fromkeys(EVERY, "notAllowed"), "PROHIBITED", "data mining"),
    ({"cawg.ai_training": "notAllowed"}, "PROHIBITED-AIMLTRAINING", "training AI"),
    ({"cawg.ai_generative_training": "notAllowed"}, "PROHIBITED-GENAIMLTRAINING", "training generative AI"),
    (dict.fromkeys(EVERY, "allowed"), "ALLOWED", ""),
    ({"cawg.ai_training": "allowed"}, "UNSPECIFIED", ""),
    ({"cawg.ai_training": "constrained"}, "PROHIBITED-SEECONSTRAINT", ""),
    ({"cawg.ai_training": "notAllowed", "cawg.data_mining": "constrained"}, "PROHIBITED-AIMLTRAINING", "training AI"),
    ({"cawg.data_mining": "constrained"}, "UNSPECIFIED", ""),
    ({}, "UNSPECIFIED", ""),
]


@pytest.mark.parametrize(("mining", "expected", "terms"), MINING)
def test_plus_says_what_the_terms_of_mining_say(mining: Mapping[str, MiningUse], expected: str, terms: str) -> None:
    said = properties(colophon(mining=mining))
    assert said["plus:DataMining"] == PLUS + expected
    usage = said.get("xmpRights:UsageTerms")
    assert terms in (usage.en if usage is not None and not isinstance(usage, str) else "")
    assert (usage is None) == (terms == "")


@pytest.mark.parametrize(("use", "is_said"), [("constrained", True), ("notAllowed", False)])
def test_constraints_stand_beside_the_code_that_refers_to_them_alone(use: MiningUse, is_said: bool) -> None:
    said = properties(colophon(mining={"cawg.ai_training": use}, conditions=("Share alike.", "相同方式共享。")))
    assert ("plus:OtherConstraints" in said) is is_said


@given(prompt=TEXT, provider=TEXT, writer=TEXT)
def test_any_text_leaves_the_packet_well_formed_and_small_enough_for_a_jpeg(
    prompt: str, provider: str, writer: str
) -> None:
    packet = xmp_packet(colophon(prompt=Prompt.public(prompt, writer=writer), provider=provider))
    ElementTree.fromstring(packet.decode())
    assert len(packet) < 65_000


@pytest.mark.parametrize("letter", ["&", "\U0001f98a", "\x00"])
def test_the_longest_texts_still_fit_into_a_jpeg_and_are_visibly_cut(key: PemKey, letter: str) -> None:
    long = letter * 100_000
    style = Reference(kind="style", name="Ink", digest=digest("d"), licence="CC0-1.0", credit_line=long)
    said = colophon(
        prompt=Prompt.public(long, writer=long), provider=long, references=(style,), media_type="image/jpeg"
    )
    marked = mark(decode_picture(picture()).pixels, media_type="image/jpeg", packet=xmp_packet(said))
    told = properties(said)["Iptc4xmpExt:AIPromptInformation"]
    assert isinstance(told, str) and len(told) == LONGEST_TEXT and told.endswith("…")
    assert len(marked.data) < 66_000


def test_markup_in_a_text_stays_text() -> None:
    wicked = "</dc:rights><rdf:li>\"'&amp;]]>"
    packet = xmp_packet(colophon(prompt=Prompt.public(wicked)))
    tree = ElementTree.fromstring(packet.decode())
    assert [one.text for one in tree.iter(f"{{{IPTC}}}AIPromptInformation")] == [wicked]
