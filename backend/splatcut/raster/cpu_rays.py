# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Samples on the rays of single pixels, where the Gaussians lie that the pixels show (numba).

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
from splatcut.raster.rule import ALPHA_MAX, ALPHA_MIN, LOW_PASS, TILE, TRANSMITTANCE_MIN
from splatcut.scene.gaussians import F32, Gaussians

F = np.float32
_LN2 = F(math.log(2.0))
#: More Gaussians than this no pixel can show: each takes at least 1/255 of a transmittance that stays above 1e-4.
LONGEST = math.ceil(math.log(TRANSMITTANCE_MIN) / math.log1p(-ALPHA_MIN)) + 2
#: Half the length of the interval that has the standard deviation 1 when it is filled evenly.
SLAB = math.sqrt(3.0)
#: No part of a Gaussian that is drawn is farther than this from its centre, in its standard deviations:
#: alpha >= 1/255 at an opacity of at most 1.
FARTHEST = math.sqrt(2.0 * math.log(1.0 / ALPHA_MIN))
_CHUNK = 64


@njit(inline="always")
def _walk(
    x: int, y: int, tile_start: Any, pair_gaussian: Any, geometry: Any, box: Any, tiles_x: int, gaussian: Any,
    weight: Any,
) -> int:  # fmt: skip
    """Fills the list of a pixel, places in depth order and weights; returns its length."""
    tile = (y // TILE) * tiles_x + x // TILE
    t = F(1)
    length = 0
    for pair in range(tile_start[tile], tile_start[tile + 1]):
        g = pair_gaussian[pair]
        if x < box[g, 0] or x > box[g, 1] or y < box[g, 2] or y > box[g, 3]:
            continue
        dx, dy = F(x) - geometry[g, MX], F(y) - geometry[g, MY]
        power = geometry[g, LO] + geometry[g, CC] * dy * dy + dx * (geometry[g, CA] * dx + geometry[g, CB] * dy)
        if not power >= LOG2_ALPHA_MIN:
            continue
        w = min(F(ALPHA_MAX), math.exp(_LN2 * power)) * t
        if t - w < F(TRANSMITTANCE_MIN) or length == gaussian.size:
            break
        t -= w
        gaussian[length] = g
        weight[length] = w
        length += 1
    return length


def _check(prepared: Prepared, pixels: NDArray[np.integer]) -> NDArray[np.int32]:
    """The pixels as the kernels take them; refuses those that the prepared view cannot answer for."""
    camera = prepared.camera
    pixels = np.asarray(pixels)
    if pixels.ndim != 2 or pixels.shape[1] != 2 or not np.issubdtype(pixels.dtype, np.integer):
        raise ValueError(f"Pixels must be whole numbers of shape [P, 2], not {pixels.dtype} of {pixels.shape}.")
    outside = (pixels < 0).any(axis=1) | (pixels[:, 0] >= camera.width) | (pixels[:, 1] >= camera.height)
    if outside.any():
        x, y = pixels[np.flatnonzero(outside)[0]]
        raise ValueError(f"Pixel ({x}, {y}) lies outside the image of {camera.width} x {camera.height} pixels.")
    tile = (pixels[:, 1] // TILE).astype(np.int64) * prepared.tiles_x + pixels[:, 0] // TILE
    left_out = ~np.isin(tile, prepared.active)
    if left_out.any():
        x, y = pixels[np.flatnonzero(left_out)[0]]
        raise ValueError(f"Pixel ({x}, {y}) lies in a tile that was left out when the view was prepared.")
    return np.ascontiguousarray(pixels, np.int32)


@njit(inline="always")
def along(
    i: int, means: Any, log_scales: Any, quats: Any, ox: float, oy: float, oz: float, dx: float, dy: float, dz: float
) -> Any:
    """Where on the ray o + t d the Gaussian i is largest, and its standard deviation there along the ray."""
    w, x, y, z = float(quats[i, 0]), float(quats[i, 1]), float(quats[i, 2]), float(quats[i, 3])
    inv = 1.0 / (math.sqrt(w * w + x * x + y * y + z * z) + 1e-12)
    w, x, y, z = w * inv, x * inv, y * inv, z * inv
    mx, my, mz = float(means[i, 0]) - ox, float(means[i, 1]) - oy, float(means[i, 2]) - oz
    centre = mx * dx + my * dy + mz * dz
    # Centre minus the point of the ray nearest to it: keeps digits where the Gaussian is small and far.
    mx, my, mz = mx - centre * dx, my - centre * dy, mz - centre * dz
    vv, uv, spread = 0.0, 0.0, 0.0
    for k in range(3):
        if k == 0:
            rx, ry, rz = 1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)
        elif k == 1:
            rx, ry, rz = 2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)
        else:
            rx, ry, rz = 2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)
        s = math.exp(min(60.0, max(-60.0, float(log_scales[i, k]))))
        d = rx * dx + ry * dy + rz * dz
        vv += d * d / (s * s)
        uv += d * (rx * mx + ry * my + rz * mz) / (s * s)
        spread += d * d * s * s
    reach = FARTHEST * math.sqrt(spread)
    return centre + min(reach, max(-reach, uv / vv)), math.sqrt(1.0 / vv)


@njit(parallel=True, cache=True, nogil=True)
def _sample(
    pixels: Any, directions: Any, origin: Any, bounds: Any, nearest: Any, random: Any, even: int, jitter: bool,
    footprint: float, tile_start: Any, pair_gaussian: Any, geometry: Any, box: Any, tiles_x: int, order: Any,
    means: Any, log_scales: Any, quats: Any, out_t: Any, out_delta: Any, out_index: Any, out_weight: Any,
) -> None:  # fmt: skip
    """See ``sample``. ``bounds`` [P, 2]: stretch of the rays that the even samples keep to; ``nearest`` [P]: the near
    plane; ``random`` [P, S] in [0, 1); ``footprint``: standard deviation of the low-pass filter at distance 1."""
    count = random.shape[1]
    drawn = count - even
    ox, oy, oz = origin[0], origin[1], origin[2]
    for chunk in prange((pixels.shape[0] + _CHUNK - 1) // _CHUNK):
        gaussian, weight = np.empty(LONGEST, np.uint32), np.empty(LONGEST, np.float32)
        at, first, last = np.empty(count), np.empty(count), np.empty(count)
        index = np.empty(count, np.int32)
        for p in range(chunk * _CHUNK, min(pixels.shape[0], (chunk + 1) * _CHUNK)):
            length = _walk(
                pixels[p, 0], pixels[p, 1], tile_start, pair_gaussian, geometry, box, tiles_x, gaussian, weight
            )
            total = 0.0
            for j in range(length):
                total += weight[j]
            out_weight[p] = total
            if length == 0:
                for s in range(count):
                    out_t[p, s], out_delta[p, s], out_index[p, s] = nearest[p], 0.0, -1
                continue
            dx, dy, dz = directions[p, 0], directions[p, 1], directions[p, 2]
            # Stratified inverse CDF over the list; what is left of a draw inside its Gaussian's share of the CDF says
            # where in the Gaussian's slab the sample goes, so that samples of one Gaussian are stratified as well.
            j, before = 0, 0.0
            front, back = math.inf, 0.0
            centre, half = 0.0, 0.0
            known = -1
            for s in range(drawn):
                u = total * (s + random[p, s]) / drawn
                while j < length - 1 and u >= before + weight[j]:
                    before += weight[j]
                    j += 1
                if known != j:
                    known = j
                    i = order[gaussian[j]]
                    centre, deviation = along(i, means, log_scales, quats, ox, oy, oz, dx, dy, dz)
                    centre = max(centre, nearest[p])
                    half = SLAB * math.sqrt(deviation * deviation + (footprint * centre) ** 2)
                    front, back = min(front, centre - half), max(back, centre + half)
                share = min(1.0, max(0.0, (u - before) / weight[j])) if jitter else 0.5
                index[s] = order[gaussian[j]]
                first[s], last[s] = max(nearest[p], centre - half), centre + half
                at[s] = max(nearest[p], centre + half * (2.0 * share - 1.0))
            # As much empty space before what was hit as there is stretch in it.
            start = max(nearest[p], front - (back - front))
            end = back
            if max(start, bounds[p, 0]) < min(end, bounds[p, 1]):
                start, end = max(start, bounds[p, 0]), min(end, bounds[p, 1])
            for e in range(even):
                s = drawn + e
                step = (end - start) / even
                index[s] = -1
                at[s] = start + step * (e + (random[p, s] if jitter else 0.5))
                first[s], last[s] = max(nearest[p], at[s] - step), at[s] + step
            for s in range(1, count):
                k = s
                while k > 0 and at[k - 1] > at[k]:
                    at[k - 1], at[k] = at[k], at[k - 1]
                    first[k - 1], first[k] = first[k], first[k - 1]
                    last[k - 1], last[k] = last[k], last[k - 1]
                    index[k - 1], index[k] = index[k], index[k - 1]
                    k -= 1
            left = first[0]
            for s in range(count):
                right, following = last[s], 0.0
                if s + 1 < count:
                    following = first[s + 1]
                    if following <= right:
                        right = min(right, max(following, 0.5 * (at[s] + at[s + 1])))
                        following = right
                out_t[p, s] = at[s]
                out_delta[p, s] = right - left
                out_index[p, s] = index[s]
                left = following


def sample(
    prepared: Prepared,
    gaussians: Gaussians,
    pixels: NDArray[np.integer],
    directions: NDArray[np.float64],
    bounds: NDArray[np.float64],
    random: F32,
    even: int,
    jitter: bool,
) -> tuple[F32, F32, NDArray[np.int32], F32]:
    """Samples on the rays of pixels, where their Gaussians lie (method: joint optimisation).

    Args:
        prepared: of the view, with tiles that hold the pixels; gaussians: what it was prepared from.
        pixels: [P, 2] integers, column and row; directions: [P, 3] unit vectors of their rays, world frame.
        bounds: [P, 2] distances between which the even samples keep, where that leaves them any room.
        random: [P, S] float32 in [0, 1).
        even: how many of the S samples are spread evenly over the stretch that the others span, and before it.
        jitter: whether samples leave the place where their Gaussian is largest.

    Returns:
        t [P, S] ascending, delta [P, S], index [P, S] and weight [P], see ``splatcut.field.rays.RaySamples``.
    """
    pixels = _check(prepared, pixels)
    camera = prepared.camera
    forward = camera.camera_from_world[2, :3]
    cosine = np.maximum(directions @ forward, 1e-6)
    t, delta = np.empty(random.shape, np.float32), np.empty(random.shape, np.float32)
    index, weight = np.empty(random.shape, np.int32), np.empty(len(pixels), np.float32)
    footprint = math.sqrt(LOW_PASS) / math.sqrt(camera.fx * camera.fy)
    _sample(
        pixels, directions, camera.position, bounds, camera.near / cosine, random, even, jitter, footprint,
        prepared.tile_start, prepared.pair_gaussian, prepared.geometry, prepared.box, prepared.tiles_x, prepared.order,
        gaussians.means, gaussians.log_scales, gaussians.quats, t, delta, index, weight,
    )  # fmt: skip
    return t, delta, index, weight
