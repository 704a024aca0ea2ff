"""OpenAI's face: what its client sends, answered in its shapes, errors too."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from provenance.canonical import timestamp
from provenance.errors import NotCanonical
from provenance.verification.facts import Facts
from provenance.verification.headline import OF_THIS_FILE
from provenance.verification.history import Step
from provenance.verification.manifest_checks import signer_name
from provenance.verification.verdict import Verdict
from server.api.errors import problem_response
from server.api.verifications import verdict_on_upload
from server.problems import openais_error

_STATES = {"Trusted": "trusted", "Valid": "valid", "Invalid": "invalid"}


def openai_error(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return any error that a caller can do something about as OpenAI's client expects it."""
    answer = problem_response(error, context)
    if answer is None:
        return None
    response = Response(openais_error(answer.data), status=answer.status_code)
    for name in ("Retry-After", "WWW-Authenticate"):
        if name in answer:
            response[name] = answer[name]
    return response


class ContentProvenanceCheck(APIView):
    """Whether a picture carries content credentials, and whether they stand."""

    permission_classes = (AllowAny,)
    authentication_classes = ()
    """Public as our own verification is: OpenAI's client always sends a key, and any will do."""
    parser_classes = (MultiPartParser,)
    throttle = {"POST": "verify"}

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response | None]:
        """Return the handler that speaks in OpenAI's shape."""
        return openai_error

    @extend_schema(request={"multipart/form-data": dict}, responses={200: dict})
    def post(self, request: Request) -> Response:
        """Return what OpenAI's own check returns; ``colophon`` has the sentence and the state of the whole verdict."""
        verdict = verdict_on_upload(request)
        return Response(
            {
                "object": "content_provenance_check",
                "created_at": int(time.time()),
                "results": [_c2pa(verdict), *_watermark(verdict)],
                "colophon": {"state": verdict.outcome, "summary": verdict.summary("en")},
            }
        )


def _c2pa(verdict: Verdict) -> dict[str, Any]:
    """Return what the credentials in the file say, whatever else is known of the picture.

    A signal that does not stand is none to rely on, as with OpenAI's own check: "not_detected", and the state says why.
    """
    state, facts = _validation_state(verdict), verdict.facts
    issuer = signer_name(verdict.signer)
    return {
        "type": "c2pa",
        "outcome": "detected" if state in {"trusted", "valid"} else "not_detected",
        "validation_state": state,
        "issuer": issuer if issuer != "?" else None,
        "model": (facts.model.get("name") or None) if facts else None,
        "generated_at": _generated_at(facts, verdict.history) if facts else None,
    }


def _validation_state(verdict: Verdict) -> str:
    """Return C2PA's own word, short of trust where we give none; credentials too damaged for one are invalid."""
    results = {(one.code, one.result) for one in verdict.checks}
    # Of the key of this very file: that of a recorded picture, of which this is a copy, signed something else.
    is_revoked = ("key.revoked", "failed") in results and verdict.records[0].layer in OF_THIS_FILE
    if ("manifest.present", "failed") in results or (is_revoked and verdict.facts):
        return "invalid"
    if verdict.facts is None:
        return "not_present"
    state = _STATES.get(verdict.validation_state, "invalid")
    return "valid" if state == "trusted" and ("signer.trusted", "passed") not in results else state


def _generated_at(facts: Facts, history: Iterable[Step]) -> str | None:
    """Return when a manifest says that its picture was made; when it was signed or edited is something else."""
    created = (one["when"] for step in history for one in step.actions if one["action"] == "c2pa.created")
    return in_utc(facts.made_at) if facts.generation or facts.made_at in set(created) else None


def in_utc(stated: str) -> str | None:
    """Return a stranger's time in UTC, as RFC 3339 has it; None for none, or for one that could be anywhere's."""
    try:
        return timestamp(datetime.fromisoformat(stated))
    except (ValueError, OverflowError, NotCanonical):
        return None


def _watermark(verdict: Verdict) -> Iterator[dict[str, Any]]:
    """Yield our watermark where it was what led to the record: it is not read of a file that is known without."""
    if not verdict.records or verdict.records[0].layer != "watermark":
        return
    only = verdict.records[0] if len(verdict.records) == 1 else None
    yield {
        "type": "colophon_watermark",
        "outcome": "detected",
        "model": (only.model or None) if only else None,
        "generated_at": timestamp(only.made_at) if only else None,
    }
