"""The Django application of the API."""

from django.apps import AppConfig


class Api(AppConfig):
    """The REST API."""

    name = "server.api"
    label = "api"
