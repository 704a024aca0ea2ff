"""What vouched-for timestamps change: a signature outlives its certificate where an authority stamped it in time.

The library takes a root that is listed for timestamps for a signer's too, so no single reading answers both whether a
signature is good still and who vouches for its signer. Three do, each with other roots: the signers' alone, the
authorities' alone, and both. Both together are believed of a signer only where the authorities alone do not vouch.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from provenance.credentials.reading import TRUSTED, UNTRUSTED, Finding, IngredientRead, Reading, read
from provenance.verification.trust import Trust

ENDED = frozenset({"signingCredential.expired", "claimSignature.outsideValidity"})
_BY_LIST = "trust list:"
"""The library has old authorities built in; it names the list where its word on an authority rests on ours."""


def is_vouched(findings: Iterable[Finding]) -> bool:
    """Say whether the list of authorities that was given vouches for a timestamp."""
    return any(one.code == "timeStamp.trusted" and _BY_LIST in one.explanation for one in findings)


def with_stamps(data: bytes, reading: Reading, *, trust: Trust) -> tuple[Reading, tuple[Finding, ...] | None]:
    """Return a reading as vouched-for timestamps leave it, and what is found of the active manifest's own stamp.

    ``reading`` trusts the signers alone. None for the stamp where there is none, or no list of authorities.
    """
    if not trust.timestamps.pem or not _is_any_stamped(reading):
        return reading, None
    by_authorities = read(data, authorities_pem=trust.timestamps.pem, beside=reading.beside)
    stamp = tuple(one for one in by_authorities.findings if one.code.startswith("timeStamp."))
    is_stamped = reading.signer is not None and reading.signer.signed_at
    if _is_changed(reading, by_authorities):
        signers, authorities = trust.signers.pem or None, trust.timestamps.pem
        by_both = read(data, trust_pem=signers, authorities_pem=authorities, beside=reading.beside)
        reading = _joined(reading, by_authorities, by_both)
    return reading, stamp if is_stamped else None


def _is_any_stamped(reading: Reading) -> bool:
    return any(one.code.startswith("timeStamp.") for one in _all_findings(reading))


def _is_changed(reading: Reading, by_authorities: Reading) -> bool:
    is_short_of_trust = _has_ended(reading) or any(one.is_untrusted for one in reading.ingredients)
    return is_short_of_trust and is_vouched(_all_findings(by_authorities))


def _all_findings(reading: Reading) -> Iterable[Finding]:
    return (*reading.findings, *(found for one in reading.ingredients for found in one.findings))


def _has_ended(reading: Reading) -> bool:
    return any(one.code in ENDED for one in reading.findings)


def _joined(reading: Reading, by_authorities: Reading, by_both: Reading) -> Reading:
    authorities, both = _by_place(by_authorities), _by_place(by_both)
    ingredients = tuple(
        both[_place(one)] if one.is_untrusted and authorities[_place(one)].is_untrusted else one
        for one in reading.ingredients
    )
    if not (_has_ended(reading) and is_vouched(by_authorities.findings)):
        return replace(reading, ingredients=ingredients)
    if UNTRUSTED in by_authorities.codes("failure"):
        return replace(by_both, ingredients=ingredients)
    # The authorities' list vouches for this signer, who is none of theirs: in time, and trusted by nobody.
    findings = tuple(_distrusted(one) for one in by_both.findings)
    state = "Valid" if by_both.validation_state == "Trusted" else by_both.validation_state
    return replace(by_both, ingredients=ingredients, findings=findings, validation_state=state)


def _by_place(reading: Reading) -> dict[tuple[str, str], IngredientRead]:
    """Return the ingredients by manifest and label: the library tells manifests in any order."""
    return {_place(one): one for one in reading.ingredients}


def _place(ingredient: IngredientRead) -> tuple[str, str]:
    return ingredient.manifest_id, ingredient.label


def _distrusted(finding: Finding) -> Finding:
    return replace(finding, code=UNTRUSTED, weight="failure", explanation="") if finding.code == TRUSTED else finding
