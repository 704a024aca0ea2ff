"""Taking over opt-outs from lists that others keep, line by line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import transaction

from provenance.actor import Actor
from provenance.errors import Fault
from provenance.licensing.actions.opting_out import (
    Contest,
    OtherForms,
    no_dispute,
    no_other_forms,
    opt_out_fingerprint,
    record_opt_out,
)
from provenance.licensing.models import OptOut
from provenance.licensing.opt_out_lists import Line, is_within, lines_of
from provenance.works.models import Party, Style, Work

MOST_WORKS_A_LINE = 1_000


@dataclass(frozen=True)
class Taken:
    """What became of one line: the opt-outs that it left, or why it left none."""

    number: int
    result: str
    """``recorded``, ``known`` or ``refused``."""
    opt_outs: tuple[str, ...] = ()
    en: str = ""
    zh: str = ""


def import_opt_outs(
    *,
    actor: Actor,
    data: bytes,
    source: str,
    site: str = "",
    party: Party | None = None,
    other_forms: OtherForms = no_other_forms,
    contest: Contest = no_dispute,
) -> Iterator[Taken]:
    """Record the opt-outs of a list and yield what became of each line; a second time everything is known.

    Works, styles and parties are opted out for their owners; a picture that is not listed, for the party given.
    An operator or auditor may, and Colophon's own command. Nothing is fetched: a list is a file.
    """
    if actor.account_id is not None and not actor.has("auditor"):
        actor.require("operator")
    for line in lines_of(data, site=site):
        if line.fault:
            yield Taken(line.number, "refused", en=line.fault[0], zh=line.fault[1])
            continue
        try:
            yield _taken(line, actor=actor, source=source, party=party, other_forms=other_forms, contest=contest)
        except Fault as fault:
            yield Taken(line.number, "refused", en=fault.said("en"), zh=fault.said("zh-Hans"))


@transaction.atomic
def _taken(
    line: Line, *, actor: Actor, source: str, party: Party | None, other_forms: OtherForms, contest: Contest
) -> Taken:
    before = OptOut.objects.count()
    listed = _works(line)
    if line.kind in {"style", "party"}:
        made = [_one(actor, line, source=source)]
    elif listed:
        made = [
            record_opt_out(
                actor=actor, party=work.owner, subject_kind="work", subject_id=work.pk, source=source, on_behalf=True,
                contest=contest,
            )
            for work in listed
        ]
    elif line.digest and party:
        made = [
            opt_out_fingerprint(
                actor=actor, party=party, digest=line.digest, source=source, other_forms=other_forms,
                contest=contest,
            )
        ]
    else:
        made = []
    if not any(made):
        return Taken(line.number, "refused", en="nothing of this is listed here", zh="此处没有登记相应内容")
    ids = tuple(str(one.pk) for one in made if one)
    return Taken(line.number, "recorded" if OptOut.objects.count() > before else "known", opt_outs=ids)


def _works(line: Line) -> list[Work]:
    works = Work.objects.select_related("owner").filter(erased_at=None).order_by("pk")
    if line.kind == "work" and line.subject:
        return list(works.filter(pk=line.subject))
    if line.digest:
        return list(works.filter(digest=line.digest))
    if not line.location:
        return []
    start = line.location.split("*")[0]
    near = works.filter(source_url__startswith=start)[:MOST_WORKS_A_LINE]
    return [work for work in near if is_within(work.source_url, line.location)]


def _one(actor: Actor, line: Line, *, source: str) -> OptOut | None:
    owner = (
        Party.objects.filter(pk=line.subject, erased_at=None).first()
        if line.kind == "party"
        else getattr(Style.objects.select_related("owner").filter(pk=line.subject).first(), "owner", None)
    )
    if owner is None or line.subject is None:
        return None
    return record_opt_out(
        actor=actor, party=owner, subject_kind=line.kind, subject_id=line.subject, source=source, on_behalf=True
    )
