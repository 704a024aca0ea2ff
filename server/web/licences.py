"""The published terms of an offer: one address, as a page, ODRL, RSL or JSON, and what stands of it today."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from provenance.licensing.constraints import CONTENT_RATING, COUNT, DATE_TIME, MAX_SIMILARITY, PURPOSE, SPATIAL
from provenance.licensing.credits import licence_name
from provenance.licensing.errors import UnknownOffer
from provenance.licensing.inheriting import conditions_and_policy
from provenance.licensing.publications import odrl, reservations, rsl
from provenance.licensing.publications.published import PLACES, Published
from provenance.licensing.queries import publishing
from provenance.licensing.queries.inheriting import inherited_of
from provenance.licensing.terms import COMMERCIALIZE, DERIVE, NAME_IN_PROMPT, TRAIN, USE_ADAPTER, USE_STYLE
from server.web import words
from server.web.choices import page_language

MOST_LISTED = 5_000
"""How many offers robots find in one document."""
FORMS = {
    "html": "text/html",
    "jsonld": "application/ld+json",
    "xml": rsl.MEDIA_TYPE,
    "json": "application/json",
}
"""Suffixes of a licence's address, each with its media type; what a browser asks for comes first."""
ACTIONS = {
    USE_STYLE: _("make pictures with it as a reference"),
    USE_ADAPTER: _("make pictures with an adapter trained on it"),
    NAME_IN_PROMPT: _("name it in a prompt"),
    DERIVE: _("put it into a picture and change it"),
    TRAIN: _("train a model or an adapter on it"),
    COMMERCIALIZE: _("do so for commercial purposes"),
}
OPERANDS = {
    PURPOSE: _("Purpose"),
    SPATIAL: _("Territory"),
    "recipient": _("Recipient"),
    DATE_TIME: _("Time"),
    COUNT: _("Number of pictures"),
    CONTENT_RATING: _("Content rating"),
    MAX_SIMILARITY: _("Likeness to a listed work, percent"),
}
OPERATORS = {
    "eq": _("is"),
    "neq": _("is not"),
    "lt": _("before, or less than"),
    "lteq": _("at most"),
    "gt": _("after, or more than"),
    "gteq": _("from"),
    "isAnyOf": _("one of"),
    "isNoneOf": _("none of"),
    "isPartOf": _("part of"),
    "isAllOf": _("all of"),
    "isA": _("a kind of"),
    "hasPart": _("what includes"),
}


@require_safe
@vary_on_headers("Accept", "Accept-Language", "Cookie")
def licence(request: HttpRequest, offer_id: UUID, form: str = "") -> HttpResponse:
    """Return one version of an offer in the form that its suffix names, or that is asked for; 404 for none."""
    published = _published(request, offer_id)
    chosen = form or _accepted(request.headers.get("Accept", ""))
    answer: Callable[[HttpRequest, Published], HttpResponse] = {
        "html": _page, "jsonld": _odrl, "xml": _rsl, "json": _json,
    }[chosen]  # fmt: skip
    response = answer(request, published)
    links = [f'<{published.url}.{name}>; rel="alternate"; type="{kind}"' for name, kind in FORMS.items()]
    links.append(f'<{published.url}.xml>; rel="license"; type="{rsl.MEDIA_TYPE}"')
    response["Link"] = ", ".join(links)
    response["Content-Usage"] = reservations.content_usage(published)
    response["tdm-reservation"] = str(int(reservations.reserves_mining(published)))
    response["tdm-policy"] = f"{published.url}.jsonld"
    return response


@require_safe
def status(request: HttpRequest, offer_id: UUID) -> JsonResponse:
    """Return whether an offer, or a grant, stands today; what was made under it keeps its terms either way."""
    try:
        told = publishing.status_of(offer_id)
    except UnknownOffer as fault:
        raise Http404 from fault
    response = JsonResponse({**told, "note": _note()})
    response["Cache-Control"] = "no-store"
    response["Access-Control-Allow-Origin"] = "*"
    return response


@require_safe
@cache_control(max_age=3600)
def tdmrep(request: HttpRequest) -> JsonResponse:
    """Return which listed works are reserved against text and data mining (W3C TDM Reservation Protocol)."""
    offered = (one for one in _listed(request) if one.subject_kind == "work")
    works = ((f"{PLACES['work']}{one.subject_id}/preview", one) for one in offered)
    return JsonResponse(reservations.tdm_declarations(works), safe=False)


@require_safe
@cache_control(max_age=3600)
def robots(request: HttpRequest) -> HttpResponse:
    """Return robots.txt with where the licences are and what may be done with what is read."""
    text = reservations.robots(
        licence_url=request.build_absolute_uri("/licences.xml"), usage=reservations.content_usage()
    )
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


@require_safe
@cache_control(max_age=3600)
def licences(request: HttpRequest) -> HttpResponse:
    """Return every offer that stands as one RSL document."""
    return HttpResponse(rsl.document(_listed(request)), content_type=rsl.MEDIA_TYPE)


def _published(request: HttpRequest, offer_id: UUID) -> Published:
    try:
        return publishing.published(offer_id, base=_base(request))
    except UnknownOffer as fault:
        raise Http404 from fault


def _listed(request: HttpRequest) -> Iterable[Published]:
    return publishing.standing_published(base=_base(request), most=MOST_LISTED)


def _base(request: HttpRequest) -> str:
    return request.build_absolute_uri("/").rstrip("/")


def _accepted(header: str) -> str:
    """Return the form that an Accept header prefers: the first of ours that it names; the page for the rest."""
    wanted = []
    for part in header.lower().split(","):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        weight = next((one[2:] for one in parameters if one.startswith("q=")), "1")
        wanted.append((-_weight(weight), kind))
    known = {**{kind: name for name, kind in FORMS.items()}, "application/xml": "xml", "text/xml": "xml"}
    ranked = [known[kind] for _weight_of, kind in sorted(wanted, key=lambda one: one[0]) if kind in known]
    return ranked[0] if ranked else "html"


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _odrl(request: HttpRequest, published: Published) -> HttpResponse:
    return JsonResponse(odrl.policy(published), content_type=FORMS["jsonld"], json_dumps_params={"ensure_ascii": False})


def _rsl(request: HttpRequest, published: Published) -> HttpResponse:
    return HttpResponse(rsl.document([published]), content_type=FORMS["xml"])


def _json(request: HttpRequest, published: Published) -> HttpResponse:
    return JsonResponse(
        {
            "id": published.id,
            "state": published.state,
            "version": published.version,
            "terms": published.terms.as_json(),
            "terms_digest": published.terms_digest,
            "cawg": reservations.training_mining(published),
            "xmp": reservations.xmp_properties(published),
            "content_usage": reservations.content_usage(published),
            "odrl": f"{published.url}.jsonld",
            "rsl": f"{published.url}.xml",
        },
        json_dumps_params={"ensure_ascii": False},
    )


def _page(request: HttpRequest, published: Published) -> HttpResponse:
    terms, is_chinese = published.terms, page_language() == "zh-Hans"
    said = conditions_and_policy(inherited_of(published.subject_kind, UUID(published.subject_id)))
    return render(
        request,
        "web/licence.html",
        {
            "offer": published,
            "name": published.name_zh if is_chinese else published.name,
            "licence": licence_name(terms.licence),
            "permitted": [ACTIONS[one] for one in ACTIONS if one in terms.permissions],
            "prohibited": [ACTIONS[one] for one in ACTIONS if one in terms.prohibitions],
            "not_commercial": COMMERCIALIZE not in terms.permissions,
            "conditions": [_condition(one) for one in terms.constraints],
            "duties": [duty.zh if is_chinese else duty.en for duty in terms.duties],
            "came_with": said[page_language()] if said else "",
            "price": terms.price.money.written() if terms.price else "",
            "may_take": not published.is_open and published.state == "standing" and request.user.is_authenticated,
            "needs_approval": terms.needs_approval,
            "facts": {"offer": published.id},
            "words": words.LICENCE,
        },
    )


def _condition(constraint: Any) -> dict[str, Any]:
    return {
        "what": OPERANDS.get(constraint.left_operand, constraint.left_operand),
        "how": OPERATORS.get(constraint.operator, constraint.operator),
        "values": constraint.right_operand,
    }


def _note() -> dict[str, str]:
    return {
        "en": "What was made under these terms keeps them, whatever became of them since.",
        "zh-Hans": "依这些条款生成的内容保留其条款，无论此后条款如何变化。",
    }
