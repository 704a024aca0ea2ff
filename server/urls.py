"""Every address of the site."""

from django.urls import include, path, re_path

from server.api import health, log, openai

urlpatterns = [
    path("api/", include("server.api.urls")),
    path("log/checkpoint", log.PublishedCheckpoint.as_view()),
    path("log/vkey", log.VerifierKeyText.as_view()),
    path("log/witness/add-checkpoint", log.AddCheckpoint.as_view()),
    path("log/witness/vkey", log.WitnessKeyText.as_view()),
    re_path(r"^log/(?P<path>tile/.+)$", log.Tile.as_view()),
    path("images/<digest:digest>/proof", log.ImageProof.as_view()),
    path("v1/content_provenance_checks", openai.ContentProvenanceCheck.as_view()),
    path("health/live", health.live),
    path("health/ready", health.ready),
    path("", include("server.web.urls")),
]
