"""Lists come in cursor pages, newest first."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination


class NewestFirst(CursorPagination):
    """Pages of 20, up to 100 by ``?page_size=``; each view names its own order."""

    page_size = 20
    max_page_size = 100
    page_size_query_param = "page_size"
    ordering = "-id"

    def paginate_queryset(self, queryset: Any, request: Any, view: Any = None) -> list[Any] | None:
        """Return one page; a cursor that somebody made up is not found."""
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValidationError, ValueError) as error:
            raise NotFound() from error

    def get_ordering(self, request: object, queryset: object, view: object) -> tuple[str, ...]:
        """Return the order that the view's query already has."""
        return tuple(getattr(view, "ordering", ("-id",)))
