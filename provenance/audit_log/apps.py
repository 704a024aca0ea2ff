"""The Django application of this topic."""

from django.apps import AppConfig


class AuditLog(AppConfig):
    """Audit log."""

    name = "provenance.audit_log"
    label = "audit_log"

    def ready(self) -> None:
        """Let a commit that writes entries wake the sequencer."""
        from provenance.audit_log import jobs

        jobs.connect()
