"""A small text-image model: taught on the starter model's pictures which words and pictures belong together."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer

from generation.starter.collection import COLLECTION, works
from generation.starter.errors import TextImageDamaged
from generation.starter.text import LENGTH, read_vocabulary

TEXT_IMAGE = Path(__file__).with_name("text_image")
SIDE, PATCH, ROOM = 128, 16, 128
"""Side of a picture and of one patch of it in pixels; length of a descriptor."""
Descriptor = NDArray[np.float32]
"""Shape (128,), of length one: the scalar product of two says how alike they are."""


def new_text_image(tokenizer: CLIPTokenizer) -> CLIPModel:
    """Return an untrained model for a vocabulary, both towers in one."""
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": 128,
        "intermediate_size": 512,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "max_position_embeddings": LENGTH,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    vision = {
        "image_size": SIDE,
        "patch_size": PATCH,
        "hidden_size": 192,
        "intermediate_size": 576,
        "num_hidden_layers": 4,
        "num_attention_heads": 6,
    }
    return CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=ROOM))


def text_features(model: CLIPModel, tokens: Tensor) -> Tensor:
    """Return one row of length one for each prompt, shape (n, 128)."""
    pooled = model.text_model(input_ids=tokens).pooler_output
    return F.normalize(model.text_projection(pooled).float(), dim=-1)


def picture_features(model: CLIPModel, pictures: Tensor) -> Tensor:
    """Return one row of length one for each picture; pictures in [-1, 1], shape (n, 3, 128, 128)."""
    pooled = model.vision_model(pixel_values=pictures).pooler_output
    return F.normalize(model.visual_projection(pooled).float(), dim=-1)


@dataclass(frozen=True)
class TextImage:
    """The trained model, ready to answer."""

    model: CLIPModel
    tokenizer: CLIPTokenizer
    collection: Path = COLLECTION

    @torch.no_grad()
    def of_words(self, prompts: Sequence[str]) -> Descriptor:
        """Return the place of each prompt among words and pictures, shape (n, 128)."""
        padded = self.tokenizer(list(prompts), padding="max_length", truncation=True, return_tensors="pt")
        placed: Descriptor = text_features(self.model, padded.input_ids).numpy()
        return placed

    @torch.no_grad()
    def of_pictures(self, images: Sequence[Image.Image]) -> Descriptor:
        """Return the descriptor of each picture, shape (n, 128); of any size, made square on white."""
        parts = [
            picture_features(self.model, torch.stack([_as_tensor(image) for image in images[start : start + 64]]))
            for start in range(0, len(images), 64)
        ]
        placed: Descriptor = torch.cat(parts).numpy()
        return placed

    def descriptor(self, image: Image.Image) -> Descriptor:
        """Return the descriptor of one picture."""
        one: Descriptor = self.of_pictures([image])[0]
        return one

    def rank(self, images: Sequence[Image.Image], prompt: str) -> list[tuple[int, float]]:
        """Return each picture's number and how well it answers a prompt (-1 to 1), the best first."""
        if not images:
            return []
        likeness = self.of_pictures(images) @ self.of_words([prompt])[0]
        return [(int(number), float(likeness[number])) for number in np.argsort(-likeness, kind="stable")]

    def works_by_words(self, words: str, *, most: int = 20) -> list[tuple[str, float]]:
        """Return the ids of the collection's works that answer some words best, the best first."""
        names, placed = self._works
        likeness = placed @ self.of_words([words])[0]
        return [(names[number], float(likeness[number])) for number in np.argsort(-likeness, kind="stable")[:most]]

    @cached_property
    def _works(self) -> tuple[list[str], Descriptor]:
        listed = list(works(self.collection))
        pictures = [Image.open(io.BytesIO(work.thumbnail)) for work in listed]
        return [work.id for work in listed], self.of_pictures(pictures)


def load_text_image(folder: Path = TEXT_IMAGE, *, collection: Path = COLLECTION) -> TextImage:
    """Return the text-image model of a folder; raise TextImageDamaged where the folder does not hold one."""
    try:
        model = CLIPModel.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
        tokenizer = read_vocabulary(folder)
    except (OSError, ValueError, RuntimeError) as error:
        raise TextImageDamaged(path=str(folder), reason=f"{type(error).__name__}: {error}"[:300]) from error
    return TextImage(model.eval().requires_grad_(False), tokenizer, collection)


def write_text_image(model: CLIPModel, *, tokenizer: CLIPTokenizer, folder: Path) -> None:
    """Write the model in half precision as safetensors, with its tokenizer and how pictures come in."""
    kept = {key: value.clone() for key, value in model.state_dict().items()}
    model.half().save_pretrained(folder, safe_serialization=True)
    model.float().load_state_dict(kept)
    tokenizer.save_pretrained(folder)
    # What transformers' own CLIPImageProcessor reads, for those who load the folder without Colophon.
    taken_in = {
        "image_processor_type": "CLIPImageProcessor",
        "do_resize": True,
        "size": {"height": SIDE, "width": SIDE},
        "do_center_crop": False,
        "do_normalize": True,
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(taken_in, indent=1) + "\n", encoding="utf-8")


def _as_tensor(image: Image.Image) -> Tensor:
    """Return a picture as values in [-1, 1], shape (3, 128, 128), made square on white where it is not."""
    drawn = image.convert("RGBA")
    longest = max(drawn.size)
    page = Image.new("RGBA", (longest, longest), "white")
    page.alpha_composite(drawn, ((longest - drawn.width) // 2, (longest - drawn.height) // 2))
    small = page.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.asarray(small).copy()).permute(2, 0, 1).float() / 127.5 - 1
