"""The Django application that holds the management commands."""

from django.apps import AppConfig


class CommandLine(AppConfig):
    """Management commands."""

    name = "server.command_line"
    label = "command_line"
