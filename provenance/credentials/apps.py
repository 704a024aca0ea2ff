"""The Django application of this topic."""

from django.apps import AppConfig


class Credentials(AppConfig):
    """Credentials."""

    name = "provenance.credentials"
    label = "credentials"
