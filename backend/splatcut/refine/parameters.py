# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The Gaussians that move: their parameters as tensors, the optimiser of these, and the scene with them in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from splatcut.refine.adam_cpu import adam_rows
from splatcut.refine.options import Rates
from splatcut.scene.gaussians import F32, Gaussians

GEOMETRY = ("means", "log_scales", "quats", "opacity_logits")
NAMES = (*GEOMETRY, "sh_dc", "sh_rest", "label_logits")


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

    def put_into(self, scene: Gaussians, only: NDArray[np.bool_] | None = None) -> Gaussians:
        """A copy of the scene with these rows (those of ``only`` [M]) in it; all others bit by bit the same."""
        chosen = slice(None) if only is None else only
        values = {name: tensor.detach().numpy() for name, tensor in self.tensors.items()}
        values["sh"] = np.concatenate([values["sh_dc"], values["sh_rest"]], axis=1)
        arrays = {}
        for name in (*GEOMETRY, "sh"):
            arrays[name] = getattr(scene, name).copy()
            arrays[name][self.rows[chosen]] = values[name][chosen]
        return Gaussians(**arrays)


class RowAdam:
    """Adam that steps only the rows that the current view shows (the others' gradient is no zero but unknown).

    Args:
        tensors: leaf tensors of M rows each, by the names of ``Rates``.
        pixel: [M] world units of a pixel in each Gaussian's closest view, the unit of the means' rate.
        free: [M] bool, those whose ``GEOMETRY`` may change; None: of all.
    """

    def __init__(
        self,
        tensors: dict[str, Tensor],
        rates: Rates,
        pixel: Tensor,
        free: Tensor | None = None,
        betas: tuple[float, float] = (0.9, 0.99),
    ) -> None:
        self.tensors, self.rates, self.betas = tensors, rates, betas
        self.scale = {"means": pixel}
        if free is not None:
            self.scale = dict.fromkeys(GEOMETRY, free.to(pixel)) | {"means": pixel * free}
        self.first = {name: torch.zeros_like(tensor) for name, tensor in tensors.items()}
        self.second = {name: torch.zeros_like(tensor) for name, tensor in tensors.items()}
        self.steps = torch.zeros(len(pixel))

    @torch.no_grad()
    def step(self, shown: Tensor, progress: float) -> None:
        """One step of the rows ``shown`` [S] int64; ``progress`` in [0, 1] sets how far the rates have fallen."""
        rows = shown.numpy()
        self.steps[shown] += 1
        b1, b2 = np.float32(self.betas[0]), np.float32(self.betas[1])
        steps = self.steps.numpy()[rows].astype(np.float64)
        left = (1 - float(b2) ** steps).astype(np.float32)
        fall = self.rates.last**progress / (1 - float(b1) ** steps)
        for name, tensor in self.tensors.items():
            gradient = tensor.grad
            if gradient is None or tensor.numel() == 0:
                continue
            rate = getattr(self.rates, name) * fall
            if name in self.scale:
                rate = rate * self.scale[name].numpy()[rows]
            arrays = (gradient.contiguous(), self.first[name], self.second[name], tensor)
            flat = [array.detach().numpy().reshape(len(array), -1) for array in arrays]
            adam_rows(rows, rate.astype(np.float32), left, b1, b2, *flat)
            tensor.grad = None
