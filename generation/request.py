"""A request for pictures, checked against the model that is to make them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from generation.errors import GenerationError
from provenance.credentials.label import VisibleLabel
from provenance.licensing.declared import BROADER_PURPOSES, COUNTRIES, RATINGS
from provenance.licensing.money import Money

Disclosure = Literal["public", "committed", "private"]
OutputFormat = Literal["png", "jpeg", "webp", "avif"]
MEDIA_TYPES: Mapping[OutputFormat, str] = {
    "png": "image/png",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "avif": "image/avif",
}
LEAST_QUALITY = 30
"""Below this the marks of an encoded picture are worth little, and so is the picture."""
LONGEST_PROMPT = 4_000
LARGEST_SEED = 2**63 - 1
MOST_PICTURES = 8
MOST_STEPS = 150
MOST_REFERENCES = 4
MOST_INPUTS = 2
LARGEST_SCALE = 2
LONGEST_RECIPIENT = 200
MOST_ACCEPTED = 8


class InvalidRequest(GenerationError):
    """A value of a request is out of bounds; ``field`` names it."""

    code = "invalid-request"
    en = "{field}: {said_en}"
    zh = "{field}：{said_zh}"


def invalid(field: str, en: str, zh: str) -> InvalidRequest:
    """Return the fault of one field, said in both languages."""
    return InvalidRequest(field=field, said_en=en, said_zh=zh)


@dataclass(frozen=True)
class StyleReference:
    """A declared style and how strongly its adapter is applied."""

    style: str
    scale: float = 1.0


@dataclass(frozen=True)
class InputPicture:
    """A listed work or an earlier output that goes into the picture."""

    role: Literal["image", "mask"]
    work: str


@dataclass(frozen=True, kw_only=True)
class GenerationRequest:
    """What an artist asks for; None takes the model's own default."""

    prompt: str
    model: str = ""
    negative_prompt: str = ""
    n: int = 1
    seeds: tuple[int, ...] = ()
    width: int | None = None
    height: int | None = None
    steps: int | None = None
    guidance_scale: float | None = None
    scheduler: str = ""
    strength: float | None = None
    references: tuple[StyleReference, ...] = ()
    inputs: tuple[InputPicture, ...] = ()
    disclosure: Disclosure = "public"
    purpose: str = ""
    territory: str = ""
    recipient: str = ""
    output_format: OutputFormat = "png"
    quality: int | None = None
    """1 to 100 for a lossy format; None takes the format's own."""
    label: VisibleLabel | None = None
    content_rating: str = ""
    ceiling: Money | None = None
    """Above what the request is refused, with what it would have cost."""
    accepted_terms: tuple[str, ...] = ()
    """Digests of terms whose use restrictions the requester accepts."""

    @property
    def task(self) -> str:
        """Return what kind of making the inputs ask for."""
        roles = {picture.role for picture in self.inputs}
        return {frozenset(): "text-to-image", frozenset({"image"}): "image-to-image"}.get(
            frozenset(roles), "inpainting"
        )


@dataclass(frozen=True)
class Settled:
    """The numbers of a request after the model's defaults have filled what was left open."""

    seeds: tuple[int, ...]
    width: int
    height: int
    steps: int
    guidance_scale: float
    scheduler: str
    strength: float | None


def settle(
    request: GenerationRequest,
    *,
    tasks: tuple[str, ...],
    defaults: Mapping[str, Any],
    sizes: Mapping[str, Any],
    schedulers: tuple[str, ...],
) -> Settled:
    """Return the request's numbers within the model's limits; raise InvalidRequest naming the field."""
    _check_prompt("prompt", request.prompt)
    _check_prompt("negative_prompt", request.negative_prompt)
    _check_task(request, tasks)
    check_form(request.output_format, request.quality)
    _check_declared(request)
    if request.scheduler and request.scheduler not in schedulers:
        raise invalid(
            "scheduler",
            f"choose one of {', '.join(schedulers)}.",
            f"请从 {'、'.join(schedulers)} 中选择。",
        )
    return Settled(
        seeds=_seeds(request),
        width=_side("width", request.width, defaults, sizes),
        height=_side("height", request.height, defaults, sizes),
        steps=_bounded("steps", request.steps, int(defaults["steps"]), 1, MOST_STEPS),
        guidance_scale=_bounded(
            "guidance_scale", request.guidance_scale, float(defaults["guidance_scale"]), 0.0, 30.0
        ),
        scheduler=request.scheduler,
        strength=None
        if request.task == "text-to-image"
        else _bounded("strength", request.strength, 0.8, 0.05, 1.0),
    )


def _check_prompt(field: str, text: str) -> None:
    if field == "prompt" and not text.strip():
        raise invalid(field, "say what the picture should show.", "请说明图片内容。")
    if len(text) > LONGEST_PROMPT:
        raise invalid(
            field,
            f"has {len(text):,} characters; at most {LONGEST_PROMPT:,} are taken.",
            f"有 {len(text):,} 个字符；最多 {LONGEST_PROMPT:,} 个。",
        )
    if "\0" in text or any(0xD800 <= ord(character) <= 0xDFFF for character in text):
        raise invalid(field, "is not valid UTF-8 text.", "不是有效的 UTF-8 文本。")


def check_form(output_format: str, quality: int | None) -> None:
    """Raise InvalidRequest for a format that is not delivered, or a quality that it does not have."""
    if output_format not in MEDIA_TYPES:
        raise invalid(
            "output_format", f"choose one of {', '.join(MEDIA_TYPES)}.", f"请从 {'、'.join(MEDIA_TYPES)} 中选择。"
        )
    if quality is None:
        return
    if output_format == "png":
        raise invalid("quality", "PNG keeps every pixel; leave it out.", "PNG 为无损格式；请不要填写该项。")
    _bounded("quality", quality, quality, LEAST_QUALITY, 100)


def _check_task(request: GenerationRequest, tasks: tuple[str, ...]) -> None:
    roles = [picture.role for picture in request.inputs]
    if len(set(roles)) != len(roles) or ("mask" in roles and "image" not in roles):
        raise invalid(
            "inputs", "give one image, and at most one mask with it.", "请给一张图片，最多再加一张蒙版。"
        )
    if request.task not in tasks:
        raise invalid("inputs", f"this model does not do {request.task}.", f"该模型不支持 {request.task}。")
    if len(request.references) > MOST_REFERENCES:
        raise invalid("references", f"at most {MOST_REFERENCES} are taken.", f"最多 {MOST_REFERENCES} 个。")
    if not all(0 <= reference.scale <= LARGEST_SCALE for reference in request.references):
        raise invalid(
            "references", f"a scale must be from 0 to {LARGEST_SCALE}.", f"强度必须在 0 到 {LARGEST_SCALE} 之间。"
        )


def _check_declared(request: GenerationRequest) -> None:
    """Raise InvalidRequest for what is declared in words that no licence could be compared with."""
    for field, said, known in (
        ("purpose", request.purpose, BROADER_PURPOSES),
        ("content_rating", request.content_rating, RATINGS),
    ):
        if said and said not in known:
            raise invalid(field, f"choose one of {', '.join(known)}.", f"请从 {'、'.join(known)} 中选择。")
    if request.territory and request.territory not in COUNTRIES:
        raise invalid(
            "territory",
            "name a country by its two letters of ISO 3166, such as FR; left open, it counts as everywhere.",
            "请用 ISO 3166 的两位字母代码填写国家或地区，如 FR；留空则视为全球。",
        )
    if len(request.recipient) > LONGEST_RECIPIENT or "\0" in request.recipient:
        raise invalid(
            "recipient", f"has at most {LONGEST_RECIPIENT} characters.", f"最多 {LONGEST_RECIPIENT} 个字符。"
        )
    if len(request.accepted_terms) > MOST_ACCEPTED:
        raise invalid("accepted_terms", f"at most {MOST_ACCEPTED} are taken.", f"最多 {MOST_ACCEPTED} 项。")


def _seeds(request: GenerationRequest) -> tuple[int, ...]:
    if request.seeds:
        if len(request.seeds) > MOST_PICTURES:
            raise invalid(
                "seeds", f"at most {MOST_PICTURES} pictures a request.", f"每次最多 {MOST_PICTURES} 张。"
            )
        if any(not 0 <= seed <= LARGEST_SEED for seed in request.seeds):
            raise invalid("seeds", "must be from 0 to 2^63 - 1.", "必须在 0 到 2^63 - 1 之间。")
        if len(set(request.seeds)) != len(request.seeds):
            raise invalid("seeds", "name each seed once.", "每个种子只写一次。")
        return request.seeds
    if not 1 <= request.n <= MOST_PICTURES:
        raise invalid("n", f"must be from 1 to {MOST_PICTURES}.", f"必须在 1 到 {MOST_PICTURES} 之间。")
    first = secrets.randbelow(2**53)
    return tuple(first + offset for offset in range(request.n))


def _side(field: str, asked: int | None, defaults: Mapping[str, Any], sizes: Mapping[str, Any]) -> int:
    value = int(defaults[field]) if asked is None else asked
    multiple, least, most = int(sizes["multiple"]), int(sizes["min"]), int(sizes["max"])
    if value != least and least == most:
        raise invalid(
            field,
            f"this model was taught at {least} pixels and draws at no other size. Leave it out to take that.",
            f"该模型只在 {least} 像素下训练，不支持其他尺寸。留空即可采用该尺寸。",
        )
    if not least <= value <= most or value % multiple:
        raise invalid(
            field,
            f"must be a multiple of {multiple} from {least} to {most}.",
            f"必须是 {multiple} 的倍数，且在 {least} 到 {most} 之间。",
        )
    return value


def _bounded(field: str, value: Any, default: Any, least: Any, most: Any) -> Any:
    chosen = default if value is None else value
    if not least <= chosen <= most:
        raise invalid(field, f"must be from {least} to {most}.", f"必须在 {least} 到 {most} 之间。")
    return chosen
