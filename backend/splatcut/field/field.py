# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The continuous field: density, colour and object probabilities at any point (method: the continuous field)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from splatcut.field.hashgrid import HashEncoding, HashOptions
from splatcut.field.neighbours import NeighbourIndex
from splatcut.field.network import FieldNetwork, FieldValues
from splatcut.field.rbf import interpolate
from splatcut.scene.gaussians import SH_C0

#: Least standard deviation that a property of the Gaussians is divided by.
_LEAST_STD = 0.05


#: The box is extended by this share of its longest side on every side.
PADDING = 0.05
#: Share of the extended box's half side into which all of space beyond it is contracted.
MARGIN = 0.1
#: Number of octaves of the sines and cosines that stand in for the hash grids.
FREQUENCIES = 6


@dataclass(frozen=True, eq=False)
class ConditionStatistics:
    """Mean and standard deviation [C] by which the Gaussians' properties are normalised for the network."""

    mean: Tensor
    std: Tensor

    @staticmethod
    def of(values: Tensor) -> ConditionStatistics:
        """Of ``conditions`` [N, C]; nothing is divided by less than 0.05, nor by less than can be known of one row."""
        values = values.detach()
        if len(values) < 2:
            mean = values.sum(0)
            return ConditionStatistics(mean, torch.ones_like(mean))
        return ConditionStatistics(values.mean(0), values.std(0).clamp(min=_LEAST_STD))


def conditions(
    means: Tensor, log_scales: Tensor, opacity_logits: Tensor, sh_dc: Tensor, label_logits: Tensor
) -> Tensor:
    """[N, 7 + K + 1] what a Gaussian tells the field: base colour, opacity, log-scales, label logits.

    Args:
        means: [N, 3], only to check that all are of the same Gaussians; log_scales: [N, 3]; opacity_logits: [N];
        sh_dc: [N, 3] constant SH coefficient; label_logits: [N, K + 1], background first.

    Raises ``ValueError`` when the numbers of rows differ.
    """
    counts = {len(tensor) for tensor in (means, log_scales, opacity_logits, sh_dc, label_logits)}
    if len(counts) != 1:
        raise ValueError(f"All properties must be of the same Gaussians, not of {sorted(counts)}.")
    return torch.cat([0.5 + SH_C0 * sh_dc, torch.sigmoid(opacity_logits)[:, None], log_scales, label_logits], dim=1)


class Field(torch.nn.Module):
    """The field over a box of the world.

    The box, made a cube about its centre (so that cells are cubic), is mapped linearly to the middle of the unit cube;
    the space beyond is contracted into the margin that is left, each axis by itself:
        v = offset from the centre / half side,   v <- sign(v) (1 + m t / (m + t)),  t = |v| - 1, where |v| > 1;
        u = (1 + v / (1 + m)) / 2,    m = ``MARGIN``.
    The map and its slope are continuous, and no two points of space share a place in the cube.

    Its ``state_dict`` holds all that is learned, the box and the statistics: loading it into a field made with the same
    arguments and number of objects, over any box, restores the field.
    """

    centre: Tensor
    reach: Tensor

    def __init__(
        self,
        lo: Tensor,
        hi: Tensor,
        objects: int,
        statistics: ConditionStatistics | None = None,
        *,
        use_rbf: bool = True,
        use_hash: bool = True,
        seed: int = 0,
    ) -> None:
        """Args: lo, hi: [3] corners of the bounding box of B, world frame, lo <= hi; objects: K, at least 1;
        statistics: of the conditions [N, 7 + K + 1] (default: no normalisation); use_rbf: whether the interpolated
        Gaussians modulate the network; use_hash: whether points are encoded by the hash grids, or (an ablation) by
        sines and cosines as in NeRF; seed: of the initial weights.
        """
        super().__init__()
        lo, hi = torch.as_tensor(lo), torch.as_tensor(hi)
        if not bool((lo <= hi).all()) or not bool(torch.isfinite(torch.cat([lo, hi])).all()):
            raise ValueError("The box's corners must be finite, and lo not beyond hi on any axis.")
        if objects < 1:
            raise ValueError("objects must be at least 1.")
        longest = float((hi - lo).max())
        half = 0.5 * longest * (1.0 + 2.0 * PADDING) if longest > 0 else 1.0
        self.register_buffer("centre", (0.5 * (lo.double() + hi.double())).to(torch.get_default_dtype()))
        self.register_buffer("reach", torch.tensor(half))
        self.grids = HashOptions()
        self.encoding = HashEncoding(self.grids, seed=seed) if use_hash else None
        self.network = FieldNetwork(
            self.grids.size if use_hash else 3 + 6 * FREQUENCIES,
            7 + objects + 1,
            objects,
            film=use_rbf,
            mean=None if statistics is None else statistics.mean,
            std=None if statistics is None else statistics.std,
            seed=seed + 1,
        )

    @property
    def unit(self) -> Tensor:
        """Length of one cell of the finest grid, world units; the network's densities are per this length."""
        return 2.0 * self.reach * (1.0 + MARGIN) / self.grids.finest

    def contract(self, points: Tensor) -> Tensor:
        """[M, 3] in the unit cube for points [M, 3] of the world."""
        v = (points - self.centre) / self.reach
        beyond = (v.abs() - 1.0).clamp(min=0.0)
        v = torch.where(beyond > 0, v.sign() * (1.0 + MARGIN * beyond / (MARGIN + beyond)), v)
        return 0.5 + 0.5 * v / (1.0 + MARGIN)

    def neighbours(self, points: Tensor, means: Tensor) -> Tensor:
        """[M, K + 1] int64: the nearest of the means [N, 3] to points [M, 3]; -1 where there is none."""
        index = NeighbourIndex(means.detach().cpu().numpy())
        return torch.from_numpy(index.query(points.detach().cpu().numpy())).to(points.device)

    def forward(self, points: Tensor, means: Tensor, values: Tensor, index: Tensor | None = None) -> FieldValues:
        """The field at points [M, 3]; gradients reach points, means, values and the field's own parameters.

        Args:
            points: [M, 3] world frame; means: [N, 3] centres of the Gaussians; values: [N, 7 + K + 1] their
                ``conditions``.
            index: [M, K + 1] int64, the points' neighbours as ``NeighbourIndex.query`` gives them; None: found here.

        Returns: the values; ``density`` is per world unit of length.
        """
        place = self.contract(points)
        code = self._waves(place) if self.encoding is None else self.encoding(place)
        condition = None
        if self.network.film is not None:
            index = self.neighbours(points, means) if index is None else index
            condition = interpolate(points, means, values, index)
        result = self.network(code, condition)
        return FieldValues(result.density / self.unit, result.colour, result.logits)

    def _waves(self, place: Tensor) -> Tensor:
        """[M, 3 + 6 * FREQUENCIES]: position in [-1, 1], its sines and cosines in octaves (Mildenhall et al. 2020)."""
        v = 2.0 * place - 1.0
        octaves = torch.pi * 2.0 ** torch.arange(FREQUENCIES, dtype=v.dtype, device=v.device)
        angles = (v[:, :, None] * octaves).flatten(1)
        return torch.cat([v, angles.sin(), angles.cos()], dim=1)
