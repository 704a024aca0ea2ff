"""A decision as the log may hold it: what was found in an undisclosed prompt is decided on, and not named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provenance.canonical import canonical_json, sha256_digest
from provenance.licensing.terms import OPEN_LICENCES

TELLS_NO_NAME = ("kind", "found_in", "use", "permitted", "basis")


def sealed(decision: Mapping[str, Any], *, salt: bytes) -> dict[str, Any]:
    """Return a recorded decision in which every answer on a name found in the prompt is sealed.

    Ids, names, authors and offers would each lead back to the prompt's words; a sealed answer keeps the use,
    the outcome, its basis and the codes of its reasons, and a commitment that whoever holds the salt can open:
    SHA-256(32-byte salt + canonical JSON of the whole answer).
    """
    answers = [
        answer if answer["found_in"] == "declared" else _sealed(answer, salt=salt) for answer in decision["references"]
    ]
    return {**decision, "references": answers}


def _sealed(answer: Mapping[str, Any], *, salt: bytes) -> dict[str, Any]:
    # Terms of somebody's own would name them; ready-made ones are everybody's.
    licence = answer["licence"] if answer["licence"] in OPEN_LICENCES else ""
    return {
        **{name: answer[name] for name in TELLS_NO_NAME},
        "licence": licence,
        "reasons": [reason["code"] for reason in answer["reasons"]],
        "commitment": sha256_digest(salt + canonical_json(answer)),
    }
