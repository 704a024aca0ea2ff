"""Edits made elsewhere: an upload is signed as an edit of an image only where it is that image still."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from generation.actions.renditions import make_rendition
from generation.errors import LooksLikeAnother, NotARetouch
from generation.models import Output, Rendition
from generation.rendition import Change
from provenance import storage
from provenance.audit_log.models import Entry
from provenance.credentials.development_ca import DevelopmentCA
from provenance.picture import decode_picture
from server.accounts.models import Account
from tests.factories.delivered import an_output
from tests.factories.pictures import a_picture, encoded
from tests.factories.records import a_party, a_work, an_artist
from tests.simulators.caller import Caller, is_problem

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def output(home: Path, keys: Path, mara: Account) -> Output:
    """Deliver a picture, 64 pixels each way."""
    return an_output(keys, mara)


def retouch(keys: Path, owner: Account, output: Output, pixels: Any) -> Rendition:
    key = DevelopmentCA(keys).signing_key(now=datetime.now(UTC))
    return make_rendition(actor=owner.actor(), digest=output.digest, change=Change(retouched=pixels), key=key)


def nothing_was_made(entries: int) -> bool:
    return not Rendition.objects.exists() and Entry.objects.count() == entries


@pytest.mark.parametrize(
    "pixels",
    [np.asarray(a_picture(seed=9, width=64, height=64)), np.full((64, 64, 3), 90, np.uint8)],
    ids=["another picture", "a plain one"],
)
def test_an_unrelated_picture_is_not_signed_as_an_edit_of_ours(
    keys: Path, mara: Account, output: Output, pixels: Any
) -> None:
    before = Entry.objects.count()
    with pytest.raises(NotARetouch) as refused:
        retouch(keys, mara, output, pixels)
    assert refused.value.said("zh-Hans") != refused.value.said("en")
    answer = Caller(mara).upload(f"/api/v1/images/{output.digest}/edits", encoded(a_picture(seed=9)))
    is_problem(answer, 422, "not-a-retouch")
    assert nothing_was_made(before)


def test_a_picture_that_somebody_else_has_listed_is_refused_with_that_reason(
    keys: Path, mara: Account, output: Output
) -> None:
    ada = an_artist("ada")
    work = a_work(ada, a_party("Ada", member=ada), seed=4)
    before = Entry.objects.count()
    with pytest.raises(LooksLikeAnother) as refused:
        retouch(keys, mara, output, decode_picture(storage.load(work.digest)).pixels)
    assert (refused.value.kind, refused.value.subject) == ("work", work.pk)
    assert str(work.pk) in refused.value.said("zh-Hans")
    assert nothing_was_made(before)


def test_brighter_smaller_cut_and_painted_over_it_is_the_image_still(
    keys: Path, mara: Account, output: Output
) -> None:
    pixels = np.array(decode_picture(storage.load(output.digest)).pixels)
    painted = pixels.copy()
    painted[16:40, 16:40] = 90
    brighter = np.minimum(pixels.astype(np.uint16) + 20, 255).astype(np.uint8)
    for edited in (painted, brighter, pixels[2:, 2:], np.repeat(np.repeat(pixels, 2, 0), 2, 1)):
        assert retouch(keys, mara, output, np.ascontiguousarray(edited)).reason == "retouch"
