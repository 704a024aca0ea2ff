"""One address for the terms of an offer: as a page in both languages, ODRL, RSL and JSON, and what stands today."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit
from urllib.robotparser import RobotFileParser
from uuid import uuid4
from xml.etree import ElementTree

import pytest

from provenance.licensing.actions.opting_out import record_opt_out
from tests.factories.records import a_work, an_artist
from tests.factories.shops import PRICE, USES, Shop, a_shop
from tests.simulators.caller import Caller

pytestmark = pytest.mark.django_db
CHINESE = {"Accept-Language": "zh-hans"}


@pytest.fixture
def shop() -> Shop:
    return a_shop()


@pytest.fixture
def offer(shop: Shop) -> dict[str, Any]:
    return shop.offer(price=PRICE, territories=["EU"], prohibitions=["ai-train"], attribution="© <Ada>")


def test_the_page_says_the_terms_in_both_languages_and_calls_our_policy_so(offer: dict[str, Any]) -> None:
    page = Caller().get(f"/licences/{offer['id']}").content.decode()
    for said in ("Fx Emoji", "2.50 EUR", "You may not", "EU", "© &lt;Ada&gt;", "law on it is unsettled",
                 offer["terms_digest"], "cautious policy"):  # fmt: skip
        assert said in page, said
    page = Caller().get(f"/licences/{offer['id']}", **CHINESE).content.decode()
    assert 'lang="zh-Hans"' in page
    for said in ("您可以", "您不得", "谨慎政策", "2.50 EUR"):
        assert said in page, said


@pytest.mark.parametrize(
    ("suffix", "accept", "kind"),
    [
        ("", "*/*", "text/html"),
        ("", "text/html,application/xhtml+xml,*/*;q=0.8", "text/html"),
        ("", "application/ld+json", "application/ld+json"),
        ("", "text/html;q=0.2, application/rsl+xml", "application/rsl+xml"),
        ("", "application/xml", "application/rsl+xml"),
        ("", "application/json", "application/json"),
        ("", "image/png;q=x", "text/html"),
        (".html", "application/json", "text/html"),
        (".jsonld", "*/*", "application/ld+json"),
        (".xml", "*/*", "application/rsl+xml"),
        (".json", "*/*", "application/json"),
    ],
)
def test_each_form_is_had_by_suffix_and_by_asking(offer: dict[str, Any], suffix: str, accept: str, kind: str) -> None:
    answer = Caller().get(f"/licences/{offer['id']}{suffix}", Accept=accept)
    assert answer.status_code == 200 and answer["Content-Type"].partition(";")[0] == kind
    assert answer["Content-Usage"] == "train-ai=n" and answer["tdm-reservation"] == "1"
    assert 'rel="license"; type="application/rsl+xml"' in answer["Link"]


def test_all_forms_come_from_the_same_terms(shop: Shop, offer: dict[str, Any]) -> None:
    caller, address = Caller(), f"/licences/{offer['id']}"
    policy = caller.get(f"{address}.jsonld").json()
    assert policy["uid"].endswith(address) and len(policy["permission"]) == len(offer["terms"]["permissions"])
    assert policy["permission"][0]["target"].endswith(f"/api/v1/styles/{shop.style.pk}")
    document = ElementTree.fromstring(caller.get(f"{address}.xml").content)
    assert [one.text for one in document.iter("{https://rslstandard.org/rsl}amount")] == ["2.50"]
    told = caller.get(f"{address}.json").json()
    assert told["terms"] == offer["terms"] and told["xmp"]["plus:DataMining"].endswith("PROHIBITED-AIMLTRAINING")


def test_every_version_keeps_its_address_and_names_its_neighbours(shop: Shop, offer: dict[str, Any]) -> None:
    later = Caller(shop.owner).post(f"/api/v1/offers/{offer['id']}/versions", {"permissions": USES}).json()
    old = Caller().get(f"/licences/{offer['id']}.jsonld").json()
    new = Caller().get(f"/licences/{later['id']}.jsonld").json()
    assert old["gen:state"] == "superseded" and old["dcterms:isReplacedBy"] == new["uid"]
    assert new["dcterms:replaces"] == old["uid"] and new["dcterms:hasVersion"] == "2"
    assert "later version" in Caller().get(f"/licences/{offer['id']}").content.decode()


def test_the_status_tells_what_became_of_an_offer_and_of_a_grant_and_not_whose_it_is(
    shop: Shop, offer: dict[str, Any]
) -> None:
    mara = an_artist("mara")
    grant = Caller(mara).post(f"/api/v1/offers/{offer['id']}/grants").json()
    caller = Caller()
    for one, kind, state in ((offer, "offer", "standing"), (grant, "grant", "granted")):
        told = caller.get(f"/licences/{one['id']}/status").json()
        assert (told["kind"], told["state"], told["opted_out"]) == (kind, state, False)
        assert str(mara.pk) not in str(told)
    Caller(shop.owner).post(f"/api/v1/grants/{grant['id']}/revoke")
    Caller(shop.owner).post(f"/api/v1/offers/{offer['id']}/withdraw")
    record_opt_out(
        actor=shop.owner.actor(), party=shop.party, subject_kind="party", subject_id=shop.party.pk, source="form"
    )
    told = caller.get(f"/licences/{grant['id']}/status").json()
    assert (told["state"], told["opted_out"], told["events"][0]["kind"]) == ("revoked", True, "revoked")
    assert caller.get(f"/licences/{offer['id']}/status").json()["state"] == "withdrawn"
    assert "was withdrawn" in caller.get(f"/licences/{offer['id']}").content.decode()


@pytest.mark.parametrize("suffix", ["", ".xml", "/status"])
def test_a_licence_that_there_is_not_is_not_found(suffix: str) -> None:
    assert Caller().get(f"/licences/{uuid4()}{suffix}").status_code == 404


def test_robots_find_the_licences_and_each_free_work(shop: Shop, offer: dict[str, Any]) -> None:
    free = a_work(shop.owner, shop.party, seed=5, title="Free", licence="CC0-1.0")
    bound = a_work(shop.owner, shop.party, seed=6, title="Bound", licence="CC-BY-4.0")
    robots = Caller().get("/robots.txt").content.decode()
    assert "License: http://testserver/licences.xml" in robots and "Content-Usage: train-ai=n" in robots
    document = ElementTree.fromstring(Caller().get("/licences.xml").content)
    assert {one.get("url", "").rpartition("/")[2] for one in document} == {
        str(shop.style.pk), str(free.pk), str(bound.pk),
    }  # fmt: skip
    *listed, rest = Caller().get("/.well-known/tdmrep.json").json()
    assert {one["location"]: one["tdm-reservation"] for one in listed} == {
        f"/api/v1/works/{free.pk}/preview": 0, f"/api/v1/works/{bound.pk}/preview": 1,
    }  # fmt: skip
    assert rest == {"location": "/*", "tdm-reservation": 1}
    assert {one.text for one in document.iter("{https://rslstandard.org/rsl}standard")} == {
        "https://creativecommons.org/publicdomain/zero/1.0/", "https://creativecommons.org/licenses/by/4.0/",
    }  # fmt: skip


@pytest.mark.parametrize("comes_first", [False, True])
def test_what_licences_and_reservations_name_robots_may_read_and_nothing_else_of_the_interface(
    shop: Shop, offer: dict[str, Any], comes_first: bool
) -> None:
    a_work(shop.owner, shop.party, seed=5, title="Free", licence="CC0-1.0")
    shop.offer(subject_kind="party", subject=str(shop.party.pk), permissions=["derive"])
    may = first_fitting if comes_first else longest_fitting
    rules = Caller().get("/robots.txt").content.decode()
    document = ElementTree.fromstring(Caller().get("/licences.xml").content)
    *reserved, _ = Caller().get("/.well-known/tdmrep.json").json()
    named = [urlsplit(one.get("url", "")).path for one in document]
    assert {path.split("/")[3] for path in named} == {"works", "styles", "parties"} and reserved
    for path in (*named, *(one["location"] for one in reserved), "/", "/licences.xml", f"/licences/{offer['id']}"):
        assert may(rules, path), path
    for path in ("/api/v1/generations", "/api/v1/images/sha256:1", "/api/schema", "/api/v1/works", "/api/v1/me/tokens"):
        assert not may(rules, path), path


def first_fitting(rules: str, path: str) -> bool:
    """Read robots.txt as Python's own reader does."""
    reader = RobotFileParser()
    reader.parse(rules.splitlines())
    return reader.can_fetch("anybody", path)


def longest_fitting(rules: str, path: str) -> bool:
    """Read robots.txt as RFC 9309 says."""
    said = [line.split(": ", 1) for line in rules.splitlines() if line.startswith(("Allow: ", "Disallow: "))]
    fitting = [(len(start), rule == "Allow") for rule, start in said if path.startswith(start)]
    return max(fitting)[1]
