# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Single pixels: their rays, and which Gaussians a pixel shows (numba).

The rule is that of ``cpu_blend``: same tiles, order, alpha, clip and stop; rounding apart (the exponential is another
one there), the weights of a pixel add up to 1 - transmittance as rendered.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from splatcut.raster.cpu import Prepared
from splatcut.raster.cpu_project import CA, CB, CC, LO, LOG2_ALPHA_MIN, MX, MY
from splatcut.raster.rule import ALPHA_MAX, ALPHA_MIN, TILE, TRANSMITTANCE_MIN
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import F32

F = np.float32
_LN2 = F(math.log(2.0))
#: More Gaussians than this no pixel can show: each takes at least 1/255 of a transmittance that stays above 1e-4.
LONGEST = math.ceil(math.log(TRANSMITTANCE_MIN) / math.log1p(-ALPHA_MIN)) + 2


def ray_directions(camera: Camera, columns: NDArray[np.integer], rows: NDArray[np.integer]) -> NDArray[np.float64]:
    """[..., 3] float64: unit vectors through the centres of pixels, world frame; columns and rows broadcast."""
    x, y = (columns + 0.5 - camera.cx) / camera.fx, (rows + 0.5 - camera.cy) / camera.fy
    z = 1.0 / np.sqrt(x * x + y * y + 1.0)
    return np.stack([x * z, y * z, z], axis=-1) @ camera.camera_from_world[:3, :3]


@njit(parallel=True, cache=True, nogil=True)
def _walk(
    pixels: Any, tile_start: Any, pair_gaussian: Any, geometry: Any, box: Any, tiles_x: int, place: Any, weight: Any,
    length: Any,
) -> None:  # fmt: skip
    """Fills the pixels' lists, places in depth order and weights [P, ``LONGEST``], and their lengths [P]."""
    for p in prange(pixels.shape[0]):
        x, y = pixels[p, 0], pixels[p, 1]
        tile = (y // TILE) * tiles_x + x // TILE
        t = F(1)
        count = 0
        for pair in range(tile_start[tile], tile_start[tile + 1]):
            g = pair_gaussian[pair]
            if x < box[g, 0] or x > box[g, 1] or y < box[g, 2] or y > box[g, 3]:
                continue
            dx, dy = F(x) - geometry[g, MX], F(y) - geometry[g, MY]
            power = geometry[g, LO] + geometry[g, CC] * dy * dy + dx * (geometry[g, CA] * dx + geometry[g, CB] * dy)
            if not power >= LOG2_ALPHA_MIN:
                continue
            w = min(F(ALPHA_MAX), math.exp(_LN2 * power)) * t
            if t - w < F(TRANSMITTANCE_MIN) or count == LONGEST:
                break
            t -= w
            place[p, count] = g
            weight[p, count] = w
            count += 1
        length[p] = count


def pixel_lists(prepared: Prepared, pixels: NDArray[np.integer]) -> tuple[NDArray[np.int64], F32]:
    """What pixels [P, 2] (column, row) show, front to back: rows of the scene and blending weights, both [P, L].

    L is the length of the longest list; the others end with rows -1 of weight 0.

    Raises:
        ValueError: pixels that are no pixels, or lie outside the image or in a tile that was left out.
    """
    camera = prepared.camera
    if pixels.ndim != 2 or pixels.shape[1] != 2 or not np.issubdtype(pixels.dtype, np.integer):
        raise ValueError(f"Pixels must be whole numbers of shape [P, 2], not {pixels.dtype} of {pixels.shape}.")
    x, y = pixels[(pixels < 0).any(axis=1) | (pixels >= (camera.width, camera.height)).any(axis=1)].T
    if x.size:
        raise ValueError(f"Pixel ({x[0]}, {y[0]}) lies outside the image of {camera.width} x {camera.height} pixels.")
    x, y = pixels[~np.isin(pixels[:, 1] // TILE * prepared.tiles_x + pixels[:, 0] // TILE, prepared.active)].T
    if x.size:
        raise ValueError(f"Pixel ({x[0]}, {y[0]}) lies in a tile that was left out when the view was prepared.")
    size = len(pixels), LONGEST
    place, weight, length = np.empty(size, np.uint32), np.empty(size, np.float32), np.empty(len(pixels), np.int64)
    _walk(
        np.ascontiguousarray(pixels, np.int32), prepared.tile_start, prepared.pair_gaussian, prepared.geometry,
        prepared.box, prepared.tiles_x, place, weight, length,
    )  # fmt: skip
    inside = np.arange(length.max(initial=0)) < length[:, None]
    rows, weights = np.full(inside.shape, -1), np.zeros(inside.shape, np.float32)
    rows[inside] = prepared.order[place[:, : inside.shape[1]][inside]]
    weights[inside] = weight[:, : inside.shape[1]][inside]
    return rows, weights
