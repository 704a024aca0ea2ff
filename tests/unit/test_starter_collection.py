"""The shipped collection tells the truth about what the starter model learned from."""

from __future__ import annotations

import io
import json
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from generation.starter.collection import COLLECTION, manifest_digest, parties, styles, works
from generation.starter.errors import CollectionDamaged, PackageChanged, PackageMissing
from generation.starter.sources import Package, read_package

LICENCES = {
    "noto": ("Google", "Apache-2.0"),
    "twemoji": ("Twitter (jdecked)", "CC-BY-4.0"),
    "fluent": ("Microsoft", "MIT"),
    "fxemoji": ("Mozilla", "Apache-2.0"),
    "emojione": ("EmojiTwo", "CC-BY-4.0"),
    "openmoji": ("OpenMoji", "CC-BY-SA-4.0"),
}


def test_every_party_is_named_with_its_licence_and_claims_no_endorsement() -> None:
    assert {party.slug: (party.name, party.licence) for party in parties()} == LICENCES
    assert all("no endorsement" in party.note_en and party.note_zh for party in parties())
    assert all(party.url.startswith("https://") for party in parties())


def test_every_work_carries_its_owner_licence_and_names_in_both_languages() -> None:
    listed = list(works())
    assert len(listed) > 800
    assert {(work.style, work.owner, work.licence) for work in listed} == {
        (slug, owner, licence) for slug, (owner, licence) in LICENCES.items()
    }
    assert all(work.name_en.isascii() and not work.name_zh.isascii() for work in listed if work.name_zh != "")
    assert len({work.id for work in listed}) == len({work.digest for work in listed}) == len(listed)


def test_no_work_of_openmoji_was_trained_on() -> None:
    splits = Counter(work.split for work in works() if work.style == "openmoji")
    assert set(splits) == {"not-in-training"}
    openmoji = next(style for style in styles() if style.slug == "openmoji")
    assert openmoji.token == "" and not openmoji.is_trained


def test_a_taught_style_lists_exactly_the_works_that_it_was_taught_from() -> None:
    trained = {work.digest for work in works() if work.split == "trained"}
    taught = [style for style in styles() if style.is_trained]
    assert len(taught) == 5 and all(style.token for style in taught)
    assert {digest for style in taught for digest in style.works} == trained


def test_held_out_pairs_are_of_subjects_that_other_styles_taught() -> None:
    listed = list(works())
    held_out = [work for work in listed if work.split == "held-out"]
    taught = Counter(work.subject for work in listed if work.split == "trained")
    assert held_out and all(taught[work.subject] == 4 for work in held_out)


def test_thumbnails_are_small_pictures() -> None:
    work = next(works())
    with Image.open(io.BytesIO(work.thumbnail)) as picture:
        assert (picture.format, picture.size) == ("WEBP", (64, 64))
    assert COLLECTION.stat().st_size <= 8_000_000


def test_a_cut_collection_is_refused_by_name(tmp_path: Path) -> None:
    cut = tmp_path / "collection.zip"
    cut.write_bytes(COLLECTION.read_bytes()[:5000])
    with pytest.raises(CollectionDamaged) as refused:
        manifest_digest(cut)
    assert str(cut) in str(refused.value) and str(cut) in refused.value.said("zh-Hans")


def test_a_changed_package_is_refused_naming_both_digests(tmp_path: Path) -> None:
    package = Package("@example/set", "1.0.0", "icons.json", "sha256:" + "0" * 64)
    file = tmp_path / "node_modules" / "@example/set" / "icons.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"icons": {}}))
    with pytest.raises(PackageChanged) as refused:
        read_package(tmp_path, package)
    assert package.digest in str(refused.value)
    assert refused.value.values["found"] in refused.value.said("zh-Hans")


def test_a_missing_package_is_refused_naming_the_digest_it_should_have(tmp_path: Path) -> None:
    package = Package("@example/set", "1.0.0", "icons.json", "sha256:" + "0" * 64)
    with pytest.raises(PackageMissing) as refused:
        read_package(tmp_path, package)
    assert package.digest in str(refused.value) and "@example/set" in str(refused.value)
