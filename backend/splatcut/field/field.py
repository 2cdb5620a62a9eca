# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The continuous field: density, colour and object probabilities at any point (method: the continuous field)."""

from __future__ import annotations

import torch
from torch import Tensor

from splatcut.field.hashgrid import HashEncoding, HashOptions
from splatcut.field.network import FieldNetwork, FieldValues
from splatcut.field.rbf import interpolate
from splatcut.scene.gaussians import SH_C0

#: Least standard deviation that a property of the Gaussians is divided by.
LEAST_STD = 0.05
#: The box is extended by this share of its longest side on every side.
PADDING = 0.05
#: Share of the extended box's half side into which all of space beyond it is contracted.
MARGIN = 0.1
#: Number of octaves of the sines and cosines that stand in for the hash grids.
FREQUENCIES = 6


def conditions(log_scales: Tensor, opacity_logits: Tensor, sh_dc: Tensor, label_logits: Tensor) -> Tensor:
    """[N, 7 + K + 1] what a Gaussian tells the field: base colour, opacity, log-scales, label logits.

    Args:
        log_scales: [N, 3]; opacity_logits: [N]; sh_dc: [N, 3] constant SH coefficient; label_logits: [N, K + 1],
        background first.
    """
    return torch.cat([0.5 + SH_C0 * sh_dc, torch.sigmoid(opacity_logits)[:, None], log_scales, label_logits], dim=1)


class Field(torch.nn.Module):
    """The field over a box of the world.

    The box, made a cube about its centre (so that cells are cubic), is mapped linearly to the middle of the unit cube;
    the space beyond is contracted into the margin that is left, each axis by itself:
        v = offset from the centre / half side,   v <- sign(v) (1 + m t / (m + t)),  t = |v| - 1, where |v| > 1;
        u = (1 + v / (1 + m)) / 2,    m = ``MARGIN``.
    The map and its slope are continuous, and no two points of space share a place in the cube.

    Its ``state_dict`` holds all that is learned, the box, and the mean and standard deviation by which conditions are
    normalised: loading it into a field made with the same arguments and number of objects, over any box, restores the
    field.
    """

    centre: Tensor
    reach: Tensor
    mean: Tensor
    std: Tensor

    def __init__(
        self, lo: Tensor, hi: Tensor, values: Tensor, *, use_rbf: bool = True, use_hash: bool = True, seed: int = 0
    ) -> None:
        """Args: lo, hi: [3] corners of the bounding box of B, world frame, lo <= hi; values: [N, 7 + K + 1] the
        Gaussians' ``conditions`` as they are now, whose mean and standard deviation normalise them; use_rbf: whether
        the interpolated Gaussians modulate the network; use_hash: whether points are encoded by the hash grids, or (an
        ablation) by sines and cosines as in NeRF; seed: of the initial weights.
        """
        super().__init__()
        if not bool((lo <= hi).all()) or not bool(torch.isfinite(torch.cat([lo, hi])).all()):
            raise ValueError("The box's corners must be finite, and lo not beyond hi on any axis.")
        longest = float((hi - lo).max())
        half = 0.5 * longest * (1.0 + 2.0 * PADDING) if longest > 0 else 1.0
        self.register_buffer("centre", (0.5 * (lo.double() + hi.double())).to(torch.get_default_dtype()))
        self.register_buffer("reach", torch.tensor(half))
        values, several = values.detach(), len(values) > 1
        self.register_buffer("mean", values.sum(0) / max(len(values), 1))
        self.register_buffer("std", values.std(0).clamp(min=LEAST_STD) if several else torch.ones_like(self.mean))
        self.grids = HashOptions()
        self.encoding = HashEncoding(self.grids, seed=seed) if use_hash else None
        size, channels = self.grids.size if use_hash else 3 + 6 * FREQUENCIES, values.shape[1]
        self.network = FieldNetwork(size, channels, channels - 8, film=use_rbf, seed=seed + 1)

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

    def forward(self, points: Tensor, means: Tensor, values: Tensor, index: Tensor | None) -> FieldValues:
        """The field at points [M, 3]; gradients reach points, means, values and the field's own parameters.

        Args:
            points: [M, 3] world frame; means: [N, 3] centres of the Gaussians; values: [N, 7 + K + 1] their
                ``conditions``.
            index: [M, K + 1] int64, the points' neighbours as ``NeighbourIndex.query`` gives them; None: the Gaussians
                do not modulate the network.

        Returns: the values; ``density`` is per world unit of length.
        """
        place = self.contract(points)
        code = self._waves(place) if self.encoding is None else self.encoding(place)
        condition = None
        if index is not None:
            condition = (interpolate(points, means, values, index) - self.mean) / self.std
        result = self.network(code, condition)
        return FieldValues(result.density / self.unit, result.colour, result.logits)

    def _waves(self, place: Tensor) -> Tensor:
        """[M, 3 + 6 * FREQUENCIES]: position in [-1, 1], its sines and cosines in octaves (Mildenhall et al. 2020)."""
        v = 2.0 * place - 1.0
        octaves = torch.pi * 2.0 ** torch.arange(FREQUENCIES, dtype=v.dtype, device=v.device)
        angles = (v[:, :, None] * octaves).flatten(1)
        return torch.cat([v, angles.sin(), angles.cos()], dim=1)
