"""OpenAI's face: what its client sends, answered in its shapes, errors too."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from provenance.verification.manifest_checks import signer_name
from provenance.verification.verdict import Outcome, Verdict
from server.api.errors import problem_response
from server.api.verifications import verdict_on_upload

_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_STATES: Mapping[Outcome, str] = {
    "trusted": "trusted",
    "untrusted": "valid",
    "failed": "invalid",
    "no_manifest": "not_present",
    "unreadable": "not_present",
}


def openai_error(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return any error that a caller can do something about as OpenAI's client expects it."""
    answer = problem_response(error, context)
    if answer is None:
        return None
    told = answer.data
    kind = "server_error" if answer.status_code >= 500 else _TYPES.get(answer.status_code, "invalid_request_error")
    fields = [one["field"] for one in told.get("errors", ())]
    body = {"message": told["detail"], "type": kind, "param": fields[0] if fields else None, "code": told["code"]}
    response = Response({"error": body}, status=answer.status_code)
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
                "results": [_c2pa(verdict)],
                "colophon": {"state": verdict.outcome, "summary": verdict.summary("en")},
            }
        )


def _c2pa(verdict: Verdict) -> dict[str, Any]:
    state = _STATES[verdict.outcome]
    if state == "not_present" and verdict.facts is not None:
        state = "invalid"
    facts = verdict.facts
    told = {
        "type": "c2pa",
        "outcome": "detected" if state in {"trusted", "valid"} else "not_detected",
        "validation_state": state,
    }
    if facts is None:
        return told
    stated = {
        "issuer": signer_name(verdict.signer),
        "model": facts.model.get("name", "") or facts.generator,
        "generated_at": facts.made_at or (verdict.signer.signed_at if verdict.signer else ""),
    }
    return told | {name: value for name, value in stated.items() if value}
