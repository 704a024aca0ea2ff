"""Splits: everybody who shares in a style or work consents first, and the shares are all of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from provenance.actor import COLOPHON
from provenance.audit_log.models import Entry
from provenance.licensing.actions.styles import register_style
from provenance.works.actions.disputing import hand_over
from provenance.works.actions.splits import consent_to_split, propose_split, refuse_split, require_whole
from provenance.works.errors import (
    CapacityEnded,
    GuardianNeeded,
    NoSuchProposal,
    NotTheOwner,
    SharesDoNotAddUp,
    SharesMissing,
    StyleNotReady,
    UnknownParty,
)
from provenance.works.models import Party, SplitAgreement, Style, Work
from provenance.works.queries import agreements_on, shared_subject, splits_among, splits_of
from server.accounts.models import Account
from tests.factories.records import a_model, a_party, a_request, a_work, an_artist, in_style, kinds_of_entries

pytestmark = pytest.mark.django_db


@dataclass
class Pair:
    """A painter who owns a work, and an inker who is to share in it."""

    painter: Account
    party: Party
    work: Work
    inker: Account
    other: Party

    def shares(self, *points: int) -> dict[object, int]:
        return dict(zip((self.party.pk, self.other.pk), points, strict=True))


@pytest.fixture
def pair() -> Pair:
    painter, inker = an_artist("painter"), an_artist("inker")
    party, other = a_party("Painter", member=painter), a_party("Inker", member=inker)
    return Pair(painter, party, a_work(painter, party), inker, other)


def a_shared_style(pair: Pair, shares: dict[object, int] | None, *works: Work) -> Style:
    return register_style(
        actor=pair.painter.actor(), party=pair.party, slug="duo", name="Duo", works=works or [pair.work],
        model_digest=a_model().digest, token="duo", shares=shares,
    )  # fmt: skip


def test_without_an_agreement_the_owner_has_all(pair: Pair) -> None:
    assert splits_of(pair.work) == [(pair.party.pk, 10_000)]


def test_a_split_holds_once_everybody_has_consented_and_not_before(pair: Pair) -> None:
    agreement = propose_split(actor=pair.painter.actor(), subject=pair.work, shares=pair.shares(7_000, 3_000))
    assert agreement.state == "proposed" and splits_of(pair.work) == [(pair.party.pk, 10_000)]
    agreement = consent_to_split(actor=pair.inker.actor(), subject=pair.work, party=pair.other)
    assert agreement.state == "active" and agreement.active_from
    assert dict(splits_of(pair.work)) == pair.shares(7_000, 3_000)
    assert kinds_of_entries()[-4:] == ["SplitProposed", "SplitConsented", "SplitConsented", "SplitInForce"]


def test_a_refused_share_ends_the_proposal_and_what_held_before_stays(pair: Pair) -> None:
    propose_split(actor=pair.painter.actor(), subject=pair.work, shares=pair.shares(9_999, 1))
    refused = refuse_split(actor=pair.inker.actor(), subject=pair.work, party=pair.other)
    assert refused.state == "refused" and splits_of(pair.work) == [(pair.party.pk, 10_000)]
    before = Entry.objects.count()
    with pytest.raises(NoSuchProposal):
        consent_to_split(actor=pair.inker.actor(), subject=pair.work, party=pair.other)
    assert Entry.objects.count() == before


def test_a_later_split_replaces_the_one_in_force_and_keeps_its_dates(pair: Pair) -> None:
    for points in ((7_000, 3_000), (5_000, 5_000)):
        propose_split(actor=pair.painter.actor(), subject=pair.work, shares=pair.shares(*points))
        consent_to_split(actor=pair.inker.actor(), subject=pair.work, party=pair.other)
    newest, oldest = agreements_on(pair.work)
    assert (newest.state, oldest.state) == ("active", "replaced")
    assert oldest.active_until == newest.active_from
    assert dict(splits_of(pair.work)) == pair.shares(5_000, 5_000)


@pytest.mark.parametrize("points", [(5_000, 4_999), (10_000, 0), (10_001, -1), (9_000, 2_000)])
def test_shares_that_are_not_all_of_it_are_refused_and_nothing_is_written(pair: Pair, points: tuple[int, int]) -> None:
    before = Entry.objects.count()
    with pytest.raises(SharesDoNotAddUp):
        propose_split(actor=pair.painter.actor(), subject=pair.work, shares=pair.shares(*points))
    with pytest.raises(SharesDoNotAddUp):
        a_shared_style(pair, pair.shares(*points))
    assert not SplitAgreement.objects.exists() and Entry.objects.filter(kind__startswith="Split").count() == 0
    assert before <= Entry.objects.count() <= before + 1, "only the model that the style named"


@given(st.dictionaries(st.uuids(), st.integers(-3, 10_001), max_size=5))
def test_only_shares_of_at_least_one_point_that_make_up_10000_pass(shares: dict[object, int]) -> None:
    is_whole = sum(shares.values()) == 10_000 and all(points >= 1 for points in shares.values())
    try:
        require_whole(shares)  # type: ignore[arg-type]  # ids as hypothesis draws them
    except SharesDoNotAddUp:
        assert not is_whole
    else:
        assert is_whole


def test_only_the_owner_proposes_and_only_those_who_share_consent(pair: Pair) -> None:
    with pytest.raises(NotTheOwner):
        propose_split(actor=pair.inker.actor(), subject=pair.work, shares=pair.shares(1, 9_999))
    propose_split(actor=pair.painter.actor(), subject=pair.work, shares=pair.shares(7_000, 3_000))
    with pytest.raises(NotTheOwner):
        consent_to_split(actor=pair.painter.actor(), subject=pair.work, party=pair.other)
    stranger = an_artist("stranger")
    with pytest.raises(NoSuchProposal):
        consent_to_split(actor=stranger.actor(), subject=pair.work, party=a_party("Stranger", member=stranger))
    with pytest.raises(UnknownParty):
        propose_split(actor=pair.painter.actor(), subject=pair.work, shares={uuid4(): 10_000})
    assert SplitAgreement.objects.get().state == "proposed"


def test_a_style_waits_for_the_consent_of_whoever_shares_in_it(pair: Pair) -> None:
    style = a_shared_style(pair, pair.shares(8_000, 2_000))
    assert style.state == "proposed"
    with pytest.raises(StyleNotReady):
        a_request(pair.painter, **in_style(style))
    consent_to_split(actor=pair.inker.actor(), subject=style, party=pair.other)
    style.refresh_from_db()
    assert style.state == "active" and dict(splits_of(style)) == pair.shares(8_000, 2_000)
    assert a_request(pair.painter, **in_style(style)).state == "queued"


def test_a_style_on_somebodys_private_work_gives_its_owners_a_share(pair: Pair) -> None:
    propose_split(actor=pair.painter.actor(), subject=pair.work, shares=pair.shares(7_000, 3_000))
    consent_to_split(actor=pair.inker.actor(), subject=pair.work, party=pair.other)
    with pytest.raises(SharesMissing, match="Inker"):
        a_shared_style(pair, None)
    assert not Style.objects.exists()
    assert a_shared_style(pair, pair.shares(7_000, 3_000)).state == "proposed"


def test_many_subjects_are_answered_in_one_query(pair: Pair, django_assert_num_queries: object) -> None:
    other = a_work(pair.painter, pair.party, seed=2)
    propose_split(actor=pair.painter.actor(), subject=other, shares={pair.other.pk: 10_000})
    consent_to_split(actor=pair.inker.actor(), subject=other, party=pair.other)
    with django_assert_num_queries(1):  # type: ignore[operator]  # pytest-django's own
        found = splits_among([pair.work, other])
    assert found == {pair.work.pk: [(pair.party.pk, 10_000)], other.pk: [(pair.other.pk, 10_000)]}


def a_split_in_force(pair: Pair, subject: Style | Work) -> None:
    propose_split(actor=pair.painter.actor(), subject=subject, shares=pair.shares(7_000, 3_000))
    consent_to_split(actor=pair.inker.actor(), subject=subject, party=pair.other)


def test_whoever_shares_is_not_left_out_unasked(pair: Pair) -> None:
    a_split_in_force(pair, pair.work)
    for _ in range(2):
        mine = propose_split(actor=pair.painter.actor(), subject=pair.work, shares={pair.party.pk: 10_000})
        assert mine.state == "proposed" and dict(splits_of(pair.work)) == pair.shares(7_000, 3_000)
        refuse_split(actor=pair.inker.actor(), subject=pair.work, party=pair.other)
    propose_split(actor=pair.painter.actor(), subject=pair.work, shares={pair.party.pk: 10_000})
    consent_to_split(actor=pair.inker.actor(), subject=pair.work, party=pair.other)
    assert splits_of(pair.work) == [(pair.party.pk, 10_000)]


def test_who_owns_a_work_behind_a_style_and_refused_a_share_in_it_is_not_left_out_of_the_next_split(pair: Pair) -> None:
    a_split_in_force(pair, pair.work)
    style = a_shared_style(pair, pair.shares(9_000, 1_000))
    refuse_split(actor=pair.inker.actor(), subject=style, party=pair.other)
    propose_split(actor=pair.painter.actor(), subject=style, shares={pair.party.pk: 10_000})
    style.refresh_from_db()
    assert style.state == "proposed", "the inker still has to consent"


def test_the_decision_of_an_auditor_needs_nobodys_consent(pair: Pair) -> None:
    a_split_in_force(pair, pair.work)
    hand_over(COLOPHON, "work", pair.work.pk, owner=pair.other.pk)
    assert splits_of(pair.work) == [(pair.other.pk, 10_000)]


def test_a_minors_guardian_answers_for_the_minor_and_nobody_whose_capacity_ended_does(pair: Pair) -> None:
    guardian = an_artist("guardian")
    adult = a_party("Guardian", member=guardian)
    Party.objects.filter(pk=pair.other.pk).update(is_minor=True, guardian=adult)
    propose_split(actor=pair.painter.actor(), subject=pair.work, shares=pair.shares(7_000, 3_000))
    pair.other.refresh_from_db()
    for answer in (consent_to_split, refuse_split):
        with pytest.raises(GuardianNeeded):
            answer(actor=pair.inker.actor(), subject=pair.work, party=pair.other)
    seen = shared_subject(guardian.actor(), kind="work", subject_id=pair.work.pk)
    assert consent_to_split(actor=guardian.actor(), subject=seen, party=pair.other).state == "active"
    Party.objects.filter(pk=pair.party.pk).update(capacity_until=timezone.now() - timedelta(days=1))
    before = SplitAgreement.objects.count()
    with pytest.raises(CapacityEnded):
        propose_split(
            actor=pair.painter.actor(), subject=Work.objects.get(pk=pair.work.pk), shares=pair.shares(1, 9_999)
        )
    assert SplitAgreement.objects.count() == before
