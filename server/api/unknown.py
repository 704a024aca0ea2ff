"""The answer below /api/ where there is no address."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView


class UnknownAddress(APIView):
    """Answers every method with a problem, as all addresses of the API do."""

    permission_classes = (AllowAny,)
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Say that there is nothing here."""
        raise Http404
