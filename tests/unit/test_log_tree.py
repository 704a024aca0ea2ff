"""The log's tree gives what RFC 9162 defines, and nothing but a true proof is believed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.audit_log.errors import NotAnEarlierSize, NotInTree
from provenance.audit_log.tree import (
    EMPTY_ROOT,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root,
    root_at,
    verify_consistency,
    verify_inclusion,
)

LARGEST = 300
LEAVES = [leaf_hash(b"entry %d" % index) for index in range(LARGEST)]


# ---- RFC 9162, sections 2.1.1, 2.1.3.1 and 2.1.4.1, word for word --------------------------------------------


def split(count: int) -> int:
    """Return k: the largest power of two smaller than n."""
    power = 1
    while power * 2 < count:
        power *= 2
    return power


def mth(leaves: Sequence[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return hashlib.sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    return [*path(m, leaves[:k]), mth(leaves[k:])] if m < k else [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: Sequence[bytes], *, is_known: bool) -> list[bytes]:
    if m == len(leaves):
        return [] if is_known else [mth(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], is_known=is_known), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], is_known=False), mth(leaves[:k])]


# ---- what is asked -------------------------------------------------------------------------------------------


def complete(level: int, index: int) -> bytes:
    """Return the hash of a complete subtree; one that the tree does not have is no subtree."""
    first, end = index << level, (index + 1) << level
    assert end <= LARGEST
    return mth(LEAVES[first:end])


sizes = st.integers(1, LARGEST)


@st.composite
def places(draw: st.DrawFn) -> tuple[int, int]:
    size = draw(sizes)
    return draw(st.integers(0, size - 1)), size


@st.composite
def pairs(draw: st.DrawFn) -> tuple[int, int]:
    new = draw(sizes)
    return draw(st.integers(1, new)), new


def test_leaves_and_nodes_are_hashed_apart() -> None:
    assert leaf_hash(b"a") == hashlib.sha256(b"\0a").digest()
    assert node_hash(b"l" * 32, b"r" * 32) == hashlib.sha256(b"\1" + b"l" * 32 + b"r" * 32).digest()


@given(st.integers(0, LARGEST))
def test_the_root_is_that_of_rfc_9162(size: int) -> None:
    assert root(LEAVES[:size]) == mth(LEAVES[:size]) == root_at(size, complete)


@given(places())
def test_an_inclusion_proof_is_that_of_rfc_9162_and_is_believed(place: tuple[int, int]) -> None:
    index, size = place
    proof = inclusion_proof(index, size, complete)
    assert proof == path(index, LEAVES[:size])
    assert verify_inclusion(LEAVES[index], index=index, size=size, proof=proof, root=mth(LEAVES[:size]))


@given(pairs())
def test_a_consistency_proof_is_that_of_rfc_9162_and_is_believed(pair: tuple[int, int]) -> None:
    old, new = pair
    proof = consistency_proof(old, new, complete)
    assert proof == subproof(old, LEAVES[:new], is_known=True)
    assert verify_consistency(
        old_size=old, new_size=new, old_root=mth(LEAVES[:old]), new_root=mth(LEAVES[:new]), proof=proof
    )


@given(places(), st.data())
def test_an_inclusion_proof_proves_nothing_else(place: tuple[int, int], data: st.DataObject) -> None:
    index, size = place
    proof, whole = inclusion_proof(index, size, complete), mth(LEAVES[:size])
    other = data.draw(st.integers(0, LARGEST - 1).filter(lambda at: at != index))
    assert not verify_inclusion(LEAVES[other], index=index, size=size, proof=proof, root=whole)
    assert not verify_inclusion(LEAVES[index], index=other, size=size, proof=proof, root=whole)
    assert not verify_inclusion(LEAVES[index], index=index, size=size, proof=proof, root=EMPTY_ROOT)
    assert not verify_inclusion(LEAVES[index], index=index, size=size, proof=[*proof, whole], root=whole)
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        for changed in (
            proof[:at] + proof[at + 1 :],
            [*proof[:at], bytes(32), *proof[at + 1 :]],
            [proof[0][:31], *proof[1:]],
        ):
            assert not verify_inclusion(LEAVES[index], index=index, size=size, proof=changed, root=whole)


@given(places())
def test_a_proof_of_a_smaller_tree_proves_nothing_of_a_taller_one(place: tuple[int, int]) -> None:
    index, size = place
    proof, whole = inclusion_proof(index, size, complete), mth(LEAVES[:size])
    taller = 4 << size.bit_length()
    assert not verify_inclusion(LEAVES[index], index=index, size=taller, proof=proof, root=whole)


def test_hashes_cut_at_another_place_are_no_hashes() -> None:
    leaf, sibling, whole = LEAVES[0], LEAVES[1], mth(LEAVES[:2])
    assert node_hash(leaf + sibling[:1], sibling[1:]) == whole
    assert not verify_inclusion(leaf + sibling[:1], index=0, size=2, proof=[sibling[1:]], root=whole)
    assert not verify_consistency(
        old_size=1, new_size=2, old_root=leaf + sibling[:1], new_root=whole, proof=[sibling[1:]]
    )


@given(pairs())
def test_a_consistency_proof_to_a_smaller_tree_leads_to_no_taller_one(pair: tuple[int, int]) -> None:
    old, new = pair
    proof, roots = consistency_proof(old, new, complete), (mth(LEAVES[:old]), mth(LEAVES[:new]))
    taller = 4 << new.bit_length()
    assert not verify_consistency(old_size=old, new_size=taller, old_root=roots[0], new_root=roots[1], proof=proof)


@given(pairs(), st.data())
def test_a_consistency_proof_proves_nothing_else(pair: tuple[int, int], data: st.DataObject) -> None:
    old, new = pair
    proof, roots = consistency_proof(old, new, complete), (mth(LEAVES[:old]), mth(LEAVES[:new]))
    other = data.draw(st.integers(1, LARGEST).filter(lambda size: size != old))

    def believed(changed: Sequence[bytes], *, old_root: bytes = roots[0], new_root: bytes = roots[1]) -> bool:
        return verify_consistency(old_size=old, new_size=new, old_root=old_root, new_root=new_root, proof=changed)

    assert not believed(proof, old_root=mth(LEAVES[:other]))
    assert not believed(proof, new_root=mth([*LEAVES[:new], bytes(32)]))
    assert not believed([*proof, roots[1]])
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        for changed in (
            proof[:at] + proof[at + 1 :],
            [*proof[:at], bytes(32), *proof[at + 1 :]],
            [proof[0][:31], *proof[1:]],
        ):
            assert not believed(changed)


def test_a_fork_of_one_size_is_not_believed() -> None:
    assert not verify_consistency(
        old_size=9, new_size=9, old_root=mth(LEAVES[:9]), new_root=mth(LEAVES[1:10]), proof=[]
    )


def test_every_tree_continues_the_empty_one_and_only_that() -> None:
    assert consistency_proof(0, 5, complete) == [] == consistency_proof(0, 0, complete)
    five = mth(LEAVES[:5])
    assert verify_consistency(old_size=0, new_size=5, old_root=EMPTY_ROOT, new_root=five, proof=[])
    assert verify_consistency(old_size=0, new_size=0, old_root=EMPTY_ROOT, new_root=EMPTY_ROOT, proof=[])
    assert not verify_consistency(old_size=0, new_size=5, old_root=five, new_root=five, proof=[])
    assert not verify_consistency(old_size=0, new_size=5, old_root=EMPTY_ROOT, new_root=five, proof=[five])
    assert not verify_consistency(old_size=0, new_size=0, old_root=five, new_root=five, proof=[])


@pytest.mark.parametrize(("old", "new"), [(-1, 4), (5, 4), (-2, -1)])
def test_no_proof_leads_from_a_later_size(old: int, new: int) -> None:
    with pytest.raises(NotAnEarlierSize):
        consistency_proof(old, new, complete)
    assert not verify_consistency(old_size=old, new_size=new, old_root=EMPTY_ROOT, new_root=EMPTY_ROOT, proof=[])


@pytest.mark.parametrize(("index", "size"), [(4, 4), (-1, 4), (0, 0), (0, -1)])
def test_no_proof_tells_of_an_entry_outside_the_tree(index: int, size: int) -> None:
    with pytest.raises(NotInTree):
        inclusion_proof(index, size, complete)
    assert not verify_inclusion(LEAVES[0], index=index, size=size, proof=[], root=LEAVES[0])


@given(st.integers(1, 2**62), st.data())
def test_a_proof_reads_few_hashes_of_a_tree_of_any_size(size: int, data: st.DataObject) -> None:
    read: list[tuple[int, int]] = []

    def counted(level: int, index: int) -> bytes:
        assert (index + 1) << level <= size
        read.append((level, index))
        return bytes(32)

    index = data.draw(st.integers(0, size - 1))
    assert len(inclusion_proof(index, size, counted)) <= 62
    assert len(read) <= 2 * size.bit_length()
    read.clear()
    assert len(consistency_proof(index + 1, size, counted)) <= 64
    assert len(read) <= 3 * size.bit_length()
