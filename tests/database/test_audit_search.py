"""The auditor's desk: one record's whole chain, a reason for every private prompt, and search."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from generation.actions.rendering import render_next
from generation.actions.searching import USES_PARTY, USES_WORK
from generation.models import Generation
from provenance.audit_log import sequencing
from provenance.audit_log.entry import commitment_to
from provenance.audit_log.models import Entry, Opening
from provenance.audit_log.queries import entries_of_chain
from provenance.audit_log.sequencing import sequence
from provenance.audit_log.tree import verify_inclusion
from provenance.credentials.manifest import prompt_commitment
from server.accounts.models import Account
from tests.factories.records import (
    a_model,
    a_party,
    a_request,
    a_style,
    a_work,
    a_worker,
    an_artist,
    an_auditor,
    an_operator,
    as_image,
    in_style,
)
from tests.simulators.caller import Caller, is_problem

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "a quillfox nobody knows of"
REASON = "Dispute 12: the rightsholder asks what was typed."


def chain_of(caller: Caller, generation: Generation, **asked: str) -> dict[str, Any]:
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    answer = caller.get(f"/api/v1/audit/generations/{generation.pk}/chain?{query}")
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = answer.json()
    return body


@pytest.fixture
def private(keys: Path) -> Generation:
    """Have a picture of a private prompt."""
    sequencing.key_in_force()
    a_model()
    generation = a_request(an_artist(), prompt=SECRET, disclosure="private")
    render_next(worker=a_worker(keys))
    generation.refresh_from_db()
    assert generation.state == "done", generation.fault
    return generation


# ---- the chain -------------------------------------------------------------------------------------------------


def test_a_chain_goes_from_request_to_entries_whose_proofs_hold(private: Generation) -> None:
    sequence()
    caller = Caller(an_auditor())
    chain = chain_of(caller, private)
    assert chain["request"]["id"] == str(private.pk) and chain["decision"]["permitted"]
    assert chain["environment"] == private.environment
    (image,) = chain["outputs"]
    assert image["credential"]["manifest_id"] == image["manifest_id"] and image["credential"]["signed_at"]
    assert [one["kind"] for one in chain["entries"]] == [
        "GenerationRequested", "RenderingStarted", "MarkingStarted", "CredentialSigned", "OutputDelivered",
        "GenerationDone",
    ]  # fmt: skip
    for entry in chain["entries"]:
        assert entry["commitment"] == commitment_to(entry["details"], salt=bytes.fromhex(entry["salt"]))
        proof = caller.get(entry["links"]["proof"]).json()
        assert proof["index"] == entry["index"]
        hashes = [base64.b64decode(one) for one in proof["hashes"]]
        place = {"index": entry["index"], "size": proof["size"]}
        assert verify_inclusion(raw(entry["leaf_hash"]), proof=hashes, root=raw(proof["root"]), **place)
    assert caller.get(image["links"]["proof"]).status_code == 200


def raw(digest: str) -> bytes:
    return bytes.fromhex(digest.removeprefix("sha256:"))


def test_an_owner_reads_ones_own_prompt_without_a_reason_and_opens_ones_own_acts(private: Generation) -> None:
    entries = Entry.objects.count()
    chain = chain_of(Caller(Account.objects.get(pk=private.owner_id)), private, reason="I am curious myself")
    assert chain["request"]["prompt"] == SECRET and Entry.objects.count() == entries
    opened = {one["kind"]: one["details"] is not None for one in chain["entries"]}
    assert opened["GenerationRequested"] and not opened["RenderingStarted"], "a worker's name is the operator's"


def test_others_find_no_chain(private: Generation) -> None:
    for account in (an_artist("noa"), an_operator()):
        answer = Caller(account).get(f"/api/v1/audit/generations/{private.pk}/chain")
        is_problem(answer, 404, "unknown-generation")
    is_problem(Caller().get(f"/api/v1/audit/generations/{private.pk}/chain"), 401, "not-signed-in")
    is_problem(Caller(an_auditor()).get(f"/api/v1/audit/generations/{uuid4()}/chain"), 404, "unknown-generation")


# ---- a private prompt ------------------------------------------------------------------------------------------


def test_an_auditor_without_a_reason_reads_no_private_prompt_and_leaves_no_entry(private: Generation) -> None:
    entries = Entry.objects.count()
    answer = Caller(an_auditor()).get(f"/api/v1/audit/generations/{private.pk}/chain")
    assert "quillfox" not in answer.content.decode() and answer.json()["request"]["prompt"] is None
    assert Entry.objects.count() == entries


def test_an_auditors_reason_opens_a_private_prompt_and_is_an_entry(private: Generation) -> None:
    auditor = an_auditor()
    chain = chain_of(Caller(auditor), private, reason=REASON)
    assert chain["request"]["prompt"] == SECRET
    opening = Opening.objects.get(entry__kind="PromptRead")
    assert opening.details == {"actor": str(auditor.pk), "generation": str(private.pk), "reason": REASON}
    assert [one["kind"] for one in chain["entries"]][-1] == "PromptRead", "the reading belongs to the chain"
    owner = Caller(Account.objects.get(pk=private.owner_id))
    (read,) = [one for one in chain_of(owner, private)["entries"] if one["kind"] == "PromptRead"]
    assert read["details"] is None and read["at"], "its owner sees that it was read"


@pytest.mark.parametrize(
    ("reason", "status", "code"),
    [("why", 422, "reason-missing"), ("%20" * 20, 422, "invalid-request"), ("x" * 501, 422, "invalid-request")],
)
def test_a_reason_that_says_nothing_opens_nothing(private: Generation, reason: str, status: int, code: str) -> None:
    answer = Caller(an_auditor()).get(f"/api/v1/audit/generations/{private.pk}/chain?reason={reason}")
    is_problem(answer, status, code)
    assert "quillfox" not in answer.content.decode() and not Entry.objects.filter(kind="PromptRead").exists()


def test_a_public_prompt_needs_no_reason(keys: Path) -> None:
    a_model()
    generation = a_request(an_artist(), prompt="a red cat")
    assert chain_of(Caller(an_auditor()), generation, reason=REASON)["request"]["prompt"] == "a red cat"
    assert not Entry.objects.filter(kind="PromptRead").exists()


def test_an_erased_chain_keeps_its_entries_and_no_words(private: Generation) -> None:
    owner = Caller(Account.objects.get(pk=private.owner_id))
    told = owner.post("/api/v1/me/erasure").json()
    assert owner.post("/api/v1/me/erasure", {"confirmation": told["confirmation"]}).status_code == 200
    chain = chain_of(Caller(an_auditor()), private, reason=REASON)
    assert chain["request"]["erased_at"] and chain["request"]["prompt"] is None
    assert [one["kind"] for one in chain["entries"]] == ["GenerationRequested", "OutputDelivered"]
    assert all(one["details"] is None for one in chain["entries"]) and chain["outputs"][0]["credential"]["erased_at"]
    assert not Entry.objects.filter(kind="PromptRead").exists(), "there was nothing to read"


# ---- search ----------------------------------------------------------------------------------------------------


@pytest.fixture
def library(keys: Path) -> dict[str, Any]:
    """Have records that differ in everything that can be looked for."""
    mara, noa = an_artist("mara"), an_artist("noa")
    model, other_model = a_model(), a_model("Other")
    ada, bo = a_party("Ada Painter", member=mara), a_party("Bo Painter")
    behind = a_work(mara, ada, seed=3, title="Behind")
    work = a_work(mara, ada, seed=4, title="Wave")
    style = a_style(
        model, party=ada, slug="ada", name="Adaline", name_zh="", token="adaline", works=[behind], actor=mara.actor()
    )
    other = a_style(model, party=bo, slug="bo", name="Boline", name_zh="", token="boline")
    records = {
        "plain": a_request(noa, prompt="a door", model="other"),
        "styled": a_request(mara, prompt="a cat", **in_style(style)),
        "other": a_request(mara, prompt="a dog", **in_style(other)),
        "input": a_request(mara, prompt="a sea", **as_image(work)),
        "named": a_request(noa, prompt="a tree, adaline", disclosure="private"),
    }
    render_next(worker=a_worker(keys))
    return {
        "mara": mara, "noa": noa, "model": model, "other_model": other_model, "ada": ada, "bo": bo, "work": work,
        "behind": behind, "style": style, "records": records,
    }  # fmt: skip


def found(library: dict[str, Any], **asked: Any) -> set[str]:
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    rows = Caller(an_auditor(f"vera-{uuid4()}")).pages(f"/api/v1/audit/generations?{query}")
    names = {str(record.pk): name for name, record in library["records"].items()}
    assert len({row["id"] for row in rows}) == len(rows)
    return {names[row["id"]] for row in rows}


def test_an_auditor_finds_records_by_whom_and_what(library: dict[str, Any]) -> None:
    assert found(library) == set(library["records"])
    assert found(library, artist="noa") == found(library, artist=library["noa"].pk) == {"plain", "named"}
    assert found(library, artist="nobody") == set()
    assert found(library, style=library["style"].pk) == {"styled"}
    assert found(library, party=library["ada"].pk) == {"styled", "input"}
    assert found(library, party=library["bo"].pk) == {"other"}
    assert found(library, work=library["work"].pk) == {"input"}
    assert found(library, work=library["behind"].pk) == {"styled"}, "a style stands on its works"
    model = library["other_model"]
    for name in (model.pk, model.slug, model.digest):
        assert found(library, model=name) == {"plain"}
    assert found(library, artist="mara", party=library["bo"].pk) == {"other"}
    assert found(library, artist="noa", party=library["bo"].pk) == set()


def test_a_name_in_a_private_prompt_is_not_found(library: dict[str, Any]) -> None:
    named = library["records"]["named"]
    assert any(one["found_in"] == "prompt" for one in named.decision["references"]), "it was decided on"
    for asked in ({"style": library["style"].pk}, {"party": library["ada"].pk}):
        assert "named" not in found(library, **asked)


def test_an_auditor_finds_records_by_commitment_state_digest_and_time(library: dict[str, Any]) -> None:
    records = library["records"]
    for name, record in records.items():
        record.refresh_from_db()
        salt = bytes(record.prompt_salt)
        assert found(library, prompt_commitment=prompt_commitment(record.prompt, salt=salt)) == {name}
    (done,) = found(library, state="done")
    assert found(library, state="queued") == set(records) - {done}
    image = records[done].outputs.get()
    assert found(library, digest=image.digest) == found(library, digest=image.delivered_pixels) == {done}
    assert found(library, digest=library["work"].digest) == {"input"}
    assert found(library, digest="sha256:" + "0" * 64) == set()
    moment = records["other"].requested_at
    at, after = (f"{when:%Y-%m-%dT%H:%M:%S.%fZ}" for when in (moment, moment + timedelta(microseconds=1)))
    assert found(library, since=at) == {"other", "input", "named"}
    assert found(library, until=at) == {"plain", "styled"}
    assert found(library, since=at, until=after) == {"other"}


def test_pages_follow_one_another(library: dict[str, Any]) -> None:
    rows = Caller(an_auditor()).pages("/api/v1/audit/generations?page_size=2&artist=mara")
    order = [str(library["records"][name].pk) for name in ("input", "other", "styled")]
    assert [row["id"] for row in rows] == order


def test_no_private_prompt_stands_in_what_is_found(library: dict[str, Any]) -> None:
    answer = Caller(an_auditor()).get("/api/v1/audit/generations?artist=noa")
    assert "a tree" not in answer.content.decode() and "a door" in answer.content.decode()


@pytest.mark.parametrize("query", ["state=lost", "digest=abc", "party=x", "since=yesterday", "colour=red", "style=ada"])
def test_a_question_that_cannot_be_understood_is_refused(query: str) -> None:
    is_problem(Caller(an_auditor()).get(f"/api/v1/audit/generations?{query}"), 422, "invalid-request")


def test_only_auditors_search(library: dict[str, Any]) -> None:
    for account in (library["mara"], an_operator()):
        is_problem(Caller(account).get("/api/v1/audit/generations"), 403, "not-permitted")
    is_problem(Caller().get("/api/v1/audit/generations"), 401, "not-signed-in")


def test_a_page_takes_a_fixed_number_of_statements(library: dict[str, Any]) -> None:
    caller = Caller(an_auditor())
    caller.get("/api/v1/audit/generations")  # a process reads the words of each model once
    counted = []
    for size in (1, 5):
        with CaptureQueriesContext(connection) as asked:
            assert caller.get(f"/api/v1/audit/generations?page_size={size}").status_code == 200
        counted.append(len(asked))
    assert counted[0] == counted[1]


def plan_of(sql: str, parameters: Any = (), *, without: str = "enable_seqscan") -> str:
    """Return how PostgreSQL would answer a question if reading whole tables cost too much."""
    with transaction.atomic(), connection.cursor() as cursor:
        for way in without.split():
            cursor.execute(f"SET LOCAL {way} = off")
        cursor.execute(f"EXPLAIN {sql}", parameters)
        return "\n".join(row[0] for row in cursor.fetchall())


@pytest.mark.parametrize("sql", [USES_PARTY, USES_WORK])
def test_what_used_a_party_or_work_is_found_by_index(sql: str) -> None:
    # In an empty table walking the primary key costs as little; GIN indexes answer by bitmaps alone.
    plan = plan_of(sql, [uuid4(), uuid4()], without="enable_seqscan enable_indexscan enable_indexonlyscan")
    assert "generation_by_reference" in plan and "generation_by_input" in plan, plan


def test_a_chains_entries_are_found_by_index() -> None:
    chain = entries_of_chain(uuid4(), leaves=["sha256:1"], images=["sha256:2"])
    sql, parameters = chain.query.sql_with_params()
    plan = plan_of(sql, parameters)
    assert "opening_by_generation" in plan and "opening_by_image" in plan and "Seq Scan" not in plan, plan
