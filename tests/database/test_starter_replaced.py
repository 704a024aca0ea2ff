"""A data folder whose starter model was replaced: registered anew, its styles bound to what the new one learned."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from PIL import Image
from pytest_django import Settings

from generation import queries
from generation.actions.rendering import render_next
from generation.models import Generation, ImageModel
from generation.pipelines.contract import Pipeline
from generation.pipelines.registry import load_pipeline
from generation.starter import collection
from provenance import storage
from provenance.audit_log.models import Entry
from provenance.canonical import sha256_digest
from provenance.licensing.models import Offer
from provenance.works.models import Party, Style, Work
from tests.factories.records import a_model, a_request, a_worker, an_artist, kinds_of_entries

pytestmark = [
    pytest.mark.torch,
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]
Train = Callable[..., None]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[int], Path]]:
    """Lend tiny models by seed, each built once."""
    import torch

    from tests.factories.tiny_models import build_tiny_model

    folders: dict[int, Path] = {}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # models this small only wait for each other's threads

    def build(seed: int) -> Path:
        if seed not in folders:
            folders[seed] = build_tiny_model("stable-diffusion", tmp_path_factory.mktemp("tiny") / "m", seed=seed)
        return folders[seed]

    yield build
    torch.set_num_threads(threads)


@pytest.fixture
def pipeline() -> Pipeline:
    return load_pipeline("generation.pipelines.diffusers_backend.DiffusersPipeline", device="cpu")


def a_thumbnail() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(buffer, "WEBP")
    return buffer.getvalue()


def write_collection(path: Path, taught: dict[str, list[str]], *, held_out: dict[str, list[str]]) -> None:
    """Write a collection of sets with what each was trained on; a set that is taught nothing is not trained."""
    sets = [
        {"kind": "set", "slug": slug, "style": slug.title(), "owner": f"{slug.title()} Makers",
         "owner_url": f"https://{slug}.example", "licence": "CC-BY-4.0", "licence_url": "https://cc.example",
         "trained": bool(subjects)}
        for slug, subjects in taught.items()
    ]  # fmt: skip
    works = [
        {"kind": "work", "id": f"{slug}-{subject}", "subject": subject, "en": subject, "zh": subject, "set": slug,
         "owner": f"{slug.title()} Makers", "licence": "CC-BY-4.0",
         "digest": sha256_digest(f"{slug}/{subject}".encode()), "split": split}
        for split, subjects_of in (("trained", taught), ("held-out", held_out))
        for slug, subjects in subjects_of.items() for subject in subjects
    ]  # fmt: skip
    collection.write_collection(
        sets=sets, works=works, thumbnails={work["id"]: a_thumbnail() for work in works}, path=path
    )


@pytest.fixture
def train(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, built: Callable[[int], Path]) -> Train:
    """Return what puts a trained starter model and its collection where the next start finds them."""
    folder, shipped = tmp_path / "model", tmp_path / "collection.zip"
    monkeypatch.setattr(collection, "COLLECTION", shipped)
    settings.ENVIRONMENT = settings.ENVIRONMENT.model_copy(update={"starter_model": folder, "home": tmp_path / "home"})
    settings.CELERY_BROKER_URL = "memory://"
    (tmp_path / "home").mkdir()

    def put(seed: int, taught: dict[str, list[str]], *, held_out: dict[str, list[str]] | None = None) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(built(seed), folder)
        write_collection(shipped, taught, held_out=held_out or {})
        training = {"statement": "known", "works": 1, "manifest_sha256": collection.manifest_digest(shipped)}
        own = {"name": "Colophon starter", "licence_spdx": "Apache-2.0", "training": training}
        (folder / "colophon.json").write_text(json.dumps(own))

    return put


FIRST = {"ink": ["cat", "sun"], "chalk": ["cat", "sun"], "clay": []}
SECOND = {"ink": ["cat", "sun", "tree", "key"], "chalk": [], "clay": ["cat", "tree"]}


def start() -> None:
    call_command("first_use", stdout=io.StringIO())


def works_of(slug: str) -> set[str]:
    return set(Style.objects.get(slug=slug).works.values_list("title", flat=True))


def everything() -> dict[str, Any]:
    tables = {kind.__name__: list(kind.objects.order_by("pk").values()) for kind in (ImageModel, Party, Work, Offer)}
    return tables | {"styles": [(style.slug, style.state, works_of(style.slug)) for style in Style.objects.all()]}


def test_the_next_start_registers_it_anew_and_binds_each_style_to_what_it_was_trained_on(train: Train) -> None:
    train(1, FIRST, held_out={"ink": ["tree"]})
    start()
    before = queries.model_named("")
    assert works_of("ink") == {"cat", "sun"} and Work.objects.count() == 5
    ink, offers = Style.objects.get(slug="ink"), set(Offer.objects.values_list("pk", flat=True))
    train(2, SECOND)
    start()
    after = queries.model_named("")
    assert after.slug == before.slug and after.digest != before.digest
    before.refresh_from_db()
    assert before.superseded_at and ImageModel.objects.count() == 2
    ink.refresh_from_db()
    assert ink.model_digest == after.digest and works_of("ink") == {"cat", "sun", "tree", "key"}
    assert works_of("clay") == {"cat", "tree"} and Style.objects.get(slug="clay").model_digest == after.digest
    assert Work.objects.count() == 8 and Party.objects.count() == 3
    assert offers < set(Offer.objects.values_list("pk", flat=True)) and Offer.objects.count() == len(offers) + 1


def test_a_style_that_the_new_model_lacks_is_left_behind_and_said_so(train: Train) -> None:
    train(1, FIRST)
    start()
    said = io.StringIO()
    train(2, SECOND)
    call_command("first_use", stdout=said)
    chalk = Style.objects.get(slug="chalk")
    assert chalk.state == "left-behind" and works_of("chalk") == {"cat", "sun"} and "Chalk" in said.getvalue()
    told = Entry.objects.get(kind="StyleLeftBehind").opening.details
    assert told["style"] == str(chalk.pk) and told["replaced_by"] == queries.model_named("").digest
    train(3, FIRST)
    start()
    chalk.refresh_from_db()
    assert chalk.state == "active" and chalk.model_digest == queries.model_named("").digest


def test_every_change_has_its_entry_and_the_start_after_it_changes_nothing(train: Train) -> None:
    train(1, FIRST)
    start()
    first = kinds_of_entries()
    train(2, SECOND)
    start()
    assert kinds_of_entries()[len(first) :].count("StyleRebound") == 1
    assert sorted(kinds_of_entries()[len(first) :]) == sorted(
        ["ModelRegistered", "CollectionRegistered", "StyleRebound", "CollectionRegistered", "StyleRegistered",
         "OfferPublished", "StyleLeftBehind"]
    )  # fmt: skip
    stands, entries, files = everything(), Entry.objects.count(), sorted(storage.stored_files())
    start()
    assert everything() == stands and Entry.objects.count() == entries
    assert sorted(storage.stored_files()) == files


def test_a_model_that_states_other_training_works_has_no_style_bound_to_it(train: Train) -> None:
    train(1, FIRST)
    start()
    train(2, SECOND)
    write_collection(collection.COLLECTION, FIRST | {"ink": ["cat"]}, held_out={})
    start()
    assert not Style.objects.filter(model_digest=queries.model_named("").digest).exists()
    assert {style.state for style in Style.objects.all()} == {"left-behind"}


def test_what_was_asked_of_the_old_weights_fails_in_a_sentence_and_the_next_request_is_drawn(
    train: Train, keys: Path, pipeline: Pipeline
) -> None:
    train(1, FIRST)
    start()
    artist, worker = an_artist(), a_worker(keys, pipeline=pipeline)
    asked = {"prompt": "a red cat, ink style", "steps": 1}
    drawn = a_request(artist, **asked)
    render_next(worker=worker)
    waiting = a_request(artist, **asked)
    train(2, SECOND)
    start()
    fresh = a_request(artist, **asked)
    for _ in range(2):
        render_next(worker=worker)
    ends = [(one.state, (one.fault or {}).get("code")) for one in map(again, (drawn, waiting, fresh))]
    assert ends == [("done", None), ("failed", "model-replaced"), ("done", None)]
    assert again(drawn).model.digest != again(fresh).model.digest
    assert again(drawn).outputs.get().raw_pixels != again(fresh).outputs.get().raw_pixels


def again(generation: Generation) -> Generation:
    return Generation.objects.select_related("model").get(pk=generation.pk)


def test_old_weights_that_are_still_there_are_drawn_with(
    train: Train, keys: Path, tmp_path: Path, built: Callable[[int], Path], pipeline: Pipeline
) -> None:
    train(1, FIRST)
    start()
    waiting = a_request(an_artist(), steps=1)
    kept = tmp_path / "kept"
    (tmp_path / "model").rename(kept)
    (tmp_path / "model").symlink_to(tmp_path / "other")
    shutil.copytree(built(2), tmp_path / "other")
    shutil.copy(kept / "colophon.json", tmp_path / "other")
    start()
    (tmp_path / "model").unlink()
    kept.rename(tmp_path / "model")
    render_next(worker=a_worker(keys, pipeline=pipeline))
    assert again(waiting).state == "done" and again(waiting).model.superseded_at


def test_a_folder_of_the_operators_own_models_gets_no_starter_model(train: Train) -> None:
    train(1, FIRST)
    a_model("Own")
    start()
    assert [model.name for model in queries.models_listed()] == ["Own"] and not Style.objects.exists()


def test_a_starter_model_that_cannot_be_read_stops_a_first_start_and_no_later_one(train: Train) -> None:
    train(1, FIRST)
    index = collection.COLLECTION.parent / "model" / "model_index.json"
    kept = index.read_text()
    index.unlink()
    with pytest.raises(CommandError, match="model_index"):
        start()
    index.write_text(kept)
    start()
    index.unlink()
    said = io.StringIO()
    call_command("first_use", stdout=said)
    assert "model_index.json" in said.getvalue() and queries.models_listed().count() == 1
