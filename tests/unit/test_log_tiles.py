"""The log's files have the names and bytes of tlog-tiles, and every way of growing writes the same ones."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from provenance.audit_log.errors import BundleDamaged, LeafTooLarge, NotInTree, TileDamaged, TileMissing
from provenance.audit_log.tiles import (
    TileName,
    TileReader,
    entries_path,
    new_tiles,
    pack_entries,
    read_bundle,
    tile_path,
    tiles_of,
    unpack_entries,
)
from provenance.audit_log.tree import consistency_proof, inclusion_proof, leaf_hash, root, root_at, verify_inclusion
from tests.simulators.logs import SimulatedLog

LARGEST = 1_200
ENTRIES = [hashlib.sha256(b"%d" % index).digest()[: index % 33] for index in range(70_000)]


def grown(*ends: int) -> SimulatedLog:
    """Return a log that grew in steps."""
    log = SimulatedLog()
    for end in ends:
        log.grow(ENTRIES[len(log.entries) : end])
    return log


def test_names_are_those_of_the_specification() -> None:
    assert tile_path(0, 1_234_067) == "tile/0/x001/x234/067"
    assert tile_path(1, 0, 17) == "tile/1/000.p/17"
    assert entries_path(273, 112) == "tile/entries/273.p/112"
    assert entries_path(999) == "tile/entries/999" and entries_path(1_000) == "tile/entries/x001/000"


def test_a_log_of_70000_entries_has_the_tiles_of_the_specification() -> None:
    widths = {level: [width for _, width in tiles_of(70_000, level=level)] for level in range(4)}
    assert widths == {0: [256] * 273 + [112], 1: [256, 17], 2: [1], 3: []}


@given(st.none() | st.integers(0, 63), st.integers(0, 2**54), st.integers(1, 256))
def test_every_name_is_read_back(level: int | None, index: int, width: int) -> None:
    name = TileName(level, index, width)
    assert TileName.parse(name.path) == name


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/0", "tile/0/0000", "tile/0/001/002", "tile/0/x001/2", "tile/0/x000/002", "tile/00/002", "tile/64/002",
        "tile/0/002.p/0", "tile/0/002.p/256", "tile/0/002.p/01", "tile/0/002.p/", "tile/0/002/", "/tile/0/002",
        "tile/0/../../checkpoint", "tile/entries/002\n", "tile/data/002", "tile/0/٠٠٢", "tile/0/002.p/12.p/12", "",
    ],
)  # fmt: skip
def test_no_other_spelling_is_a_name(path: str) -> None:
    assert TileName.parse(path) is None


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_bundles_are_lengths_and_entries(entries: list[bytes]) -> None:
    data = b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)
    assert pack_entries(entries) == data
    assert unpack_entries(data) == entries


def test_an_entry_of_65535_bytes_fits_and_of_65536_is_refused_before_anything_is_written() -> None:
    assert unpack_entries(pack_entries([b"x" * 65_535])) == [b"x" * 65_535]
    with pytest.raises(LeafTooLarge) as caught:
        pack_entries([b"x" * 65_536])
    assert "65536" in caught.value.said("en") and "65536" in caught.value.said("zh-Hans")
    written = []
    with pytest.raises(LeafTooLarge):
        written += list(new_tiles(0, entries=[b"a"] * 300 + [b"x" * 65_536], read=SimulatedLog().read))
    assert written == []


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=8), st.data())
def test_a_bundle_cut_anywhere_is_found_damaged(entries: list[bytes], data: st.DataObject) -> None:
    name, whole = TileName(None, 3, len(entries)), pack_entries(entries)
    assert unpack_entries(whole, name=name) == entries
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(BundleDamaged) as caught:
        unpack_entries(whole[:cut], name=name)
    assert caught.value.values["path"] == f"tile/entries/003.p/{len(entries)}"
    with pytest.raises(BundleDamaged):
        unpack_entries(whole + b"\0\0", name=name)


def test_without_its_name_a_bundle_that_ends_inside_an_entry_is_found_damaged() -> None:
    for cut in (1, 2, 4):
        with pytest.raises(BundleDamaged):
            unpack_entries(pack_entries([b"abc"])[:cut])


@settings(max_examples=30)
@given(st.lists(st.integers(0, LARGEST), min_size=1, max_size=6))
@example([255, 256])
def test_however_a_log_grew_its_last_files_are_the_same(ends: list[int]) -> None:
    ends = sorted(ends)
    size, steps, once = ends[-1], grown(*ends), grown(ends[-1])
    needed = {path for path in steps.files if is_needed(path, size)}
    assert needed == {path for path in once.files if is_needed(path, size)}
    assert {path: steps.files[path] for path in needed} == {path: once.files[path] for path in needed}
    assert steps.root() == root([leaf_hash(entry) for entry in ENTRIES[:size]])


def is_needed(path: str, size: int) -> bool:
    name = TileName.parse(path)
    if name is None:
        return False
    return (name.index, name.width) in set(tiles_of(size, level=name.level or 0))


@settings(max_examples=30)
@given(st.integers(0, LARGEST))
def test_growth_writes_exactly_the_files_of_the_size(size: int) -> None:
    expected = {entries_path(*each) for each in tiles_of(size)}
    expected |= {tile_path(level, *each) for level in range(3) for each in tiles_of(size, level=level)}
    assert set(grown(size).files) - {"checkpoint"} == expected


def test_tiles_hold_the_hashes_of_complete_subtrees() -> None:
    log = grown(70_000)
    leaves = [leaf_hash(entry) for entry in ENTRIES]
    assert log.files["tile/0/004"] == b"".join(leaves[1024:1280])
    assert log.files["tile/1/001.p/17"][:32] == root(leaves[65_536 : 65_536 + 256])
    assert log.files["tile/2/000.p/1"] == root(leaves[:65_536])
    assert read_bundle(TileName(None, 273, 112), log.read, size=70_000) == ENTRIES[-112:]


@settings(max_examples=25, deadline=None)
@given(st.integers(1, LARGEST), st.data())
def test_proofs_from_tiles_lead_to_the_root(size: int, data: st.DataObject) -> None:
    log, leaves = grown(size), [leaf_hash(entry) for entry in ENTRIES[:size]]
    index = data.draw(st.integers(0, size - 1))
    reader = TileReader(log.read, size=size)
    proof = inclusion_proof(index, size, reader.read_hash)
    assert verify_inclusion(leaves[index], index=index, size=size, proof=proof, root=root(leaves))
    smaller = data.draw(st.integers(1, size))
    assert root_at(smaller, reader.read_hash) == root(leaves[:smaller])


def test_a_proof_in_a_tree_of_ten_million_reads_few_files_of_no_entry() -> None:
    size, read = 10_000_000, []

    def tile(path: str) -> bytes:
        name = TileName.parse(path)
        assert name is not None and name.level is not None
        read.append(path)
        return bytes(32 * name.width)

    inclusion_proof(1_234_567, size, TileReader(tile, size=size).read_hash)
    assert len(read) == len(set(read)) <= 6
    read.clear()
    consistency_proof(7_654_321, size, TileReader(tile, size=size).read_hash)
    assert len(read) == len(set(read)) <= 6


def test_a_partial_file_that_is_gone_is_cut_from_the_full_one() -> None:
    log = grown(300, 600)
    del log.files["tile/0/001.p/44"], log.files["tile/entries/001.p/44"]
    assert log.root(300) == root([leaf_hash(entry) for entry in ENTRIES[:300]])
    assert TileReader(log.read, size=300).read_hash(0, 299) == leaf_hash(ENTRIES[299])
    assert read_bundle(TileName(None, 1, 44), log.read, size=300) == ENTRIES[256:300]


def test_growth_begun_before_and_begun_again_writes_the_same_files() -> None:
    log = grown(300, 600)
    expected = dict(new_tiles(300, entries=ENTRIES[300:600], read=log.read))
    for path in ("tile/0/001.p/44", "tile/entries/001.p/44", "tile/1/000.p/1"):
        del log.files[path]
    log.files["tile/1/000"] = log.files["tile/1/000.p/2"] + bytes(254 * 32)
    assert dict(new_tiles(300, entries=ENTRIES[300:600], read=log.read)) == expected


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data + b"\0", lambda data: b""])
@pytest.mark.parametrize("path", ["tile/0/002.p/88", "tile/0/001", "tile/1/000.p/2"])
def test_a_tile_of_another_length_is_named(path: str, change: object) -> None:
    log = grown(600)
    log.files[path] = change(log.files[path])  # type: ignore[operator]
    with pytest.raises(TileDamaged) as caught:
        every_hash(log)
    assert caught.value.values["path"] == path


@pytest.mark.parametrize("path", ["tile/0/002.p/88", "tile/0/001", "tile/1/000.p/2"])
def test_a_missing_tile_is_named(path: str) -> None:
    log = grown(600)
    del log.files[path]
    with pytest.raises(TileMissing) as caught:
        every_hash(log)
    assert caught.value.values["path"] == path


def every_hash(log: SimulatedLog) -> Sequence[bytes]:
    reader = TileReader(log.read, size=len(log.entries))
    return [reader.read_hash(level, 0) for level in (0, 8, 9)] + [reader.read_hash(0, at) for at in (256, 512)]


@pytest.mark.parametrize(("level", "index"), [(0, 600), (8, 2), (9, 1), (10, 0), (0, -1)])
def test_no_hash_is_read_of_a_subtree_that_is_not_whole(level: int, index: int) -> None:
    log = grown(600)
    with pytest.raises(NotInTree):
        TileReader(log.read, size=600).read_hash(level, index)


def test_growing_without_its_last_files_is_refused() -> None:
    log = grown(300)
    del log.files["tile/entries/001.p/44"]
    with pytest.raises(TileMissing):
        list(new_tiles(300, entries=[b"x"], read=log.read))


def test_nothing_new_writes_nothing() -> None:
    assert list(new_tiles(300, entries=[], read=grown(300).read)) == []
