# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Adam (Kingma and Ba 2015, algorithm 1) that steps some rows of the parameters."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor

from splatcut.refine.options import RATES
from splatcut.scene.gaussians import F32

BETAS = (0.9, 0.99)
F = np.float32


@njit(cache=True, nogil=True)
def adam_rows(
    rows: Any, rate: Any, left: Any, b1: Any, b2: Any, gradient: Any, first: Any, second: Any, parameter: Any
) -> None:
    """One step of the rows of one parameter, in place and in one pass over them.

    Args:
        rows: [S] int64, every row at most once.
        rate: [S] float32, step size divided by what corrects the first moment's bias.
        left: [S] float32, what corrects the second moment's bias (1 - b2^steps).
        gradient, first, second, parameter: [M, D] float32, contiguous.
    """
    for s in range(rows.size):
        i = rows[s]
        for d in range(parameter.shape[1]):
            g = gradient[i, d]
            m = first[i, d] + (F(1) - b1) * (g - first[i, d])
            v = second[i, d] + (F(1) - b2) * (g * g - second[i, d])
            first[i, d] = m
            second[i, d] = v
            parameter[i, d] -= rate[s] * m / (math.sqrt(v / left[s]) + F(1e-15))


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
