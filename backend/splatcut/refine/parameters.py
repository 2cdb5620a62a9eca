# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The Gaussians that move: their parameters as tensors, the optimiser of these, and the scene with them in it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from splatcut.refine.adam_cpu import adam_rows
from splatcut.scene.gaussians import F32, Gaussians

GEOMETRY = ("means", "log_scales", "quats", "opacity_logits")
NAMES = (*GEOMETRY, "sh_dc", "sh_rest", "label_logits")

#: Adam's step sizes: of means in pixels of the Gaussian's closest view, of the others in their own units.
#: The means' and scales' are what plain optimisation of a whole scene takes late in its training; smaller ones leave a
#: scene of large, smooth surfaces far from its masks (method: learning rates).
RATES = {
    "means": 0.1,
    "log_scales": 0.005,
    "quats": 0.001,
    "opacity_logits": 0.025,
    "sh_dc": 0.0025,
    "sh_rest": 0.000125,
    "label_logits": 0.05,
}
BETAS = (0.9, 0.99)


@dataclass(eq=False)
class Moving:
    """M Gaussians of a scene that may change.

    Attributes:
        rows: [M] int64, ascending rows of the scene.
        tensors: by name, leaf tensors float32: means [M, 3], log_scales [M, 3], quats [M, 4], opacity_logits [M],
            sh_dc [M, 1, 3], sh_rest [M, K - 1, 3], label_logits [M, 1 + objects] (background first).
    """

    rows: NDArray[np.int64]
    tensors: dict[str, Tensor]

    @staticmethod
    def of(scene: Gaussians, rows: NDArray[np.int64], probability: F32) -> Moving:
        """The rows of a scene; labels begin at the logarithm of ``probability`` [N, objects] (and what is left)."""
        some = scene.take(rows)
        share = np.clip(probability[rows].astype(np.float64), 0.0, 1.0)
        rest = 1.0 - share.sum(axis=1, keepdims=True)
        logits = np.log(np.clip(np.concatenate([rest, share], axis=1), 0.01, None))
        logits -= logits.mean(axis=1, keepdims=True)
        arrays = {
            "means": some.means,
            "log_scales": some.log_scales,
            "quats": some.quats / np.linalg.norm(some.quats, axis=1, keepdims=True).clip(1e-12),
            "opacity_logits": some.opacity_logits,
            "sh_dc": some.sh[:, :1],
            "sh_rest": some.sh[:, 1:],
            "label_logits": logits,
        }
        tensors = {
            name: torch.from_numpy(np.array(array, dtype=np.float32, order="C")).requires_grad_()
            for name, array in arrays.items()
        }
        return Moving(rows, tensors)

    def probability(self) -> Tensor:
        """[M, objects] in [0, 1], differentiable."""
        return torch.softmax(self.tensors["label_logits"], dim=1)[:, 1:]

    def finite(self) -> NDArray[np.bool_]:
        """[M] bool: those whose parameters are all finite."""
        good = np.ones(len(self.rows), bool)
        for tensor in self.tensors.values():
            good &= np.isfinite(tensor.detach().numpy()).reshape(len(self.rows), -1).all(axis=1)
        return good

    def put_into(self, scene: Gaussians, only: NDArray[np.bool_] | None = None) -> Gaussians:
        """A copy of the scene with these rows (those of ``only`` [M]) in it; all others bit by bit the same."""
        chosen = slice(None) if only is None else only
        values = {name: tensor.detach().numpy() for name, tensor in self.tensors.items()}
        values["sh"] = np.concatenate([values["sh_dc"], values["sh_rest"]], axis=1)
        arrays = {}
        for name in (*GEOMETRY, "sh"):
            arrays[name] = getattr(scene, name).copy()
            arrays[name][self.rows[chosen]] = values[name][chosen]
        return replace(scene, **arrays)


class RowAdam:
    """Adam that steps only the rows that the current view shows (the others' gradient is no zero but unknown).

    Args:
        tensors: leaf tensors of M rows each, by the names of ``RATES``.
        pixel: [M] world units of a pixel in each Gaussian's closest view, the unit of the means' rate.
    """

    def __init__(self, tensors: dict[str, Tensor], pixel: F32) -> None:
        self.tensors, self.pixel = tensors, pixel
        self.first = {name: torch.zeros_like(tensor) for name, tensor in tensors.items()}
        self.second = {name: torch.zeros_like(tensor) for name, tensor in tensors.items()}
        self.steps = torch.zeros(len(pixel))

    @torch.no_grad()
    def step(self, rows: NDArray[np.integer]) -> None:
        """One step of ``rows`` [S], which differ."""
        self.steps[torch.from_numpy(rows.astype(np.int64))] += 1
        b1, b2 = (np.float32(beta) for beta in BETAS)
        steps = self.steps.numpy()[rows].astype(np.float64)
        left = (1 - float(b2) ** steps).astype(np.float32)
        unbiased = 1 / (1 - float(b1) ** steps)
        for name, tensor in self.tensors.items():
            gradient = tensor.grad
            if gradient is None or tensor.numel() == 0:
                continue
            rate = RATES[name] * unbiased
            if name == "means":
                rate = rate * self.pixel[rows]
            arrays = (gradient.contiguous(), self.first[name], self.second[name], tensor)
            flat = [array.detach().numpy().reshape(len(array), -1) for array in arrays]
            adam_rows(rows.astype(np.int64), rate.astype(np.float32), left, b1, b2, *flat)
            tensor.grad = None

    def state(self) -> dict[str, object]:
        """Everything that steps change, besides the parameters."""
        return {"first": self.first, "second": self.second, "steps": self.steps}

    def load(self, state: dict[str, dict[str, Tensor]]) -> None:
        """The inverse of ``state``."""
        self.first, self.second = dict(state["first"]), dict(state["second"])
        self.steps = state["steps"].clone()  # type: ignore[attr-defined]
