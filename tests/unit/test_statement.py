"""Recomputing a statement: whatever two entries say apart is told, and canonical JSON has one spelling."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
import rfc8785
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provenance.audit_log.offline.openings import canonical
from provenance.licensing.money import Money
from provenance.licensing.prices import PriceLine
from provenance.licensing.statement.__main__ import main
from provenance.licensing.statement.document import as_csv, ranges
from provenance.licensing.statement.findings import SENTENCES, said
from provenance.licensing.statement.recomputing import Books, Opened, compare

ADA, BEN, GRANT = str(UUID(int=1)), str(UUID(int=2)), str(UUID(int=3))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


def at(day: int) -> str:
    return f"2026-11-{day:02}T00:00:00.000000Z"


def accrued(index: int, *, amount: int = 251, number: int = 1, **changed: Any) -> Opened:
    """Return the entry of an image that Ada and Ben share in, two to one."""
    price = PriceLine(Money(amount, "EUR"), per="image", splits={ADA: 6_667, BEN: 3_333})
    lines = [
        {
            "line": str(UUID(int=1_000 * index + int(party[-1]))), "party": party, "number": str(number),
            "basis_points": price.splits[party], "amount": str(part.minor_units),
        }
        for party, part in price.parts().items()
    ]  # fmt: skip
    details = {
        "transaction": str(uuid4()), "generation": str(uuid4()), "use": None, "image": "sha256:00", "right": GRANT,
        "subject_kind": "style", "subject": str(uuid4()), "terms_digest": "sha256:11", "price": price.as_json(),
        "lines": lines, "replaces": None, "reason": "", **changed,
    }  # fmt: skip
    return Opened(index, "RoyaltyAccrued", at(index), details)


def moved(index: int, kind: str, of: Opened, *, party: str = ADA) -> Opened:
    lines = [{**one, "currency": "EUR"} for one in of.details["lines"] if one["party"] == party]
    return Opened(index, kind, at(index), {"lines": lines, "reason": "because"})


def books(*entries: Opened) -> tuple[Books, list[dict[str, Any]]]:
    told: list[dict[str, Any]] = []
    found = Books(
        party=ADA, since=at(1), until=at(28), tell=lambda code, **values: told.append({"code": code, **values})
    )
    found.enter(entries)
    return found, told


def codes(*entries: Opened) -> list[str]:
    found, told = books(*entries)
    found.statement()
    return [one["code"] for one in told]


def test_entries_that_agree_give_lines_sums_and_nothing_to_tell() -> None:
    first, second = accrued(1), accrued(2, number=2)
    found, told = books(first, second, moved(3, "LinesDue", first), moved(4, "LinesReversed", second))
    statement = found.statement()
    assert told == [] and [line.state for line in statement.lines] == ["payable", "reversed"]
    assert statement.totals()[0]["accrued"] == "334" and statement.totals()[0]["at_end"]["payable"] == "167"


def priced(amount: str, points: int) -> dict[str, Any]:
    splits = [{"party": ADA, "basis_points": points}] if points else []
    return {"price": {"amount": amount, "currency": "EUR", "per": "image", "splits": splits}}


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        (priced("252", 10_000), "amount-differs"),
        (priced("251", 9_999), "entry-unreadable"),
        (priced("-1", 0), "entry-unreadable"),
        ({"lines": []}, "amount-differs"),
        ({"lines": "none"}, "entry-unreadable"),
    ],
)  # fmt: skip
def test_an_entry_whose_lines_are_not_its_price_is_told(changed: dict[str, Any], code: str) -> None:
    assert code in codes(accrued(1, **changed))


def test_a_number_that_is_left_out_is_a_missing_line() -> None:
    assert codes(accrued(1), accrued(2, number=3)) == ["line-missing"]


def test_what_cannot_have_happened_is_told() -> None:
    first = accrued(1)
    assert codes(first, moved(2, "LinesFreed", first)) == ["move-impossible"]
    assert codes(moved(2, "LinesDue", first)) == ["line-unknown"]
    assert set(codes(first, first)) == {"line-twice"}
    paid = {"lines": first.details["lines"][:1], "amount": "1", "currency": "EUR", "reference": "sha256:22"}
    assert codes(first, Opened(2, "PayoutRecorded", at(2), paid)) == ["payout-differs", "move-impossible"]


def test_a_royalty_off_its_reservation_or_its_grant_is_told() -> None:
    use = str(uuid4())
    entry = accrued(3, use=use)
    reserved = {"use": use, "price": {**entry.details["price"], "amount": "1"}}
    granted = {"grant": GRANT, "terms_digest": "sha256:99"}
    told = codes(Opened(1, "UsesReserved", at(1), reserved), Opened(2, "GrantGiven", at(2), granted), entry)
    assert told == ["price-differs", "terms-differ"]


def test_a_statement_is_compared_line_by_line() -> None:
    found, told = books(accrued(1), accrued(2, number=2))
    statement = found.statement()
    given = json.loads(json.dumps(statement.as_json()))
    compare(statement, given, tell=lambda code, **values: told.append({"code": code, **values}))
    assert told == []
    given["lines"][0]["amount"] = "1"
    given["lines"][1]["line"] = str(uuid4())
    compare(statement, given, tell=lambda code, **values: told.append({"code": code, **values}))
    assert [one["code"] for one in told] == ["line-left-out", "line-unfounded", "line-differs"]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(value=JSON)
def test_the_quick_canonical_json_is_that_of_rfc_8785(value: Any) -> None:
    assert canonical({"it": value}) == rfc8785.dumps({"it": value})
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1+cmd", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_begins_as_a_formula(text: str) -> None:
    line = b"".join(as_csv([{"name": text}], columns=["name"])).decode().split("\r\n", 1)[1]
    assert line.lstrip('"').startswith("'")
    assert b"".join(as_csv([{"name": "-167"}], columns=["name"])).endswith(b"\r\n-167\r\n")


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(numbers=st.sets(st.integers(1, 60)))
def test_numbers_are_written_as_ranges_and_none_is_lost(numbers: set[int]) -> None:
    parts = [part.split("-") for part in ranges(numbers).split(",") if part]
    assert {one for part in parts for one in range(int(part[0]), int(part[-1]) + 1)} == numbers


def test_every_finding_is_said_in_both_languages() -> None:
    for code, (en, zh) in SENTENCES.items():
        names = {"code": code} | dict.fromkeys(
            ("index", "party", "due", "stated", "number", "line", "state", "kind", "count", "field"), "7"
        )
        assert said(names) != said(names, "zh-Hans") and en.endswith(".") and zh.endswith("。")


@pytest.mark.parametrize(
    "arguments",
    [
        ["nowhere"],
        ["nowhere", "--party", "ada"],
        ["nowhere", "--party", ADA, "--period", "2026-13"],
        ["nowhere", "--party", ADA, "--statement", "/nowhere"],
    ],
)
def test_a_wrong_command_ends_with_64(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 64 and capsys.readouterr().err


def test_an_export_that_is_not_there_is_not_checked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["/nowhere.zip", "--party", ADA]) == 2
    assert "cannot be read" in capsys.readouterr().out
