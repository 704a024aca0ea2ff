"""Whether this process lives, and whether it can serve."""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse

from generation.queries import models_listed


def live(request: HttpRequest) -> JsonResponse:
    """Answer as long as the process does."""
    return JsonResponse({"live": True})


def ready(request: HttpRequest) -> JsonResponse:
    """Answer 200 once the database has its tables and a model is registered; 503 before."""
    try:
        connection.ensure_connection()
        has_model = models_listed().exists()
    except DatabaseError:
        return JsonResponse({"ready": False, "waits_for": "database"}, status=503)
    status = 200 if has_model else 503
    return JsonResponse({"ready": has_model, **({} if has_model else {"waits_for": "model"})}, status=status)
