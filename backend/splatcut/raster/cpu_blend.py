# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The per-pixel kernels: blending and accumulation of weights (numba); ``cpu_backward`` has the gradients.

A tile is 16x16 pixels kept as 16 blocks of 4x4; one block is one vector. A tile's state is a flat float32 array:
transmittance first (256 values, block after block), then 256 values per channel. A negative transmittance marks a pixel
that is finished; its magnitude is the final value.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

from splatcut.raster.cpu_project import CA, CB, CC, LO, LOG2_ALPHA_MIN, MX, MY
from splatcut.raster.rule import ALPHA_MAX, TRANSMITTANCE_MIN
from splatcut.raster.simd import (
    any_lane,
    exp2,
    fma,
    lane_sum,
    lanes_x,
    lanes_y,
    load,
    select,
    splat,
    store,
    vmax,
    vmin,
)

F = np.float32
_FAST = {"contract", "arcp", "nsz"}


@njit(inline="always")
def _start(state: Any, x: int, y: int, width: int, height: int) -> int:
    """Sets transmittance to 1, or -1 outside the image; returns the blocks with live pixels as bits."""
    live = 0
    for block in range(16):
        bx, by = x + (block & 3) * 4, y + (block >> 2) * 4
        if bx < width and by < height:
            live |= 1 << block
        for lane in range(16):
            inside = bx + (lane & 3) < width and by + (lane >> 2) < height
            state[block * 16 + lane] = F(1) if inside else F(-1)
    return live


@njit(inline="always")
def _gather(plane: Any, state: Any, base: int, x: int, y: int, width: int, height: int) -> None:
    """Copies a tile of a [H, W] plane to state[base : base + 256] in block order, 0 outside the image."""
    for block in range(16):
        for lane in range(16):
            px, py = x + (block & 3) * 4 + (lane & 3), y + (block >> 2) * 4 + (lane >> 2)
            state[base + block * 16 + lane] = plane[py, px] if px < width and py < height else F(0)


@njit(inline="always")
def _scatter(state: Any, base: int, plane: Any, x: int, y: int, width: int, height: int) -> None:
    """Copies a tile's 256 values to a [H, W] plane."""
    for block in range(16):
        for lane in range(16):
            px, py = x + (block & 3) * 4 + (lane & 3), y + (block >> 2) * 4 + (lane >> 2)
            if px < width and py < height:
                plane[py, px] = state[base + block * 16 + lane]


@njit(inline="always")
def _blocks(box: Any, g: int, x: int, y: int) -> Any:
    """Range of blocks of the tile at (x, y) that the box of Gaussian g touches: columns and rows, inclusive."""
    return (
        max(0, (box[g, 0] - x) >> 2),
        min(3, (box[g, 1] - x) >> 2),
        max(0, (box[g, 2] - y) >> 2),
        min(3, (box[g, 3] - y) >> 2),
    )


@njit(inline="always")
def _exponent(geometry: Any, g: int, x: int, y: int) -> Any:
    """The exponent's coefficients A, B, C and lo of Gaussian g (see ``cpu_project``), and dx and dy in the tile's first
    block."""
    return (
        splat(geometry[g, CA]),
        splat(geometry[g, CB]),
        splat(geometry[g, CC]),
        splat(geometry[g, LO]),
        lanes_x() + splat(F(x) - geometry[g, MX]),
        lanes_y() + splat(F(y) - geometry[g, MY]),
    )


@njit(inline="always")
def _draw(power: Any, t: Any, seen: Any) -> Any:
    """One Gaussian on one block, where ``seen``: by the 3DGS rule.

    Args:
        power: log2 of alpha; t: transmittance, above 0 in the seen lanes.

    Returns:
        alpha unclipped, alpha, blending weight (0 where not drawn), lanes drawn, transmittance after it (negative where
        the pixel has ended).
    """
    zero = splat(F(0))
    raw = exp2(power)
    alpha = vmin(splat(F(ALPHA_MAX)), raw)
    weight = alpha * t
    rest = t - weight
    enough = rest >= splat(F(TRANSMITTANCE_MIN))
    drawn = seen & enough
    after = select(seen, select(enough, rest, zero - t), t)
    return raw, alpha, select(drawn, weight, zero), drawn, after


@njit(parallel=True, fastmath=_FAST, cache=True, nogil=True)
def blend(
    active: Any, tile_start: Any, pair_gaussian: Any, geometry: Any, box: Any, values: Any, background: Any,
    tiles_x: int, out: Any, transmittance: Any,
) -> None:  # fmt: skip
    """Front-to-back blending of the active tiles.

    Args:
        active: [A] int64 tile numbers.
        values: [M, C] float32 channels of the drawn Gaussians in depth order.
        background: [C] float32.
        out: [C, H, W] float32, written in active tiles.
        transmittance: [H, W] float32, written in active tiles.
    """
    channels = values.shape[1]
    height, width = transmittance.shape
    for a in prange(active.size):
        tile = active[a]
        x, y = (tile % tiles_x) * 16, (tile // tiles_x) * 16
        state = np.zeros(256 * (channels + 1), np.float32)
        live = _start(state, x, y, width, height)
        threshold = splat(LOG2_ALPHA_MIN)
        zero = splat(F(0))
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
                    _, _, weight, _, after = _draw(power, t, seen)
                    if not any_lane(after > zero):
                        live &= ~(1 << block)
                    store(state, base, after)
                    for channel in range(channels):
                        place = base + 256 * (channel + 1)
                        store(state, place, fma(weight, splat(values[g, channel]), load(state, place)))
        for block in range(16):
            t = load(state, block * 16)
            t = vmax(t, zero - t)
            store(state, block * 16, t)
            for channel in range(channels):
                place = block * 16 + 256 * (channel + 1)
                store(state, place, fma(t, splat(background[channel]), load(state, place)))
        _scatter(state, 0, transmittance, x, y, width, height)
        for channel in range(channels):
            _scatter(state, 256 * (channel + 1), out[channel], x, y, width, height)


@njit(parallel=True, fastmath=_FAST, cache=True, nogil=True)
def accumulate(
    active: Any, tile_start: Any, pair_gaussian: Any, pair_slot: Any, geometry: Any, box: Any, signals: Any,
    tiles_x: int, sums: Any,
) -> None:  # fmt: skip
    """Per pair, the sums over the tile's pixels of w and of w * signal_k (method: lifting). No gradient tape.

    Args:
        signals: [K, H, W] float32, K at least 1.
        sums: out, [P, 1 + K] float32 by slot, zero on entry.
    """
    kinds, height, width = signals.shape
    for a in prange(active.size):
        tile = active[a]
        x, y = (tile % tiles_x) * 16, (tile // tiles_x) * 16
        state = np.zeros(256 * (kinds + 1) + 16 * kinds, np.float32)
        partial = 256 * (kinds + 1)
        live = _start(state, x, y, width, height)
        for kind in range(kinds):
            _gather(signals[kind], state, 256 * (kind + 1), x, y, width, height)
        threshold = splat(LOG2_ALPHA_MIN)
        zero = splat(F(0))
        for pair in range(tile_start[tile], tile_start[tile + 1]):
            if live == 0:
                break
            g = pair_gaussian[pair]
            bx0, bx1, by0, by1 = _blocks(box, g, x, y)
            ca, cb, cc, lo, dx0, dy0 = _exponent(geometry, g, x, y)
            total, first = zero, zero
            touched = False
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
                    _, _, weight, _, after = _draw(power, t, seen)
                    if not any_lane(after > zero):
                        live &= ~(1 << block)
                    store(state, base, after)
                    total = total + weight
                    # The first signal's sum stays in a register: most runs have one or few objects.
                    first = fma(weight, load(state, base + 256), first)
                    if not touched:
                        touched = True
                        for kind in range(1, kinds):
                            store(state, partial + kind * 16, zero)
                    for kind in range(1, kinds):
                        place = partial + kind * 16
                        store(state, place, fma(weight, load(state, base + 256 * (kind + 1)), load(state, place)))
            if touched:
                slot = pair_slot[pair]
                sums[slot, 0] = lane_sum(total)
                sums[slot, 1] = lane_sum(first)
                for kind in range(1, kinds):
                    sums[slot, kind + 1] = lane_sum(load(state, partial + kind * 16))


@njit(parallel=True, cache=True, nogil=True)
def sum_slots(sums: Any, slot_start: Any, drawn: Any, rank: Any, out: Any) -> None:
    """Adds the pair sums of every drawn Gaussian into its row of out [N, columns], in slot order."""
    columns = sums.shape[1]
    for d in prange(drawn.size):
        i, g = drawn[d], rank[d]
        first, last = slot_start[g], slot_start[g + 1]
        for column in range(columns):
            total = F(0)
            for slot in range(first, last):
                total += sums[slot, column]
            out[i, column] = total
