"""The hundred bits that TrustMark hides: 68 of payload, 28 that mend up to four others, and four that say so.

Its schema BCH_4: a binary BCH code over GF(2^7) with the primitive polynomial x^7 + x^3 + 1 (137), which mends four
errors, shortened to 100 places. The payload is padded with four zeros to whole bytes, and the first bit stands for the
highest power. Our 64-bit id is the first 64 bits of the payload; the other four are zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

FIELD_BITS, PRIMITIVE = 7, 0b10001001
ORDER = 2**FIELD_BITS - 1
MENDED = 4
ID_BITS, PAYLOAD_BITS, PADDING, PARITY_BITS = 64, 68, 4, 28
SCHEMA = (0, 0, 1, 0)
"""Two: BCH_4."""
PACKET_BITS = PAYLOAD_BITS + PARITY_BITS + len(SCHEMA)
CODE_BITS = PAYLOAD_BITS + PARITY_BITS


def packet_of(id: bytes) -> tuple[int, ...]:
    """Return the hundred bits for an id of eight bytes."""
    payload = int.from_bytes(id, "big") << (PAYLOAD_BITS - ID_BITS)
    parity = _remainder(payload << (PADDING + PARITY_BITS))
    return (*_bits(payload, PAYLOAD_BITS), *_bits(parity, PARITY_BITS), *SCHEMA)


def id_in(packet: Sequence[int]) -> tuple[bytes, int] | None:
    """Return the id in a hundred bits and how many of them were mended; None where they hold none of ours."""
    if len(packet) != PACKET_BITS or tuple(packet[CODE_BITS:]) != SCHEMA:
        return None
    payload, parity = _number(packet[:PAYLOAD_BITS]), _number(packet[PAYLOAD_BITS:CODE_BITS])
    word = payload << (PADDING + PARITY_BITS) | parity
    wrong = _errors(word)
    if wrong is None:
        return None
    for place in wrong:
        word ^= 1 << place
    payload = word >> (PADDING + PARITY_BITS)
    if payload % 2 ** (PAYLOAD_BITS - ID_BITS):
        return None
    return (payload >> (PAYLOAD_BITS - ID_BITS)).to_bytes(8, "big"), len(wrong)


def _errors(word: int) -> tuple[int, ...] | None:
    """Return the places at which a word is wrong; None where they are more than can be told, or where nothing lies."""
    syndromes = [_syndrome(word, power) for power in range(1, 2 * MENDED + 1)]
    if not any(syndromes):
        return ()
    locator = _berlekamp_massey(syndromes)
    length = PAYLOAD_BITS + PADDING + PARITY_BITS
    places = tuple(place for place in range(length) if _value(locator, ORDER - place) == 0)
    padding = range(PARITY_BITS, PARITY_BITS + PADDING)
    is_told = len(places) == len(locator) - 1 <= MENDED and not set(places) & set(padding)
    return places if is_told else None


def _syndrome(word: int, power: int) -> int:
    found = 0
    for place in _ones(word):
        found ^= _power(power * place)
    return found


def _berlekamp_massey(syndromes: Sequence[int]) -> list[int]:
    """Return the error locator, lowest coefficient first (Massey 1969)."""
    locator, before, length, shift, last = [1], [1], 0, 1, 1
    for step, syndrome in enumerate(syndromes):
        discrepancy = syndrome
        for place in range(1, length + 1):
            if place < len(locator):
                discrepancy ^= _product(locator[place], syndromes[step - place])
        if not discrepancy:
            shift += 1
            continue
        factor = _product(discrepancy, _inverse(last))
        moved = [0] * shift + [_product(factor, one) for one in before]
        longer = [a ^ b for a, b in zip(_padded(locator, len(moved)), _padded(moved, len(locator)), strict=True)]
        if 2 * length <= step:
            before, last, length, shift = locator, discrepancy, step + 1 - length, 1
        else:
            shift += 1
        locator = longer
    while locator[-1] == 0:
        locator.pop()
    return locator


def _padded(values: list[int], length: int) -> list[int]:
    return values + [0] * max(0, length - len(values))


def _value(polynomial: Sequence[int], log: int) -> int:
    """Return a polynomial's value at a power of the generator."""
    found = 0
    for degree, coefficient in enumerate(polynomial):
        if coefficient:
            found ^= _power(_tables()[1][coefficient] + degree * log)
    return found


# ---- the field and the code's generator --------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _tables() -> tuple[tuple[int, ...], dict[int, int]]:
    powers, value = [], 1
    for _ in range(ORDER):
        powers.append(value)
        value <<= 1
        if value >> FIELD_BITS:
            value ^= PRIMITIVE
    return tuple(powers), {power: log for log, power in enumerate(powers)}


def _power(log: int) -> int:
    return _tables()[0][log % ORDER]


def _product(one: int, other: int) -> int:
    logs = _tables()[1]
    return _power(logs[one] + logs[other]) if one and other else 0


def _inverse(value: int) -> int:
    return _power(-_tables()[1][value])


@lru_cache(maxsize=1)
def _generator() -> int:
    """Return the generator polynomial, its coefficients as bits: the least with the first odd powers as roots."""
    roots = {power * 2**place % ORDER for power in range(1, 2 * MENDED, 2) for place in range(FIELD_BITS)}
    polynomial = [1]
    for root in sorted(roots):
        by_x = [0, *polynomial]
        by_root = [_product(coefficient, _power(root)) for coefficient in polynomial] + [0]
        polynomial = [a ^ b for a, b in zip(by_x, by_root, strict=True)]
    return sum(coefficient << degree for degree, coefficient in enumerate(polynomial))


def _remainder(word: int) -> int:
    generator = _generator()
    while word.bit_length() > PARITY_BITS:
        word ^= generator << (word.bit_length() - generator.bit_length())
    return word


def _bits(number: int, length: int) -> Iterator[int]:
    return (number >> place & 1 for place in reversed(range(length)))


def _number(bits: Iterable[int]) -> int:
    found = 0
    for bit in bits:
        found = found << 1 | int(bit)
    return found


def _ones(word: int) -> Iterator[int]:
    while word:
        place = word.bit_length() - 1
        yield place
        word ^= 1 << place
