"""Gathering what is known of the rights in everything that a request uses."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from provenance.licensing.decision import Right, Subject, SubjectKind
from provenance.licensing.names import names_in
from provenance.licensing.queries.inheriting import inherited_by
from provenance.licensing.queries.standing import Standing, rights_in_works, standing
from provenance.licensing.terms import DERIVE, NAME_IN_PROMPT, USE_ADAPTER, USE_STYLE, Terms
from provenance.works import queries as works
from provenance.works.models import Party, Style, Work


def subjects_of_request(
    *,
    licensee: UUID | None,
    styles: Sequence[Style],
    input_works: Sequence[Work],
    prompt: str,
    written: str | None = None,
    generation: UUID | None = None,
) -> tuple[Subject, ...]:
    """Return everything that a request uses besides its model, with what is known of its rights.

    Named styles and parties count wherever they stand in the prompt, declared or not. The owner of a declared style
    is named where the requester wrote the name, not where the style's own token has it.
    """
    declared = {style.pk for style in styles}
    named_styles = [style for style in names_in(prompt, works.registered_tokens()) if style.pk not in declared]
    named_parties = _parties_named(prompt, written=written, owners={style.owner_id for style in styles})
    styles_of_named = list(works.styles_of(party.pk for party in named_parties))
    every_style = [*styles, *named_styles, *styles_of_named]
    owners = {item.owner_id for item in (*every_style, *input_works)} | {party.pk for party in named_parties}
    now = standing(
        licensee=licensee,
        subjects=[
            *(item.pk for item in (*every_style, *input_works)),
            *(work.owner_id for work in input_works),
            *(party.pk for party in named_parties),
        ],
        parties=owners,
        generation=generation,
    )
    inherited = inherited_by(work.digest for work in input_works)
    in_works = rights_in_works(input_works, now.rights, own=now.own_parties)
    return (
        *(_style_subject(style, now, declared=True) for style in styles),
        *(_style_subject(style, now, declared=False) for style in named_styles),
        *(
            _work_subject(work, now, inherited=inherited.get(work.digest), rights=in_works[work.pk])
            for work in input_works
        ),
        *(_party_subject(party, styles_of_named, now) for party in named_parties),
    )


def _parties_named(prompt: str, *, written: str | None, owners: set[UUID]) -> list[Party]:
    names = works.registered_party_names()
    found = names_in(prompt, names)
    if written is None or owners.isdisjoint(party.pk for party in found):
        return found
    said = {party.pk for party in names_in(written, names)}
    return [party for party in found if party.pk in said or party.pk not in owners]


def _style_subject(style: Style, now: Standing, *, declared: bool) -> Subject:
    is_adapter = style.carrier == Style.Carrier.ADAPTER
    kind: SubjectKind = "adapter" if is_adapter else "style"
    needs = USE_ADAPTER if is_adapter else USE_STYLE
    return Subject(
        kind=kind if declared else "style",
        id=str(style.pk),
        name=style.name,
        needs=needs if declared else NAME_IN_PROMPT,
        digest=style.adapter_digest,
        owner=style.owner.name,
        author=style.owner.name,
        found_in="declared" if declared else "prompt",
        is_own=style.owner_id in now.own_parties,
        is_withdrawn=style.state in {Style.State.WITHDRAWN, Style.State.DISPUTED, Style.State.REJECTED},
        is_opted_out=not now.opted_out.isdisjoint({style.pk, style.owner_id}),
        opted_out_works=now.barred(style.pk, opted_out=True),
        withdrawn_works=now.barred(style.pk, opted_out=False),
        others_works=now.others_works.get(style.pk, ()),
        rights=now.rights.get(style.pk, ()),
    )


def _work_subject(work: Work, now: Standing, *, inherited: Terms | None, rights: tuple[Right, ...]) -> Subject:
    return Subject(
        kind="work",
        id=str(work.pk),
        name=work.title,
        needs=DERIVE,
        digest=work.digest,
        owner=work.owner.name,
        author=work.author_credit,
        is_own=work.owner_id in now.own_parties,
        is_withdrawn=work.state != Work.State.ACTIVE,
        is_opted_out=now.refuses(work.pk, work.owner_id),
        inherited=inherited,
        rights=rights,
    )


def _party_subject(party: Party, styles: Sequence[Style], now: Standing) -> Subject:
    """A party's name in a prompt stands for whatever it offers; any of its styles' rights may carry it."""
    own_styles = [style for style in styles if style.owner_id == party.pk and not now.refuses(style.pk, party.pk)]
    return Subject(
        kind="name",
        id=str(party.pk),
        name=party.name,
        needs=NAME_IN_PROMPT,
        owner=party.name,
        author=party.name,
        found_in="prompt",
        is_own=party.pk in now.own_parties,
        is_opted_out=now.refuses(party.pk),
        rights=(
            *(right for style in own_styles for right in now.rights.get(style.pk, ())),
            *now.rights.get(party.pk, ()),
        ),
    )
