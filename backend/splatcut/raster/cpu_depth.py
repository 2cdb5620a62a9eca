# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The first surface of every pixel (numba): a blend that stops where enough of the light is gone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from splatcut.raster.cpu import Prepared
from splatcut.raster.cpu_blend import _FAST, _blocks, _draw, _exponent, _scatter, _start
from splatcut.raster.cpu_project import LOG2_ALPHA_MIN
from splatcut.raster.cpu_rays import along, ray_directions
from splatcut.raster.simd import any_lane, fma, load, select, splat, store
from splatcut.scene.gaussians import F32, Gaussians

F = np.float32
#: Lowest transmittance that can be asked for: a single Gaussian never takes what is above it below the minimum at which
#: the rasteriser leaves the Gaussian out.
LOWEST = 0.02
#: Stands for no Gaussian where a place is kept in the bits of a float32 (a vector has no integers): far above any.
_NONE = np.uint32(0x7F000000)


@njit(parallel=True, fastmath=_FAST, cache=True, nogil=True)
def _surface(
    active: Any, tile_start: Any, pair_gaussian: Any, geometry: Any, box: Any, tiles_x: int, level: Any, places: Any,
    none: Any, found: Any,
) -> None:  # fmt: skip
    """Finds the Gaussian that brings the transmittance below ``level``.

    Args:
        places: [M] float32 whose bits are the numbers 0 to M - 1; none: the bits for no Gaussian.
        found: out, [H, W] float32, the bits of the place in depth order; written in active tiles.
    """
    height, width = found.shape
    for a in prange(active.size):
        tile = active[a]
        x, y = (tile % tiles_x) * 16, (tile // tiles_x) * 16
        state = np.zeros(512, np.float32)
        live = _start(state, x, y, width, height)
        state[256:] = none
        threshold = splat(LOG2_ALPHA_MIN)
        zero = splat(F(0))
        enough = splat(F(level))
        for pair in range(tile_start[tile], tile_start[tile + 1]):
            if live == 0:
                break
            g = pair_gaussian[pair]
            bx0, bx1, by0, by1 = _blocks(box, g, x, y)
            ca, cb, cc, lo, dx0, dy0 = _exponent(geometry, g, x, y)
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
                    store(state, base + 256, select(crossed, splat(places[g]), load(state, base + 256)))
                    after = select(crossed, splat(F(-1)), after)
                    if not any_lane(after > zero):
                        live &= ~(1 << block)
                    store(state, base, after)
        _scatter(state, 256, found, x, y, width, height)


def first_gaussians(prepared: Prepared, level: float = 0.5) -> NDArray[np.int64]:
    """[H, W] int64: place in ``prepared.order`` of the Gaussian at which a pixel's transmittance falls below ``level``;
    -1 where it stays above, and in tiles that were left out.

    Raises:
        ValueError: a level outside [0.02, 1].
    """
    if not LOWEST <= level <= 1.0:
        raise ValueError(f"The level of the transmittance must lie between {LOWEST} and 1, not {level}.")
    camera = prepared.camera
    found = np.full((camera.height, camera.width), _NONE, np.uint32)
    places = np.arange(prepared.order.size, dtype=np.uint32)
    _surface(
        prepared.active, prepared.tile_start, prepared.pair_gaussian, prepared.geometry, prepared.box,
        prepared.tiles_x, np.float32(level), places.view(np.float32), _NONE.view(np.float32), found.view(np.float32),
    )  # fmt: skip
    return np.where(found == _NONE, -1, found.astype(np.int64))


def surface_depth(prepared: Prepared, gaussians: Gaussians, level: float = 0.5) -> F32:
    """[H, W] float32: camera z of the surface that a pixel shows: where, on the pixel's ray, the Gaussian is largest at
    which the transmittance falls below ``level``; infinite where it stays above, and in tiles that were left out.

    Args:
        gaussians: what the view was prepared from.

    Raises:
        ValueError: a level outside [0.02, 1].
    """
    first = first_gaussians(prepared, level)
    camera = prepared.camera
    rays = ray_directions(camera, np.arange(camera.width), np.arange(camera.height)[:, None]).reshape(-1, 3)
    place, _ = along(gaussians, np.append(prepared.order, -1)[first].ravel(), camera.position, rays)
    depth = np.maximum(camera.near, place * (rays @ camera.camera_from_world[2, :3]))
    return depth.reshape(first.shape).astype(np.float32)
