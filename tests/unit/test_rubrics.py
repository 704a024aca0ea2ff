"""The C2PA conformance program's own rubrics, run over what our files say; and broken statements, which they find."""

from __future__ import annotations

import base64
import copy
import io
import json
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import c2pa
import pytest
import yaml

from provenance.canonical import sha256_digest
from provenance.credentials.adapter_manifest import AdapterColophon, WorkTaught, sign_adapter, sign_sheet
from provenance.credentials.listing import ANY_BYTES
from provenance.credentials.manifest import Edit, Prompt, Software, WatermarkStated
from provenance.credentials.reading import settings
from provenance.credentials.signing import PemKey, sign_image
from provenance.credentials.timestamps import TimestampAuthority
from provenance.credentials.updating import stamp_later
from provenance.fingerprint import ISCC_LONG_HEADER, Fingerprint
from tests import services
from tests.simulators.pictures import (
    ENCODINGS,
    colophon,
    listed,
    on_listed,
    opened,
    over,
    over_listed,
    picture,
    signed,
)
from tests.simulators.timestamps import authority

ORACLES = Path(__file__).resolve().parent.parent / "oracles"
CONFORMANCE = "asset-rubric-conformance0.2-spec2.4.yml"
INTEGRITY = "asset-rubric-integrity.yml"
SIGNALS = "asset-rubric-signals-local.yml"

Report = dict[str, Any]
CROPPED = Edit("c2pa.cropped", "Cropped")
TRANSCODED = Edit("c2pa.transcoded", "Encoded in another file format", by="nobody")
LATER = {"cropped", "edited elsewhere", "cropped after that", "enlarged", "in another format", "saved again"}
UNKNOWN = "inception:signal_mediaUnknownProvenance"


@pytest.fixture(scope="module")
def reports(key: PemKey, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Report]:
    """Return what the library tells of files of ours: each disclosure, task, encoding and later form."""
    parent = signed(key, number=9).data
    edited = Edit("c2pa.edited", "Edited", by="unknown")
    changes: dict[str, Mapping[str, Any]] = {
        "public": {"prompt": Prompt.public("a red fox", negative_text="blurry", writer="A. Writer")},
        "committed": {"prompt": Prompt.committed("a red fox", salt=b"s" * 32)},
        "private": {"prompt": Prompt.private()},
        "without a style": {"references": ()},
        "with soft bindings": {"fingerprint": a_fingerprint()},
        "with a label": {"visible_label": "AI-generated 人工智能生成"},
        "with a watermark": {"watermark": WatermarkStated("org.colophon.spread-64.1", bytes(8))},
        "over another": {"inputs": over(parent)},
        "over a listed work": {"inputs": over_listed(key, picture(seed=5))},
        "over a listed work with credentials": {"inputs": over_listed(key, parent)},
        "on listed works": {"references": on_listed(key, picture(seed=5), picture(seed=6))},
        "constrained": {"mining": {"cawg.ai_training": "constrained"}, "mining_constraints": "Share alike."},
        "cropped": {"opened": opened(parent, CROPPED)},
        "edited elsewhere": {"opened": opened(parent, edited)},
        "cropped after that": {"opened": opened(signed(key, number=8, opened=opened(parent, edited)).data, CROPPED)},
        "enlarged": {"opened": opened(parent, Edit("c2pa.resized.proportional", "Resized"))},
        "in another format": {"opened": opened(parent, TRANSCODED), "media_type": "image/webp"},
        "saved again": {"opened": opened(parent)},
        **{media_type: {"media_type": media_type} for media_type in ENCODINGS},
    }
    compact = sign_image(picture(), media_type="image/png", colophon=colophon(), key=key, is_compact=True)
    files = {name: signed(key, **change).data for name, change in changes.items()} | {"compact": compact.data}
    files |= stamped_late(key, files, tmp_path_factory.mktemp("authority"))
    return {name: crjson(data, key) for name, data in files.items()}


def stamped_late(key: PemKey, files: Mapping[str, bytes], folder: Path) -> dict[str, bytes]:
    """Return some files with the timestamp that they lack, added in an update manifest."""
    names = ["public", "image/jpeg", "image/avif", "cropped"]
    with authority(folder) as running:
        known = TimestampAuthority(running.url)
        return {
            f"{name}, stamped late": stamp_later(
                files[name],
                manifest_id=f"urn:c2pa:{UUID(int=20 + place, version=4)}",
                software=Software("Colophon", "0.1.0"),
                key=key,
                timestamps=known,
            ).data
            for place, name in enumerate(names)
        }


def a_fingerprint() -> Fingerprint:
    """Return a fingerprint with every code."""
    codes = tuple(bytes([place] * 32) for place in range(10))
    unit = ISCC_LONG_HEADER + bytes(range(32))
    return Fingerprint(pdq=codes, quality=100, iscc="ISCC:EEAQAAICAMCAKBQH", iscc_unit=unit)


def crjson(data: bytes, key: PemKey, *, store: bytes | None = None) -> Report:
    """Return the library's crJSON of a file, or of any bytes and the manifest beside them."""
    kind = _sniffed(data) if store is None else ANY_BYTES
    with (
        c2pa.Context.from_dict(settings(trust_pem=key.root_pem)) as context,
        c2pa.Reader(kind, io.BytesIO(data), manifest_data=store, context=context) as reader,
    ):
        report: Report = json.loads(reader.crjson())
        return report


def _sniffed(data: bytes) -> str:
    starts = {b"\x89PNG": "image/png", b"\xff\xd8": "image/jpeg", b"RIFF": "image/webp"}
    return next((kind for start, kind in starts.items() if data.startswith(start)), "image/avif")


def evaluated(name: str, *documents: Report) -> list[dict[str, list[str]]]:
    """Return, for each document, the rules that it met and broke; skip where there is no evaluator or rubric."""
    folder = Path(services.require_tool("corpus")) / "rubrics"
    header, rules = yaml.safe_load_all((folder / name).read_text())
    rubric = {"variables": header.get("variables", {}), "expressions": header["expressions"], "rules": rules}
    told = _run({"rubric": rubric, "documents": documents, "expected": "2.4"})
    return [
        {
            "met": [rule["id"] for rule in rules if _is_met(rule, answer[rule["id"]])],
            "broken": [rule["id"] for rule in rules if not _is_met(rule, answer[rule["id"]])],
        }
        for answer in told
    ]


def _run(question: Mapping[str, Any]) -> list[dict[str, Any]]:
    node = services.require_tool("node")
    if not (ORACLES / "node_modules" / "@adobe" / "json-formula").is_dir():
        sentence = "@adobe/json-formula is not here: run npm install in tests/oracles"
        if "node" in os.environ.get("COLOPHON_REQUIRE", "").split(","):
            pytest.fail(f"{sentence} (COLOPHON_REQUIRE names node)", pytrace=False)
        pytest.skip(sentence)
    done = subprocess.run(
        [node, str(ORACLES / "evaluate_rubric.mjs")],
        input=json.dumps(question).encode(),
        capture_output=True,
        check=True,
        timeout=120,
    )
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    return answers


def _is_met(rule: Mapping[str, Any], answer: Any) -> bool:
    return not answer if rule.get("failIfMatched") or rule.get("warnIfMatched") else answer is True


def test_every_kind_of_file_of_ours_meets_all_thirty_one_rules(reports: Mapping[str, Report]) -> None:
    for name, found in zip(reports, evaluated(CONFORMANCE, *reports.values()), strict=True):
        assert found["broken"] == [], name
        assert len(found["met"]) == 31, name


def test_every_kind_of_file_of_ours_is_whole_and_trusted(reports: Mapping[str, Report]) -> None:
    for name, found in zip(reports, evaluated(INTEGRITY, *reports.values()), strict=True):
        assert (found["broken"], len(found["met"])) == ([], 6), name


def test_what_stands_beside_a_work_or_an_adapter_meets_all_the_rules_too(key: PemKey) -> None:
    work, adapter = picture(seed=5), b"safetensors"
    said = AdapterColophon(
        training_id=str(UUID(int=9, version=4)), style="Quiet ink", adapter=sha256_digest(adapter),
        model=colophon().model, works=(WorkTaught(name="Wave", digest=sha256_digest(work), basis="own-work"),),
        kept_back=(), recipe={"rank": 4}, steps=2, made_at=colophon().made_at, software=colophon().software,
        log=colophon().log,
    )  # fmt: skip
    reports = [
        crjson(work, key, store=listed(key, work).store),
        crjson(adapter, key, store=sign_adapter(adapter, colophon=said, key=key).manifest_store),
        crjson(sign_sheet(picture(seed=6), colophon=said, key=key).data, key),
    ]
    for rubric, many in ((CONFORMANCE, 31), (INTEGRITY, 6)):
        for found in evaluated(rubric, *reports):
            assert (found["broken"], len(found["met"])) == ([], many)


def test_both_fingerprints_stand_in_the_manifest_as_soft_bindings(reports: Mapping[str, Report]) -> None:
    found = [
        said
        for label, said in reports["with soft bindings"]["manifests"][0]["assertions"].items()
        if label.startswith("c2pa.soft-binding")
    ]
    assert [one["alg"] for one in found] == ["io.iscc.v0", "org.colophon.pdq-windows.v1"]
    unit, codes = (base64.b64decode(one["blocks"][0]["value"]) for one in found)
    assert (unit, codes) == (a_fingerprint().iscc_unit, b"".join(a_fingerprint().pdq))


def test_a_generated_picture_signals_that_it_is_wholly_generated_and_nothing_weaker(
    reports: Mapping[str, Report],
) -> None:
    others = {"with a label", "with a watermark", *LATER}
    for name in [name for name in reports if name not in others and not name.startswith("over") and "late" not in name]:
        (found,) = evaluated(SIGNALS, reports[name]["manifests"][0])
        # The prompt or model is an ingredient that can have no manifest; the rubric reads any such as unknown media.
        assert set(found["met"]) == {"inception:signal_fullyGenAIMedia", UNKNOWN}


def test_a_picture_made_over_another_signals_that_a_model_changed_it(reports: Mapping[str, Report]) -> None:
    for name in [name for name in reports if name.startswith("over")]:
        (found,) = evaluated(SIGNALS, reports[name]["manifests"][0])
        assert "transformation:signal_perceptibleGenAI" in found["met"], name
        assert "inception:signal_fullyGenAIMedia" not in found["met"], name
        assert "transformation:signal_ambiguousActions" not in found["met"], name


def test_what_has_a_history_never_signals_that_its_origin_is_unknown(reports: Mapping[str, Report]) -> None:
    late = {name for name in reports if "late" in name}
    assert len(late) == 4
    for name in late | LATER | {"over another", "over a listed work", "over a listed work with credentials"}:
        (found,) = evaluated(SIGNALS, reports[name]["manifests"][0])
        assert UNKNOWN not in found["met"], name


def test_only_an_edit_that_nobody_here_saw_leaves_actions_untold(reports: Mapping[str, Report]) -> None:
    for name, report in reports.items():
        (found,) = evaluated(SIGNALS, report["manifests"][0])
        assert ("transformation:signal_ambiguousActions" in found["met"]) is (name == "edited elsewhere"), name


def test_a_form_in_another_size_or_format_signals_a_change_that_is_no_editing(reports: Mapping[str, Report]) -> None:
    for name in ("enlarged", "in another format"):
        (found,) = evaluated(SIGNALS, reports[name]["manifests"][0])
        assert set(found["met"]) == {"transformation:signal_nonEditorial"}, name


def test_a_label_drawn_afterwards_is_told_as_a_change_that_no_model_made(reports: Mapping[str, Report]) -> None:
    (found,) = evaluated(SIGNALS, reports["with a label"]["manifests"][0])
    assert {"inception:signal_fullyGenAIMedia", "transformation:signal_perceptibleNonGenAI"} <= set(found["met"])


def _first_action(report: Report) -> Any:
    return report["manifests"][0]["assertions"]["c2pa.actions.v2"]["actions"][0]


def _forget_source_type(report: Report) -> None:
    del _first_action(report)["digitalSourceType"]


def _forget_specification(report: Report) -> None:
    del report["manifests"][0]["claim.v2"]["claim_generator_info"]["specVersion"]


def _bare_parameter(report: Report) -> None:
    _first_action(report)["parameters"]["seed"] = "1"


def _incomplete(report: Report) -> None:
    del report["manifests"][0]["assertions"]["c2pa.actions.v2"]["allActionsIncluded"]


def _old_label(report: Report) -> None:
    report["manifests"][0]["assertions"]["stds.schema-org.CreativeWork"] = {}


def _unknown_label(report: Report) -> None:
    report["manifests"][0]["assertions"]["c2pa.training-mining"] = {}


def _changed_pixels(report: Report) -> None:
    report["manifests"][0]["validationResults"]["failure"].append({"code": "assertion.dataHash.mismatch"})


BREACHES: dict[str, Callable[[Report], None]] = {
    "validation:mandatory_dst_for_created_action": _forget_source_type,
    "validation:mandatory_spec_version": _forget_specification,
    "validation:no_unrecognized_custom_action_parameters": _bare_parameter,
    "validation:mandatory_all_actions_included": _incomplete,
    "validation:no_deprecated_assertions": _old_label,
    "validation:no_unsupported_assertions": _unknown_label,
    "validation:valid_success": _changed_pixels,
}


def test_each_breach_breaks_its_own_rule_and_no_other(reports: Mapping[str, Report]) -> None:
    broken = []
    for breach in BREACHES.values():
        report = copy.deepcopy(reports["public"])
        breach(report)
        broken.append(report)
    found = evaluated(CONFORMANCE, *broken)
    assert {rule: one["broken"] for rule, one in zip(BREACHES, found, strict=True)} == {
        rule: [rule] for rule in BREACHES
    }
