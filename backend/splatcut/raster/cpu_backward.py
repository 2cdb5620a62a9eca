# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Backward pass of the blending: per (tile, Gaussian) pair the sums over the pixels (numba). See ``cpu_blend``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

from splatcut.raster.cpu_blend import _FAST, _blocks, _draw, _exponent, _gather, _start
from splatcut.raster.cpu_project import LOG2_ALPHA_MIN
from splatcut.raster.rule import ALPHA_MAX
from splatcut.raster.simd import any_lane, fma, lane_sum, load, select, splat, store

F = np.float32

#: Columns of the backward sums before the channels: sums over pixels of dL/dlog(alpha) times 1, dx, dy, dx^2, dx dy,
#: dy^2.
MOMENTS = 6


@njit(inline="always")
def _reached(first: int, end: int, pair_gaussian: Any, box: Any, wanted: Any, x: int, y: int) -> Any:
    """Of the tile at (x, y), pairs ``first`` to ``end``: end of the wanted ones, blocks that they may touch as bits."""
    last, reached = first, 0
    for pair in range(first, end):
        g = pair_gaussian[pair]
        if wanted[g]:
            last = pair + 1
            bx0, bx1, by0, by1 = _blocks(box, g, x, y)
            for by in range(by0, by1 + 1):
                reached |= ((1 << (bx1 + 1)) - (1 << bx0)) << (by * 4)
    return last, reached


@njit(parallel=True, fastmath=_FAST, cache=True, nogil=True)
def backward(
    active: Any, tile_start: Any, pair_gaussian: Any, pair_slot: Any, geometry: Any, box: Any, values: Any, out: Any,
    transmittance: Any, out_gradient: Any, transmittance_gradient: Any, tiles_x: int, wanted: Any, sums: Any,
) -> None:  # fmt: skip
    """Gradients of the blending, per pair; runs front to back like the forward pass.

    With w_i = alpha_i T_i and R_i the gradient-weighted colour of everything behind i (background and the
    transmittance's own gradient included), dL/dalpha_i = T_i <g, c_i> - R_i / (1 - alpha_i).

    Args:
        out, transmittance: the forward pass's results.
        out_gradient: [C, H, W] float32; transmittance_gradient: [H, W] float32.
        wanted: [M] bool in depth order, the Gaussians whose sums are wanted, or an empty array for all of them. The
            others are only blended, and only where a wanted one may lie behind them.
        sums: out, [P, 6 + C] float32 by slot, zero on entry.
    """
    every = wanted.size == 0
    channels = values.shape[1]
    height, width = transmittance.shape
    for a in prange(active.size):
        tile = active[a]
        x, y = (tile % tiles_x) * 16, (tile // tiles_x) * 16
        last, reached = tile_start[tile + 1], 0xFFFF
        if not every:
            last, reached = _reached(tile_start[tile], last, pair_gaussian, box, wanted, x, y)
            if reached == 0:
                continue
        # transmittance, remaining R, gradient per channel, scratch
        gradient = 512
        scratch = 256 * (channels + 2)
        partial = scratch + 256
        state = np.zeros(partial + 16 * channels, np.float32)
        live = _start(state, x, y, width, height) & reached
        zero = splat(F(0))
        _gather(transmittance, state, scratch, x, y, width, height)
        _gather(transmittance_gradient, state, 256, x, y, width, height)
        for block in range(16):
            store(state, 256 + block * 16, load(state, 256 + block * 16) * load(state, scratch + block * 16))
        for channel in range(channels):
            place = gradient + 256 * channel
            _gather(out_gradient[channel], state, place, x, y, width, height)
            _gather(out[channel], state, scratch, x, y, width, height)
            for block in range(16):
                here = 256 + block * 16
                store(
                    state,
                    here,
                    fma(load(state, place + block * 16), load(state, scratch + block * 16), load(state, here)),
                )
        threshold, limit, one = splat(LOG2_ALPHA_MIN), splat(F(ALPHA_MAX)), splat(F(1))
        for pair in range(tile_start[tile], last):
            if live == 0:
                break
            g = pair_gaussian[pair]
            mine = every or wanted[g]
            bx0, bx1, by0, by1 = _blocks(box, g, x, y)
            ca, cb, cc, lo, dx0, dy0 = _exponent(geometry, g, x, y)
            s, sx, sy, sxx, sxy, syy = zero, zero, zero, zero, zero, zero
            touched = False
            for by in range(by0, by1 + 1):
                dy = dy0 + splat(F(by * 4))
                row = fma(dy * dy, cc, lo)
                slope = cb * dy
                r, rx, rxx = zero, zero, zero
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
                    raw, alpha, weight, drawn, after = _draw(power, t, seen)
                    if not any_lane(after > zero):
                        live &= ~(1 << block)
                    store(state, base, after)
                    colour = zero
                    if not mine:
                        for channel in range(channels):
                            here = load(state, base + gradient + 256 * channel)
                            colour = fma(here, splat(values[g, channel]), colour)
                        store(state, base + 256, load(state, base + 256) - colour * weight)
                        continue
                    if not touched:
                        touched = True
                        for channel in range(channels):
                            store(state, partial + channel * 16, zero)
                    for channel in range(channels):
                        here = load(state, base + gradient + 256 * channel)
                        colour = fma(here, splat(values[g, channel]), colour)
                        place = partial + channel * 16
                        store(state, place, fma(weight, here, load(state, place)))
                    behind = load(state, base + 256) - colour * weight
                    store(state, base + 256, behind)
                    slant = t * colour - behind / (one - alpha)
                    moved = select(drawn & (limit >= raw), slant * alpha, zero)
                    r = r + moved
                    mx = moved * dx
                    rx = rx + mx
                    rxx = fma(mx, dx, rxx)
                if touched:
                    ry = r * dy
                    s = s + r
                    sx = sx + rx
                    sxx = sxx + rxx
                    sy = sy + ry
                    syy = fma(ry, dy, syy)
                    sxy = fma(rx, dy, sxy)
            if touched:
                slot = pair_slot[pair]
                sums[slot, 0] = lane_sum(s)
                sums[slot, 1] = lane_sum(sx)
                sums[slot, 2] = lane_sum(sy)
                sums[slot, 3] = lane_sum(sxx)
                sums[slot, 4] = lane_sum(sxy)
                sums[slot, 5] = lane_sum(syy)
                for channel in range(channels):
                    sums[slot, 6 + channel] = lane_sum(load(state, partial + channel * 16))
