"""Muon (Jordan and others, 2024): momentum whose matrices are made orthogonal before each step."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter


class Muon(torch.optim.Optimizer):
    """Steps matrices and convolution kernels by the orthogonal factor of their Nesterov momentum."""

    def __init__(self, parameters: Iterable[Parameter], *, lr: float, momentum: float = 0.95) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": 0.01})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Take one step along the orthogonal momentum."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state: dict[str, Any] = self.state[parameter]
                if not state:
                    state["momentum"] = torch.zeros_like(parameter)
                momentum = state["momentum"].lerp_(parameter.grad, 1 - group["momentum"])
                direction = parameter.grad.lerp(momentum, group["momentum"]).flatten(1)
                rows, columns = direction.shape
                # So that a step has the size that AdamW's would have (Liu and others, 2025).
                size = 0.2 * max(rows, columns) ** 0.5
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                parameter.add_(orthogonal(direction).view_as(parameter), alpha=-group["lr"] * size)


def muon_and_adamw(models: Iterable[torch.nn.Module], *, lr: float) -> tuple[Muon, torch.optim.AdamW]:
    """Return Muon for the inner matrices and kernels of some models, and AdamW for all else.

    All else is vectors, embeddings, and the first and last layers, whose rows are no directions.
    """
    inner: list[Parameter] = []
    other: list[Parameter] = []
    for model in models:
        for name, parameter in model.named_parameters():
            outer = "embed" in name and "linear" not in name and "pool" not in name and "proj" not in name
            edge = parameter.dim() < 2 or min(parameter.shape[:2]) < 12
            (other if edge or outer or "conv_in" in name or "conv_out" in name else inner).append(parameter)
    return Muon(inner, lr=lr), torch.optim.AdamW(other, lr=lr, betas=(0.9, 0.98), weight_decay=0.0)


def orthogonal(matrix: Tensor, *, steps: int = 4) -> Tensor:
    """Return roughly the orthogonal factor of a matrix, by quintic Newton-Schulz steps.

    The steps are taken on the small Gram matrix alone, and the matrix itself is multiplied once. It is
    scaled by the fourth root of the sum of fourth powers of its singular values, a closer bound on the
    largest than the Frobenius norm is, which saves a step.
    """
    tall = matrix.shape[0] > matrix.shape[1]
    factor = matrix.mT if tall else matrix
    gram = factor @ factor.mT
    scale = gram.norm().sqrt().clamp_min(1e-8)
    gram = gram / scale.square()
    identity = torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
    whole = identity
    for number in range(steps):
        polynomial = torch.addmm(3.4445 * identity - 4.7750 * gram, gram, gram, alpha=2.0315)
        whole = polynomial @ whole if number else polynomial
        if number < steps - 1:
            gram = polynomial @ gram @ polynomial
    factor = whole @ (factor / scale)
    return factor.mT if tall else factor
