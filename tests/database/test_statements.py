"""Statements over HTTP: each party reads its own, and the exported log gives the same to the last minor unit."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from generation.actions import reconciling
from generation.actions.erasing import erase_person
from provenance.actor import COLOPHON, Actor
from provenance.audit_log import queries
from provenance.audit_log.models import Entry
from provenance.audit_log.note import open_note
from provenance.audit_log.sequencing import sequence
from provenance.licensing.actions import holding
from provenance.licensing.actions.ledger import locked, reverse
from provenance.licensing.actions.paying import close_period, record_payout
from provenance.licensing.models import RoyaltyLine
from provenance.licensing.money import Money
from provenance.works.models import Party
from server.accounts.models import Account
from tests.factories.log import one_entry
from tests.factories.records import a_party, a_token, an_artist, an_auditor, an_operator
from tests.factories.royalties import a_decision, a_price, earned
from tests.services import REPOSITORY

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("home")]
OPERATOR = Actor(account_id=UUID(int=9), roles=frozenset({"operator"}))


@pytest.fixture
def ada(client: Client) -> tuple[Account, Party]:
    """Leave a party that earned, was held, reversed, paid, and earned again, beside one that earned too."""
    account, licensee = an_artist("ada"), an_artist("mara").actor()
    party, other = a_party("Ada Painter", member=account), a_party("Ben Printer")
    with transaction.atomic():
        one_entry()
        Party.objects.filter(pk=party.pk).update(claim="identity-verified")
    decision = a_decision(price=a_price(251, splits={party.pk: 6_667, other.pk: 3_333}))
    earned(licensee, decision, images=3)
    close_period(actor=OPERATOR, until=timezone.now())
    record_payout(actor=OPERATOR, party=party, money=Money(501, "EUR"), reference="bank 1")
    with transaction.atomic():
        second = RoyaltyLine.objects.filter(party=party, number=2).values_list("pk", flat=True)
        reverse(locked(second), reason="refund")
    held = a_decision(price=a_price(1_000, splits={party.pk: 10_000}), id=str(subject := uuid4()))
    earned(licensee, held)
    holding.hold(subject_kind="style", subject_id=subject, reason="dispute 1")
    earned(licensee, decision)
    sequence()
    return account, party


def get(client: Client, account: Account, path: str, **params: Any) -> Any:
    return client.get(f"/api/v1/{path}", params, HTTP_AUTHORIZATION=f"Bearer {a_token(account)}")


def told(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200, answer.content
    return dict(json.loads(b"".join(answer.streaming_content)))


def recomputed(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the offline tool with the standard library and the source alone."""
    command = [sys.executable, "-S", "-m", "provenance.licensing.statement", str(folder), *arguments]
    return subprocess.run(
        command, cwd=REPOSITORY, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False
    )


def bundle(client: Client, account: Account, folder: Path, *, path: str = "audit/exports", **params: Any) -> Path:
    answer = get(client, account, path, **params)
    assert answer.status_code == 200, answer.content
    zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))).extractall(folder)
    return folder


def kept(statement: dict[str, Any], path: Path) -> Path:
    path.write_text(json.dumps(statement))
    return path


# ---- reading --------------------------------------------------------------------------------------------------


def test_a_statement_lists_every_line_with_its_place_in_the_log_and_adds_up(
    ada: tuple[Account, Party], client: Client
) -> None:
    account, party = ada
    found = told(get(client, account, "statements", party=party.pk))
    assert [line["number"] for line in found["lines"]] == ["1", "2", "3", "4", "5"]
    assert [line["state"] for line in found["lines"]] == ["paid", "reversed", "paid", "held", "accrued"]
    assert {line["basis_points"] for line in found["lines"]} == {6_667, 10_000}
    for line in found["lines"]:
        entry = Entry.objects.get(position__index=line["index"])
        assert entry.kind == "RoyaltyAccrued" and line["line"] in str(entry.opening.details)
    assert found["totals"] == [
        {
            "currency": "EUR", "accrued": "1668", "reversed": "167", "paid": "501",
            "at_end": {"accrued": "167", "held": "1000", "payable": "0", "paid": "501", "repayable": "-167"},
        }
    ]  # fmt: skip
    assert [move["kind"] for move in found["movements"]] == ["due", "paid", "reversed", "held"]


def test_a_statement_is_signed_by_the_logs_key(ada: tuple[Account, Party], client: Client) -> None:
    account, party = ada
    found = told(get(client, account, "statements", party=party.pk))
    text = open_note(found["note"], [queries.keys()[-1]]).text
    assert f"digest {found['digest']}\n" in text and f"party {party.pk}\n" in text


def test_a_period_takes_what_accrued_in_it_and_the_balance_at_its_end(
    ada: tuple[Account, Party], client: Client
) -> None:
    account, party = ada
    whole = told(get(client, account, "statements", party=party.pk))
    third = whole["lines"][2]["at"]
    late = told(get(client, account, "statements", party=party.pk, **{"from": third}))
    assert [line["number"] for line in late["lines"]] == ["3", "4", "5"]
    early = told(get(client, account, "statements", party=party.pk, to=third))
    assert [line["state"] for line in early["lines"]] == ["accrued", "accrued"] and early["movements"] == []
    assert get(client, account, "statements", party=party.pk, **{"from": third, "to": third}).status_code == 422


def test_only_members_and_auditors_read_a_partys_money(ada: tuple[Account, Party], client: Client) -> None:
    _, party = ada
    for path in ("statements", "statements.csv", "statements/export"):
        assert get(client, an_artist(f"noa {path}"), path, party=party.pk).status_code == 404
        assert get(client, an_operator(f"otto {path}"), path, party=party.pk).status_code == 404
        assert client.get(f"/api/v1/{path}?party={party.pk}").status_code == 401
        answer = get(client, an_auditor(f"vera {path}"), path, party=party.pk)
        assert answer.status_code == 200 and b"".join(answer.streaming_content)
        answer.close()


def test_the_table_of_lines_is_csv_in_which_no_cell_is_a_formula(ada: tuple[Account, Party], client: Client) -> None:
    account, party = ada
    table = b"".join(get(client, account, "statements.csv", party=party.pk).streaming_content).decode()
    assert table.splitlines()[0].startswith("number,index,at,kind,generation,image") and len(table.splitlines()) == 6
    operator = an_operator()
    with transaction.atomic():
        one_entry()
        Party.objects.filter(pk=party.pk).update(name='=HYPERLINK("http://evil")')
    earned(an_artist("rich").actor(), a_decision(price=a_price(900, splits={party.pk: 10_000})))
    close_period(actor=OPERATOR, until=timezone.now())
    payouts = b"".join(get(client, operator, "payouts.csv").streaming_content).decode()
    assert '"\'=HYPERLINK(""http://evil"")"' in payouts


# ---- payouts --------------------------------------------------------------------------------------------------


def test_an_operator_closes_a_period_reads_what_is_payable_and_records_the_payout(
    ada: tuple[Account, Party], client: Client
) -> None:
    account, party = ada
    operator = an_operator()
    earned(an_artist("rich").actor(), a_decision(price=a_price(900, splits={party.pk: 10_000})))
    post: Callable[..., Any] = lambda who, path, body: client.post(  # noqa: E731  said once
        f"/api/v1/{path}", json.dumps(body), content_type="application/json",
        HTTP_AUTHORIZATION=f"Bearer {a_token(who)}",
    )  # fmt: skip
    until = {"until": timezone.now().isoformat()}
    assert post(account, "payouts/closings", until).status_code == 403
    assert post(operator, "payouts/closings", until).json() == {"payable": 2, "held": 1}
    payable = get(client, operator, "payouts").json()["payable"]
    assert [(one["name"], one["amount"], one["lines"]) for one in payable] == [("Ada Painter", "900", 3)]
    paid = {"party": str(party.pk), "amount": "900", "currency": "EUR", "reference": "bank 2"}
    assert post(operator, "payouts", {**paid, "amount": "901"}).status_code == 409
    assert post(operator, "payouts", {**paid, "currency": "XXX"}).status_code == 422
    assert post(operator, "payouts", {**paid, "party": str(uuid4())}).status_code == 404
    assert post(account, "payouts", paid).status_code == 403
    assert post(operator, "payouts", paid).status_code == 201
    assert post(operator, "payouts", paid).status_code == 409
    assert get(client, operator, "payouts").json() == {"payable": []}


# ---- recomputed offline ---------------------------------------------------------------------------------------


def test_the_exported_log_gives_the_same_statement_to_the_unit(
    ada: tuple[Account, Party], client: Client, tmp_path: Path
) -> None:
    account, party = ada
    statement = told(get(client, account, "statements", party=party.pk))
    folder = bundle(client, an_auditor(), tmp_path / "all")
    done = recomputed(
        folder, "--party", str(party.pk), "--statement", str(kept(statement, tmp_path / "s.json")), "--json",
        "--key", queries.keys()[-1].vkey,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["findings"] == [] and found["statement"]["digest"] == statement["digest"]
    assert found["statement"]["lines"] == statement["lines"]


def test_a_party_recomputes_its_own_money_and_sees_nobody_elses(
    ada: tuple[Account, Party], client: Client, tmp_path: Path
) -> None:
    account, party = ada
    statement = told(get(client, account, "statements", party=party.pk))
    folder = bundle(client, account, tmp_path / "own", path="statements/export", party=party.pk)
    path = kept(statement, tmp_path / "s.json")
    done = recomputed(folder, "--party", str(party.pk), "--statement", str(path), "--json")
    found = json.loads(done.stdout)
    assert found["statement"]["digest"] == statement["digest"]
    assert [one["code"] for one in found["findings"]] == ["money-not-opened"] and done.returncode == 2
    opened = (folder / "openings.jsonl").read_text()
    assert "UsesReserved" not in opened and '"reserved"' not in opened
    assert str(Account.objects.get(name="mara").pk) not in opened


def test_what_was_changed_left_out_or_made_up_is_named(
    ada: tuple[Account, Party], client: Client, tmp_path: Path
) -> None:
    account, party = ada
    statement = told(get(client, account, "statements", party=party.pk))
    folder = bundle(client, an_auditor(), tmp_path / "all")
    openings = (folder / "openings.jsonl").read_text().splitlines()
    at = next(place for place, line in enumerate(openings) if '"number":"3"' in line and "royalty" not in line)
    index = json.loads(openings[at])["index"]

    def findings(lines: list[str], given: dict[str, Any]) -> list[dict[str, Any]]:
        (folder / "openings.jsonl").write_text("\n".join(lines) + "\n")
        path = kept(given, tmp_path / "s.json")
        done = recomputed(folder, "--party", str(party.pk), "--statement", str(path), "--json")
        assert done.returncode == 1, done.stdout
        return list(json.loads(done.stdout)["findings"])

    changed = [*openings[:at], openings[at].replace('"amount":"167"', '"amount":"168"'), *openings[at + 1 :]]
    told_of = {(one["code"], one.get("index")): one for one in findings(changed, statement)}
    assert ("opening-fails", index) in told_of
    assert (told_of["amount-differs", index]["due"], told_of["amount-differs", index]["stated"]) == (167, 168)
    by_code = {one["code"]: one for one in findings([*openings[:at], *openings[at + 1 :]], statement)}
    assert by_code["line-missing"]["number"] == 3 and by_code["money-not-opened"]["index"] == index
    wrong = {**statement, "lines": [dict(line) for line in statement["lines"]]}
    wrong["lines"][0]["amount"] = "166"
    by_code = {one["code"]: one for one in findings(openings, wrong)}
    assert (by_code["line-differs"]["field"], by_code["line-differs"]["stated"]) == ("amount", "166")
    assert [one["code"] for one in findings(openings, {**statement, "lines": statement["lines"][1:]})] == [
        "line-left-out"
    ]


# ---- with the rest of the log ---------------------------------------------------------------------------------


def test_erasing_the_licensee_leaves_every_line_and_its_proof(
    ada: tuple[Account, Party], client: Client, tmp_path: Path
) -> None:
    account, party = ada
    until = timezone.now().isoformat()
    before = told(get(client, account, "statements", party=party.pk, to=until))
    erase_person(actor=COLOPHON, account_id=Account.objects.get(name="mara").pk)
    sequence()
    assert told(get(client, account, "statements", party=party.pk, to=until)) == before
    done = recomputed(bundle(client, an_auditor(), tmp_path / "all"), "--party", str(party.pk))
    assert done.returncode == 0 and "5 lines" in done.stdout, done.stdout


def differences() -> set[tuple[str, str]]:
    run = reconciling.reconcile(reconciling.begin_here(actor=COLOPHON))
    found = {(one["table"], one["field"]) for one in map(json.loads, reconciling.report_lines(run))}
    return {one for one in found if one[0].startswith("licensing_")}


def test_reconciling_names_what_was_changed_in_the_ledger_and_nothing_else(ada: tuple[Account, Party]) -> None:
    assert differences() == set()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE licensing_royaltyline SET amount = amount + 1 WHERE number = 1")
        cursor.execute("UPDATE licensing_use SET reserved = reserved + 1 WHERE reserved = 3")
        cursor.execute("UPDATE licensing_ledgertransaction SET reason = 'x' WHERE kind = 'payout'")
        cursor.execute("DELETE FROM licensing_ledgertransaction WHERE kind = 'reversal'")
    assert differences() == {
        ("licensing_ledgertransaction", "lines"),
        ("licensing_ledgertransaction", "reason"),
        ("licensing_ledgertransaction", "id"),
        ("licensing_use", "reserved"),
    }
