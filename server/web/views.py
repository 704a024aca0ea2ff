"""The pages: make one, verify one, the page of one. What they show of requests and pictures, they ask of the API."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from generation.errors import RecordErased
from generation.image_files import form_named
from generation.request import LONGEST_PROMPT, MOST_PICTURES, MOST_STEPS
from server.web import words
from server.web.choices import models_on_offer, page_language, style_groups_for


@require_safe
@never_cache
@login_required
def make(request: HttpRequest) -> HttpResponse:
    """Show the form that asks for pictures, where they appear, and those made before."""
    account = request.user
    models = models_on_offer()
    return render(
        request,
        "web/make.html",
        {
            "models": models,
            "style_groups": style_groups_for(account.pk),
            "may_make": account.actor().has("artist"),
            "counts": range(1, MOST_PICTURES + 1),
            "longest_prompt": LONGEST_PROMPT,
            "most_steps": MOST_STEPS,
            "formats": [("png", "PNG"), ("jpeg", "JPEG"), ("webp", "WebP"), ("avif", "AVIF")],
            "labels_all": settings.ENVIRONMENT.visible_label is not None,
            "facts": {
                "account": str(account.pk),
                "name": account.name,
                "is_auditor": account.actor().has("auditor"),
                "models": [model.numbers() for model in models],
            },
            "words": words.MAKE,
        },
    )


@require_safe
@ensure_csrf_cookie
def verify(request: HttpRequest) -> HttpResponse:
    """Show where anyone may drop a picture and read what is true about it."""
    return render(request, "web/verify.html", {"words": words.VERIFY, "subject": None})


@require_safe
def provenance(request: HttpRequest, name: str) -> HttpResponse:
    """Show the permanent page of a delivered image, by its digest or its manifest's id; 410 once it was erased."""
    form = form_named(name)
    if form is None:
        said = _("The records here hold no picture under this name.")
        return render(request, "web/verify.html", _about_nothing(said), status=404)
    page = {"words": words.VERIFY, "named": form.file.digest, "subject": form.file.digest}
    if erased_at := form.output.generation.erased_at:
        said = RecordErased(date=f"{erased_at:%Y-%m-%d}").said(page_language())
        return render(request, "web/verify.html", _about_nothing(said), status=410)
    return render(request, "web/verify.html", page)


def _about_nothing(said: str) -> dict[str, object]:
    """Return what the page of a picture shows where there is nothing of it to show."""
    return {"words": words.VERIFY, "named": True, "subject": None, "gone": said}
