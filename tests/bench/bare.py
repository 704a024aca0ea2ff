"""The bare minimum: the same pipeline called in a loop, without Colophon; prints seconds as JSON."""

from __future__ import annotations

import io
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from diffusers import DiffusionPipeline
from PIL import Image


def main(folder: str, *, dtype: str, requests: int, seeds: int, steps: int, guidance: float, side: int) -> None:
    """Draw the batches, encode each picture as PNG, and print how long the batches took."""
    pipeline = DiffusionPipeline.from_pretrained(
        Path(folder), dtype=getattr(torch, dtype), use_safetensors=True, local_files_only=True
    )
    pipeline.set_progress_bar_config(disable=True)

    def draw(first: int) -> None:
        generators = [torch.Generator("cpu").manual_seed(first + index) for index in range(seeds)]
        with torch.inference_mode():
            pictures = pipeline(
                ["a red apple, Noto style"] * seeds,
                num_inference_steps=steps,
                guidance_scale=guidance,
                generator=generators,
                width=side,
                height=side,
                output_type="np",
            ).images
        for picture in pictures:
            Image.fromarray((picture * 255).round().astype(np.uint8)).save(io.BytesIO(), format="PNG")

    draw(0)
    began = time.perf_counter()
    for number in range(requests):
        draw(1000 * number)
    print(json.dumps({"seconds": time.perf_counter() - began}))


if __name__ == "__main__":
    chosen = json.loads(sys.argv[1])
    main(chosen.pop("folder"), **chosen)
