"""What a request would cost, and whether it may be made, without making it."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation.actions.requesting import decide_without_asking
from provenance.licensing.credits import credits_of
from server.api.actors import actor_of
from server.api.generations import RequestInput


class DecisionView(APIView):
    """Whether a request would be permitted, and on what basis, without making it."""

    @extend_schema(request=RequestInput, responses={200: dict})
    def post(self, request: Request) -> Response:
        """Answer "may I, and whom would I credit?" for a request body."""
        body = RequestInput(data=request.data)
        body.is_valid(raise_exception=True)
        actor = actor_of(request)
        decision = decide_without_asking(actor=actor, request=body.as_request()).as_json()
        return Response({**decision, "credits": credits_of(decision)})
