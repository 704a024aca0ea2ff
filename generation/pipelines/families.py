"""The families of diffusion models that Colophon knows by name, and what each can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from generation.pipelines.contract import Task
from generation.pipelines.schedulers import SCHEDULERS


@dataclass(frozen=True)
class Family:
    """What the models of one family share."""

    name: str
    denoiser: str
    """The component that denoises: "unet" or "transformer"."""
    classes: Mapping[Task, str]
    """The diffusers pipeline class that does each task with the same components."""
    native_side: int
    """Pixels of a side where the model's configuration names none."""
    size_multiple: int
    steps: int
    guidance_scale: float
    schedulers: tuple[str, ...] = ()
    """Schedulers an order may choose; none for flow matching, which keeps its own."""


def _classes(stem: str) -> dict[Task, str]:
    return {
        "text-to-image": f"{stem}Pipeline",
        "image-to-image": f"{stem}Img2ImgPipeline",
        "inpainting": f"{stem}InpaintPipeline",
    }


FAMILIES: tuple[Family, ...] = (
    Family("stable-diffusion", "unet", _classes("StableDiffusion"), 512, 8, 25, 7.0, SCHEDULERS),
    Family("stable-diffusion-xl", "unet", _classes("StableDiffusionXL"), 1024, 8, 30, 6.0, SCHEDULERS),
    Family("stable-diffusion-3", "transformer", _classes("StableDiffusion3"), 1024, 16, 28, 4.5),
    Family("flux", "transformer", _classes("Flux"), 1024, 16, 28, 3.5),
    Family("qwen-image", "transformer", _classes("QwenImage"), 1024, 16, 30, 4.0),
    Family("z-image", "transformer", _classes("ZImage"), 1024, 16, 28, 4.0),
)


def family_of(pipeline_class: str) -> Family:
    """Return the family that a pipeline class belongs to; "other" draws from text, by its own class."""
    for family in FAMILIES:
        if pipeline_class in family.classes.values():
            return family
    return Family("other", "transformer", {"text-to-image": pipeline_class}, 1024, 32, 28, 4.0)
