"""Every address of the site."""

from django.urls import include, path, re_path

from server.api import health, images, log, openai, soft_bindings

handler400 = "server.web.faults.unreadable"
handler403 = "server.web.faults.forbidden"
handler404 = "server.web.faults.nothing_here"
handler500 = "server.web.faults.failed"
urlpatterns = [
    path("api/", include("server.api.urls")),
    path("log/checkpoint", log.PublishedCheckpoint.as_view()),
    path("log/vkey", log.VerifierKeyText.as_view()),
    path("log/witness/add-checkpoint", log.AddCheckpoint.as_view()),
    path("log/witness/vkey", log.WitnessKeyText.as_view()),
    re_path(r"^log/(?P<path>tile/.+)$", log.Tile.as_view()),
    path("images/<digest:digest>/proof", log.ImageProof.as_view()),
    path("images/<digest:digest>.c2pa", images.ImageManifest.as_view()),
    path("c2pa/services/supportedAlgorithms", soft_bindings.SupportedAlgorithms.as_view()),
    path("c2pa/matches/byBinding", soft_bindings.MatchesByBinding.as_view()),
    path("c2pa/matches/byContent", soft_bindings.MatchesByContent.as_view()),
    path("c2pa/manifests/<str:manifest_id>", soft_bindings.StoredManifest.as_view()),
    path("v1/content_provenance_checks", openai.ContentProvenanceCheck.as_view()),
    path("health/live", health.live),
    path("health/ready", health.ready),
    path("", include("server.web.urls")),
]
