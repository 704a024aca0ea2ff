"""Listed works: registering them, crediting their authors, taking them back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.generics import ListAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation.actions.listing_works import list_work
from generation.actions.signing_works import manifest_of
from generation.image_files import form_visible_to
from provenance import storage
from provenance.actor import Actor
from provenance.credentials.actions import key_to_sign_with
from provenance.licensing.actions.inheriting import lift_conditions
from provenance.licensing.actions.withdrawing import withdraw_work
from provenance.licensing.inheriting import conditions_and_policy
from provenance.licensing.queries.inheriting import inherited_by
from provenance.licensing.queries.usable_works import work_usable_by, works_usable_by
from provenance.picture import LARGEST_FILE, PictureTooLarge
from provenance.works import queries
from provenance.works.actions.listing import bring_back_work, credit_authors
from provenance.works.actions.parties import own_party
from provenance.works.errors import UnknownWork
from server.api.actors import actor_of
from server.api.errors import problem
from server.api.generations import KnownFieldsOnly
from server.api.images import require_kept
from server.api.parsers import StrictJSONParser

MOST_AUTHORS = 20


class WorkView(serializers.Serializer):
    """One listed work."""

    id = serializers.UUIDField()
    title = serializers.CharField()
    title_zh = serializers.CharField()
    party = serializers.UUIDField(source="owner_id")
    owner = serializers.CharField(source="owner.name")
    author = serializers.CharField(source="author_credit")
    authors = serializers.JSONField(help_text="The credit name of each; null for one who stays anonymous.")
    digest = serializers.CharField()
    pixel_digest = serializers.CharField()
    media_type = serializers.CharField()
    width = serializers.IntegerField(allow_null=True)
    height = serializers.IntegerField(allow_null=True)
    licence = serializers.CharField()
    state = serializers.CharField(help_text="active, withdrawn, disputed, flagged or rejected; only active ones work.")
    said = serializers.SerializerMethodField()
    conditions = serializers.SerializerMethodField()
    source_url = serializers.CharField()
    has_preview = serializers.SerializerMethodField()
    registered_at = serializers.DateTimeField()

    def get_has_preview(self, work: Any) -> bool:
        """Say whether ``/preview`` shows something."""
        return bool(work.preview_digest or work.pixel_digest)

    def get_said(self, work: Any) -> dict[str, str] | None:
        """Return why a work cannot be used now, in both languages; null where it can."""
        return WHY_NOT.get(work.state)

    def get_conditions(self, work: Any) -> dict[str, str] | None:
        """Return the conditions that came with a picture made here, and that this is our policy; null for none."""
        known = self.context.get("inherited")
        return conditions_and_policy((inherited_by([work.digest]) if known is None else known).get(work.digest))


WHY_NOT = {
    "flagged": {
        "en": "It looks like a picture that somebody else has listed or opted out. It cannot be used until an auditor "
        "has seen both; nothing is to be done meanwhile.",
        "zh-Hans": "它与他人登记或选择退出的图片相似。在审计员查看双方图片之前不能使用；您暂时无需操作。",
    },
    "rejected": {
        "en": "An auditor found that it is somebody else's picture. If you hold the rights, open a dispute.",
        "zh-Hans": "审计员认定这是他人的图片。若您拥有权利，请提出争议。",
    },
    "withdrawn": {
        "en": "Its owner took it back. The owner can bring it back.",
        "zh-Hans": "所有者已将其撤回，并可随时恢复。",
    },
    "disputed": {
        "en": "Its rights are in dispute, so it cannot be used until that is decided.",
        "zh-Hans": "其权利存在争议，在裁定之前不能使用。",
    },
}


class WorkInput(serializers.Serializer):
    """A picture that its owner lists: an upload, or an image that was delivered to the owner here."""

    file = serializers.FileField(required=False)
    image = serializers.RegexField(
        r"^sha256:[0-9a-f]{64}$", required=False, help_text="Digest of one's own image; the terms it came with stay."
    )
    title = serializers.CharField(max_length=300)
    title_zh = serializers.CharField(max_length=300, default="", allow_blank=True)
    party = serializers.UUIDField(required=False, help_text="Owner; without it, the caller's own first party.")
    author = serializers.CharField(max_length=200, default="", allow_blank=True)
    is_anonymous = serializers.BooleanField(default=False, help_text="The author is not to be named.")
    rights_evidence = serializers.CharField(max_length=5000, required=False)
    licence = serializers.CharField(max_length=80, default="", allow_blank=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return what is to be listed: one of file and image, and for a file what shows the right in it."""
        if ("file" in attrs) == ("image" in attrs):
            raise serializers.ValidationError({"file": "one of file and image"}, code="required")
        if "file" in attrs and "rights_evidence" not in attrs:
            raise serializers.ValidationError({"rights_evidence": "of a file"}, code="required")
        return attrs


class WorkList(ListAPIView):
    """The caller's own works, those under an open licence and those granted; an auditor sees all."""

    serializer_class = WorkView
    parser_classes = (MultiPartParser, StrictJSONParser)
    ordering = ("-registered_at", "id")

    def get_queryset(self) -> Any:
        """Return the works that the caller may see."""
        return works_usable_by(actor_of(self.request))

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        """Look the conditions of a page of works up at once."""
        page = args[0] if args else ()
        return WorkView(*args, **kwargs, context={"inherited": inherited_by(work.digest for work in page)})

    @extend_schema(request={"multipart/form-data": WorkInput}, responses={201: WorkView})
    def post(self, request: Request) -> Response:
        """List a picture as a party's work, under an open licence where one is named.

        One that looks like somebody else's comes back flagged, and an auditor decides.
        """
        body = WorkInput(data=request.data)
        body.is_valid(raise_exception=True)
        values = body.validated_data
        actor = actor_of(request)
        actor.require("artist")
        if "image" in values:
            values["data"] = _own_image(actor, values["image"])
            values.setdefault("rights_evidence", f"made here: {values['image']}")
        elif values["file"].size > LARGEST_FILE:
            raise PictureTooLarge(what=f"{values['file'].size // 2**20} MB")
        with transaction.atomic():
            party = party_of(request, values.get("party"))
            work = _registered(actor, party, values)
        return Response(WorkView(work).data, status=201, headers={"Location": f"/api/v1/works/{work.pk}"})


def party_of(request: Request, party_id: UUID | None) -> Any:
    """Return the party that a caller names, which the caller may see; else the caller's own, made on first use."""
    actor = actor_of(request)
    if party_id:
        return queries.party_for(actor, party_id=party_id)
    return own_party(actor=actor, name=request.user.name)


def _own_image(actor: Actor, digest: str) -> bytes:
    """Return the file of an image that was delivered to the caller; 404 for anybody else's."""
    form = form_visible_to(actor, digest=digest)
    if form.output.generation.owner_id != actor.account_id:  # an auditor sees others' images and owns none of them
        raise NotFound()
    require_kept(form.output.generation)
    return storage.load(digest)


def _registered(actor: Actor, party: Any, values: dict[str, Any]) -> Any:
    return list_work(
        actor=actor,
        party=party,
        data=values["data"] if "image" in values else values["file"].read(),
        title=values["title"],
        title_zh=values["title_zh"],
        author=values["author"],
        authors=[None] if values["is_anonymous"] else (),
        rights_evidence=values["rights_evidence"],
        licence=values["licence"],
    )


def own_work(request: Request, work_id: UUID) -> Any:
    """Return a work that the caller may see; 404 otherwise."""
    work = works_usable_by(actor_of(request)).filter(pk=work_id).first()
    if work is None:
        raise NotFound()
    return work


class WorkDetail(APIView):
    """One listed work."""

    @extend_schema(responses={200: WorkView})
    def get(self, request: Request, work_id: UUID) -> Response:
        """Return a work that the caller may see; 404 otherwise."""
        return Response(WorkView(own_work(request, work_id)).data)


class WorkWithdrawal(APIView):
    """Taking a work back."""

    @extend_schema(request=None, responses={200: WorkView})
    def post(self, request: Request, work_id: UUID) -> Response:
        """Withdraw a work of one's own: neither it nor a style on it can be used from now on."""
        return Response(WorkView(withdraw_work(actor=actor_of(request), work=own_work(request, work_id))).data)


class WorkReturn(APIView):
    """Letting a withdrawn work stand again."""

    @extend_schema(request=None, responses={200: WorkView})
    def post(self, request: Request, work_id: UUID) -> Response:
        """Bring back a work of one's own; 409 for one that is not withdrawn."""
        return Response(WorkView(bring_back_work(actor=actor_of(request), work=own_work(request, work_id))).data)


class LiftInput(KnownFieldsOnly):
    """Why a picture is no copy of what its conditions came from."""

    reason = serializers.CharField(max_length=2000)


class WorkConditions(APIView):
    """An auditor's finding that a work is no copy."""

    @extend_schema(request=LiftInput, responses={200: WorkView})
    def post(self, request: Request, work_id: UUID) -> Response:
        """Lift conditions that came to a work by likeness alone; 409 where none did. The reason is an entry."""
        body = LiftInput(data=request.data)
        body.is_valid(raise_exception=True)
        work = own_work(request, work_id)
        lift_conditions(actor=actor_of(request), work=work, reason=body.validated_data["reason"])
        return Response(WorkView(work).data)


class AuthorsInput(KnownFieldsOnly):
    """Who made a work, as they want to be credited."""

    authors = serializers.ListField(
        child=serializers.CharField(max_length=200, allow_null=True),
        min_length=1,
        max_length=MOST_AUTHORS,
        help_text="The credit name of each; null for one who stays anonymous.",
    )


class WorkAuthors(APIView):
    """Crediting a work's authors."""

    @extend_schema(request=AuthorsInput, responses={200: WorkView})
    def post(self, request: Request, work_id: UUID) -> Response:
        """Name the authors anew; pictures made from now on are credited so."""
        body = AuthorsInput(data=request.data)
        body.is_valid(raise_exception=True)
        work = own_work(request, work_id)
        credited = credit_authors(actor=actor_of(request), work=work, authors=body.validated_data["authors"])
        return Response(WorkView(credited).data)


class WorkManifest(APIView):
    """The manifest beside a listed work: what Colophon states of it, signed."""

    throttle = {"GET": "verify"}

    @extend_schema(responses={(200, "application/c2pa"): bytes})
    def get(self, request: Request, work_id: UUID) -> HttpResponse:
        """Return the manifest store of a work that the caller may see, signed when it is first asked for.

        404 where the work cannot be used or its file is not kept here.
        """
        manifest = manifest_of(own_work(request, work_id), key=key_to_sign_with())
        if manifest is None:
            raise NotFound()
        headers = {"Content-Disposition": f'attachment; filename="{work_id}.c2pa"'}
        return HttpResponse(manifest.store, content_type="application/c2pa", headers=headers)


class WorkPreview(APIView):
    """What a listed work looks like."""

    @extend_schema(responses={(200, "image/webp"): bytes})
    def get(self, request: Request, work_id: UUID) -> HttpResponse | Response:
        """Return the preview of a work that the caller may see, else its own file."""
        try:
            work = work_usable_by(actor_of(request), work_id=work_id)
        except UnknownWork as fault:
            return problem(fault, status=404)
        digest = work.preview_digest or work.digest
        if not storage.exists(digest):
            raise NotFound()
        return HttpResponse(
            storage.load(digest),
            content_type="image/webp" if work.preview_digest else work.media_type,
            headers={"ETag": f'"{digest}"', "Content-Security-Policy": "sandbox; default-src 'none'"},
        )
