"""A folder with TrustMark's weights as safetensors, and the settings they were made with; and how to make one.

``config.json``: ``{v, variant, bits, side, reading_side, encoder: {width, down, middle, then}, decoder: {kind, width},
strength, files: {encoder, decoder}}``, each file by its sha256. TrustMark publishes its weights as pickles; those are
read once, by ``python -m generation.trustmark``, with PyTorch's reader that runs no code, and never again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provenance.credentials.watermark.contract import WatermarkUnavailable

VERSION = 1
CONFIG = "config.json"
FILES = {"encoder": "encoder.safetensors", "decoder": "decoder.safetensors"}
PREFIXES = {"encoder": "encoder.", "decoder": "decoder."}
"""Under which names the published checkpoints keep the two networks."""
VARIANTS = ("B", "C", "P", "Q")
THEN, KINDS = ("relu", "silu"), ("resnet18", "resnet50")
STRENGTH = 0.9
READING_SIDE = 224
BITS = 100
MOST = {"width": 1_024, "down": 8, "middle": 8, "side": 2_048, "reading_side": 2_048}


@dataclass(frozen=True, kw_only=True)
class TrustMarkConfig:
    """With what the two networks are built."""

    variant: str
    side: int
    reading_side: int
    width: int
    down: int
    middle: int
    then: str
    kind: str
    decoder_width: int
    strength: float
    files: Mapping[str, str]


def unavailable(en: str, zh: str) -> WatermarkUnavailable:
    """Return the fault that says why in both languages."""
    return WatermarkUnavailable(name="TrustMark", said_en=en, said_zh=zh)


def config_in(folder: Path) -> TrustMarkConfig:
    """Return the settings in a folder, its files held against them; raise WatermarkUnavailable where they differ."""
    try:
        stated = json.loads((folder / CONFIG).read_text())
        config = _config(stated)
    except OSError as error:
        raise unavailable(
            f"{CONFIG} cannot be read in the folder of its weights.", f"权重目录中无法读取 {CONFIG}。"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise unavailable(f"{CONFIG} is not one that the conversion wrote.", f"{CONFIG} 不是转换程序所写。") from error
    for part, name in FILES.items():
        if _digest(folder / name) != config.files[part]:
            raise unavailable(
                f"{name} is missing, or is not the file that {CONFIG} names.", f"{name} 缺失，或与 {CONFIG} 所记不符。"
            )
    return config


def _config(stated: Mapping[str, Any]) -> TrustMarkConfig:
    encoder, decoder = stated["encoder"], stated["decoder"]
    config = TrustMarkConfig(
        variant=stated["variant"], side=stated["side"], reading_side=stated["reading_side"],
        width=encoder["width"], down=encoder["down"], middle=encoder["middle"], then=encoder["then"],
        kind=decoder["kind"], decoder_width=decoder["width"], strength=float(stated["strength"]),
        files={part: str(stated["files"][part]) for part in FILES},
    )  # fmt: skip
    numbers = (config.width, config.down, config.side, config.reading_side, config.decoder_width)
    is_known = (stated["v"], stated["bits"]) == (VERSION, BITS) and config.variant in VARIANTS
    is_known = is_known and config.then in THEN and config.kind in KINDS and 0 < config.strength <= 2
    is_sound = all(isinstance(one, int) and one > 0 for one in numbers) and isinstance(config.middle, int)
    if not (is_known and is_sound) or any(getattr(config, name) > most for name, most in MOST.items()):
        raise ValueError("not a configuration of ours")
    if config.side % 16 or config.side % 2**config.down or config.middle < 0:
        raise ValueError("the side does not fit the network")
    return config


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    except OSError:
        return ""


# ---- from what is published --------------------------------------------------------------------------------------


def convert(source: Path, target: Path, *, variant: str) -> TrustMarkConfig:
    """Write a folder of safetensors from TrustMark's published files of one variant; nothing in them is run.

    The source holds ``trustmark_Q.yaml``, ``encoder_Q.ckpt`` and ``decoder_Q.ckpt``. Raises WatermarkUnavailable.
    """
    from safetensors.torch import save_file

    if variant not in VARIANTS:
        raise unavailable(f"there is no variant {variant!r}.", f"没有 {variant!r} 这一变体。")
    stated = _published(source / f"trustmark_{variant}.yaml", variant=variant)
    target.mkdir(parents=True, exist_ok=True)
    for part, name in FILES.items():
        save_file(_state(source / f"{part}_{variant}.ckpt", part=part), target / name)
    stated["files"] = {part: _digest(target / name) for part, name in FILES.items()}
    (target / CONFIG).write_text(json.dumps(stated, indent=2) + "\n")
    return config_in(target)


def _published(path: Path, *, variant: str) -> dict[str, Any]:
    import yaml  # type: ignore[import-untyped]  # it ships no types

    try:
        said = yaml.safe_load(path.read_text())["model"]["params"]
        encoder, decoder = said["secret_encoder_config"]["params"], said["secret_decoder_config"]["params"]
        is_known = said["secret_encoder_config"]["target"].endswith(".Unet1")
        is_known = is_known and said["secret_decoder_config"]["target"].endswith(".SecretDecoder")
        if not is_known or int(said["secret_len"]) != BITS:
            raise ValueError("other networks, or another number of bits")
        return {
            "v": VERSION, "variant": variant, "bits": BITS, "side": int(said["resolution"]),
            "reading_side": READING_SIDE,
            "encoder": {
                "width": int(encoder["width"]), "down": int(encoder["ndown"]), "middle": int(encoder["nmiddle"]),
                "then": str(encoder["activ"]),
            },
            "decoder": {"kind": str(decoder["arch"]), "width": int(decoder.get("width", 64))},
            "strength": STRENGTH,
        }  # fmt: skip
    except (OSError, yaml.YAMLError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise unavailable(
            f"{path.name} is missing, or is not the settings of a TrustMark.",
            f"{path.name} 缺失，或不是 TrustMark 的设置。",
        ) from error


def _state(path: Path, *, part: str) -> dict[str, Any]:
    """Return one network's tensors from a published checkpoint, without its prefix."""
    import torch

    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # of a stranger's file its reader raises nearly everything, and runs none of it
        raise unavailable(
            f"{path.name} is missing, or holds more than tensors; nothing of it was run.",
            f"{path.name} 缺失，或含有张量以外的内容；其中代码未被执行。",
        ) from error
    state = found.get("state_dict", found) if isinstance(found, dict) else {}
    prefix = PREFIXES[part]
    own = {
        name.removeprefix(prefix): tensor.detach().clone().contiguous()
        for name, tensor in state.items()
        if isinstance(name, str) and name.startswith(prefix) and isinstance(tensor, torch.Tensor)
    }
    if not own:
        raise unavailable(f"{path.name} has no {part} in it.", f"{path.name} 中没有 {part}。")
    return own
