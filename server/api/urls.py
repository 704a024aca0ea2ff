"""Every address below /api/."""

from __future__ import annotations

from django.urls import path, register_converter
from drf_spectacular.views import SpectacularAPIView

from server.api import (
    audit,
    auditing,
    bundles,
    catalogue,
    decisions,
    disputes,
    flags,
    generations,
    grants,
    images,
    log,
    offers,
    opt_outs,
    parties,
    records,
    renditions,
    reverifications,
    signing_keys,
    splits,
    statements,
    styles,
    tokens,
    trainings,
    unknown,
    verifications,
    watermark_readings,
    work_imports,
    works,
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


class SharedConverter:
    """What can be shared: styles or works."""

    regex = "styles|works"

    def to_python(self, value: str) -> str:
        """Return what one of them is called."""
        return value.removesuffix("s")

    def to_url(self, value: str) -> str:
        """Return the part of the address."""
        return f"{value}s"


register_converter(DigestConverter, "digest")
register_converter(SharedConverter, "shared")

urlpatterns = [
    path("schema", SpectacularAPIView.as_view(permission_classes=[], authentication_classes=[])),
    path("v1/generations", generations.GenerationList.as_view()),
    path("v1/generations/<uuid:generation_id>", generations.GenerationDetail.as_view()),
    path("v1/generations/<uuid:generation_id>/bundle", bundles.GenerationBundle.as_view()),
    path("v1/generations/<uuid:generation_id>/cancel", generations.GenerationCancel.as_view()),
    path("v1/generations/<uuid:generation_id>/events", generations.GenerationEvents.as_view()),
    path("v1/generations/<uuid:generation_id>/replay", auditing.ReplayList.as_view()),
    path("v1/decisions", decisions.DecisionView.as_view()),
    path("v1/images", images.ImageList.as_view()),
    path("v1/images/<digest:digest>", images.ImageDetail.as_view()),
    path("v1/images/<digest:digest>/bundle", bundles.ImageBundle.as_view()),
    path("v1/images/<digest:digest>/file", images.ImageFile.as_view()),
    path("v1/images/<digest:digest>/manifest", images.ImageManifest.as_view()),
    path("v1/images/<digest:digest>/renditions", renditions.RenditionList.as_view()),
    path("v1/images/<digest:digest>/edits", renditions.EditList.as_view()),
    path("v1/images/<digest:digest>/proof", log.ImageProof.as_view()),
    path("v1/models", catalogue.ModelList.as_view()),
    path("v1/models/<str:name>", catalogue.ModelDetail.as_view()),
    path("v1/parties", parties.PartyList.as_view()),
    path("v1/parties/<uuid:party_id>", parties.PartyDetail.as_view()),
    path("v1/parties/<uuid:party_id>/capacity", parties.PartyCapacity.as_view()),
    path("v1/parties/<uuid:party_id>/claim", parties.PartyClaim.as_view()),
    path("v1/parties/<uuid:party_id>/guardian", parties.PartyGuardian.as_view()),
    path("v1/parties/<uuid:party_id>/members", parties.PartyMembers.as_view()),
    path("v1/parties/<uuid:party_id>/join", parties.PartyJoining.as_view()),
    path("v1/parties/<uuid:party_id>/members/<uuid:account_id>", parties.PartyMembership.as_view()),
    path("v1/styles", styles.StyleList.as_view()),
    path("v1/styles/<uuid:style_id>/withdraw", styles.StyleWithdrawal.as_view()),
    path("v1/styles/<uuid:style_id>/bring-back", styles.StyleReturn.as_view()),
    path("v1/styles/<uuid:style_id>/adapter", styles.StyleAdapter.as_view()),
    path("v1/styles/<str:style>/train", trainings.StyleTrain.as_view()),
    path("v1/styles/<str:name>", styles.StyleDetail.as_view()),
    path("v1/<shared:kind>/<uuid:subject_id>/splits", splits.SplitList.as_view()),
    path("v1/<shared:kind>/<uuid:subject_id>/splits/consent", splits.SplitConsent.as_view()),
    path("v1/<shared:kind>/<uuid:subject_id>/splits/refuse", splits.SplitRefusal.as_view()),
    path("v1/works", works.WorkList.as_view()),
    path("v1/works/imports", work_imports.WorkImport.as_view()),
    path("v1/works/<uuid:work_id>", works.WorkDetail.as_view()),
    path("v1/works/<uuid:work_id>/preview", works.WorkPreview.as_view()),
    path("v1/works/<uuid:work_id>/manifest", works.WorkManifest.as_view()),
    path("v1/works/<uuid:work_id>/authors", works.WorkAuthors.as_view()),
    path("v1/works/<uuid:work_id>/lift-conditions", works.WorkConditions.as_view()),
    path("v1/works/<uuid:work_id>/withdraw", works.WorkWithdrawal.as_view()),
    path("v1/works/<uuid:work_id>/bring-back", works.WorkReturn.as_view()),
    path("v1/opt-outs", opt_outs.OptOutList.as_view()),
    path("v1/opt-outs.csv", opt_outs.OptOutTable.as_view()),
    path("v1/opt-outs/claims", opt_outs.ClaimList.as_view()),
    path("v1/opt-outs/imports", opt_outs.OptOutImport.as_view()),
    path("v1/opt-outs/<uuid:opt_out_id>", opt_outs.OptOutDetail.as_view()),
    path("v1/opt-outs/<uuid:opt_out_id>/withdraw", opt_outs.OptOutWithdrawal.as_view()),
    path("v1/audit/flags", flags.FlagList.as_view()),
    path("v1/audit/flags/<uuid:flag_id>", flags.FlagDecision.as_view()),
    path("v1/statements", statements.StatementDetail.as_view()),
    path("v1/statements.csv", statements.StatementTable.as_view()),
    path("v1/statements/export", statements.StatementExport.as_view()),
    path("v1/payouts", statements.PayoutList.as_view()),
    path("v1/payouts.csv", statements.PayoutTable.as_view()),
    path("v1/payouts/closings", statements.PayoutClosing.as_view()),
    path("v1/offers", offers.OfferList.as_view()),
    path("v1/offers/<uuid:offer_id>", offers.OfferDetail.as_view()),
    path("v1/offers/<uuid:offer_id>/versions", offers.OfferVersions.as_view()),
    path("v1/offers/<uuid:offer_id>/withdraw", offers.OfferChange.as_view(change="withdraw")),
    path("v1/offers/<uuid:offer_id>/pause", offers.OfferChange.as_view(change="pause")),
    path("v1/offers/<uuid:offer_id>/resume", offers.OfferChange.as_view(change="resume")),
    path("v1/offers/<uuid:offer_id>/grants", grants.GrantTaking.as_view()),
    path("v1/offers/<uuid:offer_id>/uses", grants.OfferUses.as_view()),
    path("v1/grants", grants.GrantList.as_view()),
    path("v1/grants/<uuid:grant_id>", grants.GrantDetail.as_view()),
    path("v1/grants/<uuid:grant_id>/approve", grants.GrantChange.as_view(change="approve")),
    path("v1/grants/<uuid:grant_id>/decline", grants.GrantChange.as_view(change="decline")),
    path("v1/grants/<uuid:grant_id>/revoke", grants.GrantChange.as_view(change="revoke")),
    path("v1/trainings", trainings.TrainingList.as_view()),
    path("v1/trainings/<uuid:training_id>", trainings.TrainingDetail.as_view()),
    path("v1/trainings/<uuid:training_id>/cancel", trainings.TrainingCancel.as_view()),
    path("v1/trainings/<uuid:training_id>/events", trainings.TrainingEvents.as_view()),
    *(
        path(f"v1/trainings/<uuid:training_id>/{name}", trainings.TrainingFile.as_view(), {"name": name})
        for name in trainings.FILES
    ),
    path("v1/watermark-readings/<uuid:reading_id>", watermark_readings.WatermarkReading.as_view()),
    path("v1/verifications", verifications.Verification.as_view()),
    path("v1/provenance/<str:name>", verifications.Provenance.as_view()),
    path("v1/signing-keys/revocations", signing_keys.RevocationList.as_view()),
    path("v1/trust.pem", verifications.TrustedRoot.as_view()),
    path("v1/audit/entries", audit.EntryList.as_view()),
    path("v1/audit/exports", audit.Export.as_view()),
    path("v1/audit/reconciliations", auditing.ReconciliationList.as_view()),
    path("v1/audit/reconciliations/<uuid:reconciliation_id>", auditing.ReconciliationDetail.as_view()),
    path("v1/audit/reconciliations/<uuid:reconciliation_id>/report", auditing.ReconciliationReport.as_view()),
    path("v1/audit/reverifications", reverifications.ReverificationList.as_view()),
    path("v1/audit/reverifications/<uuid:reverification_id>/changes", reverifications.VerdictChangeList.as_view()),
    path("v1/audit/generations", records.RecordSearch.as_view()),
    path("v1/audit/generations/<uuid:generation_id>/chain", records.Chain.as_view()),
    path("v1/audit/proofs/inclusion", audit.InclusionProof.as_view()),
    path("v1/audit/proofs/consistency", audit.ConsistencyProof.as_view()),
    path("v1/disputes", disputes.DisputeList.as_view()),
    path("v1/disputes/standing", disputes.StandingDisputes.as_view()),
    path("v1/disputes/<uuid:dispute_id>", disputes.DisputeDetail.as_view()),
    path("v1/disputes/<uuid:dispute_id>/supplement", disputes.DisputeSupplement.as_view()),
    path("v1/disputes/<uuid:dispute_id>/counter-notice", disputes.DisputeCounterNotice.as_view()),
    path("v1/disputes/<uuid:dispute_id>/withdrawal", disputes.DisputeWithdrawal.as_view()),
    path("v1/disputes/<uuid:dispute_id>/erasure", disputes.DisputeErasure.as_view()),
    path("v1/disputes/<uuid:dispute_id>/assessment", disputes.DisputeAssessment.as_view()),
    path("v1/disputes/<uuid:dispute_id>/recusal", disputes.DisputeRecusal.as_view()),
    path("v1/disputes/<uuid:dispute_id>/resolution", disputes.DisputeResolution.as_view()),
    path("v1/disputes/<uuid:dispute_id>/evidence/<digest:digest>", disputes.DisputeEvidence.as_view()),
    path("v1/me", tokens.Me.as_view()),
    path("v1/me/erasure", records.Erasure.as_view()),
    path("v1/me/notifications", grants.NotificationList.as_view()),
    path("v1/me/tokens", tokens.TokenList.as_view()),
    path("v1/me/tokens/<uuid:token_id>", tokens.TokenDetail.as_view()),
    path("<path:anything>", unknown.UnknownAddress.as_view()),
]
