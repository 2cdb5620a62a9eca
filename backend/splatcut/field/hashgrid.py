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

import itertools
import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

#: Factors of y and z in the spatial hash (Mueller et al. 2022, equation 4).
PRIMES = (2654435761, 805459861)


@dataclass(frozen=True)
class HashOptions:
    """Size of the encoding.

    Attributes:
        levels: L, number of grids, at least 1.
        features: F, learned numbers per corner.
        log2_size: logarithm to base 2 of the most table rows that a level may have.
        coarsest, finest: corners per axis of the first and the last grid, 2 <= coarsest <= finest <= 65536.
    """

    levels: int = 8
    features: int = 2
    log2_size: int = 15
    coarsest: int = 16
    finest: int = 512

    @property
    def size(self) -> int:
        """Length of a point's code: levels * features."""
        return self.levels * self.features


@dataclass(frozen=True)
class Level:
    """One grid.

    Attributes:
        scale: cells per axis (see the module).
        corners: per axis.
        rows: of the table.
        hashed: whether corners share rows by the hash; the rows are then a power of 2.
    """

    scale: float
    corners: int
    rows: int
    hashed: bool


class HashEncoding(torch.nn.Module):
    """The encoding with its learned table ``table`` [T, F], level by level, started uniformly in [-1e-4, 1e-4]."""

    def __init__(self, options: HashOptions, *, seed: int = 0) -> None:
        """Args: seed: of the table."""
        super().__init__()
        self.levels = _levels(options)
        generator = torch.Generator().manual_seed(seed)
        table = torch.empty(sum(level.rows for level in self.levels), options.features)
        self.table = torch.nn.Parameter(table.uniform_(-1e-4, 1e-4, generator=generator))

    def forward(self, unit: Tensor) -> Tensor:
        """[M, L * F] codes of points [M, 3] in [0, 1] (outside, those of the nearest point of the cube)."""
        inside = unit.clamp(0.0, 1.0).T
        tables = self.table.split([level.rows for level in self.levels])
        codes = [_code(inside, level, table) for level, table in zip(self.levels, tables, strict=True)]
        return torch.cat(codes, dim=1)


def _levels(options: HashOptions) -> list[Level]:
    growth = (options.finest / options.coarsest) ** (1.0 / max(options.levels - 1, 1))
    # In float32, for the same roundings as tiny-cuda-nn's.
    exponents = np.arange(options.levels, dtype=np.float32) * np.float32(math.log2(growth))
    scales = np.exp2(exponents) * np.float32(options.coarsest) - np.float32(1)
    levels = []
    for scale in scales.tolist():
        corners, most = math.ceil(scale) + 1, 1 << options.log2_size
        hashed = corners**3 > most
        levels.append(Level(scale, corners, most if hashed else -(-(corners**3) // 8) * 8, hashed))
    return levels


def _code(unit: Tensor, level: Level, table: Tensor) -> Tensor:
    """[M, F]: the interpolated rows of a level's table at points [3, M]."""
    position = unit * level.scale + 0.5
    cell = position.detach().floor()
    inside, cell = position - cell, cell.to(torch.int64)
    code = table.new_zeros(unit.shape[1], table.shape[1])
    for steps in itertools.product((0, 1), repeat=3):
        x, y, z = (start + step for start, step in zip(cell, steps, strict=True))
        if level.hashed:
            row = (x ^ PRIMES[0] * y ^ PRIMES[1] * z) & (level.rows - 1)
        else:
            row = (x + level.corners * (y + level.corners * z)) % level.rows
        fx, fy, fz = (share if step else 1.0 - share for share, step in zip(inside, steps, strict=True))
        code = code + (fx * fy * fz)[:, None] * table.index_select(0, row)
    return code
