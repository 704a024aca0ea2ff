"""The Django application of this topic."""

from django.apps import AppConfig


class Licensing(AppConfig):
    """Licensing."""

    name = "provenance.licensing"
    label = "licensing"
