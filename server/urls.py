"""Every address of the site."""

from django.urls import include, path

from server.api import health

urlpatterns = [
    path("api/", include("server.api.urls")),
    path("health/live", health.live),
    path("health/ready", health.ready),
    path("", include("server.web.urls")),
]
