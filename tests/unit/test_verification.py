"""The verdict: every check, in words that say no more than is known."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from provenance.canonical import sha256_digest
from provenance.credentials.development_ca import DevelopmentCA
from provenance.credentials.manifest import Prompt
from provenance.credentials.signing import PemKey, pem_chain
from provenance.verification.evidence import Answer
from provenance.verification.trust import TrustUnreadable, trust_in_files
from provenance.verification.verify import verify
from tests.simulators import certificates
from tests.simulators.pictures import ENCODINGS, LEAF, PROMPT, colophon, digest, over, picture, signed
from tests.simulators.records import Ledger, record_of
from tests.simulators.tampering import (
    CHANGES,
    saved_again,
    stripped,
    with_broken_signature,
    with_other_pixel,
)
from tests.unit.verdicts import failed, results

NOW = datetime.now(UTC)


# ---- our own pictures ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("media_type", ENCODINGS)
def test_our_picture_is_unchanged_since_a_trusted_signer_signed_it(key: PemKey, media_type: str) -> None:
    verdict = verify(signed(key, media_type=media_type).data, trust_pem=key.root_pem)
    assert (verdict.outcome, verdict.exit_code, verdict.validation_state) == ("trusted", 0, "Trusted")
    assert verdict.summary("en") == "Unchanged since Colophon development signer (not trusted by anyone) signed it."
    assert verdict.summary("zh-Hans").startswith("自 Colophon development signer")
    assert results(verdict) == {
        "picture.readable": "passed",
        "manifest.present": "passed",
        "manifest.integrity": "passed",
        "signature.valid": "passed",
        "signer.trusted": "passed",
        "signer.not_expired": "passed",
        "timestamp": "not_checked",
        "record.found": "not_checked",
        "record.agrees": "not_checked",
        "log.inclusion": "not_checked",
        "licence.today": "not_checked",
        "dispute": "not_checked",
        "key.revoked": "not_checked",
    }


def test_a_development_certificate_is_called_one(key: PemKey) -> None:
    verdict = verify(signed(key).data, trust_pem=key.root_pem)
    assert verdict.signer is not None and verdict.signer.is_development
    assert "development certificate" in verdict.check("signer.trusted").en
    assert "root on the list that was given" in verdict.check("signer.trusted").en
    assert verdict.as_json()["signer"]["is_development"] is True


def test_a_site_knows_its_own_development_certificate_and_says_that_nobody_else_does(
    key: PemKey, tmp_path: Path
) -> None:
    own = verify(signed(key).data, trust=trust_in_files(key.root_pem, signers=())).check("signer.trusted")
    assert own.result == "passed"
    assert own.en == (
        "This site knows the certificate of Colophon development signer (not trusted by anyone) as its own; "
        "nobody else vouches for it."
    )
    assert "本站自己的证书" in own.zh
    listed = tmp_path / "neighbour.pem"
    listed.write_text(DevelopmentCA(tmp_path / "neighbour").signing_key(now=NOW).root_pem)
    whose = verify(signed(key).data, trust=trust_in_files(key.root_pem, signers=[listed])).check("signer.trusted")
    assert "as its own" not in whose.en, "a neighbour's development certificate was taken for ours"


def test_without_a_timestamp_the_certificate_is_in_force_today_and_no_more_is_said(key: PemKey) -> None:
    check = verify(signed(key).data, trust_pem=key.root_pem).check("signer.not_expired")
    assert check.en == "The certificate is in force today; when it signed is not shown."


def test_the_verdict_tells_what_the_manifest_states(key: PemKey) -> None:
    facts = verify(signed(key).data).facts
    assert facts is not None
    assert facts.prompt == {"disclosure": "public", "text": PROMPT}
    assert facts.model["name"] == "Starter"
    assert facts.model["training_statement"].startswith("Trained on")
    assert [one["name"] for one in facts.references] == ["Quiet ink"]
    assert facts.credits == ("Made with Quiet ink, trained on works by A. Painter, CC BY 4.0",)
    assert (facts.seed, facts.made_at) == ("9223372036854775807", "2026-11-23T12:30:15.123456Z")
    assert facts.log == {"origin": "colophon.example/log", "leaf_hash": LEAF}
    assert facts.making == "generated"
    assert facts.generator == "Colophon 0.1.0"


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        (Prompt.private(), {"disclosure": "private"}),
        (
            Prompt.committed(PROMPT, salt=b"s" * 32),
            {"disclosure": "committed", "commitment": Prompt.committed(PROMPT, salt=b"s" * 32).commitment},
        ),
    ],
)
def test_the_verdict_shows_a_prompt_only_as_far_as_it_was_disclosed(
    key: PemKey, prompt: Prompt, expected: dict[str, str]
) -> None:
    verdict = verify(signed(key, prompt=prompt).data)
    assert verdict.facts is not None and verdict.facts.prompt == expected
    assert "fox asleep" not in json.dumps(verdict.as_json())


def test_a_picture_over_an_input_says_so(key: PemKey) -> None:
    verdict = verify(signed(key, inputs=over(picture("image/jpeg"))).data, trust_pem=key.root_pem)
    assert verdict.outcome == "trusted"
    assert verdict.facts is not None and verdict.facts.making == "composite"


def test_a_verdict_is_the_same_when_asked_again(key: PemKey) -> None:
    data = signed(key).data
    assert verify(data, trust_pem=key.root_pem).as_json() == verify(data, trust_pem=key.root_pem).as_json()


# ---- what happens to pictures on their way -------------------------------------------------------------------


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("is_trusted", [True, False])
def test_a_change_since_the_signature_fails_one_check_and_names_it(key: PemKey, change: str, is_trusted: bool) -> None:
    alter, code = CHANGES[change]
    verdict = verify(alter(signed(key).data), trust_pem=key.root_pem if is_trusted else None)
    assert (verdict.outcome, verdict.exit_code) == ("failed", 1)
    assert failed(verdict) == {code}


@pytest.mark.parametrize("remove", [stripped, saved_again])
def test_a_stripped_picture_is_without_credentials_and_nothing_worse(
    key: PemKey, remove: Callable[[bytes], bytes]
) -> None:
    verdict = verify(remove(signed(key).data), trust_pem=key.root_pem)
    assert (verdict.outcome, verdict.exit_code) == ("no_manifest", 2)
    assert failed(verdict) == set()
    assert "says nothing about it" in verdict.summary("en")


def test_an_ingredient_that_was_changed_fails_although_the_picture_itself_is_trusted(key: PemKey) -> None:
    parent = with_other_pixel(signed(key, number=1).data)
    verdict = verify(signed(key, number=2, inputs=over(parent)).data, trust_pem=key.root_pem)
    assert verdict.validation_state == "Trusted"
    assert (verdict.outcome, verdict.exit_code) == ("failed", 1)
    assert failed(verdict) == {"ingredient"}
    (broken,) = [check for check in verdict.checks if check.result == "failed"]
    assert broken.subject == "Sketch"
    assert broken.evidence["findings"][0]["code"] == "assertion.dataHash.mismatch"
    assert verdict.check("manifest.integrity").result == "passed"


def test_an_ingredient_that_is_whole_passes(key: PemKey) -> None:
    verdict = verify(signed(key, number=2, inputs=over(signed(key, number=1).data)).data, trust_pem=key.root_pem)
    assert verdict.outcome == "trusted"
    sketch = [check for check in verdict.checks if check.subject == "Sketch"]
    assert [check.result for check in sketch] == ["passed"]


def test_a_stranger_who_signs_under_our_name_is_untrusted_and_not_called_a_change(key: PemKey) -> None:
    chain = certificates.chain(now=NOW, name="Colophon development signer")
    stranger = pem_chain(chain_pem=chain.pem, key_pem=chain.key_pem(), now=NOW)
    verdict = verify(signed(stranger).data, trust_pem=key.root_pem)
    assert (verdict.outcome, verdict.exit_code) == ("untrusted", 4)
    assert failed(verdict) == {"signer.trusted"}
    assert "does not mean that anything was changed" in verdict.check("signer.trusted").en
    assert verdict.signer is not None and not verdict.signer.is_development


def test_without_a_trust_list_the_signer_is_not_checked_rather_than_failed(key: PemKey) -> None:
    verdict = verify(signed(key).data)
    assert (verdict.outcome, verdict.exit_code) == ("untrusted", 4)
    assert failed(verdict) == set()
    assert verdict.trust.names == ()


def test_the_verdict_names_the_trust_list_and_the_library(key: PemKey) -> None:
    told = verify(picture(), trust_pem=key.root_pem).as_json()
    assert told["trust"]["names"] == ["Colophon Development CA Root (not trusted by anyone)"]
    assert told["trust"]["digest"] == sha256_digest(key.root_pem.encode())
    assert re.fullmatch(r"\d+\.\d+\.\d+", told["library"]["version"])


@pytest.mark.parametrize(
    "trust_pem", ["", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "\0", "é" * 99]
)
def test_a_trust_list_without_certificates_is_refused(trust_pem: str) -> None:
    with pytest.raises(TrustUnreadable):
        verify(picture(), trust_pem=trust_pem)


# ---- what is no picture --------------------------------------------------------------------------------------


UNREADABLE = [
    b"",
    b"nonsense",
    b"<svg/>",
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff\xe0",
    b"RIFF\x10\0\0\0WEBPVP8 ",
    b"\0\0\0\x1cftypavif",
    picture()[:60],
    picture("image/webp")[:40],
]


@pytest.mark.parametrize("data", UNREADABLE)
def test_what_cannot_be_read_as_a_picture_gets_a_verdict_too(data: bytes) -> None:
    verdict = verify(data)
    assert (verdict.outcome, verdict.exit_code) == ("unreadable", 3)
    assert "picture.readable" in failed(verdict)
    assert verdict.pixel_digest is None


def test_a_picture_cut_short_is_unreadable_without_a_manifest_and_changed_with_one(key: PemKey) -> None:
    whole = picture("image/jpeg")
    assert verify(whole[: len(whole) // 2]).outcome == "unreadable"
    image = signed(key, media_type="image/jpeg").data
    verdict = verify(image[:-200], trust_pem=key.root_pem)
    assert (verdict.outcome, verdict.exit_code) == ("failed", 1)
    assert "manifest.integrity" in failed(verdict)


def test_a_manifest_that_breaks_the_checksum_around_it_is_told_as_changed(key: PemKey) -> None:
    verdict = verify(signed(key).data.replace(b"red fox", b"big dog"), trust_pem=key.root_pem)
    assert (verdict.outcome, verdict.exit_code) == ("failed", 1)
    assert "manifest.integrity" in failed(verdict)


def test_a_damaged_picture_is_called_damaged_after_what_its_credentials_say_of_changes(key: PemKey) -> None:
    verdict = verify(signed(key).data.replace(b"red fox", b"big dog"), evidence=Ledger(), trust_pem=key.root_pem)
    codes = [check.code for check in verdict.checks]
    assert codes[:3] == ["manifest.present", "manifest.integrity", "picture.readable"]
    damaged = verdict.check("picture.readable")
    assert (damaged.result, damaged.evidence["media_type"]) == ("failed", "image/png")
    assert damaged.en.startswith("The file is damaged: its pixels could not be decoded")
    assert "Send one of those" not in json.dumps(verdict.as_json())
    assert verdict.check("record.found").evidence["left_out"] == ["pixels", "watermark", "fingerprint"]


@pytest.mark.parametrize("kind", ["TIFF", "GIF"])
def test_what_was_not_looked_for_in_a_file_is_not_told_as_absent(kind: str) -> None:
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(picture())) as image:
        image.save(buffer, kind)
    verdict = verify(buffer.getvalue(), evidence=Ledger([record_of(picture())]))
    assert (verdict.outcome, verdict.exit_code) == ("unreadable", 3)
    present, found = verdict.check("manifest.present"), verdict.check("record.found")
    assert present.en.startswith("Content credentials were not looked for") and present.zh.startswith("未查找")
    assert verdict.check("signature.valid").en.startswith("No content credentials were looked for")
    assert "was not looked for" in found.en and "no such picture" not in found.en
    assert found.evidence["left_out"] == ["pixels", "watermark", "fingerprint"]


def test_a_picture_too_large_to_decode_is_told_as_not_compared_by_its_pixels(key: PemKey) -> None:
    buffer = io.BytesIO()
    Image.new("L", (8000, 5001)).save(buffer, "PNG")
    verdict = verify(buffer.getvalue(), evidence=Ledger())
    assert verdict.outcome == "no_manifest"
    assert "too large to be decoded" in verdict.check("picture.readable").en
    assert verdict.check("record.found").evidence["left_out"] == ["pixels", "watermark", "fingerprint"]


def test_a_camera_s_jpeg_with_further_pictures_can_be_read() -> None:
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(picture())) as image:
        image.save(buffer, "MPO", save_all=True, append_images=[image])
    assert verify(buffer.getvalue()).outcome == "no_manifest"


# ---- how it came to be -----------------------------------------------------------------------------------------


def test_the_history_tells_each_signed_step_with_what_went_into_it(key: PemKey) -> None:
    parent = signed(key, number=1).data
    verdict = verify(signed(key, number=2, inputs=over(parent)).data, trust_pem=key.root_pem)
    newest, before = verdict.history
    assert newest.is_newest and not before.is_newest
    assert newest.manifest_id == colophon(number=2).manifest_id
    assert [one["action"] for one in newest.actions] == ["c2pa.opened", "c2pa.edited"]
    (sketch,) = [one for one in newest.ingredients if one["title"] == "Sketch"]
    assert (sketch["relationship"], sketch["manifest_id"]) == ("parentOf", before.manifest_id)
    assert before.signer == "Colophon development signer (not trusted by anyone)"
    assert before.actions[0]["source_type"] == "trainedAlgorithmicMedia"


def test_the_history_tells_a_signer_only_as_far_as_the_signature_holds(key: PemKey) -> None:
    whole = signed(key, number=1).data
    broken = with_broken_signature(whole)
    moved = with_other_pixel(whole)
    told = {
        name: verify(data).history[0].signed
        for name, data in {"whole": whole, "broken": broken, "moved": moved}.items()
    }
    assert told == {"whole": "file", "broken": "nothing", "moved": "credentials"}
    steps = verify(signed(key, number=2, inputs=over(moved)).data).history
    assert [step.signed for step in steps] == ["file", "credentials"]


# ---- whom we trust ---------------------------------------------------------------------------------------------


def test_the_lists_of_an_operator_stand_in_the_verdict_with_their_digest_and_date(key: PemKey, tmp_path: Path) -> None:
    chain = certificates.chain(now=NOW, name="Atelier signer")
    listed = tmp_path / "guild.pem"
    listed.write_text(chain.root_pem)
    stranger = pem_chain(chain_pem=chain.pem, key_pem=chain.key_pem(), now=NOW)
    data = signed(stranger).data
    assert verify(data, trust=trust_in_files(key.root_pem, signers=())).outcome == "untrusted"
    verdict = verify(data, trust=trust_in_files(key.root_pem, signers=[listed]))
    assert verdict.outcome == "trusted"
    (told,) = verdict.as_json()["trust"]["files"]
    assert (told["name"], told["certificates"]) == ("guild.pem", 1)
    assert told["digest"] == sha256_digest(chain.root_pem.encode())
    assert told["dated_at"].endswith("Z")


def test_a_list_that_was_changed_is_read_again_and_is_another_version(key: PemKey, tmp_path: Path) -> None:
    listed = tmp_path / "guild.pem"
    listed.write_text(certificates.chain(now=NOW, name="One").root_pem)
    before = trust_in_files(key.root_pem, signers=[listed])
    listed.write_text(certificates.chain(now=NOW, name="Two").root_pem + "\n")
    assert trust_in_files(key.root_pem, signers=[listed]).digest != before.digest
    listed.unlink()
    with pytest.raises(TrustUnreadable):
        trust_in_files(key.root_pem, signers=[listed])


def test_of_several_records_with_the_same_pixels_none_is_picked(key: PemKey) -> None:
    data = signed(key).data
    twins = [record_of(data), record_of(data, image_digest=digest("1"), manifest_id="urn:c2pa:other")]
    verdict = verify(stripped(data), evidence=Ledger(twins))
    assert len(verdict.records) == 2
    assert "2 pictures" in verdict.check("record.found").en
    assert verdict.check("record.agrees").result == "not_checked"
    assert verdict.check("log.inclusion").result == "not_checked"


def test_a_picture_that_no_record_knows_is_no_failure() -> None:
    verdict = verify(picture(), evidence=Ledger())
    assert verdict.check("record.found").result == "not_checked"
    assert "proves nothing" in verdict.check("record.found").en
    assert verdict.outcome == "no_manifest"


def test_a_log_that_lacks_the_entry_fails_the_verdict(key: PemKey) -> None:
    data = signed(key).data
    missing = Answer("failed", "An entry is missing.", "缺少条目。")
    verdict = verify(data, evidence=Ledger([record_of(data)], log=missing), trust_pem=key.root_pem)
    assert verdict.outcome == "failed"
    assert failed(verdict) == {"log.inclusion"}
