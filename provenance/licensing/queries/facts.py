"""Reading, in one statement, what is known of the works and styles of a request besides the rights in them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import BooleanField, Case, Exists, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import JSONObject

from provenance.compiled_query import CompiledQuery, among, among_texts
from provenance.licensing.models import InheritedTerms
from provenance.licensing.queries.opt_outs import in_force, said_no, works_matched
from provenance.licensing.terms import Terms, terms_read
from provenance.works.models import Share, SplitAgreement, Style, Work


@dataclass(frozen=True)
class ListedWork:
    """A work that a style stands on."""

    id: UUID
    title: str
    owner: UUID
    digest: str
    is_open: bool
    is_opted_out: bool = False

    def said(self, own_parties: Container[UUID]) -> str:
        """Return the title where it may be read: a private work's is its owner's, and others get its id."""
        return f"“{self.title}”" if self.is_open or self.owner in own_parties else str(self.id)


@dataclass(frozen=True)
class Sharing:
    """Who shares in a work, in basis points, and whether its owner offers it for all."""

    shares: tuple[tuple[UUID, int], ...] = ()
    is_offered_by_owner: bool = True


@dataclass(frozen=True)
class Facts:
    """What is known of some works and styles."""

    opted_out: frozenset[UUID]
    """Ids of subjects and of whole parties."""
    barred: Mapping[UUID, tuple[ListedWork, ...]]
    """Of each style that they stop: the works behind it that opted out, were withdrawn, or are in dispute."""
    behind_own: Mapping[UUID, tuple[ListedWork, ...]]
    """Of each style of one's own: the works that bind it, of others or with conditions of their own."""
    shared: Mapping[UUID, Sharing]
    """Who shares in those works and in the ones that were asked about, where that was agreed on."""
    inherited: Mapping[str, Terms]
    """The terms that travelled to pictures, by the digests of their files."""

    def sharing(self, work: UUID) -> Sharing:
        """Return who shares in a work, nobody but its owner where nothing was agreed on."""
        return self.shared.get(work, Sharing())


def facts_about(
    subjects: Collection[UUID], *, parties: Collection[UUID], own: Collection[UUID], works: Iterable[Work] = ()
) -> Facts:
    """Return what is known of some subjects, for one who acts for ``own``; more of the works named by themselves."""
    listed = list(works)
    return _read(
        ABOUT.rows(
            subjects=list(subjects),
            parties=list(parties),
            own=list(own),
            works=[work.pk for work in listed],
            pictures=[work.digest for work in listed],
        )
    )


def _about() -> QuerySet[Any, Any]:
    """Return the query of every fact, for the subjects, parties, own parties, works and pictures given."""
    said_so = among("subject_id", "subjects") | (Q(subject_kind="party") & among("subject_id", "parties"))
    travelled = InheritedTerms.objects.filter(lifted_at=None)
    with_conditions = Exists(travelled.filter(image=OuterRef("work__digest")))
    behind = Style.works.through.objects.filter(among("style_id", "subjects"))
    behind_own = behind.filter(among("style__owner_id", "own"), ~among("work__owner_id", "own") | with_conditions)
    shared = among("agreement__subject_id", "works") | Q(agreement__subject_id__in=behind_own.values("work_id"))
    branches: tuple[QuerySet[Any, Any], ...] = (
        in_force().filter(said_so).values_list(Value("opted-out"), JSONObject(id="subject_id")),
        works_matched().filter(among("work_id", "subjects")).values_list(Value("opted-out"), JSONObject(id="work_id")),
        _barred(behind).values_list(Value("barred"), _listed(is_opted_out="is_opted_out")),
        behind_own.values_list(Value("behind"), _listed()),
        Share.objects.filter(shared, agreement__state=SplitAgreement.State.ACTIVE, basis_points__gt=0).values_list(
            Value("share"),
            JSONObject(
                subject="agreement__subject_id", party="party_id", points="basis_points",
                offered_by="agreement__offered_by",
            ),
        ),
        travelled.filter(among_texts("image", "pictures") | Q(image__in=behind_own.values("work__digest"))).values_list(
            Value("inherited"), JSONObject(image="image", terms="terms", digest="terms_digest")
        ),
    )
    first, *rest = (branch.order_by() for branch in branches)
    return first.union(*rest, all=True)


ABOUT = CompiledQuery(_about)


def barred_works_of(styles: Iterable[UUID]) -> dict[UUID, tuple[ListedWork, ...]]:
    """Return the works behind some styles that opted out, were withdrawn or are in dispute, by style."""
    rows = _barred(_behind(list(styles))).values_list(_listed(is_opted_out="is_opted_out"), flat=True)
    return _by_style(rows)


def opted_out_works(*, of: str = "") -> Q:
    """Return the condition under which a work opted out: alone, with all of its owner's, or as a copy of a picture."""
    subject = of or "pk"
    owner = f"{of[: -len('_id')]}__owner_id" if of else "owner_id"
    return (
        Q(**{f"{subject}__in": said_no("work")})
        | Q(**{f"{owner}__in": said_no("party")})
        | Q(**{f"{subject}__in": works_matched()})
    )


def _behind(styles: Collection[UUID]) -> QuerySet[Any]:
    return Style.works.through.objects.filter(style_id__in=styles)


def _barred(behind: QuerySet[Any]) -> QuerySet[Any]:
    said_no_to = Case(When(opted_out_works(of="work_id"), then=True), default=False, output_field=BooleanField())
    told = behind.annotate(is_opted_out=said_no_to)
    return told.filter(Q(is_opted_out=True) | ~Q(work__state=Work.State.ACTIVE))


def _listed(**more: str) -> JSONObject:
    """Return what is read of a work behind a style."""
    return JSONObject(
        style="style_id", id="work_id", title="work__title", owner="work__owner_id", digest="work__digest",
        licence="work__licence", **more,
    )  # fmt: skip


def _read(rows: Iterable[tuple[Any, ...]]) -> Facts:
    told: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for kind, row in rows:
        told[kind].append(json.loads(row))
    shares: dict[UUID, Sharing] = {}
    for row in sorted(told["share"], key=lambda row: str(row["party"])):
        work = UUID(row["subject"])
        others = shares.get(work, Sharing()).shares
        shares[work] = Sharing((*others, (UUID(row["party"]), row["points"])), row["offered_by"] == "owner")
    return Facts(
        opted_out=frozenset(UUID(row["id"]) for row in told["opted-out"]),
        barred=_by_style(told["barred"]),
        behind_own=_by_style(told["behind"]),
        shared=shares,
        inherited={row["image"]: terms_read(row["terms"], digest=row["digest"]) for row in told["inherited"]},
    )


def _by_style(rows: Iterable[dict[str, Any]]) -> dict[UUID, tuple[ListedWork, ...]]:
    found: dict[UUID, list[ListedWork]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row["title"], row["id"])):
        found[UUID(row["style"])].append(
            ListedWork(
                id=UUID(row["id"]), title=row["title"], owner=UUID(row["owner"]), digest=row["digest"],
                is_open=bool(row["licence"]), is_opted_out=row.get("is_opted_out", False),
            )
        )  # fmt: skip
    return {style: tuple(listed) for style, listed in found.items()}
