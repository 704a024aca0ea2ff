"""The Merkle tree of RFC 9162, section 2.1, over SHA-256: roots, proofs, and their verification.

Proofs are made from the hashes of complete subtrees: ``read_hash(level, index)`` returns
``MTH(D[index * 2**level : (index + 1) * 2**level])``; level 0 are the leaf hashes. Each proof reads
a number of them that grows with the logarithm of the tree's size.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from provenance.audit_log.errors import NotAnEarlierSize, NotInTree

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root of a tree without entries."""

ReadHash = Callable[[int, int], bytes]


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of one entry: SHA-256 of ``0x00`` and its bytes."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of two subtrees side by side: SHA-256 of ``0x01`` and both hashes."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(hashes: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes, or over the hashes of equally large complete subtrees."""
    if not hashes:
        return EMPTY_ROOT
    sha256, row = hashlib.sha256, list(hashes)
    while len(row) > 1:
        # A lone hash at the end moves up unchanged: that is the split at the largest power of two.
        last = row[-1:] if len(row) % 2 else []
        row = [sha256(b"\x01" + row[at] + row[at + 1]).digest() for at in range(0, len(row) - 1, 2)] + last
    return row[0]


def root_at(size: int, read_hash: ReadHash) -> bytes:
    """Return the root of the first ``size`` entries."""
    return _range_hash(0, size, read_hash) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, read_hash: ReadHash) -> list[bytes]:
    """Return the hashes that lead from entry ``index`` to the root over ``size`` entries, the leaf's sibling first.

    Raises NotInTree where there is no such entry.
    """
    if not 0 <= index < size:
        raise NotInTree(index=index, size=size)
    start, end, path = 0, size, []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range_hash(middle, end, read_hash))
            end = middle
        else:
            path.append(_range_hash(start, middle, read_hash))
            start = middle
    return path[::-1]


def consistency_proof(old: int, new: int, read_hash: ReadHash) -> list[bytes]:
    """Return the hashes that show the first ``old`` of ``new`` entries unchanged; none for equal sizes or from zero.

    Raises NotAnEarlierSize where ``old`` is negative or above ``new``.
    """
    if not 0 <= old <= new:
        raise NotAnEarlierSize(old=old, new=new)
    start, end, path = 0, new, []
    if old == 0:
        return []
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_range_hash(middle, end, read_hash))
            end = middle
        else:
            path.append(_range_hash(start, middle, read_hash))
            start = middle
    # The verifier knows the old root; a subtree that ends where the old tree ends must be told unless it is that.
    known = [] if start == 0 else [_range_hash(start, end, read_hash)]
    return known + path[::-1]


def verify_inclusion(leaf: bytes, *, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Say whether a proof leads from a leaf hash at ``index`` to the root over ``size`` entries (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size or not _are_hashes([leaf, root, *proof]):
        return False
    place, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if place % 2 or place == last:
            found = node_hash(sibling, found)
            while place and not place % 2:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def verify_consistency(
    *, old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Say whether a proof shows that the old tree is a beginning of the new one (RFC 9162, 2.1.4.2)."""
    if not 0 <= old_size <= new_size or not _are_hashes([old_root, new_root, *proof]):
        return False
    if old_size == new_size or old_size == 0:
        expected = new_root if old_size == new_size else EMPTY_ROOT
        return not proof and old_root == expected and (new_size > 0 or new_root == EMPTY_ROOT)
    path = list(proof) if old_size & (old_size - 1) else [old_root, *proof]
    if not path:
        return False
    place, last = old_size - 1, new_size - 1
    while place % 2:
        place, last = place >> 1, last >> 1
    return _follow(path, place, last) == (old_root, new_root)


def _follow(path: list[bytes], place: int, last: int) -> tuple[bytes, bytes] | None:
    """Return the old and new root to which a consistency path leads; None where it has too few or too many hashes."""
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return None
        if place % 2 or place == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while place and not place % 2:
                place, last = place >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        place, last = place >> 1, last >> 1
    return (old, new) if last == 0 else None


def _are_hashes(values: Sequence[bytes]) -> bool:
    return all(isinstance(value, bytes) and len(value) == HASH_BYTES for value in values)


def _split(count: int) -> int:
    """Return the largest power of two below ``count``."""
    return 1 << ((count - 1).bit_length() - 1)


def _range_hash(start: int, end: int, read_hash: ReadHash) -> bytes:
    """Return the hash of D[start:end], a range that RFC 9162's recursion can reach."""
    parts, at = [], start
    while at < end:
        # The largest complete subtree that begins here and fits; the recursion's ranges begin aligned to it.
        level = (end - at).bit_length() - 1
        parts.append(read_hash(level, at >> level))
        at += 1 << level
    found = parts.pop()
    while parts:
        found = node_hash(parts.pop(), found)
    return found
