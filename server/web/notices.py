"""The notice form, which needs no account, and where a notice is followed by its number and secret."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from generation.actions.disputing import give_notice
from provenance.actor import Actor
from provenance.disputes import queries
from provenance.disputes.evidence import LARGEST_FILE, MOST_FILES, EvidenceFile, taken_as_evidence
from provenance.disputes.notice import Notice
from provenance.errors import Fault
from server.web.tries import address_of, try_again

MOST_NOTICES_AN_HOUR = 20
GROUNDS = (
    ("mine", _("I made this work, or I hold the rights in it")),
    ("no-consent", _("It was listed or offered without my consent")),
    ("shows-me", _("It shows me or somebody I act for")),
    ("opt-out", _("It should be left out of training and generating")),
    ("other", _("Something else")),
)
KINDS = (("work", _("a listed work")), ("style", _("a style")), ("image", _("an image that was made here")))
STATES = {
    "received": _("waits for an auditor to look at it"),
    "incomplete": _("is incomplete: add what the auditor asks for"),
    "complete": _("stands: new uses have stopped, and the other side may answer"),
    "answered": _("stands and was answered: an auditor decides"),
    "upheld": _("was upheld"),
    "dismissed": _("was dismissed"),
    "withdrawn": _("was withdrawn"),
    "lapsed": _("lapsed: it was not completed in time"),
}
STEPS = {
    "notice": _("Notice"),
    "supplement": _("Added"),
    "complete": _("Found complete"),
    "incomplete": _("Found incomplete"),
    "counter-notice": _("Counter-notice"),
    "recused": _("An auditor stood back"),
    "withdrawal": _("Notice taken back"),
    "upheld": _("Upheld"),
    "dismissed": _("Dismissed"),
    "lapsed": _("Lapsed"),
}


class ManyFiles(forms.ClearableFileInput):
    """A file field that takes several."""

    allow_multiple_selected = True


class NoticeForm(forms.Form):
    """Against what, why, and by whom."""

    subject_kind = forms.ChoiceField(label=_("What it is about"), choices=KINDS)
    subject = forms.RegexField(
        label=_("Its number or digest"),
        regex=r"^(sha256:[0-9a-f]{64}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$",
        error_messages={"invalid": _("Copy a work's or style's number, or an image's digest from its report.")},
    )
    ground = forms.ChoiceField(label=_("What is wrong"), choices=GROUNDS)
    text = forms.CharField(
        label=_("Say what is wrong, and why"), max_length=10_000, widget=forms.Textarea(attrs={"rows": 6})
    )
    name = forms.CharField(label=_("Your name"), max_length=200)
    contact = forms.CharField(label=_("How you can be reached"), max_length=300)
    good_faith = forms.BooleanField(label=_("I believe in good faith that what I say is so."))
    accurate = forms.BooleanField(label=_("What I state is accurate, and I may act for the person concerned."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, label_suffix="", **kwargs)

    def clean(self) -> dict[str, Any]:
        """Refuse a digest where a number belongs, and the other way round."""
        values: dict[str, Any] = super().clean() or {}
        kind, subject = values.get("subject_kind"), values.get("subject")
        if kind and subject and (kind == "image") != subject.startswith("sha256:"):
            self.add_error("subject", self.fields["subject"].error_messages["invalid"])
        return values

    def as_notice(self) -> Notice:
        """Return the notice in the words of the layer below."""
        values = dict(self.cleaned_data)
        return Notice(
            is_in_good_faith=values.pop("good_faith"),
            is_accurate=values.pop("accurate"),
            language="zh-Hans" if _speaks_chinese() else "en",
            **values,
        )


def _speaks_chinese() -> bool:
    return (get_language() or "en").startswith("zh")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def notice(request: HttpRequest) -> HttpResponse:
    """Show the form, or record a notice and show its number and secret, this once."""
    if request.method != "POST":
        form = NoticeForm(initial={name: request.GET.get(name, "") for name in ("subject_kind", "subject")})
        return render(request, "web/notice.html", {"form": form, "most_files": MOST_FILES})
    form = NoticeForm(request.POST)
    context: dict[str, Any] = {"form": form, "most_files": MOST_FILES}
    if try_again(f"notice {address_of(request)}", seconds=3600) > MOST_NOTICES_AN_HOUR:
        return render(request, "web/notice.html", context | {"tried_too_often": True}, status=429)
    if not form.is_valid():
        return render(request, "web/notice.html", context, status=422)
    try:
        dispute, secret = _recorded(request, form.as_notice())
    except Fault as fault:
        said = fault.said("zh-Hans" if _speaks_chinese() else "en")
        return render(request, "web/notice.html", context | {"fault": said}, status=422)
    return render(request, "web/notice_given.html", {"dispute": dispute, "secret": secret}, status=201)


def _recorded(request: HttpRequest, told: Notice) -> tuple[Any, str]:
    user: Any = request.user
    actor = user.actor() if user.is_authenticated else Actor(account_id=None)
    return give_notice(actor=actor, notice=told, evidence=_evidence(request))


def _evidence(request: HttpRequest) -> list[EvidenceFile]:
    files = request.FILES.getlist("evidence")[:MOST_FILES]
    return [taken_as_evidence(file.name or "file", file.read(LARGEST_FILE + 1)) for file in files]


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def follow(request: HttpRequest) -> HttpResponse:
    """Ask for number and secret, and show how the dispute stands."""
    if request.method != "POST":
        return render(request, "web/notice_follow.html", {})
    if try_again(f"follow {address_of(request)}", seconds=60) > MOST_NOTICES_AN_HOUR:
        return render(request, "web/notice_follow.html", {"tried_too_often": True}, status=429)
    try:
        number = UUID(request.POST.get("number", "").strip())
        dispute = queries.dispute_for(
            Actor(account_id=None), dispute_id=number, secret=request.POST.get("secret", "").strip()
        )
    except (ValueError, Fault):
        return render(request, "web/notice_follow.html", {"is_unknown": True}, status=404)
    events = [
        {"title": STEPS.get(event.kind, event.kind), "at": event.at, "text": event.text, "files": event.evidence}
        for event in dispute.events.order_by("at", "id")
    ]
    return render(
        request, "web/notice_follow.html", {"dispute": dispute, "state": STATES[dispute.state], "events": events}
    )
