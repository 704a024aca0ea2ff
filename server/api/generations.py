"""Asking for pictures, watching them come, calling them off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation import queries
from generation.actions.requesting import cancel_generation, request_generation
from generation.request import (
    MEDIA_TYPES,
    MOST_INPUTS,
    MOST_REFERENCES,
    GenerationRequest,
    InputPicture,
    StyleReference,
    invalid,
)
from provenance.credentials.label import POSITIONS, VisibleLabel
from provenance.errors import Fault
from provenance.licensing.credits import credits_of, licence_name, licence_url, without_names
from provenance.licensing.declared import BROADER_PURPOSES, RATINGS
from provenance.licensing.inheriting import conditions_and_policy, inherited_terms
from provenance.licensing.money import Money
from provenance.works.crediting import is_unnamed
from server.api.actors import actor_of
from server.api.authentication import standing
from server.api.credited import credit_at_once, decision_today
from server.api.errors import problem
from server.api.event_stream import streamed
from server.api.parsers import digest_of_body

LONGEST_KEY = 200


class KnownFieldsOnly(serializers.Serializer):
    """Refuses what is not known, so that a misspelt setting is not silently left at its default."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the values; raise ValidationError naming the first field that there is not."""
        if isinstance(data, dict) and (unknown := sorted(set(data) - set(self.fields))):
            raise serializers.ValidationError({str(unknown[0])[:80]: "no such field"}, code="unknown")
        return super().to_internal_value(data)


class ReferenceInput(KnownFieldsOnly):
    """A declared style."""

    style = serializers.CharField(max_length=80, help_text="Id or slug of a style.")
    scale = serializers.FloatField(default=1.0)


class PictureInput(KnownFieldsOnly):
    """A listed work that goes in."""

    role = serializers.ChoiceField(["image", "mask"])
    work = serializers.UUIDField()


class LabelInput(KnownFieldsOnly):
    """A visible label in every picture: where it stands, and in which language."""

    position = serializers.ChoiceField(POSITIONS, default="bottom-right")
    language = serializers.ChoiceField(["en", "zh", "both"], default="both")


class MoneyInput(KnownFieldsOnly):
    """An amount in minor units of a currency, as decimal text."""

    amount = serializers.CharField(max_length=40)
    currency = serializers.CharField(max_length=12)


class RequestInput(KnownFieldsOnly):
    """What an artist asks for; whatever is left out takes the model's default."""

    prompt = serializers.CharField(allow_blank=True, trim_whitespace=False)
    negative_prompt = serializers.CharField(default="", allow_blank=True, trim_whitespace=False)
    model = serializers.CharField(default="", allow_blank=True, max_length=80)
    n = serializers.IntegerField(default=1)
    seeds = serializers.ListField(child=serializers.RegexField(r"^-?[0-9]{1,40}$"), default=list)
    width = serializers.IntegerField(default=None, allow_null=True)
    height = serializers.IntegerField(default=None, allow_null=True)
    steps = serializers.IntegerField(default=None, allow_null=True)
    guidance_scale = serializers.FloatField(default=None, allow_null=True)
    scheduler = serializers.CharField(default="", allow_blank=True, max_length=80)
    strength = serializers.FloatField(default=None, allow_null=True)
    references = ReferenceInput(many=True, default=list, max_length=MOST_REFERENCES)
    inputs = PictureInput(many=True, default=list, max_length=MOST_INPUTS)
    disclosure = serializers.ChoiceField(["public", "committed", "private"], default="public")
    purpose = serializers.ChoiceField(["", *BROADER_PURPOSES], default="")
    territory = serializers.RegexField(
        r"^([A-Z]{2})?$", default="", allow_blank=True, help_text="ISO 3166-1 alpha-2; left out, everywhere."
    )
    recipient = serializers.CharField(default="", allow_blank=True, max_length=200)
    output_format = serializers.ChoiceField(list(MEDIA_TYPES), default="png")
    quality = serializers.IntegerField(default=None, allow_null=True, help_text="30 to 100; not for PNG.")
    label = LabelInput(default=None, allow_null=True)
    content_rating = serializers.ChoiceField(["", *RATINGS], default="", help_text="Left out, the last.")
    ceiling = MoneyInput(default=None, allow_null=True)
    accepted_terms = serializers.ListField(
        child=serializers.CharField(max_length=71),
        default=list,
        help_text="Digests of terms whose use restrictions you accept.",
    )

    def as_request(self) -> GenerationRequest:
        """Return the request in the words of the layer below."""
        values = dict(self.validated_data)
        return GenerationRequest(
            **{
                **values,
                "seeds": tuple(int(seed) for seed in values["seeds"]),
                "references": tuple(StyleReference(**one) for one in values["references"]),
                "ceiling": Money.from_json(values["ceiling"]) if values["ceiling"] else None,
                "accepted_terms": tuple(values["accepted_terms"]),
                "inputs": tuple(InputPicture(role=one["role"], work=str(one["work"])) for one in values["inputs"]),
                "label": VisibleLabel(**values["label"]) if values["label"] else None,
            }
        )


class OutputView(serializers.Serializer):
    """One delivered image."""

    index = serializers.IntegerField()
    digest = serializers.CharField()
    seed = serializers.CharField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    media_type = serializers.CharField()
    size_bytes = serializers.IntegerField()
    raw_pixels = serializers.CharField()
    delivered_pixels = serializers.CharField()
    manifest_id = serializers.CharField()
    delivered_at = serializers.DateTimeField()
    links = serializers.SerializerMethodField()

    def get_links(self, output: Any) -> dict[str, str]:
        """Return where the file and its manifest are."""
        base = f"/api/v1/images/{output.digest}"
        return {"self": base, "file": f"{base}/file", "manifest": f"{base}/manifest"}


class ProgressView(serializers.Serializer):
    """How far rendering has come."""

    step = serializers.IntegerField()
    of = serializers.IntegerField()


class GenerationView(serializers.Serializer):
    """A request and its life, as its owner and auditors see it."""

    id = serializers.UUIDField()
    state = serializers.CharField()
    owner_name = serializers.CharField()
    prompt = serializers.SerializerMethodField()
    negative_prompt = serializers.SerializerMethodField()
    expanded_prompt = serializers.SerializerMethodField()
    prompt_commitment = serializers.CharField()
    disclosure = serializers.CharField()
    task = serializers.CharField()
    model = serializers.SerializerMethodField()
    seeds = serializers.SerializerMethodField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    steps = serializers.IntegerField()
    guidance_scale = serializers.FloatField()
    scheduler = serializers.CharField()
    strength = serializers.FloatField(allow_null=True)
    references = serializers.SerializerMethodField()
    inputs = serializers.SerializerMethodField()
    purpose = serializers.CharField()
    territory = serializers.CharField()
    recipient = serializers.CharField()
    media_type = serializers.CharField()
    quality = serializers.IntegerField(allow_null=True)
    label = serializers.JSONField(allow_null=True)
    content_rating = serializers.CharField()
    ceiling = serializers.JSONField(allow_null=True)
    accepted_terms = serializers.JSONField()
    progress = serializers.SerializerMethodField()
    decision = serializers.SerializerMethodField()
    credits = serializers.SerializerMethodField()
    conditions = serializers.SerializerMethodField()
    fault = serializers.SerializerMethodField()
    notes = serializers.SerializerMethodField()
    notices = serializers.SerializerMethodField()
    request_leaf = serializers.CharField()
    environment = serializers.JSONField(allow_null=True)
    settings = serializers.JSONField(allow_null=True)
    outputs = OutputView(many=True)
    requested_at = serializers.DateTimeField()
    claimed_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    erased_at = serializers.DateTimeField(allow_null=True)

    def _may_read_prompt(self, generation: Any) -> bool:
        if generation.erased_at:
            return False
        if self.context.get("has_given_reason"):
            return True
        actor = self.context.get("actor")
        return generation.disclosure == "public" or (actor and actor.account_id == generation.owner_id)

    def get_prompt(self, generation: Any) -> str | None:
        """Return the prompt; null once erased, and for an auditor where it is not public."""
        return generation.prompt if self._may_read_prompt(generation) else None

    def get_negative_prompt(self, generation: Any) -> str | None:
        """Return the negative prompt; null for an auditor where the prompt is not public."""
        return generation.negative_prompt if self._may_read_prompt(generation) else None

    def get_expanded_prompt(self, generation: Any) -> str | None:
        """Return the prompt with its style tokens; null for an auditor where it is not public."""
        return generation.expanded_prompt if self._may_read_prompt(generation) else None

    def get_notes(self, generation: Any) -> list[dict[str, str]]:
        """Return what the pipeline noted; without the notes that quote a prompt which the reader may not read."""
        if self._may_read_prompt(generation):
            return list(generation.notes)
        return [note for note in generation.notes if not note["code"].endswith("-cut")]

    def get_notices(self, generation: Any) -> list[dict[str, Any]]:
        """Return what the model does not know or read of the prompt; none to whom may not read the prompt."""
        if not self._may_read_prompt(generation):
            return []
        return [notice.as_json() for notice in queries.notices_of(generation)]

    def get_decision(self, generation: Any) -> dict[str, Any]:
        """Return the licence decision; without names found in a prompt which the reader may not read."""
        return dict(self._readable_decision(generation))

    def get_fault(self, generation: Any) -> dict[str, str] | None:
        """Return why it ended without pictures; a refusal's reasons may quote names of an undisclosed prompt."""
        fault = generation.fault
        if fault and fault["code"] == "no-licence-basis" and not self._may_read_prompt(generation):
            return {"code": fault["code"]}
        return dict(fault) if fault else None

    def _readable_decision(self, generation: Any) -> Any:
        return (dict if self._may_read_prompt(generation) else without_names)(decision_today(generation))

    def get_references(self, generation: Any) -> list[dict[str, Any]]:
        """Return the declared styles, each with its owner's name and where its licence can be read."""
        answers = {answer["id"]: answer for answer in decision_today(generation)["references"]}
        return [_credited(row, answers[row["style"]]) for row in generation.references]

    def get_inputs(self, generation: Any) -> list[dict[str, Any]]:
        """Return the pictures that went in."""
        answers = {answer["id"]: answer for answer in decision_today(generation)["references"]}
        return [{**row, "author": answers[row["work"]]["author"]} for row in generation.inputs]

    def get_model(self, generation: Any) -> dict[str, Any]:
        """Return which model draws it, and whether newer weights have taken its name since."""
        model = generation.model
        return {
            "id": str(model.pk),
            "slug": model.slug,
            "name": model.name,
            "digest": model.digest,
            "licence": model.licence,
            "licence_name": licence_name(model.licence),
            "licence_url": licence_url(model.licence),
            "training": model.training,
            "is_superseded": model.superseded_at is not None,
        }

    def get_seeds(self, generation: Any) -> list[str]:
        """Return the seeds as decimal strings."""
        return [str(seed) for seed in generation.seeds]

    def get_progress(self, generation: Any) -> dict[str, int]:
        """Return how far rendering has come."""
        return {"step": generation.step, "of": generation.steps}

    def get_credits(self, generation: Any) -> list[dict[str, str]]:
        """Return the credit lines that go with the pictures."""
        return credits_of(self._readable_decision(generation))

    def get_conditions(self, generation: Any) -> dict[str, str] | None:
        """Return what using the pictures asks for, and that this is our policy; null where nothing travelled."""
        return conditions_and_policy(inherited_terms(generation.decision))


def _credited(row: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any]:
    licence = answer["licence"]
    terms = {"licence": licence, "licence_name": licence_name(licence), "licence_url": licence_url(licence)}
    named = {"author": answer["author"], "owner_name": answer["owner"]}
    return {**row, **named, "url": "" if is_unnamed(answer["author"]) else row["url"], **terms}


class GenerationList(ListAPIView):
    """An account's own generations; an auditor sees all."""

    serializer_class = GenerationView
    ordering = ("-requested_at", "id")
    throttle = {"POST": "request"}

    def get_queryset(self) -> Any:
        """Return the generations that the caller may see."""
        return queries.generations_visible_to(actor_of(self.request))

    def get_serializer_context(self) -> dict[str, Any]:
        """Tell the serializer who reads."""
        return {**super().get_serializer_context(), "actor": actor_of(self.request)}

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        """Look up at once whom a page of generations credits today."""
        credit_at_once(args[0] if args else ())
        return super().get_serializer(*args, **kwargs)

    @extend_schema(
        request=RequestInput,
        responses={202: GenerationView},
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
    )
    def post(self, request: Request) -> Response:
        """Ask for pictures: 202 with the record, or 403 with the reasons of a recorded refusal."""
        body = RequestInput(data=request.data)
        body.is_valid(raise_exception=True)
        actor = actor_of(request)
        with standing(request.user):
            generation = request_generation(
                actor=actor,
                name=request.user.name,
                request=body.as_request(),
                idempotency_key=_idempotency_key(request),
                body_digest=digest_of_body(request.data),
            )
        view = GenerationView(generation, context={"actor": actor}).data
        if generation.state == "refused":
            return problem(_Refused(generation.fault), status=403, generation=view)
        return Response(view, status=202, headers={"Location": f"/api/v1/generations/{generation.pk}"})


def _idempotency_key(request: Request) -> str:
    key: str = request.headers.get("Idempotency-Key", "")
    if len(key) > LONGEST_KEY:
        raise invalid("Idempotency-Key", f"has at most {LONGEST_KEY} characters.", f"最多 {LONGEST_KEY} 个字符。")
    return key


class _Refused(Fault):
    """A recorded refusal, with the sentences that its decision gave."""

    code = "no-licence-basis"

    def __init__(self, fault: dict[str, str]) -> None:
        self.code = fault["code"]  # type: ignore[misc]  # why it was refused is data here
        self.en = fault["en"].replace("{", "{{").replace("}", "}}")  # type: ignore[misc]  # sentences are data here
        self.zh = fault["zh-Hans"].replace("{", "{{").replace("}", "}}")  # type: ignore[misc]  # as above
        super().__init__()


class GenerationDetail(APIView):
    """One generation."""

    @extend_schema(responses={200: GenerationView})
    def get(self, request: Request, generation_id: Any) -> Response:
        """Return a generation that the caller may see; 404 otherwise."""
        actor = actor_of(request)
        generation = queries.generation_of(actor, generation_id=generation_id)
        return Response(GenerationView(generation, context={"actor": actor}).data)


class GenerationCancel(APIView):
    """Calling one's own generation off."""

    @extend_schema(request=None, responses={202: GenerationView})
    def post(self, request: Request, generation_id: Any) -> Response:
        """Cancel: at once while it waits, between two steps while it renders; 409 once it has ended."""
        actor = actor_of(request)
        cancel_generation(actor=actor, generation_id=generation_id)
        generation = queries.generation_of(actor, generation_id=generation_id)
        return Response(GenerationView(generation, context={"actor": actor}).data, status=202)


class GenerationEvents(APIView):
    """Server-sent events of one generation."""

    @extend_schema(responses={(200, "text/event-stream"): str})
    def get(self, request: Request, generation_id: Any) -> StreamingHttpResponse:
        """Stream ``queued``, ``step``, ``preview`` and the terminal state, then end."""
        generation = queries.generation_of(actor_of(request), generation_id=generation_id)
        return streamed(generation.pk, account=request.user.pk)
