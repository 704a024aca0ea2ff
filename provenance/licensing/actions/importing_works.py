"""Listing many works of one party at once, line by line, so that a second try goes on where the first one stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from provenance.actor import Actor
from provenance.canonical import sha256_digest
from provenance.errors import Fault
from provenance.licensing.actions.listing import list_work
from provenance.licensing.errors import UnknownLicence
from provenance.licensing.terms import OPEN_LICENCES
from provenance.picture import decode_picture, pixels_promised
from provenance.works.actions.parties import require_member
from provenance.works.errors import ImportUnreadable
from provenance.works.import_lists import ImportLine, Read
from provenance.works.models import Party, Work
from provenance.works.queries import digests_listed_by

NO_FILE = ("there is no such file, or it cannot be read", "没有该文件，或无法读取")


@dataclass(frozen=True)
class Listed:
    """What became of one line."""

    number: int
    file: str
    result: str
    """``listed``, ``flagged``, ``known``, ``refused``, or ``good`` where nothing was listed for a bad line's sake."""
    work: str = ""
    en: str = ""
    zh: str = ""


def import_works(
    *,
    actor: Actor,
    party: Party,
    lines: Sequence[ImportLine],
    read: Read,
    keeps_good: bool,
    list_one: Callable[..., Work] = list_work,
    most_pixels: int | None = None,
) -> Iterator[Listed]:
    """List a party's works line by line and yield what became of each; works that are listed already are known.

    Unless the good lines are to be kept, one bad line anywhere means that nothing is listed. Each line is a
    transaction of its own: an import that was broken off goes on when it is begun again. What is not known yet may
    have so many pixels together; raises ImportUnreadable, before it lists anything, where it has more.
    """
    if actor.account_id is not None:
        require_member(actor, party)
    known = digests_listed_by(party)
    if most_pixels is not None:
        _require_decodable(lines, read=read, known=known, most=most_pixels)
    if not keeps_good:
        checked = [_checked(line, read=read) for line in lines]
        if any(one.result == "refused" for one in checked):
            yield from checked
            return
    for line in lines:
        yield _refused(line, line.fault) if line.fault else _listed(
            line, read=read, known=known, list_one=partial(list_one, actor=actor, party=party)
        )


def _require_decodable(lines: Sequence[ImportLine], *, read: Read, known: set[str], most: int) -> None:
    """Raise ImportUnreadable where the headers of the pictures promise more pixels than are decoded at once."""
    pixels = 0
    for line in lines:
        if line.fault:
            continue
        try:
            data = read(line.file)
        except KeyError:
            continue
        pixels += 0 if sha256_digest(data) in known else pixels_promised(data)
        if pixels > most:
            raise ImportUnreadable(reason=f"> {most // 1_000_000:,} MP")


def _checked(line: ImportLine, *, read: Read) -> Listed:
    """Return whether a line could be listed, without listing it."""
    if line.fault or line.values is None:
        return _refused(line, line.fault or NO_FILE)
    try:
        decode_picture(read(line.file))
        _require_licence(line.values["licence"])
    except KeyError:
        return _refused(line, NO_FILE)
    except Fault as fault:
        return _refused(line, (fault.said("en"), fault.said("zh-Hans")))
    return Listed(line.number, line.file, "good")


def _listed(
    line: ImportLine, *, read: Read, known: set[str], list_one: Callable[..., Work]
) -> Listed:
    values = dict(line.values or {})
    try:
        data = read(line.file)
        _require_licence(values["licence"])
        digest = sha256_digest(data)
        if digest in known:
            return Listed(line.number, line.file, "known")
        authors = [name.strip() for name in values.pop("author").split(";") if name.strip()]
        work = list_one(data=data, authors=authors, **values)
    except KeyError:
        return _refused(line, NO_FILE)
    except Fault as fault:
        return _refused(line, (fault.said("en"), fault.said("zh-Hans")))
    known.add(digest)
    if work.digest != digest:  # the same picture, which the party has listed from another file
        return Listed(line.number, line.file, "known", work=str(work.pk))
    return Listed(line.number, line.file, "flagged" if work.state == "flagged" else "listed", work=str(work.pk))


def _require_licence(licence: str) -> None:
    if licence and licence not in OPEN_LICENCES:
        raise UnknownLicence(licence=licence, known=", ".join(OPEN_LICENCES))


def _refused(line: ImportLine, said: tuple[str, str]) -> Listed:
    return Listed(line.number, line.file, "refused", en=said[0], zh=said[1])
