"""The Django application of this topic."""

from django.apps import AppConfig


class AuditLog(AppConfig):
    """Audit log."""

    name = "provenance.audit_log"
    label = "audit_log"
