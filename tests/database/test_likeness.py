"""A likeness limit is held against the listed works before anything is delivered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from generation.actions.likeness import require_unlike
from generation.actions.rendering import render_next
from generation.errors import LikenessUnknown, TooAlike
from generation.models import Generation, ImageModel
from generation.pipelines.seeded_noise import SeededNoisePipeline
from provenance import storage
from provenance.attribution.models import KeptFingerprint
from provenance.licensing.models import Use
from provenance.picture import decode_picture
from provenance.works.models import Style
from tests.factories.records import a_request, a_style, a_work, a_worker, an_artist, in_style
from tests.factories.shops import PRICE, Shop, a_shop
from tests.simulators.caller import Caller

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop() -> Shop:
    return a_shop()


@pytest.fixture
def style(shop: Shop) -> Style:
    """A style on one listed work of the shop."""
    model = ImageModel.objects.get(digest=shop.style.model_digest)
    work = a_work(shop.owner, shop.party, seed=3)
    return a_style(
        model, party=shop.party, actor=shop.owner.actor(), works=[work], slug="close", token="closestyle",
        name="Close", name_zh="", licence="",
    )  # fmt: skip


def asked(shop: Shop, style: Style) -> Generation:
    """Return a request under a grant whose terms limit likeness."""
    artist = an_artist("mara")
    offer = shop.offer(subject=str(style.pk), max_similarity=90, price=PRICE)
    assert Caller(artist).post(f"/api/v1/offers/{offer['id']}/grants").status_code == 201
    generation = a_request(artist, **in_style(style))
    assert generation.decision["references"][1]["checks"] == [
        {"leftOperand": "gen:maxSimilarity", "operator": "lteq", "rightOperand": "90", "unit": "percent"}
    ]
    return generation


def pixels_of(style: Style) -> Any:
    return decode_picture(storage.load(style.works.get().digest)).pixels


def test_a_copy_of_a_listed_work_is_too_alike_and_noise_is_not(shop: Shop, style: Style) -> None:
    generation = asked(shop, style)
    with pytest.raises(TooAlike, match="100 %"):
        require_unlike(generation, images=[pixels_of(style)])
    noise = np.random.default_rng(7).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    require_unlike(generation, images=[noise])
    with pytest.raises(TooAlike):
        require_unlike(generation, images=[noise, pixels_of(style)])


def test_a_limit_that_cannot_be_checked_is_not_met(shop: Shop, style: Style) -> None:
    generation = asked(shop, style)
    plain = np.zeros((64, 64, 3), np.uint8)
    with pytest.raises(LikenessUnknown):
        require_unlike(generation, images=[plain])


def test_a_picture_that_comes_out_too_alike_is_never_delivered_and_releases_what_was_reserved(
    shop: Shop, style: Style, keys: Path
) -> None:
    generation = asked(shop, style)
    picture = pixels_of(style)
    class Copyist(SeededNoisePipeline):
        """Draws the listed work itself."""

        def render(self, order: Any, *, on_step: Any) -> Any:
            """Return the work where its picture was asked for."""
            return replace(super().render(order, on_step=on_step), images=(picture,))

    render_next(worker=a_worker(keys, pipeline=Copyist()))
    generation.refresh_from_db()
    assert (generation.state, generation.fault["code"]) == ("failed", "too-alike")
    assert not generation.outputs.exists() and not KeptFingerprint.objects.filter(kind="image").exists()
    use = Use.objects.get(generation=generation.pk)
    assert use.reserved - use.settled - use.released == 0 and use.settled == 0


def test_without_a_limit_nothing_is_held_against_anything(shop: Shop) -> None:
    shop.offer(is_open=True)
    generation = a_request(an_artist("noa"), **in_style(shop.style))
    require_unlike(generation, images=[np.zeros((64, 64, 3), np.uint8)])
