"""The active manifest of a store, taken out of its bytes."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import c2pa
import pytest

from provenance.credentials.development_ca import DevelopmentCA
from provenance.credentials.stores import active_manifest
from tests.simulators.pictures import over, signed


def test_the_active_manifest_alone_is_a_store_that_others_read(tmp_path: Path) -> None:
    key = DevelopmentCA(tmp_path).signing_key(now=datetime.now(UTC))
    parent = signed(key, number=9)
    image = signed(key, number=1, inputs=over(parent.data))
    whole, active = image.manifest_store, active_manifest(image.manifest_store)
    assert parent.manifest_id.encode() in whole and len(active) < len(whole)
    assert active_manifest(parent.manifest_store) == parent.manifest_store, "one manifest is all there is"
    with c2pa.Reader("image/png", io.BytesIO(image.data), manifest_data=active) as reader:
        assert image.manifest_id in reader.json()


@pytest.mark.parametrize("store", [b"", b"\0\0\0\x08jumb", b"\0\0\0\x10jumb\0\0\0\xffjumd", b"\x89PNG" * 9])
def test_what_is_no_store_is_refused(store: bytes) -> None:
    with pytest.raises(ValueError, match="manifest store"):
        active_manifest(store)
