# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The depth of the first surface of every pixel (numba): a blend that stops where enough of the light is gone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

from splatcut.gaussians import F32
from splatcut.raster.cpu import Prepared
from splatcut.raster.cpu_blend import _FAST, _blocks, _draw, _scatter, _start
from splatcut.raster.cpu_project import CA, CB, CC, DEPTH, LO, LOG2_ALPHA_MIN, MX, MY
from splatcut.raster.simd import any_lane, fma, lanes_x, lanes_y, load, select, splat, store

F = np.float32
#: Lowest transmittance that can be asked for: a single Gaussian never takes what is above it below the minimum at which
#: the rasteriser leaves the Gaussian out.
LOWEST = 0.02


@njit(parallel=True, fastmath=_FAST, cache=True, nogil=True)
def _surface(
    active: Any, tile_start: Any, pair_gaussian: Any, geometry: Any, box: Any, tiles_x: int, level: Any, depth: Any
) -> None:
    """Camera z of the Gaussian that brings the transmittance below ``level``; left as it is where none does."""
    height, width = depth.shape
    for a in prange(active.size):
        tile = active[a]
        x, y = (tile % tiles_x) * 16, (tile // tiles_x) * 16
        state = np.zeros(512, np.float32)
        live = _start(state, x, y, width, height)
        state[256:] = F(np.inf)
        threshold = splat(LOG2_ALPHA_MIN)
        zero = splat(F(0))
        enough = splat(F(level))
        for pair in range(tile_start[tile], tile_start[tile + 1]):
            if live == 0:
                break
            g = pair_gaussian[pair]
            bx0, bx1, by0, by1 = _blocks(box, g, x, y)
            ca, cb, cc, lo = (
                splat(geometry[g, CA]),
                splat(geometry[g, CB]),
                splat(geometry[g, CC]),
                splat(geometry[g, LO]),
            )
            dx0 = lanes_x() + splat(F(x) - geometry[g, MX])
            dy0 = lanes_y() + splat(F(y) - geometry[g, MY])
            for by in range(by0, by1 + 1):
                dy = dy0 + splat(F(by * 4))
                row = fma(dy * dy, cc, lo)
                slope = cb * dy
                for bx in range(bx0, bx1 + 1):
                    block = by * 4 + bx
                    if (live >> block) & 1 == 0:
                        continue
                    base = block * 16
                    dx = dx0 + splat(F(bx * 4))
                    power = fma(dx, fma(ca, dx, slope), row)
                    t = load(state, base)
                    seen = (power >= threshold) & (t > zero)
                    if not any_lane(seen):
                        continue
                    _, _, _, _, after = _draw(power, t, seen)
                    crossed = seen & (enough > after)
                    store(state, base + 256, select(crossed, splat(geometry[g, DEPTH]), load(state, base + 256)))
                    after = select(crossed, splat(F(-1)), after)
                    if not any_lane(after > zero):
                        live &= ~(1 << block)
                    store(state, base, after)
        _scatter(state, 256, depth, x, y, width, height)


def surface_depth(prepared: Prepared, level: float = 0.5) -> F32:
    """[H, W] float32: camera z of the Gaussian at which the transmittance falls below ``level``; infinite where it
    stays above and in tiles that were left out.

    Raises:
        ValueError: a level outside [0.02, 1].
    """
    if not LOWEST <= level <= 1.0:
        raise ValueError(f"The level of the transmittance must lie between {LOWEST} and 1, not {level}.")
    camera = prepared.camera
    depth = np.full((camera.height, camera.width), np.inf, np.float32)
    _surface(
        prepared.active, prepared.tile_start, prepared.pair_gaussian, prepared.geometry, prepared.box,
        prepared.tiles_x, np.float32(level), depth,
    )  # fmt: skip
    return depth
