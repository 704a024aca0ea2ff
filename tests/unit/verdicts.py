"""Verdicts in few words."""

from __future__ import annotations

from provenance.verification.verdict import Verdict


def results(verdict: Verdict) -> dict[str, str]:
    """Return the result of every check by its code, those of ingredients left out."""
    return {check.code: check.result for check in verdict.checks if check.code != "ingredient"}


def failed(verdict: Verdict) -> set[str]:
    """Return the codes of the checks that failed."""
    return {check.code for check in verdict.checks if check.result == "failed"}
