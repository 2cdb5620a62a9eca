# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Volume rendering of samples on rays (method: joint optimisation).

The quadrature of Max ("Optical Models for Direct Volume Rendering", TVCG 1995), as radiance fields use it:

    alpha_s = 1 - exp(-density_s delta_s)
    w_s     = alpha_s prod_{r < s} (1 - alpha_r)
    value   = sum_s w_s value_s
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Rendered:
    """P rays rendered; differentiable.

    Attributes:
        weights: [P, S] in [0, 1], what each sample adds.
        alpha: [P] in [0, 1], their sum.
        values: one [P, C] per value handed in, sums of weight times value: over nothing, so divide by alpha for what
            the ray shows where it is not empty.
    """

    weights: Tensor
    alpha: Tensor
    values: tuple[Tensor, ...]


def volume_render(density: Tensor, delta: Tensor, *values: Tensor) -> Rendered:
    """Renders values along rays.

    Args:
        density: [P, S], at least 0, per world unit.
        delta: [P, S], at least 0, world units.
        values: any number of [P, S, C] (each its own C).

    Raises:
        ValueError: shapes that do not fit together.
    """
    if density.ndim != 2 or delta.shape != density.shape:
        raise ValueError(
            f"Densities and intervals must both be [P, S], not {list(density.shape)} and {list(delta.shape)}."
        )
    for value in values:
        if value.ndim != 3 or value.shape[:2] != density.shape:
            raise ValueError(f"Values must be [P, S, C] with P, S = {list(density.shape)}, not {list(value.shape)}.")
    depth = density * delta
    # Optical depths are added and the exponential taken once: there is no product of (1 - alpha) that reaches 0.
    through = torch.cumsum(depth, dim=1)
    before = torch.cat([torch.zeros_like(depth[:, :1]), through[:, :-1]], dim=1)
    weights = torch.exp(-before) * -torch.expm1(-depth)
    return Rendered(
        weights=weights,
        alpha=-torch.expm1(-depth.sum(dim=1)),
        values=tuple((weights[:, :, None] * value).sum(dim=1) for value in values),
    )
