"""Every address of the pages."""

from django.contrib.auth.views import LogoutView
from django.urls import path
from django.views.i18n import set_language

from server.web import licences, notices, views
from server.web.sign_in import SignIn

urlpatterns = [
    path("", views.make, name="make"),
    path("verify", views.verify, name="verify"),
    path("provenance/<str:name>", views.provenance, name="provenance"),
    path("notice", notices.notice, name="notice"),
    path("notice/follow", notices.follow, name="notice-follow"),
    path("licences.xml", licences.licences),
    path("licences/<uuid:offer_id>", licences.licence, name="licence"),
    *(path(f"licences/<uuid:offer_id>.{form}", licences.licence, {"form": form}) for form in licences.FORMS),
    path("licences/<uuid:offer_id>/status", licences.status),
    path(".well-known/tdmrep.json", licences.tdmrep),
    path("robots.txt", licences.robots),
    path("sign-in", SignIn.as_view(), name="sign-in"),
    path("sign-out", LogoutView.as_view(), name="sign-out"),
    path("language", set_language, name="language"),
]
