"""Every address of the pages."""

from django.contrib.auth.views import LogoutView
from django.urls import path
from django.views.i18n import set_language

from server.web import notices, views
from server.web.sign_in import SignIn

urlpatterns = [
    path("", views.make, name="make"),
    path("verify", views.verify, name="verify"),
    path("provenance/<str:name>", views.provenance, name="provenance"),
    path("notice", notices.notice, name="notice"),
    path("notice/follow", notices.follow, name="notice-follow"),
    path("sign-in", SignIn.as_view(), name="sign-in"),
    path("sign-out", LogoutView.as_view(), name="sign-out"),
    path("language", set_language, name="language"),
]
