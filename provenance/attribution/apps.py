"""The Django application of this topic."""

from django.apps import AppConfig


class Attribution(AppConfig):
    """Attribution."""

    name = "provenance.attribution"
    label = "attribution"
