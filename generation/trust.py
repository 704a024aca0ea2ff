"""Whom this installation trusts: its own roots, and the lists that its operator names."""

from __future__ import annotations

from django.conf import settings

from provenance.credentials.actions import trusted_roots
from provenance.verification.trust import Trust, trust_in_files


def trust_in_force() -> Trust:
    """Return the signers and timestamp authorities trusted now; a list that was changed is read again.

    Raises TrustUnreadable for a list without certificates, or one that is gone.
    """
    chosen = settings.ENVIRONMENT
    return trust_in_files(trusted_roots(), signers=chosen.trust_lists, timestamps=chosen.timestamp_roots)
