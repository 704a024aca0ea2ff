"""The Django application of this topic."""

from django.apps import AppConfig


class Works(AppConfig):
    """Works."""

    name = "provenance.works"
    label = "works"
