"""Every address below /api/."""

from __future__ import annotations

from django.urls import path, register_converter
from drf_spectacular.views import SpectacularAPIView

from server.api import (
    audit,
    auditing,
    catalogue,
    decisions,
    generations,
    images,
    log,
    records,
    renditions,
    tokens,
    unknown,
    verifications,
)


class DigestConverter:
    """A digest in an address: ``sha256:`` and 64 hex digits."""

    regex = "sha256:[0-9a-f]{64}"

    def to_python(self, value: str) -> str:
        """Return the digest itself."""
        return value

    def to_url(self, value: str) -> str:
        """Return the digest itself."""
        return value


register_converter(DigestConverter, "digest")

urlpatterns = [
    path("schema", SpectacularAPIView.as_view(permission_classes=[], authentication_classes=[])),
    path("v1/generations", generations.GenerationList.as_view()),
    path("v1/generations/<uuid:generation_id>", generations.GenerationDetail.as_view()),
    path("v1/generations/<uuid:generation_id>/cancel", generations.GenerationCancel.as_view()),
    path("v1/generations/<uuid:generation_id>/events", generations.GenerationEvents.as_view()),
    path("v1/generations/<uuid:generation_id>/replay", auditing.ReplayList.as_view()),
    path("v1/decisions", decisions.DecisionView.as_view()),
    path("v1/images", images.ImageList.as_view()),
    path("v1/images/<digest:digest>", images.ImageDetail.as_view()),
    path("v1/images/<digest:digest>/file", images.ImageFile.as_view()),
    path("v1/images/<digest:digest>/manifest", images.ImageManifest.as_view()),
    path("v1/images/<digest:digest>/renditions", renditions.RenditionList.as_view()),
    path("v1/images/<digest:digest>/edits", renditions.EditList.as_view()),
    path("v1/images/<digest:digest>/proof", log.ImageProof.as_view()),
    path("v1/models", catalogue.ModelList.as_view()),
    path("v1/models/<str:name>", catalogue.ModelDetail.as_view()),
    path("v1/styles", catalogue.StyleList.as_view()),
    path("v1/works", catalogue.WorkList.as_view()),
    path("v1/works/<uuid:work_id>/preview", catalogue.WorkPreview.as_view()),
    path("v1/verifications", verifications.Verification.as_view()),
    path("v1/provenance/<str:name>", verifications.Provenance.as_view()),
    path("v1/trust.pem", verifications.TrustedRoot.as_view()),
    path("v1/audit/entries", audit.EntryList.as_view()),
    path("v1/audit/exports", audit.Export.as_view()),
    path("v1/audit/reconciliations", auditing.ReconciliationList.as_view()),
    path("v1/audit/reconciliations/<uuid:reconciliation_id>", auditing.ReconciliationDetail.as_view()),
    path("v1/audit/reconciliations/<uuid:reconciliation_id>/report", auditing.ReconciliationReport.as_view()),
    path("v1/audit/generations", records.RecordSearch.as_view()),
    path("v1/audit/generations/<uuid:generation_id>/chain", records.Chain.as_view()),
    path("v1/audit/proofs/inclusion", audit.InclusionProof.as_view()),
    path("v1/audit/proofs/consistency", audit.ConsistencyProof.as_view()),
    path("v1/me", tokens.Me.as_view()),
    path("v1/me/erasure", records.Erasure.as_view()),
    path("v1/me/tokens", tokens.TokenList.as_view()),
    path("v1/me/tokens/<uuid:token_id>", tokens.TokenDetail.as_view()),
    path("<path:anything>", unknown.UnknownAddress.as_view()),
]
