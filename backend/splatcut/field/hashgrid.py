# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Multi-resolution hash encoding of points in the unit cube (Instant-NGP: Mueller et al. 2022).

Level l has a grid of scale s_l = coarsest * growth^l - 1 cells per axis. A point u lies at s_l u + 1/2 in it (the half
cell staggers the levels, so that their corners do not coincide), and its code there is the trilinear interpolation of
the learned features of the cell's eight corners. A level whose ceil(s_l + 1)^3 corners fit into 2^log2_size table rows
has a row for each corner; in the others a hash of the corner's integer coordinates picks the row:
    x XOR (2654435761 y) XOR (805459861 z), modulo the number of rows.
The corners just beyond a full level's last ones wrap round. All of this is as in tiny-cuda-nn.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from splatcut.field import hashgrid_cpu


@dataclass(frozen=True)
class HashOptions:
    """Size of the encoding.

    Attributes:
        levels: L, number of grids, at least 1.
        features: F, learned numbers per corner, 1, 2, 4 or 8.
        log2_size: logarithm to base 2 of the most table rows that a level may have, 4 to 24.
        coarsest, finest: corners per axis of the first and the last grid, 2 <= coarsest <= finest <= 65536.
    """

    levels: int = 8
    features: int = 2
    log2_size: int = 15
    coarsest: int = 16
    finest: int = 512

    @property
    def growth(self) -> float:
        """Ratio of the resolutions of successive levels, at least 1."""
        return 1.0 if self.levels == 1 else (self.finest / self.coarsest) ** (1.0 / (self.levels - 1))

    @property
    def size(self) -> int:
        """Length of a point's code: levels * features."""
        return self.levels * self.features


@dataclass(frozen=True, eq=False)
class GridLevels:
    """The L grids and where their rows stand in the table.

    Attributes:
        scales: [L] float64, cells per axis (see the module).
        corners: [L] int64, corners per axis.
        offsets: [L + 1] int64, first row of each level; the last is the number of rows.
        hashed: [L] bool, whether corners share rows by the hash.
    """

    scales: NDArray[np.float64]
    corners: NDArray[np.int64]
    offsets: NDArray[np.int64]
    hashed: NDArray[np.bool_]

    @staticmethod
    def of(options: HashOptions) -> GridLevels:
        """The grids of an encoding of this size."""
        # In float32, for the same roundings as the CUDA kernels'.
        exponents = np.arange(options.levels, dtype=np.float32) * np.float32(math.log2(options.growth))
        scales = np.exp2(exponents) * np.float32(options.coarsest) - np.float32(1)
        corners = np.ceil(scales).astype(np.int64) + 1
        most = 1 << options.log2_size
        hashed = corners**3 > most
        rows = np.where(hashed, most, (corners**3 + 7) // 8 * 8)
        offsets = np.concatenate([[0], np.cumsum(rows)]).astype(np.int64)
        return GridLevels(scales.astype(np.float64), corners, offsets, hashed)


class HashEncoding(torch.nn.Module):
    """The encoding with its learned table ``table`` [T, F], started uniformly in [-1e-4, 1e-4].

    On the CPU numba kernels compute it, forward and backward; elsewhere torch.
    """

    def __init__(self, options: HashOptions | None = None, *, seed: int = 0, reference: bool = False) -> None:
        """Args: options: defaults to ``HashOptions()``; seed: of the table; reference: always the plain torch twin."""
        super().__init__()
        self.options = HashOptions() if options is None else options
        self.reference = reference
        self.levels = GridLevels.of(self.options)
        generator = torch.Generator().manual_seed(seed)
        table = torch.empty(int(self.levels.offsets[-1]), self.options.features)
        self.table = torch.nn.Parameter(table.uniform_(-1e-4, 1e-4, generator=generator))

    def forward(self, unit: Tensor) -> Tensor:
        """[M, L * F] codes of points [M, 3] in [0, 1] (outside, those of the nearest point of the cube)."""
        if self.reference or unit.device.type != "cpu":
            return encode_reference(unit, self.table, self.levels)
        return _CpuEncode.apply(unit, self.table, self.levels)  # pyright: ignore[reportReturnType]


class _CpuEncode(torch.autograd.Function):
    """The numba kernels as a torch function, float32 or float64 (the table's)."""

    @staticmethod
    def forward(ctx: Any, points: Tensor, table: Tensor, levels: GridLevels) -> Tensor:
        places, rows = _array(points.to(table.dtype)), _array(table)
        out = np.empty((len(places), len(levels.scales) * rows.shape[1]), rows.dtype)
        scales = levels.scales.astype(rows.dtype)
        hashgrid_cpu.encode(places, rows, scales, levels.corners, levels.offsets, levels.hashed, out)
        ctx.save_for_backward(points, table)
        ctx.levels = levels
        return torch.from_numpy(out)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        points, table = ctx.saved_tensors
        levels, moving = ctx.levels, ctx.needs_input_grad[0]
        places, rows = _array(points.to(table.dtype)), _array(table)
        grad_table = np.zeros_like(rows)
        shares = np.empty((len(levels.scales) if moving else 0, len(places), 3), rows.dtype)
        hashgrid_cpu.encode_backward(
            places,
            rows,
            levels.scales.astype(rows.dtype),
            levels.corners,
            levels.offsets,
            levels.hashed,
            _array(gradients[0]),
            grad_table,
            shares,
        )
        grad_points = torch.from_numpy(shares).sum(0).to(points.dtype) if moving else None
        return grad_points, torch.from_numpy(grad_table), None


def _array(tensor: Tensor) -> NDArray[Any]:
    return tensor.detach().contiguous().numpy()


def encode_reference(unit: Tensor, table: Tensor, levels: GridLevels) -> Tensor:
    """The same in plain torch, for any device: the twin that the kernels are held to."""
    corners = torch.tensor([[i & 1, i >> 1 & 1, i >> 2] for i in range(8)], device=unit.device)
    primes = torch.tensor(hashgrid_cpu.PRIMES, device=unit.device)
    codes = []
    for scale, side, first, end, hashed in zip(
        levels.scales.tolist(),
        levels.corners.tolist(),
        levels.offsets[:-1].tolist(),
        levels.offsets[1:].tolist(),
        levels.hashed.tolist(),
        strict=True,
    ):
        position = unit.clamp(0.0, 1.0) * scale + 0.5
        cell = position.detach().floor()
        inside = (position - cell)[:, None, :]
        corner = cell.to(torch.int64)[:, None, :] + corners
        if hashed:
            x, y, z = (corner * primes).unbind(-1)
            row = (x ^ y ^ z) & (end - first - 1)
        else:
            row = (corner * torch.tensor([1, side, side * side], device=unit.device)).sum(-1) % (end - first)
        weight = torch.where(corners.bool(), inside, 1.0 - inside).prod(-1)
        rows = table.index_select(0, (first + row).reshape(-1)).reshape(len(unit), 8, -1)
        codes.append((weight[..., None] * rows).sum(1))
    return torch.cat(codes, dim=1)
