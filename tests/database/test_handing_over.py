"""A work that an auditor gave to its painter: what the former owner said no to it holds no longer, others' no does."""

from __future__ import annotations

import pytest

from provenance.licensing.actions.opting_out import opt_out_picture, record_opt_out
from provenance.licensing.models import OptOut
from tests.database.test_disputes import found_complete, given
from tests.database.test_flags import a_painting, encoded, listed
from tests.factories.records import a_model, a_party, a_request, an_artist, an_auditor, as_image, kinds_of_entries
from tests.simulators.caller import Caller

pytestmark = pytest.mark.django_db


def test_the_former_owners_opt_outs_end_with_a_reassignment_and_those_of_others_stay() -> None:
    thief, painter, noa, auditor = an_artist("thief"), an_artist("painter"), an_artist("noa"), an_auditor()
    work = listed(thief, "Thief", encoded(a_painting()))
    kept = listed(thief, "Thief again", encoded(a_painting(7)))
    mine, other = a_party("The painter", member=painter), a_party("Noa", member=noa)
    for one in (work, kept):
        record_opt_out(
            actor=thief.actor(), party=one.owner, subject_kind="work", subject_id=one.pk, source="form"
        )
    opt_out_picture(actor=thief.actor(), party=work.owner, data=encoded(a_painting()), source="form")
    others = opt_out_picture(actor=noa.actor(), party=other, data=encoded(a_painting(9)), source="form")
    address, _ = given("work", work.pk)
    found_complete(address, auditor)
    body = {"upheld": True, "reason": "Theirs.", "remedy": "reassign", "new_owner": str(mine.pk)}
    assert Caller(auditor).post(f"{address}/resolution", body).status_code == 200
    standing = OptOut.objects.filter(state=OptOut.State.ACTIVE)
    assert {one.subject_id for one in standing} == {kept.pk, others.pk}
    assert kinds_of_entries().count("OptOutWithdrawn") == 2
    a_model()
    assert a_request(painter, **as_image(work)).state == "queued"
