"""Reading parties, works and styles."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, Count, OuterRef, Q, QuerySet, When
from django.utils import timezone

from provenance.actor import Actor
from provenance.attribution.queries import Match
from provenance.works.crediting import ANONYMOUS
from provenance.works.errors import NotTheOwner, NotVerified, StyleNotReady, UnknownParty, UnknownStyle, UnknownWork
from provenance.works.models import Flag, Party, PartyMember, Share, SplitAgreement, Style, Work

MOST_AUTHORS_NAMED = 5
"""Of how many authors a style's credit names; more are there where its works are listed."""
_BEHIND = Work.objects.filter(styles=OuterRef("pk"), author_credit__gt="").values("author_credit").annotate(Count("pk"))
# Who stays anonymous comes first: that somebody does is what must not be among the ones left out.
_FIRST = _BEHIND.order_by(Case(When(author_credit__contains=ANONYMOUS, then=0), default=1), "author_credit")
CREDITED = ArraySubquery(_FIRST.values_list("author_credit", flat=True)[: MOST_AUTHORS_NAMED + 1])


def _credited() -> QuerySet[Style]:
    return Style.objects.select_related("owner").annotate(credited=CREDITED)


def authors_behind(style: Style) -> str:
    """Return how those who made the works behind a style are credited; its owner's name where it has no works."""
    found = getattr(style, "credited", None)
    if found is None:
        found = Style.objects.filter(pk=style.pk).values_list(CREDITED, flat=True).get()
    more = ", …" if len(found) > MOST_AUTHORS_NAMED else ""
    return ", ".join(found[:MOST_AUTHORS_NAMED]) + more or style.owner.name


def parties_of(account_id: UUID | None) -> set[UUID]:
    """Return the ids of the parties that an account acts for."""
    return set(PartyMember.objects.filter(account_id=account_id, is_invited=False).values_list("party_id", flat=True))


def parties_visible_to(actor: Actor) -> QuerySet[Party]:
    """Return the parties that an account acts for or is invited to, and their wards; all for an auditor."""
    parties = Party.objects.select_related("guardian").prefetch_related("members").order_by("-recorded_at", "id")
    if actor.has("auditor"):
        return parties
    own = PartyMember.objects.filter(account_id=actor.account_id).values("party_id")
    wards = Q(guardian__in=parties_of(actor.account_id))
    return parties.filter(Q(pk__in=own) | wards, erased_at=None)


def party_for(actor: Actor, *, party_id: UUID) -> Party:
    """Return a party that an account may see; raise UnknownParty otherwise."""
    party = parties_visible_to(actor).filter(pk=party_id).first()
    if party is None:
        raise UnknownParty(party=party_id)
    return party


def party_of_any(party_id: UUID) -> Party:
    """Return a party that stands, whoever asks; raise UnknownParty otherwise."""
    party = Party.objects.filter(pk=party_id, erased_at=None).first()
    if party is None:
        raise UnknownParty(party=party_id)
    return party


def require_payable(party: Party) -> None:
    """Raise NotVerified unless money may go to a party: its identity, or a minor's guardian's, was verified.

    An identity that was verified for a capacity that is over counts no longer.
    """
    payee = party.guardian if party.is_minor else party
    is_verified = payee is not None and payee.claim == Party.Claim.IDENTITY_VERIFIED
    ends_at = payee.capacity_until if payee else None
    if not is_verified or (ends_at and ends_at <= timezone.now()):
        raise NotVerified(party=party.name)


def is_payable(party: Party) -> bool:
    """Say whether money may go to a party now."""
    try:
        require_payable(party)
    except NotVerified:
        return False
    return True


def parties_spoken_for(account_id: UUID | None) -> set[UUID]:
    """Return the parties that an account acts for, and those whose guardian it is."""
    own = parties_of(account_id)
    return own | set(Party.objects.filter(guardian__in=own).values_list("pk", flat=True))


def party_offering(actor: Actor, *, subject_kind: str, subject_id: UUID) -> Party:
    """Return the party of an account that owns a style or work, or is that party; raise NotTheOwner otherwise."""
    own = Party.objects.filter(pk__in=parties_spoken_for(actor.account_id))
    wanted = {"style": Q(styles=subject_id), "work": Q(works=subject_id)}.get(subject_kind, Q(pk=subject_id))
    party = own.filter(wanted).first()
    if party is None:
        raise NotTheOwner()
    return party


def accounts_of(party: UUID) -> list[UUID]:
    """Return the accounts that act for a party, or for its guardian."""
    acting = PartyMember.objects.filter(Q(party_id=party) | Q(party__wards=party), is_invited=False)
    return list(acting.order_by("pk").values_list("account_id", flat=True))


def parties_of_one(account_id: UUID) -> list[UUID]:
    """Return the ids of the parties that are an account's own: of a person, joined, and with no other member."""
    own = Party.objects.filter(pk__in=parties_of(account_id), kind=Party.Kind.PERSON, origin=Party.Origin.JOINED)
    alone = own.alias(all=Count("members", filter=Q(members__is_invited=False))).filter(all=1)
    return list(alone.order_by("pk").values_list("pk", flat=True))


def is_party(party_id: UUID) -> bool:
    """Say whether a party is recorded here and was not erased."""
    return Party.objects.filter(pk=party_id, erased_at=None).exists()


def holdings_of(parties: Iterable[UUID]) -> tuple[QuerySet[Work], QuerySet[Style]]:
    """Return the works and the styles of some parties that were not erased."""
    wanted = list(parties)
    works = Work.objects.filter(owner_id__in=wanted, erased_at=None).order_by("pk")
    return works, Style.objects.filter(owner_id__in=wanted, erased_at=None).order_by("pk")


def disputed_works(parties: Iterable[UUID]) -> QuerySet[Work]:
    """Return the works of some parties that are in dispute."""
    return Work.objects.filter(owner_id__in=list(parties), state=Work.State.DISPUTED)


def works_visible_to(actor: Actor) -> QuerySet[Work]:
    """Return the works an account may see: its own and all under an open licence; all for an auditor."""
    works = Work.objects.select_related("owner").order_by("-registered_at", "id")
    if actor.has("auditor"):
        return works
    return works.filter(Q(owner_id__in=parties_of(actor.account_id)) | seen_by_all(), erased_at=None)


def seen_by_all() -> Q:
    """Return the condition under which a work is everybody's to see: openly licensed, and not held back by a flag."""
    return ~Q(licence="") & ~Q(state__in=[Work.State.FLAGGED, Work.State.REJECTED])


def own_among(work: Work, near: Iterable[Match]) -> set[UUID]:
    """Return those of some near pictures that are works of the same owner, and so no reason to flag a work."""
    listed = [match.subject for match in near if match.kind == "work"]
    own = Work.objects.filter(pk__in=listed, owner_id=work.owner_id)
    return set(own.values_list("pk", flat=True)) | {work.pk}


def works_owned(among: Iterable[UUID], *, account_id: UUID) -> set[UUID]:
    """Return those of some works that a party of an account owns."""
    own = Work.objects.filter(pk__in=list(among), owner_id__in=parties_of(account_id))
    return set(own.values_list("pk", flat=True))


def not_before(work: Work, near: Iterable[Match]) -> set[UUID]:
    """Return those of some near pictures that are works listed later than a work: they are no reason to flag it."""
    listed = [match.subject for match in near if match.kind == "work"]
    return set(Work.objects.filter(pk__in=listed, registered_at__gt=work.registered_at).values_list("pk", flat=True))


def flags_visible_to(actor: Actor) -> QuerySet[Flag]:
    """Return every flag, the newest first, with its work; raise NotPermitted for anybody but an auditor."""
    actor.require("auditor")
    return Flag.objects.select_related("work__owner").order_by("-raised_at", "id")


def work_for(actor: Actor, *, work_id: UUID) -> Work:
    """Return one work that an account may see; raise UnknownWork otherwise."""
    work = works_visible_to(actor).filter(pk=work_id).first()
    if work is None:
        raise UnknownWork(work=work_id)
    return work


def works_with(*, digest: str = "", pixel_digest: str = "") -> QuerySet[Work]:
    """Return the works that are the same file or the same pixels."""
    same = Q(digest=digest) | Q(preview_digest=digest) if digest else Q()
    if pixel_digest:
        same |= Q(pixel_digest=pixel_digest)
    return Work.objects.select_related("owner").filter(same)


def styles_listed() -> QuerySet[Style]:
    """Return every style that stands, with its owner and its number of works, by name."""
    listed = _credited().filter(state=Style.State.ACTIVE)
    return listed.annotate(work_count=Count("works", distinct=True)).order_by("name", "id")


def style_of(slug: str) -> Style | None:
    """Return the style that stands under a slug, whatever its state."""
    return Style.objects.select_related("owner").filter(slug=slug).first()


def styles_bound_to(models: Iterable[str], *, state: str) -> QuerySet[Style]:
    """Return the styles in a state that some models carry, by the models' digests."""
    return Style.objects.filter(model_digest__in=list(models), state=state).select_related("owner")


def stands_so(style: Style, *, works: Iterable[Work], model_digest: str, token: str) -> bool:
    """Say whether a style is active on exactly these works, by this token of this model."""
    carried = (style.state, style.model_digest, style.token) == (Style.State.ACTIVE, model_digest, token)
    return carried and set(style.works.values_list("pk", flat=True)) == {work.pk for work in works}


def public_licence_party(name: str) -> Party | None:
    """Return the party of a name that was recorded from a public licence."""
    return Party.objects.filter(name=name, origin=Party.Origin.PUBLIC_LICENCE).first()


def digests_listed_by(party: Party) -> set[str]:
    """Return the file digests of a party's works."""
    return set(Work.objects.filter(owner=party).values_list("digest", flat=True))


def works_of_party(party: Party, *, digests: Iterable[str]) -> list[Work]:
    """Return a party's works that are some files."""
    return list(Work.objects.filter(owner=party, digest__in=list(digests)))


def style_named(name: str) -> Style:
    """Return the style with this id or slug; raise UnknownStyle otherwise."""
    return styles_named([name])[0]


def styles_named(names: Iterable[str]) -> list[Style]:
    """Return the styles with some ids or slugs, in the order asked for; raise UnknownStyle for one that is none."""
    keys = [(name, _id_in(name)) for name in names]
    if not keys:
        return []
    ids, slugs = {pk for _, pk in keys if pk}, {name for name, pk in keys if not pk}
    read = list(_credited().filter(Q(pk__in=ids) | Q(slug__in=slugs)))
    found: dict[UUID | str, Style] = {style.pk: style for style in read} | {style.slug: style for style in read}
    for name, pk in keys:
        if (pk or name) not in found:
            raise UnknownStyle(style=name[:80])
    return [found[pk or name] for name, pk in keys]


def _id_in(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None


def require_ready(style: Style) -> None:
    """Raise StyleNotReady for a style that has no carrier yet, or on whose splits somebody has still to agree."""
    reasons = {
        Style.State.UNTRAINED: ("its adapter is still to be trained", "其适配器尚待训练"),
        Style.State.PROPOSED: ("its owners have not all agreed on their shares", "其所有者尚未就份额达成一致"),
    }
    if reason := reasons.get(Style.State(style.state)):
        raise StyleNotReady(style=style.name, reason_en=reason[0], reason_zh=reason[1])


def style_seen_by(actor: Actor, *, name: str) -> Style | None:
    """Return a style by id or slug, counted: one that stands for anybody, another for its owner and for auditors."""
    pk = _id_in(name)
    wanted = Q(pk=pk) if pk else Q(slug=name)
    styles = Style.objects.select_related("owner").annotate(work_count=Count("works")).filter(wanted)
    if actor.has("auditor"):
        return styles.first()
    own = Q(owner_id__in=parties_of(actor.account_id)) | Q(pk__in=subjects_shared_with(actor, kind="style"))
    stands = Q(state__in=[Style.State.ACTIVE, Style.State.LEFT_BEHIND])
    return styles.filter(own | stands, erased_at=None).first()


def subjects_shared_with(actor: Actor, *, kind: str) -> set[UUID]:
    """Return the styles or works in which a party of an account has or was offered a share."""
    own = parties_spoken_for(actor.account_id)
    shares = Share.objects.filter(party_id__in=own, agreement__subject_kind=kind)
    return set(shares.values_list("agreement__subject_id", flat=True))


def shared_subject(actor: Actor, *, kind: str, subject_id: UUID) -> Style | Work:
    """Return a style or work whose splits an account may see: its own, one in which it is named, all for an auditor.

    Raises UnknownStyle or UnknownWork otherwise.
    """
    table: type[Style] | type[Work] = Style if kind == "style" else Work
    subject = table.objects.select_related("owner").filter(pk=subject_id, erased_at=None).first()
    is_own = subject is not None and subject.owner_id in parties_spoken_for(actor.account_id)
    if subject and (is_own or actor.has("auditor") or subject_id in subjects_shared_with(actor, kind=kind)):
        return subject
    raise UnknownStyle(style=subject_id) if kind == "style" else UnknownWork(work=subject_id)


def works_with_ids_known(ids: Iterable[UUID]) -> list[Work]:
    """Return those of some works that are listed, in no order."""
    return list(Work.objects.select_related("owner").filter(pk__in=list(ids)))


def first_listed_in(style: str, *, at_most: int) -> list[Work]:
    """Return the works that a style lists, in the order of their listing, no more than asked for."""
    listed = Work.objects.select_related("owner").filter(styles=style).order_by("registered_at", "pk")
    return list(listed[:at_most])


def styles_with(ids: Iterable[str]) -> list[Style]:
    """Return styles by id, in the order asked for."""
    wanted = list(ids)
    found = {str(style.pk): style for style in _credited().filter(pk__in=wanted)}
    return [found[style] for style in wanted]


def works_with_ids(ids: Iterable[str]) -> list[Work]:
    """Return works by id, in the order asked for."""
    wanted = list(ids)
    found = {str(work.pk): work for work in Work.objects.select_related("owner").filter(pk__in=wanted)}
    return [found[work] for work in wanted]


def owners_of(ids: Iterable[UUID]) -> set[UUID]:
    """Return the parties that own some styles and works."""
    wanted = list(ids)
    styles = Style.objects.filter(pk__in=wanted).values_list("owner_id", flat=True)
    listed = Work.objects.filter(pk__in=wanted).values_list("owner_id", flat=True)
    return set(styles.order_by().union(listed.order_by()))


def owner_of(subject_id: UUID) -> UUID | None:
    """Return the party that owns a style or work; None where there is neither."""
    return next(iter(owners_of([subject_id])), None)


def splits_among(subjects: Iterable[Style | Work]) -> dict[UUID, list[tuple[UUID, int]]]:
    """Return who shares in what some styles and works earn, in basis points that add up to 10,000, in one query.

    Where no split was agreed on, the owner has all.
    """
    wanted = {subject.pk: subject for subject in subjects}
    shares: dict[UUID, list[tuple[UUID, int]]] = {}
    in_force = Share.objects.filter(
        agreement__subject_id__in=wanted, agreement__state=SplitAgreement.State.ACTIVE, basis_points__gt=0
    ).order_by("party_id")
    for subject, party, points in in_force.values_list("agreement__subject_id", "party_id", "basis_points"):
        shares.setdefault(subject, []).append((party, points))
    return {pk: shares.get(pk, [(subject.owner_id, 10_000)]) for pk, subject in wanted.items()}


def splits_of(subject: Style | Work) -> list[tuple[UUID, int]]:
    """Return who shares in what a style or work earns: each party with its basis points of 10,000."""
    return splits_among([subject])[subject.pk]


def agreements_on(subject: Style | Work) -> QuerySet[SplitAgreement]:
    """Return every split that was proposed for a style or work, the newest first, with its shares."""
    found = SplitAgreement.objects.filter(subject_id=subject.pk).order_by("-proposed_at", "id")
    return found.select_related("proposed_by").prefetch_related("shares__party")


def owners_behind(works: Iterable[Work]) -> set[UUID]:
    """Return the parties that own a part of some works, but for works under an open licence."""
    private = [work for work in works if not work.licence]
    return {party for shares in splits_among(private).values() for party, _ in shares} | {
        work.owner_id for work in private
    }


def party_of(party_id: UUID) -> Party:
    """Return one party; raise UnknownParty for one that is not there."""
    party = Party.objects.filter(pk=party_id).first()
    if party is None:
        raise UnknownParty(party=party_id)
    return party


def works_behind(kind: str, subject: UUID) -> list[UUID]:
    """Return the works that a reference stands for: a work itself, those of a style or adapter, all of a party."""
    if kind == "work":
        return [subject]
    listed = Work.objects.filter(owner=subject) if kind == "name" else Work.objects.filter(styles=subject)
    return list(listed.order_by("pk").values_list("pk", flat=True))


def party_names(ids: Iterable[UUID]) -> list[str]:
    """Return what some parties are called, by name."""
    return sorted(Party.objects.filter(pk__in=list(ids)).values_list("name", flat=True))


def referenced_files(among: Iterable[str] | None = None) -> set[str]:
    """Return the digests of the files that works and styles need kept, of all or among some."""
    works = Work.objects.filter(erased_at=None)
    styles = Style.objects.filter(erased_at=None).exclude(adapter_digest="")
    if among is not None:
        wanted = list(among)
        works = works.filter(Q(digest__in=wanted) | Q(preview_digest__in=wanted))
        styles = styles.filter(adapter_digest__in=wanted)
    pairs = works.values_list("digest", "preview_digest")
    return {digest for pair in pairs for digest in pair if digest} | set(
        styles.values_list("adapter_digest", flat=True)
    )
