"""The Django application of this topic."""

from django.apps import AppConfig


class Disputes(AppConfig):
    """Disputes."""

    name = "provenance.disputes"
    label = "disputes"
