"""The Django application that makes images."""

from django.apps import AppConfig


class Generation(AppConfig):
    """Making images."""

    name = "generation"
    label = "generation"

    def ready(self) -> None:
        """Let a commit that adds work wake a worker."""
        from generation import jobs

        jobs.connect()
