"""How a picture came to be, as its manifests state it: each signed step, the newest first, with what went into it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from provenance.credentials.reading import Reading
from provenance.verification.plain_text import plain_json, plain_text

MOST_STEPS = 50


@dataclass(frozen=True, kw_only=True)
class Step:
    """One manifest of the file: who signed it, with what software, what was done, and from what."""

    manifest_id: str
    is_newest: bool
    signer: str
    signed_at: str
    generator: str
    actions: tuple[Mapping[str, str], ...] = ()
    ingredients: tuple[Mapping[str, str], ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """Return the step as it stands in a verdict."""
        told: dict[str, Any] = plain_json(vars(self))
        return told


def history_of(reading: Reading) -> tuple[Step, ...]:
    """Return every manifest's step, the active one's first, then as each is named by those before it."""
    waiting, seen = [reading.manifest_id], set[str]()
    steps: list[Step] = []
    while waiting and len(steps) < MOST_STEPS:
        name = waiting.pop(0)
        if name in seen or name not in reading.manifests:
            continue
        seen.add(name)
        step = _step(reading, name)
        steps.append(step)
        waiting += [one["manifest_id"] for one in step.ingredients if one["manifest_id"]]
    return tuple(steps)


def generator_of(manifest: Mapping[str, Any]) -> str:
    """Return the software that made a claim, and its version."""
    for one in _dicts(manifest.get("claim_generator_info")):
        return plain_text(f"{_text(one.get('name'))} {_text(one.get('version'))}".strip(), longest=200)
    return _text(manifest.get("claim_generator"))


def actions_of(manifest: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the actions that a manifest lists, in its order."""
    for assertion in _dicts(manifest.get("assertions")):
        data = assertion.get("data")
        if str(assertion.get("label", "")).startswith("c2pa.actions") and isinstance(data, dict):
            yield from _dicts(data.get("actions"))


def _step(reading: Reading, name: str) -> Step:
    manifest = reading.manifests[name]
    signature = manifest.get("signature_info")
    signature = signature if isinstance(signature, dict) else {}
    common, organization = _text(signature.get("common_name")), _text(signature.get("issuer"))
    both = f"{common} ({organization})" if common and organization and common != organization else ""
    return Step(
        manifest_id=plain_text(name),
        is_newest=name == reading.manifest_id,
        signer=both or common or organization,
        signed_at=_text(signature.get("time")),
        generator=generator_of(manifest),
        actions=tuple(_action(one) for one in actions_of(manifest)),
        ingredients=tuple(_ingredient(one) for one in _dicts(manifest.get("ingredients"))),
    )


def _action(action: Mapping[str, Any]) -> dict[str, str]:
    agent = action.get("softwareAgent")
    return {
        "action": _text(action.get("action")),
        "when": _text(action.get("when")),
        "software": _text(agent.get("name") if isinstance(agent, dict) else agent),
        "source_type": _text(action.get("digitalSourceType")).rsplit("/", 1)[-1],
        "description": _text(action.get("description")),
    }


def _ingredient(ingredient: Mapping[str, Any]) -> dict[str, str]:
    return {
        "title": _text(ingredient.get("title")) or _text(ingredient.get("label")),
        "relationship": _text(ingredient.get("relationship")),
        "manifest_id": _text(ingredient.get("active_manifest")),
        "label": _text(ingredient.get("label")),
    }


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        yield from (one for one in value if isinstance(one, dict))


def _text(value: Any) -> str:
    return plain_text(value, longest=400) if isinstance(value, str) else ""
