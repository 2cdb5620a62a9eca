# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Which Gaussians touch which tile: (tile, Gaussian) pairs, sorted front to back in every tile (numba).

Every pair has a slot. A Gaussian's slots follow each other, so that kernels write one partial sum per pair without
races and the sums over a Gaussian's pairs are added in one fixed order: results do not depend on the number of threads.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, prange

from splatcut.raster.cpu_project import CA, CB, CC, LO, LOG2_ALPHA_MIN, MX, MY

F = np.float32


@njit(inline="always")
def _edge(a: Any, b: Any, c: Any, e: Any, y: Any, sign: Any) -> Any:
    """x at which the ellipse a x^2 + b x y + c y^2 = -e crosses the row y; sign 1: right side, -1: left."""
    root = b * b * y * y - F(4) * a * (c * y * y + e)
    return (-b * y - sign * math.sqrt(max(F(0), root))) / (F(2) * a)


@njit(inline="always")
def _tile_span(g: int, row: int, geometry: Any, box: Any, straight: bool) -> Any:
    """First and last tile column that the alpha >= 1/255 ellipse of Gaussian g touches in a row of tiles."""
    first, last = box[g, 0] >> 4, box[g, 1] >> 4
    if straight:
        return first, last
    mx, my, a, b, c = geometry[g, MX], geometry[g, MY], geometry[g, CA], geometry[g, CB], geometry[g, CC]
    e = geometry[g, LO] - LOG2_ALPHA_MIN
    top = max(F(row * 16), F(box[g, 2])) - my
    bottom = min(F(row * 16 + 15), F(box[g, 3])) - my
    # The rightmost point of the ellipse (xe, yr); the leftmost is its mirror image.
    determinant = b * b - F(4) * a * c
    xe = math.sqrt(max(F(0), F(4) * c * e / determinant))
    yr = -b * xe / (F(2) * c)
    if top <= yr <= bottom:
        right = xe
    else:
        right = max(_edge(a, b, c, e, top, F(1)), _edge(a, b, c, e, bottom, F(1)))
    if top <= -yr <= bottom:
        left = -xe
    else:
        left = min(_edge(a, b, c, e, top, F(-1)), _edge(a, b, c, e, bottom, F(-1)))
    return max(first, int(math.floor(mx + left - F(0.02))) >> 4), min(last, int(math.floor(mx + right + F(0.02))) >> 4)


_CHUNKS = 16


@njit(parallel=True, fastmath={"contract", "arcp", "nsz"}, cache=True, nogil=True)
def pairs(geometry: Any, box: Any, tiles_x: int, tiles_y: int, wanted: Any) -> Any:
    """Pairs of Gaussians (sorted front to back) and tiles.

    Args:
        geometry, box: of the drawn Gaussians in depth order, [M, 8] float32 and [M, 4] int32.
        wanted: [tiles_y * tiles_x] bool, tiles to fill; others stay empty.

    Returns:
        tile_start [tiles + 1] int64, first pair of each tile; pair_gaussian [P] uint32, index into the depth order;
        pair_slot [P] uint32; slot_start [M + 1] int64, first slot of each Gaussian.
    """
    count = box.shape[0]
    tiles = tiles_x * tiles_y
    # First free place of each chunk's Gaussians in each tile; before that is known, their number.
    free = np.zeros((_CHUNKS, tiles), np.int64)
    slot_start = np.zeros(count + 1, np.int64)
    per_gaussian = np.zeros(count + 1, np.int64)
    tile_start = np.zeros(tiles + 1, np.int64)
    pair_gaussian = np.empty(0, np.uint32)
    pair_slot = np.empty(0, np.uint32)
    for known in (False, True):
        for chunk in prange(_CHUNKS):
            for g in range(count * chunk // _CHUNKS, count * (chunk + 1) // _CHUNKS):
                y0, y1 = box[g, 2] >> 4, box[g, 3] >> 4
                straight = y0 == y1 or (box[g, 0] >> 4) == (box[g, 1] >> 4)
                slot = slot_start[g]
                for row in range(y0, y1 + 1):
                    x0, x1 = _tile_span(g, row, geometry, box, straight)
                    for tile in range(row * tiles_x + x0, row * tiles_x + x1 + 1):
                        if wanted[tile]:
                            if known:
                                pair_gaussian[free[chunk, tile]] = g
                                pair_slot[free[chunk, tile]] = slot
                            free[chunk, tile] += 1
                            slot += 1
                per_gaussian[g + 1] = slot
        if not known:
            slot_start = np.cumsum(per_gaussian)
            total = 0
            for tile in range(tiles):
                for chunk in range(_CHUNKS):
                    here = free[chunk, tile]
                    free[chunk, tile] = total
                    total += here
                tile_start[tile + 1] = total
            pair_gaussian, pair_slot = np.empty(total, np.uint32), np.empty(total, np.uint32)
    return tile_start, pair_gaussian, pair_slot, slot_start
