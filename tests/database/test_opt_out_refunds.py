"""What an opt-out does to prepaid grants: a refund ends them for good, and a mere word moves no money."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from provenance.audit_log.models import Entry
from provenance.disputes.actions.assessing import assess, resolve
from provenance.disputes.actions.claiming import contest
from provenance.disputes.models import Dispute
from provenance.licensing.actions.opting_out import opt_out_picture, record_opt_out, withdraw_opt_out
from provenance.licensing.models import Grant, OptOut
from provenance.licensing.queries.grants import state_of
from server.accounts.models import Account
from tests.database.test_flags import a_painting, encoded, listed
from tests.factories.records import a_model, a_party, a_request, a_style, an_artist, an_auditor, in_style
from tests.factories.royalties import balances
from tests.factories.shops import Shop
from tests.simulators.caller import Caller

pytestmark = pytest.mark.django_db
PREPAID = {"price": {"amount": "1000", "currency": "EUR", "per": "flat"}, "count": 4}


@dataclass
class Sale:
    """A style on one picture, and a licensee who prepaid for four uses of it."""

    shop: Shop
    licensee: Account
    grant: Grant


@pytest.fixture
def sale() -> Sale:
    owner, licensee = an_artist("ada"), an_artist("mara")
    work = listed(owner, "Ada", encoded(a_painting()))
    style = a_style(a_model(), party=work.owner, works=[work], actor=owner.actor(), licence="")
    shop = Shop(owner, work.owner, style)
    taken: Any = Caller(licensee).post(f"/api/v1/offers/{shop.offer(**PREPAID)['id']}/grants")
    assert taken.status_code == 201 and balances() == {"accrued": 1_000, "owed": -1_000}, taken.content
    return Sale(shop, licensee, Grant.objects.get())


def opted_out(sale: Sale) -> OptOut:
    return record_opt_out(
        actor=sale.shop.owner.actor(), party=sale.shop.party, subject_kind="style", subject_id=sale.shop.style.pk,
        source="form",
    )  # fmt: skip


def test_a_refunded_grant_is_not_usable_again_once_the_opt_out_is_withdrawn(sale: Sale) -> None:
    assert a_request(sale.licensee, **in_style(sale.shop.style)).state == "queued"
    said = opted_out(sale)
    assert state_of(sale.grant) == "revoked" and balances() == {"accrued": 250, "owed": -250}
    assert Entry.objects.filter(kind="GrantRevoked", opening__details__grant=str(sale.grant.pk)).count() == 1
    withdraw_opt_out(actor=sale.shop.owner.actor(), opt_out=said)
    assert a_request(sale.licensee, **in_style(sale.shop.style)).state == "refused"
    opted_out(sale)
    assert Entry.objects.filter(kind="GrantRevoked").count() == 1


def test_a_mere_word_on_somebody_elses_picture_moves_no_money_before_an_auditor_has_looked(sale: Sale) -> None:
    noa = an_artist("noa")
    party = a_party("Noa", member=noa)
    said = opt_out_picture(actor=noa.actor(), party=party, data=encoded(a_painting(), "JPEG"), source="form",
                           contest=contest)  # fmt: skip
    assert said.state == "awaiting-review" and balances() == {"accrued": 1_000, "owed": -1_000}
    assert state_of(sale.grant) == "granted" and a_request(sale.licensee, **in_style(sale.shop.style)).state == "queued"
    dispute, auditor = Dispute.objects.get(opt_out=said.pk), an_auditor().actor()
    assess(actor=auditor, dispute=dispute, is_complete=True, reason="all there")
    resolve(actor=auditor, dispute=dispute, is_upheld=True, reason="looked at both", remedy="opt-out")
    grant = Grant.objects.get()
    assert state_of(grant) == "revoked" and balances() == {"accrued": 250, "owed": -250}
