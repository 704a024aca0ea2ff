"""Which device and number format torch draws with here, and how both are recorded and freed."""

from __future__ import annotations

import gc
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from generation.pipelines.environment import host, versions

DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}
_MEMORY_WORDS = ("out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory")


def choose_device(wanted: str | None = None) -> torch.device:
    """Return the wanted device, or the best that is here: CUDA, MPS, CPU."""
    if wanted:
        return torch.device(wanted)
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def choose_dtype(device: torch.device, wanted: str | None = None) -> torch.dtype:
    """Return the wanted number format, or the smallest that the device computes with at full speed."""
    if wanted:
        return DTYPES[wanted]
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    if device.type == "mps":
        return torch.float16
    return torch.bfloat16 if _cpu_computes_bf16() else torch.float32


def _cpu_computes_bf16() -> bool:
    """Say whether the CPU multiplies bfloat16 itself; emulated, it is slower than float32."""
    if host()["machine"] in ("arm64", "aarch64"):
        return "bf16" in host()["isa"].split()
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def is_out_of_memory(error: BaseException) -> bool:
    """Say whether an error is some allocator's way of saying that memory ran out."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _MEMORY_WORDS)


def free_memory(device: torch.device, *, after: BaseException | None = None) -> None:
    """Give cached memory back to the device, and what the frames of a failure still hold."""
    if after is not None:
        traceback.clear_frames(after.__traceback__)
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def wait_for(device: torch.device) -> None:
    """Return once the device has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def torch_environment(device: torch.device) -> Mapping[str, Any]:
    """Return versions, device, threads and flags: all that decides bits and is no model's own."""
    return {
        "backend": "diffusers",
        **host(),
        "versions": versions("torch", "diffusers", "transformers", "peft", "accelerate", "numpy", "Pillow"),
        "device": _device_facts(device),
        "threads": str(torch.get_num_threads()),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "flags": {
            "deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
            "cudnn_deterministic": torch.backends.cudnn.deterministic,
            "cudnn_benchmark": torch.backends.cudnn.benchmark,
            "cudnn_tf32": torch.backends.cudnn.allow_tf32,
            "matmul_tf32": torch.backends.cuda.matmul.allow_tf32,
            "matmul_precision": torch.get_float32_matmul_precision(),
            "onednn": torch.backends.mkldnn.is_available() and torch.backends.mkldnn.enabled,
            "sdpa": [name for name in ("flash", "mem_efficient", "math", "cudnn") if _sdpa_allows(name)],
        },
    }


def _sdpa_allows(name: str) -> bool:
    return bool(getattr(torch.backends.cuda, f"{name}_sdp_enabled")())


def _device_facts(device: torch.device) -> dict[str, str]:
    if device.type != "cuda":
        return {"type": device.type, "name": host()["cpu"] if device.type == "cpu" else host()["machine"]}
    properties = torch.cuda.get_device_properties(device)
    return {
        "type": "cuda",
        "name": properties.name,
        "compute_capability": f"{properties.major}.{properties.minor}",
        "cuda": str(torch.version.cuda),
        "cudnn": str(torch.backends.cudnn.version()),
        "driver": _driver(),
    }


def _driver() -> str:
    try:
        return Path("/proc/driver/nvidia/version").read_text(encoding="utf-8").splitlines()[0].strip()
    except OSError:
        return ""
