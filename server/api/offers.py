"""Offering a style, a work or everything of a party: on which terms, in which version, and to whom."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from provenance.licensing.actions import offering
from provenance.licensing.constraints import CONTENT_RATING
from provenance.licensing.credits import licence_name, licence_url
from provenance.licensing.declared import RATINGS
from provenance.licensing.forms import MOST_VALUES, OfferForm
from provenance.licensing.money import Money
from provenance.licensing.queries import offers as queries
from provenance.licensing.terms import EVERY_USE, Price
from provenance.works.queries import party_offering
from server.api.actors import actor_of
from server.api.generations import KnownFieldsOnly, MoneyInput


def _words(*, most: int = MOST_VALUES, longest: int = 40, says: str = "") -> serializers.ListField:
    return serializers.ListField(
        child=serializers.CharField(max_length=longest), default=list, max_length=most, help_text=says
    )


class PriceInput(MoneyInput):
    """What is owed for each delivered picture, or once when the grant is given."""

    per = serializers.ChoiceField(["image", "flat"], default="image")


class TermsInput(KnownFieldsOnly):
    """The terms of an offer: a licence by its SPDX id, or everything else field by field."""

    licence = serializers.CharField(default="", allow_blank=True, max_length=80, help_text="SPDX id; alone.")
    is_open = serializers.BooleanField(default=False, help_text="To everyone, without a grant.")
    permissions = _words(says=f"Any of {', '.join(sorted(EVERY_USE))}.")
    prohibitions = _words()
    purposes = _words(says="For these purposes only.")
    no_purposes = _words()
    territories = _words(says="ISO 3166-1 alpha-2, or EU, EEA.")
    no_territories = _words()
    recipients = _words(longest=200, most=50)
    starts_at = serializers.DateTimeField(default=None, allow_null=True)
    ends_at = serializers.DateTimeField(default=None, allow_null=True)
    count = serializers.IntegerField(default=None, allow_null=True, help_text="Delivered pictures of one grant.")
    price = PriceInput(default=None, allow_null=True)
    attribution = serializers.CharField(default="", allow_blank=True, max_length=300)
    attribution_url = serializers.URLField(default="", allow_blank=True, max_length=500)
    share_alike = serializers.BooleanField(default=False)
    label = serializers.BooleanField(default=False)
    retain_credentials = serializers.BooleanField(default=False)
    approval = serializers.BooleanField(default=False, help_text="You approve each grant before it counts.")
    exclusive = serializers.BooleanField(default=False)
    content_rating = serializers.CharField(
        default="", allow_blank=True, max_length=40, help_text=f"At most this {CONTENT_RATING}: {', '.join(RATINGS)}."
    )
    max_similarity = serializers.IntegerField(
        default=None, allow_null=True, help_text="Percent: how like a listed work a picture may be at most."
    )

    def as_form(self) -> OfferForm:
        """Return the terms in the words of the layer below."""
        values = {name: value for name, value in self.validated_data.items() if name in OfferForm.__dataclass_fields__}
        asked = values["price"]
        price = Price(Money.from_json(asked), asked["per"]) if asked else None
        lists = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
        return OfferForm(**{**values, **lists, "price": price})


class OfferInput(TermsInput):
    """An offer of one's own: what it is of, and its terms."""

    subject_kind = serializers.ChoiceField(["style", "work", "party"])
    subject = serializers.UUIDField()


class OfferView(serializers.Serializer):
    """One version of an offer, and whether it can be taken."""

    id = serializers.UUIDField()
    party = serializers.SerializerMethodField()
    subject_kind = serializers.CharField()
    subject = serializers.UUIDField(source="subject_id")
    licence = serializers.SerializerMethodField()
    is_open = serializers.BooleanField()
    terms = serializers.JSONField()
    terms_digest = serializers.CharField()
    version = serializers.IntegerField()
    replaces = serializers.UUIDField(source="replaces_id", allow_null=True)
    published_at = serializers.DateTimeField()
    state = serializers.SerializerMethodField()
    links = serializers.SerializerMethodField()

    def get_party(self, offer: Any) -> dict[str, str]:
        """Return who offers."""
        return {"id": str(offer.party.pk), "name": offer.party.name, "claim": offer.party.claim}

    def get_licence(self, offer: Any) -> dict[str, str]:
        """Return the licence as people and machines know it."""
        return {"id": offer.licence, "name": licence_name(offer.licence), "url": licence_url(offer.licence)}

    def get_state(self, offer: Any) -> str:
        """Return standing, paused, superseded or withdrawn."""
        return queries.state_of(offer)

    def get_links(self, offer: Any) -> dict[str, str]:
        """Return where its terms are published."""
        base = f"/licences/{offer.pk}"
        return {"page": base, "odrl": f"{base}.jsonld", "rsl": f"{base}.xml", "status": f"{base}/status"}


class OfferList(ListAPIView):
    """The offers that stand, and one's own in every state; an auditor sees all."""

    serializer_class = OfferView
    ordering = ("-published_at", "id")
    throttle = {"POST": "request"}

    def get_queryset(self) -> Any:
        """Return the offers that the caller may see."""
        offers = queries.offers_seen_by(actor_of(self.request))
        subject = self.request.query_params.get("subject", "")
        return queries.offers_about(offers, subject=subject) if subject else offers

    @extend_schema(request=OfferInput, responses={201: OfferView})
    def post(self, request: Request) -> Response:
        """Publish an offer of what one's party owns."""
        body = OfferInput(data=request.data)
        body.is_valid(raise_exception=True)
        actor = actor_of(request)
        kind, subject = body.validated_data["subject_kind"], body.validated_data["subject"]
        party = party_offering(actor, subject_kind=kind, subject_id=subject)
        offer = offering.publish_offer(
            actor=actor, party=party, subject_kind=kind, subject_id=subject, form=body.as_form()
        )
        return _created(offer)


class OfferDetail(APIView):
    """One version of an offer; every version keeps its address."""

    @extend_schema(responses={200: OfferView})
    def get(self, request: Request, offer_id: UUID) -> Response:
        """Return an offer."""
        return Response(OfferView(queries.offer_published(offer_id)).data)


class OfferVersions(APIView):
    """Publishing an offer again."""

    @extend_schema(request=TermsInput, responses={201: OfferView})
    def post(self, request: Request, offer_id: UUID) -> Response:
        """Replace one's offer by its next version; grants of the earlier one keep their terms."""
        body = TermsInput(data=request.data)
        body.is_valid(raise_exception=True)
        actor = actor_of(request)
        offer = queries.offer_of(actor, offer_id=offer_id)
        return _created(offering.publish_again(actor=actor, offer=offer, form=body.as_form()))


class OfferChange(APIView):
    """Withdrawing, pausing and resuming one's offer."""

    change = "withdraw"

    @extend_schema(request=None, responses={200: OfferView})
    def post(self, request: Request, offer_id: UUID) -> Response:
        """Change what can be done with the offer from now on; grants that were given go on."""
        actor = actor_of(request)
        offer = queries.offer_of(actor, offer_id=offer_id)
        act = {
            "withdraw": offering.withdraw_offer,
            "pause": offering.pause_offer,
            "resume": offering.resume_offer,
        }[self.change]
        return Response(OfferView(act(actor=actor, offer=offer)).data)


def _created(offer: Any) -> Response:
    return Response(OfferView(offer).data, status=201, headers={"Location": f"/api/v1/offers/{offer.pk}"})
