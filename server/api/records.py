"""Records as an auditor works on them, and a person's right to have theirs erased."""

from __future__ import annotations

import dataclasses
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation import queries
from generation.actions import searching
from generation.actions.reading import LONGEST_REASON, read_prompt
from provenance.audit_log import queries as audit_log
from provenance.credentials import queries as credentials
from server.accounts.erasing import erase_account, erasure_told, require_confirmed
from server.accounts.models import Account
from server.api.actors import actor_of
from server.api.audit import EntryView
from server.api.credited import credit_at_once
from server.api.generations import GenerationView, KnownFieldsOnly, OutputView

DIGEST = r"^sha256:[0-9a-f]{64}$"
STATES = ("requested", "queued", "rendering", "marking", "done", "refused", "failed", "cancelled")


class CredentialView(serializers.Serializer):
    """The content credential of one image, as recorded."""

    manifest_id = serializers.CharField()
    store_digest = serializers.CharField()
    key_id = serializers.CharField()
    library_version = serializers.CharField()
    signed_at = serializers.DateTimeField()
    erased_at = serializers.DateTimeField(allow_null=True)
    verdict = serializers.JSONField()


class ChainOutput(OutputView):
    """One image with its credential and its proof."""

    delivered_leaf = serializers.CharField()
    credential = serializers.SerializerMethodField()

    def get_credential(self, output: Any) -> dict[str, Any] | None:
        """Return the credential that the image carries; null where the record has none."""
        credential = credentials.credential_of(output.digest)
        return dict(CredentialView(credential).data) if credential else None

    def get_links(self, output: Any) -> dict[str, str]:
        """Return where file, manifest and proof are."""
        return {**super().get_links(output), "proof": f"/api/v1/images/{output.digest}/proof"}


class ChainEntry(EntryView):
    """One entry of a record: its place in the log, and its details for those who may open it."""

    index = serializers.SerializerMethodField()
    links = serializers.SerializerMethodField()

    def _may_open(self, entry: Any) -> bool:
        actor = self.context["actor"]
        opening = getattr(entry, "opening", None)
        return bool(opening) and (actor.has("auditor") or opening.details.get("actor") == str(actor.account_id))

    def get_salt(self, entry: Any) -> str | None:
        """Return the salt in hex; null once erased, and to whom the act is somebody else's."""
        return super().get_salt(entry) if self._may_open(entry) else None

    def get_details(self, entry: Any) -> dict[str, Any] | None:
        """Return what the commitment covers; null once erased, and to whom the act is somebody else's."""
        return super().get_details(entry) if self._may_open(entry) else None

    def get_index(self, entry: Any) -> int | None:
        """Return the place in the log; null while the entry waits for it."""
        position = getattr(entry, "position", None)
        return position.index if position else None

    def get_links(self, entry: Any) -> dict[str, str]:
        """Return where the proof of inclusion is."""
        return {"proof": f"/api/v1/audit/proofs/inclusion?leaf={entry.leaf_hash}"}


class ChainQuestion(serializers.Serializer):
    """Why a prompt that is not public is to be read."""

    reason = serializers.CharField(required=False, max_length=LONGEST_REASON, help_text="Becomes a log entry.")


class Chain(APIView):
    """One record from request to proof, for its owner and for auditors."""

    @extend_schema(parameters=[ChainQuestion], responses={200: dict})
    def get(self, request: Request, generation_id: UUID) -> Response:
        """Return request, decision, environment, outputs with credentials, and entries with links to their proofs.

        A prompt that is not public reads null to an auditor who gives no reason; the reason becomes an entry.
        """
        question = ChainQuestion(data=request.query_params)
        question.is_valid(raise_exception=True)
        actor = actor_of(request)
        generation = queries.generation_of(actor, generation_id=generation_id)
        reason = question.validated_data.get("reason")
        has_given_reason = reason is not None and read_prompt(actor=actor, generation=generation, reason=reason)
        context = {"actor": actor, "has_given_reason": has_given_reason}
        told = GenerationView(generation, context=context).data
        outputs = list(generation.outputs.all())
        entries = audit_log.entries_of_chain(
            generation.pk,
            leaves=[generation.request_leaf, *(one.delivered_leaf for one in outputs)],
            images=[form.digest for one in outputs for form in (one, *one.renditions.all())],
        )
        parts = {name: told.pop(name) for name in ("decision", "environment")}
        told.pop("outputs")
        return Response(
            {
                "request": told,
                **parts,
                "outputs": ChainOutput(outputs, many=True).data,
                "entries": ChainEntry(entries, many=True, context=context).data,
            }
        )


class SearchQuestion(KnownFieldsOnly):
    """What to look for; all that is given must hold."""

    since = serializers.DateTimeField(required=False, help_text="Asked for at this moment or later.")
    until = serializers.DateTimeField(required=False, help_text="Asked for before this moment.")
    party = serializers.UUIDField(required=False, help_text="Whose styles were declared, or whose works went in.")
    artist = serializers.CharField(required=False, max_length=150, help_text="Id or name of the account that asked.")
    style = serializers.UUIDField(required=False, help_text="Declared; a name in a prompt does not count.")
    work = serializers.UUIDField(required=False, help_text="Went in, or a declared style stands on it today.")
    model = serializers.CharField(required=False, max_length=80, help_text="Slug, id, or digest of the weights.")
    prompt_commitment = serializers.RegexField(DIGEST, required=False)
    state = serializers.ChoiceField(STATES, required=False)
    digest = serializers.RegexField(DIGEST, required=False, help_text="Delivered file, its pixels, or an input file.")
    cursor = serializers.CharField(required=False)
    page_size = serializers.CharField(required=False)

    def as_search(self) -> searching.Search:
        """Return the question in the words of the layer below."""
        values = {name: value for name, value in self.validated_data.items() if name not in {"cursor", "page_size"}}
        if "artist" in values:
            values["artist"] = _account_id(values["artist"])
        if "style" in values:
            values["style"] = str(values["style"])
        return searching.Search(**values)


def _account_id(name: str) -> UUID:
    """Return the id of an account by name or id; of a name that nobody has, an id that nobody has."""
    try:
        return UUID(name)
    except ValueError:
        return Account.objects.filter(name=name).values_list("pk", flat=True).first() or UUID(int=0)


class RecordSearch(ListAPIView):
    """Finds records by whom, what and when; for auditors."""

    serializer_class = GenerationView
    ordering = ("-requested_at", "id")

    @extend_schema(parameters=[SearchQuestion])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return one page of records, newest first; prompts that are not public read null."""
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> Any:
        """Return what is looked for."""
        question = SearchQuestion(data=self.request.query_params.dict())
        question.is_valid(raise_exception=True)
        return searching.generations_found(actor_of(self.request), question.as_search())

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        """Look up at once whom a page of records credits today."""
        credit_at_once(args[0] if args else ())
        return super().get_serializer(*args, **kwargs)

    def get_serializer_context(self) -> dict[str, Any]:
        """Tell the serializer who reads."""
        return {**super().get_serializer_context(), "actor": actor_of(self.request)}


class ErasureInput(serializers.Serializer):
    """Nothing, to be told; then the confirmation that came with it, and the account's password where it has one."""

    confirmation = serializers.CharField(default="", allow_blank=True, max_length=500)
    password = serializers.CharField(default="", allow_blank=True, max_length=1000, trim_whitespace=False)


class Erasure(APIView):
    """Erases the caller's personal data, once the caller has read what goes and what stays."""

    throttle = {"POST": "sign-in"}

    @extend_schema(request=ErasureInput, responses={200: dict})
    def post(self, request: Request) -> Response:
        """Tell what would be erased; with its confirmation, erase it. 409 while works are in dispute."""
        body = ErasureInput(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        if not asked["confirmation"]:
            return Response(erasure_told(request.user))
        require_confirmed(request.user, **asked)
        extent = erase_account(actor=actor_of(request), account=request.user)
        return Response({"is_erased": True, "reached": dataclasses.asdict(extent)})
