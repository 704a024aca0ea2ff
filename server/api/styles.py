"""Styles: listing them, naming new ones, giving them a carrier, taking them back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.generics import ListAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation import queries as generation
from generation.actions.adapters import LARGEST_ADAPTER, carry_by_uploaded_adapter
from generation.errors import AdapterTooLarge
from provenance.licensing.actions.styles import register_style
from provenance.licensing.actions.withdrawing import withdraw_style
from provenance.licensing.credits import licence_name, licence_url, style_credit
from provenance.licensing.inheriting import conditions_and_policy
from provenance.licensing.queries.facts import barred_works_of
from provenance.licensing.queries.inheriting import inherited_behind
from provenance.licensing.queries.offers import open_offers
from provenance.licensing.queries.usable_works import works_usable_by
from provenance.works import queries as works
from provenance.works.actions.styles import bring_back_style
from provenance.works.errors import CarrierNotSupported, SlugTaken, UnknownWork
from server.api.actors import actor_of
from server.api.generations import KnownFieldsOnly
from server.api.splits import OFFERED_BY, WHO_OFFERS, SharesInput, shares_of
from server.api.works import party_of

MOST_WORKS = 2_000


class StyleView(serializers.Serializer):
    """One style with its owner, its terms and its credit line."""

    id = serializers.UUIDField()
    slug = serializers.CharField()
    name = serializers.CharField()
    name_zh = serializers.CharField()
    token = serializers.CharField()
    carrier = serializers.CharField()
    model_digest = serializers.CharField()
    adapter_digest = serializers.CharField()
    works = serializers.IntegerField(source="work_count")
    owner = serializers.SerializerMethodField()
    licence = serializers.SerializerMethodField()
    credit = serializers.SerializerMethodField()
    conditions = serializers.SerializerMethodField()

    def _offer(self, style: Any) -> Any:
        return self.context["offers"].get(style.pk)

    def get_owner(self, style: Any) -> dict[str, str]:
        """Return the owning party and how it came to be recorded."""
        party = style.owner
        return {
            "id": str(party.pk),
            "name": party.name,
            "url": party.url,
            "origin": party.origin,
            "claim": party.claim,
        }

    def get_licence(self, style: Any) -> dict[str, Any] | None:
        """Return the open licence under which anyone may use it; null where a grant is needed."""
        offer = self._offer(style)
        if offer is None:
            return None
        return {
            "id": offer.licence,
            "name": licence_name(offer.licence),
            "url": licence_url(offer.licence),
            "duties": offer.terms["duties"],
            "terms_digest": offer.terms_digest,
        }

    def get_credit(self, style: Any) -> dict[str, str]:
        """Return the credit line that a picture in this style carries."""
        offer = self._offer(style)
        licence = offer.licence if offer else ""
        author = works.authors_behind(style)
        return style_credit(style=style.name, style_zh=style.name_zh, author=author, licence=licence)

    def get_conditions(self, style: Any) -> dict[str, str] | None:
        """Return the conditions that came with the works behind it, and that this is our policy; null for none."""
        return conditions_and_policy(self.context["inherited"].get(style.pk))


class StyleDetailView(StyleView):
    """One style in whatever state, with the works that it stands on."""

    state = serializers.CharField(help_text="proposed, untrained, active, withdrawn or left-behind")
    works = serializers.SerializerMethodField()
    suspended_by = serializers.SerializerMethodField()
    registered_at = serializers.DateTimeField()

    def get_works(self, style: Any) -> list[dict[str, Any]]:
        """Return the works: all to whom owns the style and to auditors, else those that the caller may see."""
        listed = style.works.order_by("digest")
        seen = set(works_usable_by(self.context["actor"]).filter(styles=style).values_list("pk", flat=True))
        return [
            {"id": str(work.pk), "title": work.title, "author": work.author_credit, "state": work.state}
            if work.pk in seen
            else {"id": str(work.pk), "title": None, "author": None, "state": work.state}
            for work in listed
        ]

    def get_suspended_by(self, style: Any) -> list[str]:
        """Return the works that suspend it: opted out, withdrawn or disputed, until it is trained without them."""
        return [str(work.id) for work in barred_works_of([style.pk]).get(style.pk, ())]


class StyleInput(KnownFieldsOnly):
    """A new style on listed works."""

    name = serializers.CharField(max_length=120)
    name_zh = serializers.CharField(max_length=120, default="", allow_blank=True)
    slug = serializers.RegexField(r"^[a-z0-9][a-z0-9-]{1,79}$")
    party = serializers.UUIDField(required=False, help_text="Owner; without it, the caller's own first party.")
    works = serializers.ListField(child=serializers.UUIDField(), max_length=MOST_WORKS)
    model = serializers.CharField(max_length=80, help_text="Slug or id of the model that is to draw in it.")
    carrier = serializers.ChoiceField(
        ["adapter", "prompt-token", "reference-pictures"],
        default="adapter",
        help_text="An adapter is trained or uploaded afterwards; a model's prompt token is its operator's to name.",
    )
    token = serializers.CharField(max_length=80, default="", allow_blank=True)
    shares = SharesInput(many=True, required=False)
    offered_by = serializers.ChoiceField(OFFERED_BY, default="together", help_text=WHO_OFFERS)


class StyleList(ListAPIView):
    """Every style that stands, by name."""

    serializer_class = StyleView
    ordering = ("name", "id")

    def get_permissions(self) -> Any:
        """Let anybody read the list."""
        return [AllowAny()] if self.request.method == "GET" else super().get_permissions()

    def get_queryset(self) -> Any:
        """Return the styles that stand."""
        return works.styles_listed()

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        """Look the styles' open offers, and the conditions of the works behind a page of them, up at once."""
        behind = inherited_behind(style.pk for style in (args[0] if args else ()))
        return StyleView(*args, **kwargs, context={"offers": open_offers("style"), "inherited": behind})

    @extend_schema(request=StyleInput, responses={201: StyleDetailView})
    def post(self, request: Request) -> Response:
        """Name a style on listed works; it can be drawn with once it has its carrier and everybody's consent."""
        body = StyleInput(data=request.data)
        body.is_valid(raise_exception=True)
        actor_of(request).require("artist")
        with transaction.atomic():
            style = _registered(request, body.validated_data)
        return Response(_detail(request, style), status=201, headers={"Location": f"/api/v1/styles/{style.pk}"})


def _registered(request: Request, values: dict[str, Any]) -> Any:
    actor = actor_of(request)
    is_token = values["carrier"] == "prompt-token"
    if values["carrier"] == "reference-pictures":
        raise CarrierNotSupported()
    if is_token:  # that a model knows a word is for whoever runs it to say
        actor.require("operator")
    if works.style_of(values["slug"]):
        raise SlugTaken(slug=values["slug"])
    model = generation.model_named(values["model"])
    listed = {work.pk: work for work in works_usable_by(actor).filter(pk__in=values["works"])}
    if missing := [work for work in values["works"] if work not in listed]:
        raise UnknownWork(work=missing[0])
    return register_style(
        actor=actor,
        party=party_of(request, values.get("party")),
        works=list(listed.values()),
        model_digest=model.digest,
        token=values["token"] if is_token else "",
        is_untrained=not is_token,
        shares=shares_of(values.get("shares")),
        offered_by=values["offered_by"],
        slug=values["slug"],
        name=values["name"],
        name_zh=values["name_zh"],
    )


def style_seen(request: Request, name: str) -> Any:
    """Return a style by id or slug: one that stands to anybody, others to their owners and auditors; else 404."""
    style = works.style_seen_by(actor_of(request), name=name)
    if style is None:
        raise NotFound()
    return style


def _detail(request: Request, style: Any) -> dict[str, Any]:
    context = {
        "offers": open_offers("style"), "actor": actor_of(request), "inherited": inherited_behind([style.pk]),
    }  # fmt: skip
    return dict(StyleDetailView(style, context=context).data)


class StyleDetail(APIView):
    """One style."""

    permission_classes = (AllowAny,)

    @extend_schema(responses={200: StyleDetailView})
    def get(self, request: Request, name: str) -> Response:
        """Return a style by id or slug, with the works that it stands on."""
        return Response(_detail(request, style_seen(request, name)))


class StyleWithdrawal(APIView):
    """Taking a style back."""

    @extend_schema(request=None, responses={200: StyleDetailView})
    def post(self, request: Request, style_id: UUID) -> Response:
        """Withdraw a style of one's own: nobody can ask for it from now on."""
        style = style_seen(request, str(style_id))
        return Response(_detail(request, withdraw_style(actor=actor_of(request), style=style)))


class StyleReturn(APIView):
    """Letting a withdrawn style stand again."""

    @extend_schema(request=None, responses={200: StyleDetailView})
    def post(self, request: Request, style_id: UUID) -> Response:
        """Bring back a style of one's own; 409 for one that is not withdrawn."""
        style = style_seen(request, str(style_id))
        return Response(_detail(request, bring_back_style(actor=actor_of(request), style=style)))


class AdapterInput(serializers.Serializer):
    """A LoRA adapter in safetensors, trained on the style's works, and the model that it was made for."""

    file = serializers.FileField()
    model = serializers.CharField(max_length=80, default="", allow_blank=True)


class StyleAdapter(APIView):
    """Giving a style an adapter that was trained elsewhere."""

    parser_classes = (MultiPartParser,)

    @extend_schema(request={"multipart/form-data": AdapterInput}, responses={200: StyleDetailView})
    def post(self, request: Request, style_id: UUID) -> Response:
        """Take an adapter that fits the model as the style's carrier; pickles and others are refused."""
        body = AdapterInput(data=request.data)
        body.is_valid(raise_exception=True)
        file = body.validated_data["file"]
        if file.size > LARGEST_ADAPTER:
            raise AdapterTooLarge(size=file.size // 2**20, most=LARGEST_ADAPTER // 2**20)
        style = carry_by_uploaded_adapter(
            actor=actor_of(request),
            style=style_seen(request, str(style_id)),
            adapter=file.read(),
            model=body.validated_data["model"],
        )
        return Response(_detail(request, style))
