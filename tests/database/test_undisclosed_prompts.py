"""What a private or committed prompt says stays with its owner: no entry, opening or manifest holds a word of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from generation.actions.rendering import render_next
from generation.evidence import Records
from generation.models import Generation
from provenance import storage
from provenance.audit_log.models import Entry, Opening
from provenance.canonical import canonical_json, sha256_digest
from provenance.licensing.actions.opting_out import record_opt_out
from provenance.verification.copy import Copy
from tests.factories.records import a_model, a_party, a_request, a_style, a_worker, an_artist, in_style

pytestmark = pytest.mark.django_db(transaction=True)
WORDS = ("quillfox", "Orla Vintner", "zebrafinch")
PROMPT = "a zebrafinch in quillfox by Orla Vintner"


def entries_as_bytes(*, since: int) -> bytes:
    """Return every byte that the log's tables hold of the entries made since, as text."""
    tables = [name for name in connection.introspection.table_names() if name.startswith("audit_log_")]
    new = [str(pk) for pk in list(Entry.objects.order_by("at").values_list("pk", flat=True))[since:]]
    found = []
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f'SELECT t::text FROM "{table}" AS t')
            found += [row[0] for row in cursor.fetchall() if any(pk in row[0] for pk in new)]
    assert len(found) >= 2 * len(new) > 0
    return "\n".join(found).encode()


def says_none_of(data: bytes, *, words: tuple[str, ...]) -> None:
    for word in words:
        for spelling in (word, word.lower(), word.upper()):
            assert spelling.encode() not in data and spelling.encode("utf-16-le") not in data, word


@pytest.fixture
def named() -> dict[str, Any]:
    """Have an open style and its owner that the prompt names, and another open style to declare."""
    model = a_model()
    owner = an_artist("orla")
    party = a_party("Orla Vintner", member=owner)
    style = a_style(model, party=party, slug="q", name="Quillfox", name_zh="", token="quillfox", licence="CC-BY-4.0")
    declared = a_style(model, party=a_party("Dana Declared"), slug="d", name="Danaware", name_zh="", token="danaware")
    return {"owner": owner, "party": party, "style": style, "declared": declared}


@pytest.mark.parametrize("disclosure", ["private", "committed"])
@pytest.mark.parametrize("negative", [False, True])
def test_no_entry_opening_or_manifest_of_an_undisclosed_request_holds_a_word_of_it(
    named: dict[str, Any], keys: Path, disclosure: str, negative: bool
) -> None:
    since = Entry.objects.count()
    prompts = {"prompt": "a hat", "negative_prompt": PROMPT} if negative else {"prompt": PROMPT}
    generation = a_request(an_artist(), disclosure=disclosure, **prompts, **in_style(named["declared"]))
    render_next(worker=a_worker(keys))
    generation.refresh_from_db()
    assert generation.state == "done"
    kept = b"".join(storage.load(digest) for digest, _ in storage.stored_files())
    ids = (str(named["style"].pk), str(named["party"].pk))
    told = entries_as_bytes(since=since)
    says_none_of(told, words=(*WORDS, *ids))
    says_none_of(kept, words=(*WORDS, *ids))
    assert b"Danaware" in told and b"Danaware" in kept, "a declared style is named"


@pytest.mark.parametrize("disclosure", ["private", "committed"])
def test_a_refusal_of_an_undisclosed_request_holds_no_word_of_it_either(
    named: dict[str, Any], keys: Path, disclosure: str
) -> None:
    artist = an_artist()
    since = Entry.objects.count()
    waiting = a_request(artist, prompt=PROMPT, disclosure=disclosure)
    record_opt_out(
        actor=named["owner"].actor(), party=named["party"], subject_kind="party", subject_id=named["party"].pk,
        source="form",
    )  # fmt: skip
    opted_out = Opening.objects.get(entry__kind="OptOutRecorded")
    at_once = a_request(artist, prompt=PROMPT, disclosure=disclosure)
    render_next(worker=a_worker(keys))
    states = Generation.objects.filter(pk__in=[waiting.pk, at_once.pk]).values_list("state", flat=True)
    assert list(states) == ["refused", "refused"]
    Opening.objects.filter(pk=opted_out.pk).delete()  # the owner's own entry names the party, and may
    says_none_of(entries_as_bytes(since=since), words=(*WORDS, str(named["style"].pk)))


def sealed_answer(generation: Generation) -> dict[str, Any]:
    opening = Opening.objects.get(details__generation=str(generation.pk), entry__kind="GenerationRequested")
    (answer,) = [one for one in opening.details["decision"]["references"] if one["found_in"] == "prompt"]
    return dict(answer)


def test_a_sealed_answer_keeps_outcome_and_basis_and_opens_to_the_whole_answer(named: dict[str, Any]) -> None:
    generation = a_request(an_artist(), prompt="a cat, quillfox", disclosure="private")
    answer = sealed_answer(generation)
    assert (answer["permitted"], answer["basis"], answer["licence"]) == (True, "open-licence", "CC-BY-4.0")
    assert answer["reasons"] == ["open-licence"] and not {"name", "id", "author", "owner", "right"} & set(answer)
    (whole,) = [one for one in generation.decision["references"] if one["found_in"] == "prompt"]
    assert whole["name"] == "Quillfox", "the owner's record keeps it"
    assert answer["commitment"] == sha256_digest(bytes(generation.prompt_salt) + canonical_json(whole))


def test_two_requests_with_the_same_private_name_cannot_be_told_to_have_it(named: dict[str, Any]) -> None:
    first, second = (a_request(an_artist(name), prompt="quillfox", disclosure="private") for name in ("mara", "noa"))
    assert sealed_answer(first)["commitment"] != sealed_answer(second)["commitment"]


def test_a_public_prompts_names_are_recorded_as_they_are(named: dict[str, Any]) -> None:
    answer = sealed_answer(a_request(an_artist(), prompt="a cat, quillfox"))
    assert (answer["name"], answer["id"]) == ("Quillfox", str(named["style"].pk))


def test_a_verification_does_not_tell_that_a_name_of_the_prompt_opted_out_since(
    named: dict[str, Any], keys: Path
) -> None:
    generation = a_request(an_artist(), prompt=PROMPT, disclosure="private")
    render_next(worker=a_worker(keys))
    records = Records(keeper="here")
    (found,) = records.find(Copy(storage.load(generation.outputs.get().digest)))
    before = records.licences_today(found)
    record_opt_out(
        actor=named["owner"].actor(), party=named["party"], subject_kind="style", subject_id=named["style"].pk,
        source="form",
    )  # fmt: skip
    assert records.licences_today(found) == before
