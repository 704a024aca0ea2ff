"""Pictures whose own credentials are damaged: something can be made over them all the same, and said of them."""

from __future__ import annotations

import pytest

from provenance.credentials.signing import PemKey
from provenance.verification.verify import verify
from tests.simulators.pictures import listed, opened, over, over_listed, signed
from tests.simulators.tampering import with_two_stores


@pytest.fixture(scope="module")
def damaged(key: PemKey) -> bytes:
    """Return a picture with two stores, which the C2PA library reads none of."""
    data = with_two_stores(signed(key).data)
    assert verify(data).check("manifest.present").result == "failed"
    return data


@pytest.mark.parametrize("how", ["over", "listed", "opened"])
def test_a_picture_over_one_with_damaged_credentials_is_signed(key: PemKey, damaged: bytes, how: str) -> None:
    said = {"opened": opened(damaged)} if how == "opened" else {
        "inputs": over(damaged) if how == "over" else over_listed(key, damaged)
    }  # fmt: skip
    verdict = verify(signed(key, number=3, **said).data, trust_pem=key.root_pem)
    assert verdict.outcome == "trusted"
    parents = [one for one in verdict.history[0].ingredients if one["relationship"] == "parentOf"]
    assert len(parents) == 1


def test_the_manifest_beside_a_listed_work_with_damaged_credentials_is_bound_to_it(
    key: PemKey, damaged: bytes
) -> None:
    assert verify(damaged, trust_pem=key.root_pem, store=listed(key, damaged).store).outcome == "trusted"
