"""LoRA adapters: on for the order that names them, and gone without a trace afterwards."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from generation.pipelines.contract import AdapterFile, StepDone
from generation.pipelines.errors import AdapterUnfit, PickleRefused
from generation.pipelines.registry import load_pipeline
from provenance.canonical import pixel_digest, sha256_digest

pytestmark = [
    pytest.mark.torch,
    # Warnings of torch's, diffusers' and their kin's own making, about each other.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning:peft"),
    pytest.mark.filterwarnings("ignore::UserWarning:torch"),
]
BACKEND = "generation.pipelines.diffusers_backend.DiffusersPipeline"
TARGETS = ["to_q", "to_k", "to_v", "to_out.0"]


@pytest.fixture(scope="module")
def pipeline() -> Any:
    return load_pipeline(BACKEND, device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def adapters(tiny: Any) -> dict[str, Path]:
    """A random adapter for the UNet of Stable Diffusion, and one for the transformer of FLUX."""
    from tests.factories.tiny_models import build_tiny_lora

    wanted = {"stable-diffusion": "unet", "flux": "transformer"}
    return {
        family: build_tiny_lora(
            tiny.folder / f"{family}-lora",
            model=tiny.folder_of(family),
            component=component,
            targets=TARGETS,
        )
        for family, component in wanted.items()
    }


@pytest.mark.parametrize("family", ["stable-diffusion", "flux"])
def test_an_adapter_changes_the_picture_and_leaves_no_trace(tiny, pipeline, adapters, family):
    order = tiny.order(family)
    before = _digests(pipeline.render(order, on_step=_ignore))
    adapted = dataclasses.replace(order, adapters=(_file(adapters[family]),))
    rendered = pipeline.render(adapted, on_step=_ignore)
    assert _digests(rendered) != before
    assert rendered.settings["adapters"] == [{"digest": adapted.adapters[0].digest, "scale": "1.0"}]
    assert _digests(pipeline.render(order, on_step=_ignore)) == before
    assert _digests(pipeline.render(adapted, on_step=_ignore)) == _digests(rendered)


def test_the_scale_decides_how_strongly_an_adapter_acts(tiny, pipeline, adapters):
    order, file = tiny.order("stable-diffusion"), _file(adapters["stable-diffusion"])
    plain = pipeline.render(order, on_step=_ignore).images[0].astype(float)

    def change(scale: float) -> float:
        adapted = dataclasses.replace(order, adapters=(dataclasses.replace(file, scale=scale),))
        return float(np.abs(pipeline.render(adapted, on_step=_ignore).images[0] - plain).mean())

    assert 0 == change(0.0) < change(0.1) < change(1.0)


def test_a_file_stored_under_its_digest_needs_no_ending(tiny, pipeline, adapters, tmp_path):
    nameless = tmp_path / ("a" * 64)
    nameless.write_bytes(adapters["stable-diffusion"].read_bytes())
    order = tiny.order("stable-diffusion")
    one, other = (
        dataclasses.replace(order, adapters=(_file(path),))
        for path in (nameless, adapters["stable-diffusion"])
    )
    assert _digests(pipeline.render(one, on_step=_ignore)) == _digests(
        pipeline.render(other, on_step=_ignore)
    )


def test_an_adapter_serves_every_task_of_its_model(tiny, pipeline, adapters):
    for task in ("image-to-image", "inpainting"):
        order = tiny.order("stable-diffusion", task=task)
        adapted = dataclasses.replace(order, adapters=(_file(adapters["stable-diffusion"]),))
        before = _digests(pipeline.render(order, on_step=_ignore))
        assert _digests(pipeline.render(adapted, on_step=_ignore)) != before
        assert _digests(pipeline.render(order, on_step=_ignore)) == before


def test_two_adapters_act_together(tiny, pipeline, adapters, tmp_path):
    from tests.factories.tiny_models import build_tiny_lora

    folder = tiny.folder_of("stable-diffusion")
    second = build_tiny_lora(tmp_path, model=folder, component="unet", targets=TARGETS, seed=8)
    order = tiny.order("stable-diffusion")
    files = (_file(adapters["stable-diffusion"]), _file(second))
    drawn = [
        _digests(pipeline.render(dataclasses.replace(order, adapters=chosen), on_step=_ignore))
        for chosen in ((), files[:1], files[1:], files)
    ]
    assert len({tuple(digests) for digests in drawn}) == 4


def test_a_cancelled_order_takes_its_adapter_with_it(tiny, pipeline, adapters):
    order = tiny.order("stable-diffusion")
    before = _digests(pipeline.render(order, on_step=_ignore))
    adapted = dataclasses.replace(order, adapters=(_file(adapters["stable-diffusion"]),))
    with pytest.raises(KeyboardInterrupt):
        pipeline.render(adapted, on_step=_interrupt)
    assert _digests(pipeline.render(order, on_step=_ignore)) == before


def test_an_adapter_for_another_architecture_is_refused_and_leaves_no_trace(tiny, pipeline, adapters):
    order = tiny.order("stable-diffusion")
    before = _digests(pipeline.render(order, on_step=_ignore))
    with pytest.raises(AdapterUnfit):
        _render_with(pipeline, order, adapters["flux"])
    assert _digests(pipeline.render(order, on_step=_ignore)) == before


def test_an_adapter_of_which_only_a_part_fits_is_refused_and_leaves_no_trace(
    tiny, pipeline, adapters, tmp_path
):
    from safetensors.numpy import load_file

    tensors = load_file(adapters["stable-diffusion"])
    strange = {
        key.replace("unet.", "unet.elsewhere.", 1): value
        for key, value in tensors.items()
        if "up_blocks" in key
    }
    kept = {key: value for key, value in tensors.items() if "up_blocks" not in key}
    save_file({**kept, **strange}, tmp_path / "part.safetensors")
    order = tiny.order("stable-diffusion")
    before = _digests(pipeline.render(order, on_step=_ignore))
    with pytest.raises(AdapterUnfit):
        _render_with(pipeline, order, tmp_path / "part.safetensors")
    assert _digests(pipeline.render(order, on_step=_ignore)) == before


def test_an_adapter_of_other_widths_is_refused_and_leaves_no_trace(tiny, pipeline, adapters, tmp_path):
    from safetensors.numpy import load_file

    tensors = load_file(adapters["stable-diffusion"])
    wider = {key: np.repeat(value, 2, axis=1) if "lora_A" in key else value for key, value in tensors.items()}
    save_file(wider, tmp_path / "wide.safetensors")
    order = tiny.order("stable-diffusion")
    before = _digests(pipeline.render(order, on_step=_ignore))
    with pytest.raises(AdapterUnfit):
        _render_with(pipeline, order, tmp_path / "wide.safetensors")
    assert _digests(pipeline.render(order, on_step=_ignore)) == before


@pytest.mark.parametrize("keep", [0, 5, 100, -1])
def test_an_adapter_cut_short_is_refused(tiny, pipeline, adapters, tmp_path, keep):
    file = tmp_path / "cut.safetensors"
    file.write_bytes(adapters["stable-diffusion"].read_bytes()[:keep])
    with pytest.raises(AdapterUnfit, match=r"cut\.safetensors"):
        _render_with(pipeline, tiny.order("stable-diffusion"), file)


def test_a_pickled_adapter_is_refused_unread(tiny, pipeline, tmp_path):
    file = tmp_path / "lora.safetensors"
    file.write_bytes(pickle.dumps({"weights": [1.0]}))
    with pytest.raises(PickleRefused, match="safetensors are loaded"):
        _render_with(pipeline, tiny.order("stable-diffusion"), file)


def test_an_adapter_changed_since_registration_is_refused(tiny, pipeline, adapters):
    file = dataclasses.replace(_file(adapters["stable-diffusion"]), digest="sha256:" + "0" * 64)
    order = dataclasses.replace(tiny.order("stable-diffusion"), adapters=(file,))
    with pytest.raises(AdapterUnfit, match="not the one that was registered"):
        pipeline.render(order, on_step=_ignore)


def _render_with(pipeline: Any, order: Any, path: Path) -> None:
    pipeline.render(dataclasses.replace(order, adapters=(_file(path),)), on_step=_ignore)


def _file(path: Path) -> AdapterFile:
    return AdapterFile(path=path, digest=sha256_digest(path.read_bytes()))


def _digests(rendered: Any) -> list[str]:
    return [pixel_digest(picture) for picture in rendered.images]


def _ignore(step: StepDone) -> None:
    """Take a step as it comes."""


def _interrupt(step: StepDone) -> None:
    raise KeyboardInterrupt
