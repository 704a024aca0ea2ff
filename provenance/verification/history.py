"""How a picture came to be, as its manifests state it: each signed step, the newest first, with what went into it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from provenance.credentials.reading import Finding, Reading
from provenance.verification.plain_text import plain_json, plain_text
from provenance.verification.stamped import ENDED

MOST_STEPS = 50
Signed = Literal["file", "credentials", "nothing"]
"""What a step's signature holds for: the file as it was signed, the credentials alone, or nothing, as it is broken."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One manifest of the file: whom it names as its signer, with what software, what was done, and from what."""

    manifest_id: str
    is_newest: bool
    signer: str
    signed: Signed
    signed_at: str
    generator: str
    actions: tuple[Mapping[str, str], ...] = ()
    ingredients: tuple[Mapping[str, str], ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """Return the step as it stands in a verdict."""
        told: dict[str, Any] = plain_json(vars(self))
        return told


def history_of(reading: Reading, *, signed: Signed) -> tuple[Step, ...]:
    """Return every manifest's step, the active one's first, then as each is named by those before it.

    ``signed`` is what the active one's signature holds for.
    """
    waiting, seen = [reading.manifest_id], set[str]()
    holds = _holds_below(reading) | {reading.manifest_id: signed}
    steps: list[Step] = []
    while waiting and len(steps) < MOST_STEPS:
        name = waiting.pop(0)
        if name in seen or name not in reading.manifests:
            continue
        seen.add(name)
        step = _step(reading, name, signed=holds.get(name, "file"))
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


def _holds_below(reading: Reading) -> dict[str, Signed]:
    """Return, of the manifests of ingredients that were not as signed, what their signatures still hold for."""
    told = [
        (one.own_manifest_id, [fault for fault in one.faults if fault.code not in ENDED])
        for one in reading.ingredients
    ]
    broken = [(name, faults) for name, faults in told if faults]
    found: dict[str, Signed] = {name: "credentials" for name, _ in broken}
    return found | {name: "nothing" for name, faults in broken if any(map(is_of_signature, faults))}


def is_of_signature(finding: Finding) -> bool:
    """Say whether a fault is one of the signature itself, not of what it was put under."""
    return finding.code.startswith(("claimSignature.", "signingCredential.", "algorithm."))


def _step(reading: Reading, name: str, *, signed: Signed) -> Step:
    manifest = reading.manifests[name]
    signature = manifest.get("signature_info")
    signature = signature if isinstance(signature, dict) else {}
    common, organization = _text(signature.get("common_name")), _text(signature.get("issuer"))
    both = f"{common} ({organization})" if common and organization and common != organization else ""
    return Step(
        manifest_id=plain_text(name),
        is_newest=name == reading.manifest_id,
        signer=both or common or organization,
        signed=signed,
        signed_at=_text(signature.get("time")),
        generator=generator_of(manifest),
        actions=tuple(_action(one) for one in actions_of(manifest)),
        ingredients=tuple(_ingredient(one, reading.manifests) for one in _dicts(manifest.get("ingredients"))),
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


def _ingredient(ingredient: Mapping[str, Any], manifests: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    own = _text(ingredient.get("active_manifest"))
    title = _text(ingredient.get("title")) or _text(manifests.get(own, {}).get("title"))  # which C2PA has stand once
    return {
        "title": title or _text(ingredient.get("label")),
        "relationship": _text(ingredient.get("relationship")),
        "manifest_id": own,
        "label": _text(ingredient.get("label")),
    }


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        yield from (one for one in value if isinstance(one, dict))


def _text(value: Any) -> str:
    return plain_text(value, longest=400) if isinstance(value, str) else ""
