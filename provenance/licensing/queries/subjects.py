"""Gathering what is known of the rights in everything that a request uses."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from provenance.licensing.queries.registered_names import NamedParty, names_registered, styles_named
from provenance.licensing.queries.standing import Standing, standing
from provenance.licensing.subjects import Subject, SubjectKind
from provenance.licensing.terms import DERIVE, NAME_IN_PROMPT, USE_ADAPTER, USE_STYLE
from provenance.works.crediting import is_unnamed
from provenance.works.models import Style, Work
from provenance.works.queries import authors_behind


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
    is named where the requester wrote the name, not where the style's own token has it. Three queries, and one more
    where the prompt has a name.
    """
    names = names_registered(licensee=licensee)
    declared = {style.pk for style in styles}
    parties = names.parties_in(prompt, written=written, owners={style.owner_id for style in styles})
    in_prompt = [style for style in names.styles_in(prompt) if style not in declared]
    read = styles_named(in_prompt, parties=(party.pk for party in parties))
    found = {style.pk: style for style in read}
    named_styles = [found[style] for style in in_prompt if style in found]
    owners = {item.owner_id for item in (*styles, *read, *input_works)} | {party.pk for party in parties}
    now = standing(
        licensee=licensee,
        own=names.own_parties,
        subjects=[*declared, *found, *(party.pk for party in parties)],
        parties=owners,
        works=input_works,
        generation=generation,
    )
    return (
        *(_style_subject(style, now, declared=True) for style in styles),
        *(_style_subject(style, now, declared=False) for style in named_styles),
        *(_work_subject(work, now) for work in input_works),
        *(_party_subject(party, read, now) for party in parties),
    )


def _style_subject(style: Style, now: Standing, *, declared: bool) -> Subject:
    is_adapter = style.carrier == Style.Carrier.ADAPTER
    kind: SubjectKind = "adapter" if is_adapter else "style"
    needs = USE_ADAPTER if is_adapter else USE_STYLE
    author = authors_behind(style) if declared else style.owner.name
    return Subject(
        kind=kind if declared else "style",
        id=str(style.pk),
        name=style.name,
        name_zh=style.name_zh,
        needs=needs if declared else NAME_IN_PROMPT,
        digest=style.adapter_digest,
        owner="" if is_unnamed(author) else style.owner.name,
        author=author,
        found_in="declared" if declared else "prompt",
        is_own=style.owner_id in now.own_parties,
        is_withdrawn=style.state in {Style.State.WITHDRAWN, Style.State.DISPUTED, Style.State.REJECTED},
        is_opted_out=not now.opted_out.isdisjoint({style.pk, style.owner_id}),
        opted_out_works=now.barred(style.pk, opted_out=True),
        withdrawn_works=now.barred(style.pk, opted_out=False),
        others_works=now.others_works.get(style.pk, ()),
        rights=now.rights.get(style.pk, ()),
    )


def _work_subject(work: Work, now: Standing) -> Subject:
    return Subject(
        kind="work",
        id=str(work.pk),
        name=work.title,
        needs=DERIVE,
        digest=work.digest,
        owner="" if is_unnamed(work.author_credit) else work.owner.name,
        author=work.author_credit,
        is_own=work.owner_id in now.own_parties,
        is_withdrawn=work.state != Work.State.ACTIVE,
        is_opted_out=now.refuses(work.pk, work.owner_id),
        inherited=now.inherited.get(work.digest),
        rights=now.rights[work.pk],
    )


def _party_subject(party: NamedParty, styles: Sequence[Style], now: Standing) -> Subject:
    """A party's name in a prompt stands for whatever it offers; any of its active styles' rights may carry it."""
    own_styles = [
        style
        for style in styles
        if style.owner_id == party.pk
        and style.state == Style.State.ACTIVE
        and not now.refuses(style.pk, party.pk)
    ]
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
