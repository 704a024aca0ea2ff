"""The Django application of the pages."""

from django.apps import AppConfig


class Web(AppConfig):
    """Pages."""

    name = "server.web"
    label = "web"
