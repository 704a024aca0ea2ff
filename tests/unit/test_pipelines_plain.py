"""The plain parts of the pipelines: residency, registry, latent colours, previews, and what they import."""

from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from generation.pipelines.environment import environment_fingerprint
from generation.pipelines.errors import PipelineError, PipelineUnknown
from generation.pipelines.families import FAMILIES, family_of
from generation.pipelines.latent_colours import LatentColours
from generation.pipelines.previews import LONGEST_SIDE, MOST_BYTES, jpeg_preview
from generation.pipelines.registry import load_pipeline
from generation.pipelines.residency import Residency

HEAVY = ("torch", "diffusers", "transformers", "django", "celery")


@pytest.mark.parametrize(
    "module",
    ["contract", "errors", "loading", "seeded_noise", "registry", "families", "residency", "environment"],
)
def test_a_plain_module_imports_neither_torch_nor_django(module):
    program = (
        f"import sys, generation.pipelines.{module}\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "path",
    ["", "nowhere", "generation.nowhere.Pipeline", "generation.pipelines.seeded_noise.Nothing"],
)
def test_a_path_that_names_no_pipeline_is_refused_with_a_sentence(path):
    with pytest.raises(PipelineUnknown) as refused:
        load_pipeline(path)
    assert "settings" in refused.value.said("en") and "设置" in refused.value.said("zh-Hans")


def test_options_that_do_not_fit_a_pipeline_are_refused():
    with pytest.raises(PipelineUnknown):
        load_pipeline("generation.pipelines.seeded_noise.SeededNoisePipeline", colour="blue")


def test_the_least_recently_used_value_goes_first():
    gone: list[str] = []
    kept: Residency[str] = Residency(budget_bytes=100, release=gone.append)
    for key in ("a", "b"):
        kept.fetch(key, size_bytes=50, load=lambda key=key: key.upper())
    kept.fetch("a", size_bytes=50, load=_never)
    kept.fetch("c", size_bytes=10, load=lambda: "C")
    assert kept.resident() == ("a", "c") and gone == ["B"] and kept.used_bytes() == 60


def test_room_is_made_before_a_value_is_loaded():
    kept: Residency[str] = Residency(budget_bytes=100)
    kept.fetch("a", size_bytes=80, load=lambda: "A")
    resident_while_loading: list[tuple[str, ...]] = []
    kept.fetch("b", size_bytes=80, load=lambda: resident_while_loading.append(kept.resident()) or "B")
    assert resident_while_loading == [()]


def test_a_value_larger_than_the_budget_is_kept_alone():
    kept: Residency[str] = Residency(budget_bytes=10)
    kept.fetch("small", size_bytes=5, load=lambda: "s")
    kept.fetch("large", size_bytes=50, load=lambda: "l")
    assert kept.resident() == ("large",)


def test_a_load_that_fails_leaves_nothing_behind():
    kept: Residency[str] = Residency(budget_bytes=10)
    with pytest.raises(AssertionError):
        kept.fetch("a", size_bytes=5, load=_never)
    assert kept.resident() == () and kept.used_bytes() == 0


@given(uses=st.lists(st.tuples(st.integers(0, 5), st.integers(1, 40)), max_size=40))
def test_the_budget_holds_after_every_use_but_for_a_value_too_large(uses):
    kept: Residency[int] = Residency(budget_bytes=60)
    sizes: dict[str, int] = {}
    for key, size in uses:
        size = sizes.setdefault(str(key), size)
        kept.fetch(str(key), size_bytes=size, load=lambda key=key: key)
        assert kept.resident()[-1] == str(key)
        assert kept.used_bytes() == sum(sizes[name] for name in kept.resident()) <= 60


def test_colours_are_learned_from_the_first_finished_picture():
    colours, random = LatentColours(), np.random.default_rng(1)
    latents = random.normal(size=(8, 8, 4)).astype(np.float32)
    true_map = random.normal(size=(4, 3)) * 20
    small = np.clip(128 + latents @ true_map, 0, 255)
    picture = np.kron(small, np.ones((8, 8, 1))).round().astype(np.uint8)
    assert colours.picture(latents) is None
    colours.learn(latents, picture)
    guess = colours.picture(latents)
    assert guess.shape == (8, 8, 3)
    assert np.abs(guess.astype(float) - small).mean() < 8


def test_even_a_preview_of_noise_is_small():
    noise = np.random.default_rng(2).integers(0, 256, (512, 768, 3), np.uint8)
    preview = jpeg_preview(noise)
    with Image.open(io.BytesIO(preview)) as image:
        assert image.format == "JPEG" and image.size == (LONGEST_SIDE, 64)
    assert len(preview) <= MOST_BYTES


def test_every_family_names_three_pipeline_classes_that_lead_back_to_it():
    for family in FAMILIES:
        assert len(family.classes) == 3
        assert all(family_of(name) is family for name in family.classes.values())
    assert family_of("SanaPipeline").classes == {"text-to-image": "SanaPipeline"}


def test_two_environments_share_a_fingerprint_only_when_equal():
    one = {"threads": "2", "versions": {"torch": "2.13.0"}}
    assert environment_fingerprint(one) == environment_fingerprint(dict(reversed(one.items())))
    assert environment_fingerprint(one) != environment_fingerprint({**one, "threads": "1"})


@pytest.mark.parametrize("kind", PipelineError.__subclasses__())
def test_every_fault_has_a_code_of_its_own_and_a_sentence_in_each_language(kind):
    codes = [other.code for other in PipelineError.__subclasses__()]
    assert codes.count(kind.code) == 1 and kind.code != PipelineError.code
    assert kind.en != PipelineError.en and kind.zh != PipelineError.zh
    assert any("一" <= letter <= "龥" for letter in kind.zh)


def _never() -> str:
    raise AssertionError("it is resident already, or must not load")
