"""What every pipeline asks of an order, and what it records of it."""

from __future__ import annotations

from typing import Any

from generation.pipelines.contract import RenderOrder
from generation.pipelines.errors import OrderIncomplete, SizeUnfit


def require_whole(order: RenderOrder, *, size_multiple: int = 1) -> None:
    """Raise OrderIncomplete or SizeUnfit for an order that lacks what its task needs."""
    missing = _missing(order)
    if missing is not None:
        raise OrderIncomplete(task=order.task, reason=missing[0], reason_zh=missing[1])
    sides = (order.width, order.height)
    if min(sides) < 1 or any(side % size_multiple for side in sides):
        raise SizeUnfit(width=order.width, height=order.height, multiple=size_multiple)


def _missing(order: RenderOrder) -> tuple[str, str] | None:
    """Return what an order lacks, in English and Chinese."""
    if not order.seeds:
        return "it has no seed", "缺少随机种子"
    if order.steps < 1:
        return "it has no steps", "步数必须至少为 1"
    if order.task == "text-to-image":
        return None
    if order.image is None:
        return "it has no input picture", "缺少输入图片"
    if int(order.steps * strength_of(order)) < 1:
        return "its strength leaves none of its steps", "按该强度没有可执行的步数"
    if order.task == "inpainting" and order.mask is None:
        return "it has no mask", "缺少蒙版"
    if order.task == "inpainting" and order.mask is not None and order.mask.shape != order.image.shape[:2]:
        return "its mask and its picture differ in size", "蒙版与图片尺寸不同"
    return None


def strength_of(order: RenderOrder) -> float:
    """Return how much of an input picture is redrawn: unless the order says, 0.6, or all of a masked part."""
    if order.strength is not None:
        return order.strength
    return 1.0 if order.task == "inpainting" else 0.6


def recorded_arguments(order: RenderOrder) -> dict[str, str]:
    """Return the numbers of an order, as text; prompts are recorded elsewhere, under their own disclosure."""
    said = {
        "width": str(order.width),
        "height": str(order.height),
        "num_inference_steps": str(order.steps),
        "guidance_scale": repr(float(order.guidance_scale)),
    }
    if order.task != "text-to-image":
        said["strength"] = repr(float(strength_of(order)))
    return said


def recorded_adapters(order: RenderOrder) -> list[dict[str, Any]]:
    """Return the adapters of an order with their scales, as text."""
    return [{"digest": adapter.digest, "scale": repr(float(adapter.scale))} for adapter in order.adapters]
