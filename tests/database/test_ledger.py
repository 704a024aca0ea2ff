"""The ledger: every movement balances by constraint, nothing is edited, and held money waits for its reason to end."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provenance.actor import Actor, NotPermitted
from provenance.audit_log.models import Entry
from provenance.licensing.actions import holding
from provenance.licensing.actions.ledger import locked, reverse
from provenance.licensing.actions.paying import close_period, record_payout
from provenance.licensing.errors import NothingPayable, PayoutDiffers
from provenance.licensing.models import Hold, LedgerTransaction, Posting, RoyaltyLine
from provenance.licensing.money import Money
from provenance.works.models import Party
from tests.factories.log import one_entry
from tests.factories.records import a_model, a_party, a_style, a_work, an_artist, kinds_of_entries
from tests.factories.royalties import (
    a_decision,
    a_licensee,
    a_price,
    balances,
    earned,
    standings,
    two_payees,
)

pytestmark = pytest.mark.django_db
OPERATOR = Actor(account_id=UUID(int=9), roles=frozenset({"operator"}))
NEW_TRANSACTION = """
INSERT INTO licensing_ledgertransaction (id, kind, at, leaf, reason, image, subject_kind, terms_digest)
VALUES (%s, 'royalty', now(), '', '', '', '', '')
"""
NEW_POSTING = """
INSERT INTO licensing_posting (transaction_id, account, holder, line_id, amount, currency)
VALUES (%s, %s, %s, %s, %s, 'EUR')
"""


def lines_of(party: Party, *, images: int = 1, amount: int = 250, **more: object) -> list[RoyaltyLine]:
    decision = a_decision(price=a_price(amount, splits={party.pk: 10_000}), **more)  # type: ignore[arg-type]
    return earned(a_licensee(f"mara {uuid4()}"), decision, images=images)


def a_verified_party(name: str = "Ada Painter") -> Party:
    party = a_party(name)
    with transaction.atomic():
        one_entry()
        Party.objects.filter(pk=party.pk).update(claim="identity-verified")
    party.refresh_from_db()
    return party


def sql(*statements: tuple[str, list[object]]) -> None:
    """Run plain SQL in one transaction with an entry beside it, constraints and all."""
    with transaction.atomic(), connection.cursor() as cursor:
        one_entry()
        for statement, values in statements:
            cursor.execute(statement, values)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


# ---- kept by the database -------------------------------------------------------------------------------------


def test_plain_sql_cannot_make_a_transaction_that_does_not_balance() -> None:
    one, holder = uuid4(), uuid4()
    with pytest.raises(IntegrityError, match="debits and credits"):
        sql(
            (NEW_TRANSACTION, [one]),
            (NEW_POSTING, [one, "owed", holder, None, 250]),
            (NEW_POSTING, [one, "accrued", holder, None, -249]),
        )
    assert not Posting.objects.exists()


def test_plain_sql_cannot_make_a_transaction_that_moves_nothing() -> None:
    with pytest.raises(IntegrityError, match="moves nothing"):
        sql((NEW_TRANSACTION, [uuid4()]))


@pytest.mark.django_db(transaction=True)
def test_a_transaction_takes_no_posting_after_it_was_made() -> None:
    line = lines_of(a_party())[0]
    values = [line.transaction_id, "owed", uuid4(), None]
    with pytest.raises(IntegrityError, match="no posting after"):
        sql((NEW_POSTING, [*values, 5]), (NEW_POSTING, [*values, -5]))


@pytest.mark.parametrize("account", ["accrued", "held", "paid"])
def test_plain_sql_cannot_let_a_line_stand_in_two_accounts(account: str) -> None:
    line = lines_of(a_party())[0]
    one = uuid4()
    with pytest.raises(IntegrityError, match="would stand as"):
        sql(
            (NEW_TRANSACTION, [one]),
            (NEW_POSTING, [one, "accrued", line.party_id, line.pk, 100]),
            (NEW_POSTING, [one, account if account != "accrued" else "owed", line.party_id, line.pk, -100]),
        )


@pytest.mark.parametrize("table", ["licensing_ledgertransaction", "licensing_royaltyline", "licensing_posting"])
@pytest.mark.parametrize("change", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_the_ledger_refuses_every_edit(table: str, change: str) -> None:
    lines_of(a_party())
    connection.check_constraints()
    with pytest.raises(IntegrityError, match="append-only"):
        sql((change.format(table), []))
    assert balances() == {"accrued": 250, "owed": -250}


def test_a_line_without_a_posting_is_refused() -> None:
    line = lines_of(a_party())[0]
    with pytest.raises(IntegrityError, match="never posted"), transaction.atomic():
        one_entry()
        RoyaltyLine.objects.create(
            transaction=line.transaction, party=a_party("Ben"), number=1, basis_points=1, amount=1, currency="EUR"
        )
        connection.check_constraints()


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(amounts=st.lists(st.integers(1, 10**12), min_size=1, max_size=4), points=st.integers(1, 9_999))
def test_whatever_happens_to_lines_all_accounts_add_up_to_nothing(amounts: list[int], points: int) -> None:
    with transaction.atomic():
        ada, ben = a_verified_party("Ada"), a_party("Ben")
        licensee = a_licensee(f"mara {uuid4()}")
        for amount in amounts:
            price = a_price(amount, splits={ada.pk: points, ben.pk: 10_000 - points})
            lines = earned(licensee, a_decision(price=price), images=2)
            reverse(locked(line.pk for line in lines[:1]), reason="test")
        close_period(actor=OPERATOR, until=timezone.now())
        left = balances()
        assert sum(left.values()) == 0
        assert -left.get("owed", 0) == left.get("payable", 0) + left.get("held", 0)
        connection.check_constraints()
        transaction.set_rollback(True)


# ---- holds ----------------------------------------------------------------------------------------------------


def test_a_hold_stops_what_was_earned_and_what_is_still_earned_until_it_is_released() -> None:
    ada = a_verified_party()
    subject = uuid4()
    before = lines_of(ada, id=str(subject))
    holding.hold(subject_kind="style", subject_id=subject, reason="dispute 1")
    after, other = lines_of(ada, id=str(subject)), lines_of(ada)
    assert standings([*before, *after]) == {"held": 2} and standings(other) == {"accrued": 1}
    assert close_period(actor=OPERATOR, until=timezone.now()) == {"payable": 1, "held": 0}
    holding.release(subject_kind="style", subject_id=subject, reason="dispute 1")
    assert standings([*before, *after]) == {"accrued": 2}
    assert kinds_of_entries().count("LinesHeld") == 2 and kinds_of_entries().count("LinesFreed") == 1


def test_placing_and_lifting_a_hold_twice_changes_nothing() -> None:
    line = lines_of(a_party(), id=str(subject := uuid4()))
    for _ in range(2):
        holding.hold(subject_kind="style", subject_id=subject, reason="dispute 1")
    entries = Entry.objects.count()
    holding.release(subject_kind="style", subject_id=subject, reason="dispute 2")
    assert Hold.objects.count() == 1 and Entry.objects.count() == entries and standings(line) == {"held": 1}


def test_what_two_holds_cover_waits_for_both() -> None:
    ada = a_party()
    line = lines_of(ada, id=str(subject := uuid4()))
    holding.hold(subject_kind="style", subject_id=subject, reason="dispute 1")
    holding.hold(subject_kind="party", subject_id=ada.pk, reason="dispute 2")
    holding.release(subject_kind="style", subject_id=subject, reason="dispute 1")
    assert standings(line) == {"held": 1}
    holding.release(subject_kind="party", subject_id=ada.pk, reason="dispute 2")
    assert standings(line) == {"accrued": 1}


def test_a_hold_on_a_work_covers_the_styles_that_stand_on_it() -> None:
    owner = an_artist("ada")
    party = a_party(member=owner)
    work = a_work(owner, party)
    style = a_style(a_model(), party=party, licence="", works=[work], actor=owner.actor())
    line = lines_of(party, id=str(style.pk))
    holding.hold(subject_kind="work", subject_id=work.pk, reason="dispute 1")
    assert standings(line) == {"held": 1}


def test_a_hold_on_an_image_covers_only_its_lines() -> None:
    first, second = lines_of(a_party(), images=2)
    holding.hold(subject_kind="image", subject_id=first.transaction.image, reason="dispute 1")
    assert standings([first]) == {"held": 1} and standings([second]) == {"accrued": 1}


def test_a_dispute_that_another_wins_reverses_the_lines_and_lets_them_accrue_to_the_winner() -> None:
    (ada, ben), winner = two_payees(), a_party("Cleo Weaver")
    price = a_price(251, splits={ada.pk: 5_000, ben.pk: 5_000})
    lines = earned(a_licensee(), a_decision(price=price, id=str(subject := uuid4())), images=2)
    holding.hold(subject_kind="style", subject_id=subject, reason="dispute 1")
    holding.reassign(subject_kind="style", subject_id=subject, reason="dispute 1", owner=winner.pk)
    holding.release(subject_kind="style", subject_id=subject, reason="dispute 1")
    assert standings(lines) == {"reversed": 4}
    assert balances(winner.pk) == {"accrued": 502} and balances() == {"accrued": 502, "owed": -502}
    new = LedgerTransaction.objects.filter(replaces__isnull=False)
    assert {one.reason for one in new} == {"dispute 1"} and new.count() == 2


# ---- payable and paid -----------------------------------------------------------------------------------------


def test_only_a_verified_party_is_paid_and_what_it_earned_before_waits_with_the_reason() -> None:
    ada = a_party()
    line = lines_of(ada)
    assert close_period(actor=OPERATOR, until=timezone.now()) == {"payable": 0, "held": 1}
    assert Entry.objects.filter(kind="LinesHeld").get().opening.details["reason"] == "party-not-verified"
    with pytest.raises(NothingPayable):
        record_payout(actor=OPERATOR, party=ada, money=Money(250, "EUR"), reference="bank 1")
    Party.objects.filter(pk=ada.pk).update(claim="identity-verified")
    assert close_period(actor=OPERATOR, until=timezone.now()) == {"payable": 1, "held": 0}
    assert standings(line) == {"payable": 1}


@pytest.mark.parametrize(
    ("guardian", "goes"), [(None, "held"), ("self-declared", "held"), ("identity-verified", "payable")]
)
def test_a_minor_is_paid_only_with_a_verified_guardian(guardian: str | None, goes: str) -> None:
    ada = a_verified_party()
    line = lines_of(ada)
    other = a_party("Grandma") if guardian else None
    with transaction.atomic():
        one_entry()
        if other:
            Party.objects.filter(pk=other.pk).update(claim=guardian)
        Party.objects.filter(pk=ada.pk).update(is_minor=True, guardian=other)
    close_period(actor=OPERATOR, until=timezone.now())
    assert standings(line) == {goes: 1}
    if goes == "held":
        assert Entry.objects.get(kind="LinesHeld").opening.details["reason"] == "guardian-missing"


def test_a_payout_is_an_operators_recorded_act_of_exactly_what_is_payable() -> None:
    ada = a_verified_party()
    lines = lines_of(ada, images=3)
    close_period(actor=OPERATOR, until=timezone.now())
    entries = Entry.objects.count()
    with pytest.raises(PayoutDiffers, match=r"7\.50 EUR"):
        record_payout(actor=OPERATOR, party=ada, money=Money(700, "EUR"), reference="bank 1")
    with pytest.raises(NotPermitted):
        record_payout(actor=a_licensee(), party=ada, money=Money(750, "EUR"), reference="bank 1")
    assert Entry.objects.count() == entries
    record_payout(actor=OPERATOR, party=ada, money=Money(750, "EUR"), reference="bank 1")
    assert standings(lines) == {"paid": 3} and balances(ada.pk) == {"paid": 750}
    told = Entry.objects.get(kind="PayoutRecorded").opening.details
    assert told["amount"] == "750" and "bank 1" not in str(told)
    with pytest.raises(NothingPayable):
        record_payout(actor=OPERATOR, party=ada, money=Money(750, "EUR"), reference="bank 1")


def test_a_line_that_is_reversed_after_it_was_paid_is_taken_off_the_next_payout() -> None:
    ada = a_verified_party()
    first = lines_of(ada, amount=300)
    close_period(actor=OPERATOR, until=timezone.now())
    record_payout(actor=OPERATOR, party=ada, money=Money(300, "EUR"), reference="one")
    reverse(locked(line.pk for line in first), reason="refund")
    reverse(locked(line.pk for line in first), reason="refund")  # a second time changes nothing
    assert balances(ada.pk) == {"paid": 300, "repayable": -300}
    lines_of(ada, amount=500)
    close_period(actor=OPERATOR, until=timezone.now())
    record_payout(actor=OPERATOR, party=ada, money=Money(200, "EUR"), reference="two")
    assert balances(ada.pk) == {"paid": 500} and balances() == {"paid": 500, "owed": -500}


def test_a_payout_of_more_lines_than_one_entry_holds_is_recorded_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provenance.licensing.actions.ledger.MOST_LINES", 2)
    monkeypatch.setattr("provenance.licensing.actions.paying.MOST_LINES", 2)
    ada = a_verified_party()
    lines = lines_of(ada, images=5)
    close_period(actor=OPERATOR, until=timezone.now())
    assert len(record_payout(actor=OPERATOR, party=ada, money=Money(1_250, "EUR"), reference="one")) == 3
    assert standings(lines) == {"paid": 5} and kinds_of_entries().count("LinesDue") == 3
