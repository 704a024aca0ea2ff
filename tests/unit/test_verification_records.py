"""What a keeper's records add to a verdict: found, in agreement field by field, in the log, and today."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import timedelta

import c2pa  # type: ignore[import-untyped]  # it ships no types
import pytest

from provenance.credentials.manifest import Prompt
from provenance.credentials.signing import PemKey
from provenance.verification.comparing import FIELDS
from provenance.verification.evidence import Answer, RecordFound
from provenance.verification.verify import verify
from tests.simulators.pictures import MADE_AT, PROMPT, colophon, digest, over, picture, signed
from tests.simulators.records import Ledger, record_of
from tests.simulators.tampering import moved_onto, saved_again, stripped
from tests.unit.verdicts import failed, results

SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype"


def test_a_picture_in_the_records_passes_every_check_that_records_answer(key: PemKey) -> None:
    data = signed(key).data
    verdict = verify(data, evidence=Ledger([record_of(data)]), trust_pem=key.root_pem)
    assert verdict.outcome == "trusted"
    told = results(verdict)
    asked = ("record.found", "record.agrees", "log.inclusion", "licence.today", "dispute", "key.revoked")
    assert {told[code] for code in asked} == {"passed"}
    assert "byte for byte" in verdict.check("record.found").en
    assert verdict.as_json()["records"][0]["layer"] == "file"


@pytest.mark.parametrize("remove", [stripped, saved_again])
def test_a_stripped_copy_is_found_by_its_pixels_and_the_layer_is_said(
    key: PemKey, remove: Callable[[bytes], bytes]
) -> None:
    data = signed(key).data
    verdict = verify(remove(data), evidence=Ledger([record_of(data)]), trust_pem=key.root_pem)
    assert (verdict.outcome, verdict.exit_code) == ("no_manifest", 2)
    assert verdict.check("record.found").evidence["layer"] == "pixels"
    assert "exactly these pixels" in verdict.summary("en")
    assert "像素完全相同" in verdict.summary("zh-Hans")


def test_our_manifest_on_another_picture_is_found_by_manifest_and_disagrees(key: PemKey) -> None:
    data = signed(key).data
    moved = moved_onto(picture(seed=2), store_of=data)
    verdict = verify(moved, evidence=Ledger([record_of(data)]), trust_pem=key.root_pem)
    assert verdict.check("record.found").evidence["layer"] == "manifest"
    assert verdict.check("record.agrees").result == "failed"
    assert verdict.check("record.agrees").evidence["differing"] == ["file"]
    assert failed(verdict) == {"manifest.integrity", "record.agrees"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"generation_id": "another"}, "generation"),
        ({"model": "Another"}, "model"),
        ({"made_at": MADE_AT + timedelta(days=1)}, "made_at"),
        ({"request_leaf": digest("1")}, "log"),
        ({"request_leaf": "", "leaf_hashes": (digest("1"),)}, "log"),
        ({"model_digest": digest("1")}, "model_digest"),
        ({"seed": "8"}, "seed"),
        ({"disclosure": "private"}, "disclosure"),
        ({"prompt_text": "another prompt"}, "prompt"),
        ({"references": ()}, "references"),
        ({"inputs": ({"role": "image", "name": "Sketch"},)}, "inputs"),
        ({"manifest_id": "urn:c2pa:another"}, "manifest"),
    ],
)
def test_each_field_in_which_record_and_manifest_differ_is_named(
    key: PemKey, change: dict[str, object], field: str
) -> None:
    data = signed(key).data
    verdict = verify(data, evidence=Ledger([record_of(data, **change)]), trust_pem=key.root_pem)
    assert (verdict.outcome, verdict.exit_code) == ("failed", 1)
    assert verdict.check("record.agrees").evidence["differing"] == [field]
    assert verdict.check("record.agrees").en.endswith(f" {FIELDS[field][0]}.")
    assert verdict.check("record.agrees").zh.endswith(f"：{FIELDS[field][1]}。")
    (told,) = [one for one in verdict.check("record.agrees").evidence["fields"] if not one["agrees"]]
    assert told["field"] == field and told["manifest"] != told["record"]


def test_every_field_is_told_with_both_values_where_record_and_manifest_agree(key: PemKey) -> None:
    data = signed(key).data
    verdict = verify(data, evidence=Ledger([record_of(data)]), trust_pem=key.root_pem)
    fields = {one["field"]: one for one in verdict.check("record.agrees").evidence["fields"]}
    assert fields.keys() == {
        "manifest", "generation", "model", "model_digest", "seed", "disclosure", "prompt", "references", "inputs",
        "made_at", "log",
    }  # fmt: skip
    assert all(one["agrees"] for one in fields.values())
    assert fields["seed"] == {"field": "seed", "manifest": str(2**63 - 1), "record": str(2**63 - 1), "agrees": True}


def test_a_private_prompt_is_compared_by_its_disclosure_alone(key: PemKey) -> None:
    data = signed(key, prompt=Prompt.private()).data
    record = record_of(data, disclosure="private", prompt_text="")
    verdict = verify(data, evidence=Ledger([record]), trust_pem=key.root_pem)
    fields = {one["field"]: one for one in verdict.check("record.agrees").evidence["fields"]}
    assert fields["disclosure"]["agrees"] and "prompt" not in fields
    assert PROMPT not in json.dumps(verdict.as_json())


def test_a_committed_prompt_is_compared_by_its_commitment(key: PemKey) -> None:
    prompt = Prompt.committed(PROMPT, salt=b"s" * 32)
    data = signed(key, prompt=prompt).data
    for commitment, agrees in ((prompt.commitment, True), (digest("1"), False)):
        record = record_of(data, disclosure="committed", prompt_text="", prompt_commitment=commitment)
        verdict = verify(data, evidence=Ledger([record]), trust_pem=key.root_pem)
        fields = {one["field"]: one for one in verdict.check("record.agrees").evidence["fields"]}
        assert fields["prompt_commitment"]["agrees"] is agrees


def test_an_erased_record_is_compared_only_in_what_is_left_of_it(key: PemKey) -> None:
    data = signed(key).data
    erased = record_of(data, disclosure=None, prompt_text="", references=None, inputs=None, erased_at=MADE_AT)
    verdict = verify(data, evidence=Ledger([erased]), trust_pem=key.root_pem)
    assert verdict.outcome == "trusted"
    assert "erased on 2026-11-23" in verdict.check("record.found").en


SOMETHING = Answer("failed", "Something stands against it.", "有不利情况。")


def test_a_revoked_key_fails_the_verdict_of_an_unchanged_picture(key: PemKey) -> None:
    data = signed(key).data
    verdict = verify(data, evidence=Ledger([record_of(data)], key=SOMETHING), trust_pem=key.root_pem)
    assert verdict.outcome == "failed" and failed(verdict) == {"key.revoked"}


def test_a_dispute_is_told_and_is_no_change_to_the_picture(key: PemKey) -> None:
    data = signed(key).data
    verdict = verify(data, evidence=Ledger([record_of(data)], disputed=SOMETHING), trust_pem=key.root_pem)
    assert verdict.outcome == "trusted" and failed(verdict) == {"dispute"}
    assert "dispute" in verdict.summary("en") and "争议" in verdict.summary("zh-Hans")


def test_a_picture_known_byte_for_byte_is_not_decoded_again(key: PemKey, monkeypatch: pytest.MonkeyPatch) -> None:
    data = signed(key).data
    ledger = Ledger([record_of(data)])
    monkeypatch.setattr("provenance.verification.copy.decode_picture", lambda _: pytest.fail("decoded"))
    verdict = verify(data, evidence=ledger, trust_pem=key.root_pem)
    assert verdict.pixel_digest == ledger.records[0].delivered_pixels
    assert verdict.check("picture.readable").evidence["known_by"] == "file"


def test_a_possible_copy_is_called_one_until_a_second_method_confirms_it(key: PemKey) -> None:
    data = signed(key).data
    layer = {"layer": "fingerprint", "is_possible": True, "match": {"distance": "40"}}
    record = record_of(data, **layer)

    class Alike(Ledger):
        def find(self, copy: object) -> list[RecordFound]:
            return [record]

    verdict = verify(picture(seed=5), evidence=Alike(), trust_pem=key.root_pem)
    assert "may be a copy" in verdict.check("record.found").en
    assert verdict.check("record.found").evidence["images"][0]["match"] == {"distance": "40"}
    assert "may be a copy" in verdict.summary("en")


@pytest.mark.parametrize(
    ("others", "en", "zh"),
    [(1, "a copy of another one there", "另一张"), (3, "a copy of 3 others there", "另外 3 张之一")],
)
def test_the_one_surely_alike_is_told_apart_from_possible_copies_and_none_is_picked(
    key: PemKey, others: int, en: str, zh: str
) -> None:
    data = signed(key).data
    possible = [record_of(data, layer="fingerprint", is_possible=True)] * others

    class Alike(Ledger):
        def find(self, copy: object) -> list[RecordFound]:
            return [record_of(data, layer="fingerprint"), *possible]

    verdict = verify(picture(seed=5), evidence=Alike())
    found = verdict.check("record.found")
    assert "looks like one in" in found.en and en in found.en and "not decided here" in found.en
    assert "外观相近" in found.zh and zh in found.zh and "不作判断" in found.zh
    assert len(verdict.records) == others + 1 and verdict.check("dispute").result == "not_checked"
    assert verdict.summary("en").startswith("This picture carries no content credentials. But this picture looks like")


@pytest.mark.parametrize("answers", [{"log": SOMETHING}, {"key": SOMETHING}])
def test_what_does_not_hold_of_the_recorded_picture_is_not_held_against_a_copy_of_it(
    key: PemKey, answers: dict[str, Answer]
) -> None:
    data = signed(key).data
    verdict = verify(stripped(data), evidence=Ledger([record_of(data)], **answers), trust_pem=key.root_pem)
    assert verdict.records[0].layer == "pixels"
    assert verdict.outcome == "no_manifest" and len(failed(verdict)) == 1
    assert "exactly these pixels" in verdict.summary("en")


def test_a_dispute_over_what_a_copy_is_a_copy_of_is_told_after_that(key: PemKey) -> None:
    data = signed(key).data
    verdict = verify(stripped(data), evidence=Ledger([record_of(data)], disputed=SOMETHING), trust_pem=key.root_pem)
    assert verdict.summary("en").endswith(
        "delivered as another file. A dispute over it, or over what it was made with, is open."
    )
    assert verdict.outcome == "no_manifest"


def test_of_a_possible_copy_nothing_is_asked_about_the_record(key: PemKey) -> None:
    record = record_of(signed(key).data, layer="fingerprint", is_possible=True)

    class Alike(Ledger):
        def find(self, copy: object) -> list[RecordFound]:
            return [record]

    against = Alike(log=SOMETHING, licences=SOMETHING, disputed=SOMETHING, key=SOMETHING)
    verdict = verify(picture(seed=5), evidence=against, trust_pem=key.root_pem)
    assert verdict.outcome == "no_manifest" and not failed(verdict)
    told = {code: verdict.check(code).en for code in ("log.inclusion", "licence.today", "dispute", "key.revoked")}
    assert all(sentence.startswith("Not asked: nothing has confirmed") for sentence in told.values())


@pytest.mark.parametrize("relationship", ["componentOf", "inputTo"])
def test_a_stranger_who_claims_our_picture_and_names_ours_as_a_mere_part_is_told_as_differing(
    key: PemKey, relationship: str
) -> None:
    ours, claim = signed(key).data, io.BytesIO()
    created = {"action": "c2pa.created", "digitalSourceType": f"{SOURCE_TYPES}/digitalCapture"}
    stated = {"label": "c2pa.actions.v2", "data": {"actions": [created]}}
    builder = c2pa.Builder({"claim_generator_info": [{"name": "Camera", "version": "1"}], "assertions": [stated]})
    builder.add_ingredient({"title": "part", "relationship": relationship}, "image/png", io.BytesIO(ours))
    builder.sign(key.signer(timestamp_url="", heard=[]), "image/png", io.BytesIO(stripped(ours)), claim)
    verdict = verify(claim.getvalue(), evidence=Ledger([record_of(ours)]), trust_pem=key.root_pem)
    assert verdict.records[0].layer == "pixels"
    assert colophon().manifest_id in {step.manifest_id for step in verdict.history}
    assert verdict.outcome == "failed" and "record.agrees" in failed(verdict)


def test_credentials_put_over_ours_are_no_difference_from_the_record(key: PemKey) -> None:
    ours = signed(key, number=1).data
    newer = signed(key, number=2, data=stripped(ours), inputs=over(ours)).data
    record = record_of(ours, manifest_id=colophon(number=1).manifest_id)
    verdict = verify(newer, evidence=Ledger([record]), trust_pem=key.root_pem)
    assert verdict.records[0].layer == "pixels"
    assert verdict.outcome == "trusted" and results(verdict)["record.agrees"] == "not_checked"
    assert "newer credentials" in verdict.check("record.agrees").en
