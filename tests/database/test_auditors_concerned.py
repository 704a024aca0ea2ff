"""No auditor decides on what concerns a party that they act for: another must, and nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from provenance.audit_log.models import Entry
from provenance.disputes.actions.assessing import assess, resolve
from provenance.disputes.actions.claiming import contest
from provenance.disputes.errors import Recused
from provenance.disputes.models import Dispute
from provenance.licensing.actions.deciding_flags import decide_flag
from provenance.licensing.actions.opting_out import opt_out_picture
from provenance.works.actions.parties import record_guardianship, review_claim
from provenance.works.errors import AuditorConcerned
from provenance.works.models import Flag, Party, PartyMember
from server.accounts.models import Account
from tests.database.test_flags import a_painting, encoded, listed
from tests.factories.records import a_party, an_artist, an_auditor
from tests.simulators.caller import Caller, is_problem

pytestmark = pytest.mark.django_db


@contextmanager
def nothing_written() -> Iterator[None]:
    before = Entry.objects.count()
    with pytest.raises(AuditorConcerned):
        yield
    assert Entry.objects.count() == before


def acting_for(party: Party) -> Account:
    """Return an auditor who acts for a party too."""
    auditor = an_auditor(f"auditor of {party.name}")
    PartyMember.objects.create(party=party, account_id=auditor.pk)
    return auditor


def test_the_claim_and_the_guardian_of_ones_own_party_are_for_another_auditor() -> None:
    party, ward = a_party("Ada"), a_party("Young Ada")
    auditor = acting_for(party)
    with nothing_written():
        review_claim(actor=auditor.actor(), party=party, claim="identity-verified", reason="It is me.")
    with nothing_written():
        record_guardianship(actor=auditor.actor(), party=ward, is_minor=True, guardian=party, reason="Mine.")
    said = {"claim": "identity-verified", "reason": "It is me."}
    is_problem(Caller(auditor).post(f"/api/v1/parties/{party.pk}/claim", said), 403, "auditor-concerned")
    other = an_auditor("another").actor()
    assert review_claim(actor=other, party=party, claim="identity-verified", reason="Seen.").claim == said["claim"]
    record_guardianship(actor=other, party=ward, is_minor=True, guardian=party, reason="Seen.")
    with nothing_written():
        review_claim(actor=auditor.actor(), party=ward, claim="identity-verified", reason="My ward.")


@pytest.mark.parametrize("side", ["flagged", "near"])
@pytest.mark.parametrize("against", ["work", "opt-out"])
def test_a_flag_is_decided_by_nobody_who_acts_for_either_side(side: str, against: str) -> None:
    painter = an_artist("painter")
    if against == "work":
        near = listed(painter, "Painter", encoded(a_painting())).owner
    else:
        near = a_party("Painter", member=painter)
        opt_out_picture(actor=painter.actor(), party=near, data=encoded(a_painting()), source="form")
    copy = listed(an_artist("copier"), "Copier", encoded(a_painting(), "JPEG"))
    auditor, flag = acting_for(near if side == "near" else copy.owner), Flag.objects.get()
    with nothing_written():
        decide_flag(actor=auditor.actor(), flag_id=flag.pk, decision="cleared", reason="Looked.")
    decided = decide_flag(actor=an_auditor("another").actor(), flag_id=flag.pk, decision="cleared", reason="Looked.")
    assert decided.work.state == "active"


@pytest.mark.parametrize("side", ["claimant", "owner"])
def test_a_claim_to_a_picture_is_decided_by_nobody_who_acts_for_either_side(side: str) -> None:
    work = listed(an_artist("painter"), "Painter", encoded(a_painting()))
    review_claim(actor=an_auditor("eva").actor(), party=work.owner, claim="evidence-reviewed", reason="Seen.")
    noa = an_artist("noa")
    party = a_party("Noa", member=noa)
    picture = encoded(a_painting(), "JPEG")
    said = opt_out_picture(actor=noa.actor(), party=party, data=picture, source="form", contest=contest)
    dispute = Dispute.objects.get(opt_out=said.pk)
    auditor = acting_for(party if side == "claimant" else work.owner)
    before = Entry.objects.count()
    with pytest.raises(Recused):
        assess(actor=auditor.actor(), dispute=dispute, is_complete=True, reason="Looked.")
    assert Entry.objects.count() == before
    assess(actor=an_auditor("another").actor(), dispute=dispute, is_complete=True, reason="All there.")
    with pytest.raises(Recused):
        resolve(actor=auditor.actor(), dispute=dispute, is_upheld=True, reason="Looked.", remedy="opt-out")
    said.refresh_from_db()
    assert said.state == "awaiting-review"
