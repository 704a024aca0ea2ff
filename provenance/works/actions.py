"""Recording parties, works and styles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import CharField, Value
from django.db.models.functions import Cast, Concat, Left
from django.utils import timezone

from provenance import storage
from provenance.actor import Actor
from provenance.audit_log import actions as audit_log
from provenance.canonical import Digest, canonical_json, pixel_digest, sha256_digest
from provenance.picture import decode_picture
from provenance.works import queries
from provenance.works.errors import NotTheOwner, already_listed
from provenance.works.events import (
    CollectionRegistered,
    PartyRecorded,
    StyleLeftBehind,
    StyleRebound,
    StyleRegistered,
    WorkRegistered,
)
from provenance.works.models import Party, PartyMember, Style, Work


def require_member(actor: Actor, party: Party) -> None:
    """Raise NotTheOwner unless the actor acts for a party."""
    if party.pk not in queries.parties_of(actor.account_id):
        raise NotTheOwner()


def require_owned(party: Party, *, subject_kind: str, subject_id: UUID) -> None:
    """Raise NotTheOwner unless a style or work is a party's, or is that party itself."""
    tables = {"style": Style, "work": Work}
    if subject_kind in tables:
        is_owned = tables[subject_kind].objects.filter(pk=subject_id, owner=party).exists()
    else:
        is_owned = subject_id == party.pk
    if not is_owned:
        raise NotTheOwner()


@transaction.atomic
def record_party(
    *,
    actor: Actor,
    name: str,
    kind: str = Party.Kind.PERSON,
    origin: str = Party.Origin.JOINED,
    url: str = "",
    member: UUID | None = None,
) -> Party:
    """Make a party known, with an account that acts for it where there is one."""
    party = Party.objects.create(name=name, kind=kind, origin=origin, url=url, recorded_at=timezone.now())
    if member:
        PartyMember.objects.create(party=party, account_id=member)
    audit_log.append(PartyRecorded(actor=actor, party=party.pk, name=name, origin=origin, claim=party.claim))
    return party


@transaction.atomic
def own_party(*, actor: Actor, name: str) -> Party:
    """Return the party under which an account lists its own works, made on first use."""
    member = PartyMember.objects.select_related("party").filter(account_id=actor.account_id).first()
    return member.party if member else record_party(actor=actor, name=name, member=actor.account_id)


def register_work(
    *,
    actor: Actor,
    party: Party,
    data: bytes,
    title: str,
    author: str = "",
    rights_evidence: str = "",
    licence: str = "",
) -> Work:
    """List a picture as a party's own work; the file is stored first, then row and entry together.

    Raises NotAPicture or PictureTooLarge for the file, WorkAlreadyListed for somebody else's picture.
    """
    require_member(actor, party)
    picture = decode_picture(data)
    pixels = pixel_digest(picture.pixels)
    with transaction.atomic():
        storage.hold(pixels)  # of two that list the same picture at once, the second finds the first
        _keep(data)
        same = queries.works_with(digest=sha256_digest(data), pixel_digest=pixels).first()
        if same and same.owner_id == party.pk:
            return same
        if same:
            is_seen = queries.works_visible_to(actor).filter(pk=same.pk).exists()
            raise already_listed(same.title if is_seen else "")
        work = Work.objects.create(
            title=title,
            owner=party,
            author_credit=author or party.name,
            digest=sha256_digest(data),
            pixel_digest=pixels,
            media_type=picture.media_type,
            width=picture.width,
            height=picture.height,
            rights_evidence=rights_evidence,
            licence=licence,
            registered_at=timezone.now(),
        )
        audit_log.append(
            WorkRegistered(
                actor=actor,
                work=work.pk,
                party=party.pk,
                digest=work.digest,
                pixel_digest=pixels,
                title=title,
                licence=licence,
            )
        )
    return work


def _keep(data: bytes) -> Digest:
    """Store a file so that the sweeper cannot take it before the caller's transaction has recorded it."""
    storage.hold(sha256_digest(data))
    return storage.store(data)


@transaction.atomic
def register_collection(
    *, actor: Actor, party: Party, rows: Iterable[Mapping[str, Any]], manifest: str
) -> Sequence[Work]:
    """List many works of one party from a manifest, in one entry; works that stand are kept."""
    now = timezone.now()
    works = [Work(owner=party, registered_at=now, **row) for row in rows]
    known = set(Work.objects.filter(owner=party).values_list("digest", flat=True))
    fresh = [work for work in works if work.digest not in known]
    Work.objects.bulk_create(fresh, batch_size=500)
    if fresh:
        audit_log.append(CollectionRegistered(actor=actor, party=party.pk, works=len(fresh), manifest=manifest))
    return list(Work.objects.filter(owner=party, digest__in=[work.digest for work in works]))


@transaction.atomic
def record_style(
    *,
    actor: Actor,
    party: Party,
    slug: str,
    name: str,
    name_zh: str = "",
    works: Sequence[Work],
    model_digest: str,
    token: str = "",
    adapter: bytes | None = None,
) -> Style:
    """Tie a style to its works and to its carrier: a prompt token of one model, or an adapter file.

    Whether the works may stand behind it is for their terms to say: ``register_style`` of licensing asks them.
    """
    adapter_digest = _keep(adapter) if adapter else ""
    style = Style.objects.create(
        slug=slug,
        name=name,
        name_zh=name_zh,
        owner=party,
        carrier=Style.Carrier.ADAPTER if adapter else Style.Carrier.PROMPT_TOKEN,
        model_digest=model_digest,
        token=token,
        adapter_digest=adapter_digest,
        registered_at=timezone.now(),
    )
    style.works.set(works)
    audit_log.append(
        StyleRegistered(
            actor=actor,
            style=style.pk,
            party=party.pk,
            name=name,
            carrier=style.carrier,
            token=token,
            adapter=adapter_digest,
            model=model_digest,
            works=len(works),
            works_digest=works_digest(works),
        )
    )
    return style


@transaction.atomic
def rebind_style(*, actor: Actor, style: Style, works: Sequence[Work], model_digest: str, token: str) -> None:
    """Tie a standing style to the prompt token of another model and to the works that this one was trained on."""
    style.model_digest, style.token, style.state = model_digest, token, Style.State.ACTIVE
    style.save(update_fields=["model_digest", "token", "state"])
    style.works.set(works)
    audit_log.append(
        StyleRebound(
            actor=actor,
            style=style.pk,
            party=style.owner_id,
            carrier=style.carrier,
            token=token,
            model=model_digest,
            works=len(works),
            works_digest=works_digest(works),
        )
    )


@transaction.atomic
def leave_style_behind(*, actor: Actor, style: Style, model_digest: str) -> None:
    """Set a style aside whose model was replaced by one that does not know it."""
    style.state = Style.State.LEFT_BEHIND
    style.save(update_fields=["state"])
    audit_log.append(
        StyleLeftBehind(
            actor=actor,
            style=style.pk,
            party=style.owner_id,
            model=style.model_digest,
            replaced_by=model_digest,
        )
    )


def works_digest(works: Iterable[Work]) -> Digest:
    """Return the digest of the canonical, sorted list of some works' file digests."""
    return sha256_digest(canonical_json(sorted(work.digest for work in works)))


def erase_holdings(parties: Iterable[UUID], *, account_id: UUID, at: datetime) -> set[Digest]:
    """Erase what names a person in its parties, works and styles, in the caller's transaction; return their files.

    Nothing of them can be used again; digests stay. The caller deletes the files once it has committed, and appends
    the entry that tells why.
    """
    wanted = list(parties)
    works, styles = queries.holdings_of(wanted)
    files = {digest for pair in works.values_list("digest", "preview_digest") for digest in pair}
    files.update(styles.values_list("adapter_digest", flat=True))
    works.update(
        title=_erased_name(), title_zh="", author_credit="", rights_evidence="", source_url="",
        state=Work.State.WITHDRAWN, erased_at=at,
    )  # fmt: skip
    styles.update(
        name=_erased_name(), name_zh="", slug=Concat(Value("erased-"), Cast("pk", CharField())),
        state=Style.State.WITHDRAWN, erased_at=at,
    )  # fmt: skip
    Party.objects.filter(pk__in=wanted).update(name=_erased_name(), url="", erased_at=at)
    PartyMember.objects.filter(account_id=account_id).delete()
    return files - {""}


def _erased_name() -> Concat:
    """Say "erased" where a name stood, in both languages, and which one: two may not be taken for each other."""
    return Concat(Value("erased · 已删除 "), Left(Cast("pk", CharField()), 8))
