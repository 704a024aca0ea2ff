"""What a decision reads: four statements, however many references, grants and registered names there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from generation.actions import requesting
from generation.actions.requesting import decide_again, decide_for, gather, request_generation
from generation.models import Generation
from provenance.licensing.decision import Decision
from provenance.works.models import Party
from tests.factories.many_grants import GRANTS, ManyGrants, many_grants
from tests.factories.records import a_party, a_work, an_artist
from tests.factories.shops import stand_on

pytestmark = pytest.mark.django_db
AT_MOST = 4
"""Queries of a decision over eight references and a thousand grants."""


@pytest.fixture
def many() -> ManyGrants:
    return many_grants()


@contextmanager
def queries(at_most: int) -> Iterator[None]:
    with CaptureQueriesContext(connection) as found:
        yield
    assert 0 < len(found) <= at_most, [query["sql"][:80] for query in found]


def decided(many: ManyGrants, *, at_most: int, **more: object) -> Decision:
    """Decide on a request that was looked up before, counting what that reads."""
    actor = many.artist.actor()
    gathered = gather(actor=actor, request=replace(many.request, **more))  # type: ignore[arg-type]  # any field
    with queries(at_most):
        return decide_for(actor=actor, gathered=gathered, images=4)


def test_eight_references_and_a_thousand_grants_are_four_queries(many: ManyGrants) -> None:
    decision = decided(many, at_most=AT_MOST)
    kinds = [(answer.subject.kind, answer.subject.found_in) for answer in decision.references[1:]]
    assert kinds == [("style", "declared")] * 4 + [("style", "prompt")] * 2 + [("work", "declared")] * 2
    assert decision.is_permitted and {answer.basis for answer in decision.references[1:]} == {"grant"}
    last = {1 + number for number in range(GRANTS - 8, GRANTS)}
    assert {answer.price.money.minor_units for answer in decision.references if answer.price} == last


def test_without_a_name_in_the_prompt_they_are_three(many: ManyGrants) -> None:
    assert decided(many, at_most=3, prompt="a red cat").is_permitted


def test_a_party_named_in_the_prompt_is_no_more(many: ManyGrants) -> None:
    Party.objects.filter(pk=many.party.pk).update(claim="evidence-reviewed")
    decision = decided(many, at_most=AT_MOST, prompt="a red cat by Ada Painter")
    assert decision.is_permitted and decision.references[-1].subject.kind == "name"


def test_own_styles_on_works_of_others_are_no_more(many: ManyGrants) -> None:
    painter = an_artist("pia")
    work = a_work(painter, a_party("Pia", member=painter), seed=60, title="Open", licence="CC-BY-4.0")
    for style in many.styles:
        stand_on(style, work)
    many.party.members.create(account_id=many.artist.pk)
    decision = decided(many, at_most=AT_MOST)
    assert decision.is_permitted
    assert [answer.basis for answer in decision.references[1:]] == ["open-licence"] * 6 + ["own-work"] * 2


def test_what_stops_works_and_styles_is_read_with_the_rest(many: ManyGrants) -> None:
    many.works[0].state = "disputed"
    many.works[0].save()
    behind = many.styles[0].works.get()
    behind.state = "withdrawn"
    behind.save()
    decision = decided(many, at_most=AT_MOST)
    assert len(decision.refusals()) == 7, "the disputed work, and six styles on the withdrawn one"


def test_requesting_and_deciding_on_it_again_at_dequeue_read_as_little(
    many: ManyGrants, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole: Callable[..., Decision] = requesting.decide_for

    def counted(**told: object) -> Decision:
        with queries(AT_MOST):
            return whole(**told)

    monkeypatch.setattr(requesting, "decide_for", counted)
    made = request_generation(actor=many.artist.actor(), name="mara", request=many.request)
    assert made.state == "queued" and len({answer["right"] for answer in made.decision["references"]}) == 9
    generation = Generation.objects.select_related("model").get(pk=made.pk)
    with queries(AT_MOST + 2):  # two look up the styles and works that the record names
        again = decide_again(generation)
    assert again.is_permitted and again.as_json()["references"] == made.decision["references"]


def test_looking_up_what_a_request_names_does_not_grow_with_it(many: ManyGrants) -> None:
    with queries(6):
        gather(actor=many.artist.actor(), request=many.request)
    with queries(2):
        gather(actor=many.artist.actor(), request=replace(many.request, inputs=()))
