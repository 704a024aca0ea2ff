"""What a decision is about: the things that a request makes use of, with the rights that are known in each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from provenance.licensing.money import Money
from provenance.licensing.reasons import Called
from provenance.licensing.terms import Terms

SubjectKind = Literal["model", "style", "adapter", "work", "image", "name"]
Basis = Literal["grant", "open-licence", "own-work", "model-licence", "none"]


@dataclass(frozen=True)
class Right:
    """One way in which a reference may be permitted: an offer's open terms, or a grant's."""

    basis: Basis
    terms: Terms
    id: str
    terms_digest: str = ""
    used: int = 0
    """Pictures delivered or reserved under a grant before."""
    splits: tuple[tuple[str, int], ...] = ()
    """To whom a price goes: parties with their shares in basis points."""
    is_self_dealing: bool = False
    """Whether the licensee acts for one of the parties that would be paid."""

    @property
    def price(self) -> Money | None:
        """Return what one delivered picture costs; a flat price was owed when the grant was given."""
        price = self.terms.price
        return price.money if price and price.per == "image" else None


@dataclass(frozen=True)
class WorkBehind:
    """A work that binds a style of one's own: somebody else's, or an own picture with which conditions came."""

    id: str
    name: str
    rights: tuple[Right, ...] = ()


@dataclass(frozen=True)
class Subject:
    """One thing that a request makes use of, with all that is known of its rights."""

    kind: SubjectKind
    id: str
    name: str
    needs: str
    """The ODRL action that the use amounts to."""
    name_zh: str = ""
    """What it is called in Chinese, where that was said."""
    digest: str = ""
    owner: str = ""
    author: str = ""
    found_in: Literal["declared", "prompt"] = "declared"
    is_own: bool = False
    is_withdrawn: bool = False
    is_opted_out: bool = False
    opted_out_works: tuple[str, ...] = ()
    """Of a style: what the works behind it are called whose rightsholders said no."""
    withdrawn_works: tuple[str, ...] = ()
    """Of a style: what the works behind it are called that were withdrawn or are in dispute."""
    others_works: tuple[WorkBehind, ...] = ()
    """Of one's own style: the works that bind it. Their terms decide, for nobody else does."""
    inherited: Terms | None = None
    """Of one's own picture: the terms that travelled to it when it was made."""
    rights: tuple[Right, ...] = ()

    @property
    def called(self) -> Called:
        """Return what a sentence about it calls it."""
        return Called(self.name, self.name_zh or self.name)
