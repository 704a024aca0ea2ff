"""The Django application of accounts."""

from django.apps import AppConfig


class Accounts(AppConfig):
    """Accounts."""

    name = "server.accounts"
    label = "accounts"
