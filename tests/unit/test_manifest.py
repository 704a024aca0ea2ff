"""What a manifest says, and how it is put into C2PA's words."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.canonical import canonical_json
from provenance.credentials.definition import ingredients, manifest_definition
from provenance.credentials.manifest import (
    InputUsed,
    ManifestError,
    ModelUsed,
    Prompt,
    Software,
    generation_record,
    prompt_commitment,
)
from provenance.errors import NotCanonical
from tests.simulators.pictures import PROMPT, colophon, digest, picture

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "manifest.json").read_text())
COMMIT = "0123456789abcdef0123456789abcdef01234567"
COMPOSITE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"


def input_picture(**changes: Any) -> InputUsed:
    values: dict[str, Any] = {"role": "image", "name": "Sketch", "digest": digest("f"), "licence": "CC0-1.0"}
    return InputUsed(**{**values, "credit_line": "From Sketch, CC0 1.0", "data": picture("image/jpeg")} | changes)


def assertion(definition: dict[str, Any], label: str) -> Any:
    return next(one["data"] for one in definition["assertions"] if one["label"] == label)


def test_the_generation_record_is_byte_for_byte_what_the_format_promises() -> None:
    assert generation_record(colophon()) == VECTORS["generation_record"]


@pytest.mark.parametrize("known", VECTORS["prompt_commitments"])
def test_a_prompt_commitment_is_the_digest_of_salt_and_utf8_text(known: dict[str, str]) -> None:
    assert prompt_commitment(known["prompt"], salt=bytes.fromhex(known["salt"])) == known["commitment"]


@given(text=st.text(st.characters(exclude_categories=["Cs"])), salt=st.binary(min_size=32, max_size=32))
def test_a_commitment_opens_with_its_salt_and_nothing_else(text: str, salt: bytes) -> None:
    expected = "sha256:" + hashlib.sha256(salt + text.encode()).hexdigest()
    assert Prompt.committed(text, salt=salt).commitment == expected
    assert prompt_commitment(text, salt=bytes([salt[0] ^ 1]) + salt[1:]) != expected


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_salt_of_another_length_is_refused(size: int) -> None:
    with pytest.raises(ManifestError, match="32"):
        prompt_commitment("a fox", salt=b"x" * size)


def test_a_picture_made_from_a_prompt_alone_is_created_wholly_by_a_model() -> None:
    actions = assertion(manifest_definition(colophon()), "c2pa.actions.v2")
    assert actions["allActionsIncluded"] is True
    (created,) = actions["actions"]
    assert created["action"] == "c2pa.created"
    assert created["digitalSourceType"].endswith("/trainedAlgorithmicMedia")
    assert created["parameters"]["ingredientIds"] == [part.label for part in ingredients(colophon())]


def test_a_picture_made_over_another_opens_it_and_says_so_on_the_edit_alone() -> None:
    over = colophon(inputs=(input_picture(), input_picture(role="mask", name="Mask")))
    opened, edited = assertion(manifest_definition(over), "c2pa.actions.v2")["actions"]
    assert opened["action"] == "c2pa.opened"
    assert "digitalSourceType" not in opened
    assert opened["parameters"]["ingredientIds"] == ["input-0"]
    assert edited["digitalSourceType"] == COMPOSITE
    assert "input-1" in edited["parameters"]["ingredientIds"]
    assert "input-0" not in edited["parameters"]["ingredientIds"]


def test_an_input_whose_bytes_are_not_given_still_makes_the_picture_a_composite() -> None:
    (created,) = assertion(manifest_definition(colophon(inputs=(input_picture(data=None),))), "c2pa.actions.v2")[
        "actions"
    ]
    assert (created["action"], created["digitalSourceType"]) == ("c2pa.created", COMPOSITE)


def test_every_assertion_is_the_signer_s_own_statement() -> None:
    definition = manifest_definition(colophon())
    assert all(one["created"] is True for one in definition["assertions"])
    assert definition["claim_generator_info"][0]["specVersion"] == "2.4.0"


def test_every_parameter_of_ours_stands_in_our_namespace() -> None:
    for actions in (colophon(), colophon(inputs=(input_picture(),))):
        for action in assertion(manifest_definition(actions), "c2pa.actions.v2")["actions"]:
            assert all("." in name for name in action["parameters"] if name != "ingredientIds")


def test_every_ingredient_has_its_digest_bound_and_an_input_to_relation() -> None:
    parts = ingredients(colophon(inputs=(input_picture(data=None),)))
    assert [part.label for part in parts] == ["prompt", "model", "reference-0", "input-0"]
    assert {part.definition["relationship"] for part in parts} == {"inputTo"}
    bound = [part.definition["metadata"]["org.colophon.digest"] for part in parts[1:]]
    assert bound == [digest("b"), digest("d"), digest("f")]


def test_no_field_of_an_ingredient_is_spelt_so_that_the_library_would_drop_it() -> None:
    for part in ingredients(colophon(inputs=(input_picture(),))):
        for name in set(part.definition) - {"metadata", "informational_URI"}:
            assert name == name.lower(), f"{name} would be dropped without a word"


def test_a_public_prompt_is_embedded_and_a_negative_one_beside_it() -> None:
    parts = ingredients(colophon(prompt=Prompt.public(PROMPT, negative_text="blurry")))
    assert [part.data for part in parts[:2]] == [PROMPT.encode(), b"blurry"]


@pytest.mark.parametrize("prompt", [Prompt.committed(PROMPT, salt=b"s" * 32), Prompt.private()])
def test_an_undisclosed_prompt_stands_nowhere_in_the_definition(prompt: Prompt) -> None:
    hidden = colophon(prompt=prompt)
    told = json.dumps([manifest_definition(hidden), [part.definition for part in ingredients(hidden)]])
    assert PROMPT not in told
    assert b"fox asleep" not in b"".join(part.data or b"" for part in ingredients(hidden))


def test_a_private_prompt_is_no_ingredient_at_all() -> None:
    assert ingredients(colophon(prompt=Prompt.private()))[0].label == "model"


def test_a_committed_prompt_keeps_its_commitment_in_the_ingredient_and_the_record() -> None:
    prompt = Prompt.committed(PROMPT, salt=b"s" * 32)
    committed = colophon(prompt=prompt)
    assert ingredients(committed)[0].definition["metadata"] == {"org.colophon.commitment": prompt.commitment}
    assert generation_record(committed)["prompt"] == {"disclosure": "committed", "commitment": prompt.commitment}


def test_a_prompt_shows_in_no_repr() -> None:
    assert PROMPT not in repr(colophon())


@pytest.mark.parametrize("settings", [{"prompt": "x"}, {"passes": [{"negative_prompt": "x"}]}, {"PROMPT_2": "x"}])
def test_a_prompt_cannot_slip_in_among_the_settings(settings: dict[str, Any]) -> None:
    with pytest.raises(ManifestError, match="prompt"):
        manifest_definition(colophon(prompt=Prompt.private(), settings=settings))


@pytest.mark.parametrize("manifest_id", ["", "urn:uuid:1", "urn:c2pa:not-a-uuid", "urn:c2pa:" + "a" * 36])
def test_an_id_that_c2pa_does_not_know_is_refused(manifest_id: str) -> None:
    with pytest.raises(ManifestError):
        manifest_definition(colophon(manifest_id=manifest_id))


@pytest.mark.parametrize("settings", [{"x": 2**60}, {"x": float("nan")}, {"x": b"bytes"}])
def test_settings_that_have_no_canonical_form_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(NotCanonical):
        manifest_definition(colophon(settings=settings))


def test_a_prompt_that_is_no_text_is_refused_before_anything_is_signed() -> None:
    with pytest.raises(NotCanonical):
        manifest_definition(colophon(prompt=Prompt.public("lone \ud800")))


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(NotCanonical):
        manifest_definition(colophon(made_at=datetime(2026, 1, 1)))


def test_the_record_states_nothing_where_nothing_is_known() -> None:
    bare = replace(colophon().model, url="", source="", revision="")
    record = generation_record(colophon(model=bare))
    assert not {"url", "source", "revision"} & record["model"].keys()
    assert "version" not in ingredients(colophon(model=bare))[1].definition["data_types"][0]


@given(
    seed=st.integers(0, 2**63 - 1), steps=st.integers(1, 150), name=st.text(st.characters(exclude_categories=["Cs"]))
)
def test_every_record_has_a_canonical_form_and_its_seed_in_decimals(seed: int, steps: int, name: str) -> None:
    record = generation_record(
        colophon(seed=seed, settings={"steps": steps}, software=Software(name, "1"), made_at=datetime.now(UTC))
    )
    assert json.loads(canonical_json(record)) == record
    assert record["seed"] == str(seed)


def test_a_credit_stands_once_however_often_it_is_due() -> None:
    reference = colophon().references[0]
    record = generation_record(colophon(references=(reference, reference), inputs=(input_picture(),)))
    assert record["credits"] == [reference.credit_line, "From Sketch, CC0 1.0"]


def test_no_deprecated_or_foreign_label_is_used() -> None:
    labels = [one["label"] for one in manifest_definition(colophon())["assertions"]]
    assert labels == [
        "c2pa.actions.v2",
        "c2pa.ai-disclosure",
        "cawg.training-mining",
        "cawg.metadata",
        "org.colophon.generation",
    ]


@pytest.mark.parametrize(
    ("source", "revision"), [("", ""), ("owner/name", "main"), ("/home/me/a", COMMIT), ("a b/c", COMMIT)]
)
def test_a_model_of_no_hub_is_identified_by_its_weights(source: str, revision: str) -> None:
    model = replace(colophon().model, source=source, revision=revision)
    assert model.unique_name == model.weights_digest


def test_a_model_of_a_hub_is_identified_by_its_package_url() -> None:
    model = replace(colophon().model, source="owner/name", revision=COMMIT)
    assert model.unique_name == f"pkg:huggingface/owner/name@{COMMIT}"


def test_the_model_is_disclosed_by_name_and_by_what_names_no_other() -> None:
    model: ModelUsed = colophon().model
    told = assertion(manifest_definition(colophon()), "c2pa.ai-disclosure")
    assert (told["modelName"], told["modelIdentifier"]) == (model.name, model.weights_digest)
    assert told["modelType"] == "c2pa.types.model.pytorch"
    assert told["contentProfile"] == {"humanOversightLevel": "prompt_guided"}
