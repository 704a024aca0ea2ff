"""Reading which registered names stand in a prompt: of styles, of what they are called, and of parties."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet, Value

from provenance.compiled_query import CompiledQuery, Given
from provenance.licensing.names import names_in
from provenance.works.models import Party, PartyMember, Style


@dataclass(frozen=True)
class NamedParty:
    """A party whose name counts in a prompt."""

    pk: UUID
    name: str


@dataclass(frozen=True)
class Names:
    """Every name that counts in a prompt, each with what it stands for, and the parties that a requester acts for."""

    styles: tuple[tuple[UUID, str], ...]
    parties: tuple[tuple[NamedParty, str], ...]
    own_parties: frozenset[UUID]

    def styles_in(self, prompt: str) -> list[UUID]:
        """Return the styles whose tokens or names stand in a prompt."""
        return names_in(prompt, self.styles)

    def parties_in(self, prompt: str, *, written: str | None, owners: set[UUID]) -> list[NamedParty]:
        """Return the parties named in a prompt; the owner of a declared style only where the requester wrote it."""
        found = names_in(prompt, self.parties)
        if written is None or owners.isdisjoint(party.pk for party in found):
            return found
        said = {party.pk for party in names_in(written, self.parties)}
        return [party for party in found if party.pk in said or party.pk not in owners]


def names_registered(*, licensee: UUID | None) -> Names:
    """Return every name that counts in a prompt, and the parties that a licensee acts for, in one query.

    A style or party that somebody merely declared does not count: whoever called one "cat" could stop everybody's
    cats. A model's own tokens always do, and so does whoever is more than somebody's word.
    """
    rows = NAMES.rows(licensee=licensee)
    return Names(
        styles=tuple((pk, name) for kind, pk, *names in rows if kind == "style" for name in {*names} if name),
        parties=tuple((NamedParty(pk, name), name) for kind, pk, name, _, _ in rows if kind == "party" and name),
        own_parties=frozenset(pk for kind, pk, *_ in rows if kind == "own"),
    )


def _names() -> QuerySet[Any, Any]:
    own = PartyMember.objects.filter(account_id=Given("licensee"), is_invited=False)
    return (
        _styles()
        .values_list(Value("style"), "pk", "name", "name_zh", "token")
        .union(
            _parties().values_list(Value("party"), "pk", "name", Value(""), Value("")),
            own.values_list(Value("own"), "party_id", Value(""), Value(""), Value("")),
            all=True,
        )
    )


NAMES = CompiledQuery(_names)


def styles_named(styles: Iterable[UUID], *, parties: Iterable[UUID]) -> list[Style]:
    """Return some styles, and the active ones of some parties; nothing is asked for nobody."""
    named, owners = list(styles), list(parties)
    if not named and not owners:
        return []
    wanted = Q(pk__in=named) | Q(owner_id__in=owners, state=Style.State.ACTIVE)
    return list(Style.objects.filter(wanted).select_related("owner"))


def _styles() -> QuerySet[Style]:
    return Style.objects.filter(Q(carrier=Style.Carrier.PROMPT_TOKEN) | _is_known(of="owner__")).order_by()


def _parties() -> QuerySet[Party]:
    tokens = Style.objects.filter(owner=OuterRef("pk"), carrier=Style.Carrier.PROMPT_TOKEN)
    return Party.objects.filter(_is_known() | Exists(tokens)).order_by()


def _is_known(*, of: str = "") -> Q:
    """Return the condition under which a party is more than somebody's word."""
    is_public = Q(**{f"{of}origin": Party.Origin.PUBLIC_LICENCE})
    return is_public | ~Q(**{f"{of}claim": Party.Claim.SELF_DECLARED})
