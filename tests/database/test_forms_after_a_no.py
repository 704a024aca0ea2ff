"""A no to one file of a delivered image is one to the forms that are made of it afterwards, whoever is erased."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from time import sleep
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone
from PIL import Image

from generation.actions import reconciling, renditions
from generation.actions.erasing import erase_person
from generation.actions.opting_out import other_forms
from generation.models import Output, Rendition
from provenance import storage
from provenance.actor import COLOPHON
from provenance.attribution.models import KeptFingerprint
from provenance.audit_log.sequencing import sequence
from provenance.disputes.actions.claiming import contest
from provenance.licensing.actions.importing_opt_outs import import_opt_outs
from provenance.licensing.actions.opting_out import opt_out_picture, record_opt_out, withdraw_opt_out
from provenance.licensing.models import OptOut
from provenance.works.actions.listing import register_work
from provenance.works.actions.parties import review_claim
from provenance.works.models import Flag
from server.accounts.models import Account
from tests.database.test_audit_search import plan_of
from tests.database.test_found_renditions import said_no
from tests.factories.delivered import PART, a_scene, stripped
from tests.factories.pictures import encoded
from tests.factories.records import a_party, an_artist, an_auditor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unmarked")]


def files_under(opt_out: OptOut) -> dict[str, int]:
    """Return the files that an opt-out names, and how many bytes of codes each is known by."""
    kept = KeptFingerprint.objects.filter(kind="opt-out", subject_id=opt_out.pk)
    return {row.digest: len(bytes(row.codes)) for row in kept}


def test_a_form_made_after_a_no_to_any_file_of_the_image_is_under_it_and_is_flagged_when_it_is_listed(
    output: Output, make: Any, mara: Account
) -> None:
    first = make(output.digest, output_format="webp")
    opt_out = said_no(storage.load(first.digest))
    part = make(output.digest, crop=PART)
    again = make(part.digest, output_format="jpeg")
    assert files_under(opt_out) == dict.fromkeys([output.digest, first.digest, part.digest, again.digest], 320)
    pia = an_artist("pia")
    copy = stripped(part.digest, quality=95)
    work = register_work(actor=pia.actor(), party=a_party("Pia", member=pia), data=copy, title="Part")
    assert [flag.against_id for flag in Flag.objects.filter(work=work, against_kind="opt-out")] == [opt_out.pk]
    sequence()
    assert reconciling.reconcile(reconciling.begin_here(actor=COLOPHON)).differences == 0


def test_a_no_that_a_list_said_by_digest_alone_reaches_later_forms_and_a_claim_that_waits_does_too(
    output: Output, make: Any
) -> None:
    rows = f"kind,subject,digest\npicture,,{output.digest}\n".encode()
    list(import_opt_outs(actor=COLOPHON, data=rows, source="a list", party=a_party("Noa"), other_forms=other_forms))
    opt_out = OptOut.objects.get()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE licensing_optout SET state = 'awaiting-review'")
    form = make(output.digest, crop=PART)
    assert files_under(opt_out) == {output.digest: 0, form.digest: 320}


def test_a_no_that_is_over_and_one_to_another_picture_reach_no_form(output: Output, make: Any) -> None:
    over = said_no(storage.load(output.digest))
    withdraw_opt_out(actor=Account.objects.get(name="noa").actor(), opt_out=over)
    other = said_no(encoded(Image.fromarray(a_scene()[::-1])), name="eve")
    make(output.digest, crop=PART)
    assert (len(files_under(over)), len(files_under(other))) == (1, 1)


def test_the_no_of_an_erased_person_reaches_a_later_form_by_its_digest_alone(
    output: Output, make: Any, mara: Account
) -> None:
    opt_out = said_no(storage.load(output.digest))
    erase_person(actor=COLOPHON, account_id=Account.objects.get(name="noa").pk)
    form = make(output.digest, crop=PART)
    assert files_under(opt_out) == {output.digest: 0, form.digest: 0}
    work = register_work(
        actor=mara.actor(), party=a_party("Mara", member=mara), data=storage.load(form.digest), title="Part"
    )
    assert [flag.against_id for flag in Flag.objects.filter(work=work, against_kind="opt-out")] == [opt_out.pk]


def test_a_form_that_is_not_recorded_leaves_no_trace_under_the_no(
    output: Output, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    opt_out = said_no(storage.load(output.digest))
    include = renditions.include_form

    def then_fail(**form: Any) -> None:
        include(**form)
        assert len(files_under(opt_out)) == 2
        raise RuntimeError

    monkeypatch.setattr(renditions, "include_form", then_fail)
    with pytest.raises(RuntimeError):
        make(output.digest, crop=PART)
    assert list(files_under(opt_out)) == [output.digest] and not Rendition.objects.exists()


def is_anyone_held_up() -> bool:
    """Say whether somebody in this database waits for a lock of ours."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = "
            "(SELECT oid FROM pg_database WHERE datname = current_database()))"
        )
        return bool(cursor.fetchone()[0])


def test_a_form_that_is_recorded_while_a_no_is_said_is_known_by_it(output: Output, make: Any) -> None:
    noa = an_artist("noa")
    party, data = a_party("Noa", member=noa), storage.load(output.digest)

    def crop() -> str:
        digest = str(make(output.digest, crop=PART).digest)
        connection.close()
        return digest

    with ThreadPoolExecutor(1) as pool:
        made: list[Future[str]] = []

        def meanwhile(digest: str, pixels: str) -> Any:
            """Look for other files, and go on once the form was recorded beside it or waits to be."""
            found = other_forms(digest, pixels)
            made.append(pool.submit(crop))
            while not (made[0].done() or is_anyone_held_up()):
                sleep(0.02)
            return found

        opt_out = opt_out_picture(actor=noa.actor(), party=party, data=data, source="form", other_forms=meanwhile)
        form = made[0].result(60)
    assert set(files_under(opt_out)) == {output.digest, form}


def test_a_no_that_is_said_while_a_form_is_recorded_knows_it(
    output: Output, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, include = storage.load(output.digest), renditions.include_form

    def say() -> OptOut:
        opt_out = said_no(data)
        connection.close()
        return opt_out

    with ThreadPoolExecutor(1) as pool:
        said: list[Future[OptOut]] = []

        def meanwhile(**form: Any) -> None:
            include(**form)
            said.append(pool.submit(say))
            while not (said[0].done() or is_anyone_held_up()):
                sleep(0.02)

        monkeypatch.setattr(renditions, "include_form", meanwhile)
        form = make(output.digest, crop=PART)
        opt_out = said[0].result(60)
    assert set(files_under(opt_out)) == {output.digest, form.digest}


def test_a_no_to_a_listed_work_that_is_the_image_reaches_a_later_form_of_it(
    output: Output, make: Any, mara: Account
) -> None:
    party = a_party("Mara", member=mara)
    register_work(actor=mara.actor(), party=party, data=storage.load(output.digest), title="Scene")
    rows = f"kind,subject,digest\npicture,,{output.digest}\n".encode()
    list(import_opt_outs(actor=COLOPHON, data=rows, source="a list", party=a_party("Noa"), other_forms=other_forms))
    opt_out = OptOut.objects.get(subject_kind="work", digest=output.digest)
    part = make(output.digest, crop=PART)
    assert files_under(opt_out) == {part.digest: 320}
    mine = register_work(actor=mara.actor(), party=party, data=storage.load(part.digest), title="Part")
    assert [flag.against_id for flag in Flag.objects.filter(work=mine)] == [opt_out.pk]
    assert mine.state == "flagged"
    erase_person(actor=COLOPHON, account_id=mara.pk)
    assert files_under(opt_out) == {part.digest: 0}
    sequence()
    assert reconciling.reconcile(reconciling.begin_here(actor=COLOPHON)).differences == 0


def test_a_claim_to_copies_of_a_work_that_is_the_image_reaches_a_later_form_of_it(
    output: Output, make: Any, mara: Account
) -> None:
    mine = register_work(
        actor=mara.actor(), party=a_party("Mara", member=mara), data=storage.load(output.digest), title="Scene"
    )
    pia = an_artist("pia")
    checked = a_party("Pia", member=pia)
    review_claim(actor=an_auditor().actor(), party=checked, claim="evidence-reviewed", reason="seen")
    register_work(actor=pia.actor(), party=checked, data=stripped(output.digest, quality=95), title="Copy")
    record_opt_out(
        actor=mara.actor(), party=mine.owner, subject_kind="work", subject_id=mine.pk, source="form", contest=contest
    )
    claim = OptOut.objects.get(subject_kind="picture", state="awaiting-review")
    part = make(output.digest, crop=PART)
    assert files_under(claim) == {part.digest: 320}


def test_erasing_a_person_erases_what_their_forms_are_recognised_by_under_the_no_of_another(
    output: Output, make: Any, mara: Account
) -> None:
    before = make(output.digest, output_format="webp")
    opt_out = said_no(storage.load(output.digest))
    part = make(output.digest, crop=PART)
    kept = storage.load(part.digest)
    erase_person(actor=COLOPHON, account_id=mara.pk)
    assert files_under(opt_out) == {output.digest: 320, before.digest: 0, part.digest: 0}
    pia = an_artist("pia")
    work = register_work(actor=pia.actor(), party=a_party("Pia", member=pia), data=kept, title="Part")
    assert [flag.against_id for flag in Flag.objects.filter(work=work, against_kind="opt-out")] == [opt_out.pk]
    sequence()
    assert reconciling.reconcile(reconciling.begin_here(actor=COLOPHON)).differences == 0


def test_erasing_a_second_time_finds_what_came_under_a_no_while_the_first_was_at_work(
    output: Output, make: Any, mara: Account
) -> None:
    part = make(output.digest, crop=PART)
    own = KeptFingerprint.objects.get(digest=part.digest)
    opt_out = said_no(storage.load(output.digest))
    erase_person(actor=COLOPHON, account_id=mara.pk)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        late = KeptFingerprint.objects.filter(kind="opt-out", digest=part.digest)
        late.update(codes=own.codes, iscc=own.iscc, quality=own.quality, erased_at=None)
    assert files_under(opt_out)[part.digest] == 320
    erase_person(actor=COLOPHON, account_id=mara.pk)
    assert files_under(opt_out) == {output.digest: 320, part.digest: 0}


def test_opted_out_files_are_found_by_an_index() -> None:
    asked = KeptFingerprint.objects.filter(kind="opt-out", digest__in=["sha256:1", "sha256:2"])
    with transaction.atomic(), connection.cursor() as cursor:
        # Of an empty table any index costs as little, whatever the planner remembers of it.
        KeptFingerprint.objects.bulk_create(
            KeptFingerprint(
                kind="opt-out", subject_id=uuid4(), digest=f"sha256:{number}", quality=0, kept_at=timezone.now()
            )
            for number in range(1000)
        )
        cursor.execute("ANALYZE attribution_keptfingerprint")
        plan = plan_of(*asked.query.sql_with_params())
        transaction.set_rollback(True)
    assert "fingerprint_of_opted_out_file" in plan
