"""What a manifest states of a picture's making: ours in full, anyone else's as far as C2PA names it.

Statements are the signer's; a verdict says whether they are unchanged, never that they are true.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from provenance.credentials.manifest import GENERATION, PARTLY_GENERATED, PROMPT_TYPE, WHOLLY_GENERATED
from provenance.credentials.reading import IngredientRead, Reading
from provenance.verification.history import actions_of, generator_of
from provenance.verification.plain_text import plain_json, plain_text

Making = Literal["generated", "composite", "from_generated", "captured", "drawn", "not_stated"]
_GENERATED = {WHOLLY_GENERATED.rsplit("/", 1)[1]}
_COMPOSITE = {PARTLY_GENERATED.rsplit("/", 1)[1], "compositeSynthetic"}
_CAPTURED = {"digitalCapture", "computationalCapture", "compositeCapture", "negativeFilm", "positiveFilm", "print"}
_DRAWN = {"digitalArt", "digitalCreation", "algorithmicMedia", "dataDrivenMedia", "screenCapture", "virtualRecording"}
_MODEL = "c2pa.types.model"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A manifest's statements, every string in them made harmless."""

    manifest_id: str
    title: str
    generator: str
    made_at: str
    making: Making
    source_type: str
    prompt: Mapping[str, str] = field(default_factory=dict)
    model: Mapping[str, Any] = field(default_factory=dict)
    references: tuple[Mapping[str, Any], ...] = ()
    inputs: tuple[Mapping[str, Any], ...] = ()
    credits: tuple[str, ...] = ()
    seed: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    basis: tuple[Mapping[str, Any], ...] = ()
    log: Mapping[str, str] = field(default_factory=dict)
    generation: str = ""
    raw_pixels: str = ""
    human_contribution: tuple[str, ...] = ()
    mining: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the statements as they stand in a verdict."""
        told: dict[str, Any] = plain_json(vars(self))
        return told


def facts_of(reading: Reading) -> Facts:
    """Return what the active manifest of a reading states; of an update manifest, what the one below it does."""
    active, reading = reading.manifest_id, reading.as_updated()
    record = plain_json(dict(reading.assertion(GENERATION)))
    own = tuple(one for one in reading.ingredients if one.manifest_id == reading.manifest_id)
    return Facts(
        manifest_id=plain_text(active),
        title=_text(reading.manifest.get("title")),
        generator=generator_of(reading.manifest),
        made_at=_text(record.get("made_at")) or _first_action(reading, "when"),
        making=_making(reading),
        source_type=_first_action(reading, "digitalSourceType"),
        prompt=_prompt(own, _mapping(record.get("prompt"))),
        model=_mapping(record.get("model")) or _model(reading, own),
        references=_mappings(record.get("references")) if record else tuple(_other_ingredients(own)),
        inputs=_mappings(record.get("inputs")),
        credits=_texts(record.get("credits")),
        seed=_text(record.get("seed")),
        settings=_mapping(record.get("settings")),
        basis=_mappings(record.get("basis")),
        log=_mapping(record.get("log")),
        generation=_text(record.get("generation")),
        raw_pixels=_text(record.get("raw_pixels")),
        human_contribution=_texts(record.get("human_contribution")),
        mining=_mapping(plain_json(reading.assertion("cawg.training-mining").get("entries"))),
    )


def _making(reading: Reading) -> Making:
    stated = {_last_part(one) for one in _source_types(reading.manifest)}
    if stated & _COMPOSITE:
        return "composite"
    if stated & _GENERATED:
        return "generated"
    others = (manifest for name, manifest in reading.manifests.items() if name != reading.manifest_id)
    below = {_last_part(one) for manifest in others for one in _source_types(manifest)}
    if below & (_GENERATED | _COMPOSITE):
        return "from_generated"
    if (stated | below) & _CAPTURED:
        return "captured"
    return "drawn" if stated & _DRAWN else "not_stated"


def _source_types(manifest: Mapping[str, Any]) -> Iterator[str]:
    for action in actions_of(manifest):
        yield _text(action.get("digitalSourceType"))


def _first_action(reading: Reading, name: str) -> str:
    return next(filter(None, (_text(action.get(name)) for action in actions_of(reading.manifest))), "")


def _prompt(own: tuple[IngredientRead, ...], record: Mapping[str, Any]) -> Mapping[str, str]:
    texts = {one.title: plain_text(one.text) for one in own if PROMPT_TYPE in one.types and one.text}
    negative = texts.pop("Negative prompt", "")
    text = next(iter(texts.values()), "")
    disclosure = _text(record.get("disclosure")) or ("public" if text else "")
    told = {
        "disclosure": disclosure,
        "text": text,
        "negative_text": negative,
        "commitment": _text(record.get("commitment")),
    }
    return {name: value for name, value in told.items() if value}


def _model(reading: Reading, own: tuple[IngredientRead, ...]) -> Mapping[str, Any]:
    disclosed = reading.assertion("c2pa.ai-disclosure")
    name = _text(disclosed.get("modelName")) or next((one.title for one in own if _is_model(one)), "")
    told = {"name": plain_text(name), "identifier": _text(disclosed.get("modelIdentifier"))}
    return {key: value for key, value in told.items() if value}


def _other_ingredients(own: tuple[IngredientRead, ...]) -> Iterator[dict[str, Any]]:
    for one in own:
        if PROMPT_TYPE not in one.types and not _is_model(one):
            yield {"kind": one.relationship, "name": plain_text(one.title, longest=200)}


def _is_model(ingredient: IngredientRead) -> bool:
    return any(kind.startswith(_MODEL) for kind in ingredient.types)


def _last_part(url: str) -> str:
    return url.rsplit("/", 1)[-1]


def _text(value: Any) -> str:
    return plain_text(value) if isinstance(value, str) else ""


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(_text(one) for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _mappings(value: Any) -> tuple[dict[str, Any], ...]:
    return tuple(one for one in value if isinstance(one, dict)) if isinstance(value, list) else ()
