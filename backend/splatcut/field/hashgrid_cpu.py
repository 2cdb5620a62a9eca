# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The hash encoding's forward and backward pass on the CPU (numba); ``hashgrid`` says what is computed.

Work is shared out level by level, and a level's rows of the table belong to it alone, so that no two threads ever add
to the same number: results do not depend on the number of threads.
"""

from __future__ import annotations

from typing import Any

from numba import njit, prange

#: Factors of the spatial hash (Mueller et al. 2022, equation 4; the first is 1).
PRIMES = (1, 2654435761, 805459861)
_P1, _P2 = PRIMES[1], PRIMES[2]
_CHUNK = 8192


@njit(inline="always")
def _row(x: int, y: int, z: int, rows: int, hashed: bool) -> int:
    if hashed:
        return (x ^ y ^ z) & (rows - 1)
    row = x + y + z
    return row - rows if row >= rows else row


@njit(inline="always")
def _rows(cx: int, cy: int, cz: int, step_y: int, step_z: int, first: int, rows: int, hashed: bool) -> Any:
    """Table rows of a cell's eight corners, x fastest."""
    y0, z0 = cy * step_y, cz * step_z
    y1, z1 = y0 + step_y, z0 + step_z
    return (
        first + _row(cx, y0, z0, rows, hashed),
        first + _row(cx + 1, y0, z0, rows, hashed),
        first + _row(cx, y1, z0, rows, hashed),
        first + _row(cx + 1, y1, z0, rows, hashed),
        first + _row(cx, y0, z1, rows, hashed),
        first + _row(cx + 1, y0, z1, rows, hashed),
        first + _row(cx, y1, z1, rows, hashed),
        first + _row(cx + 1, y1, z1, rows, hashed),
    )


@njit(inline="always")
def _place(u: Any, scale: Any, zero: Any, one: Any, half: Any) -> Any:
    """Cell and position inside it along one axis."""
    position = min(max(u, zero), one) * scale + half
    cell = int(position)
    return cell, position - cell


@njit(parallel=True, cache=True, nogil=True, fastmath={"contract"})
def encode(points: Any, table: Any, scales: Any, strides: Any, offsets: Any, hashed: Any, out: Any) -> None:
    """out [M, L * F] = trilinear interpolation of table [T, F] at points [M, 3]."""
    count, features, levels = points.shape[0], table.shape[1], scales.shape[0]
    chunks = (count + _CHUNK - 1) // _CHUNK
    kind = table.dtype.type
    zero, one, half = kind(0), kind(1), kind(0.5)
    for task in prange(levels * chunks):
        level, chunk = task // chunks, task % chunks
        scale, first = scales[level], offsets[level]
        rows, mixed = offsets[level + 1] - first, hashed[level]
        step_y = _P1 if mixed else strides[level]
        step_z = _P2 if mixed else strides[level] * strides[level]
        base = level * features
        for i in range(chunk * _CHUNK, min(count, (chunk + 1) * _CHUNK)):
            cx, fx = _place(points[i, 0], scale, zero, one, half)
            cy, fy = _place(points[i, 1], scale, zero, one, half)
            cz, fz = _place(points[i, 2], scale, zero, one, half)
            a, b, c, d, e, f, g, h = _rows(cx, cy, cz, step_y, step_z, first, rows, mixed)
            gx, gy, gz = one - fx, one - fy, one - fz
            w00, w10, w01, w11 = gy * gz, fy * gz, gy * fz, fy * fz
            for k in range(features):
                low = w00 * table[a, k] + w10 * table[c, k] + w01 * table[e, k] + w11 * table[g, k]
                high = w00 * table[b, k] + w10 * table[d, k] + w01 * table[f, k] + w11 * table[h, k]
                out[i, base + k] = gx * low + fx * high


@njit(parallel=True, cache=True, nogil=True, fastmath={"contract"})
def encode_backward(
    points: Any,
    table: Any,
    scales: Any,
    strides: Any,
    offsets: Any,
    hashed: Any,
    grad: Any,
    grad_table: Any,
    grad_points: Any,
) -> None:
    """Adds to grad_table [T, F]; writes grad_points [L, M, 3], one level's share each, unless its length is 0."""
    count, features, levels = points.shape[0], table.shape[1], scales.shape[0]
    moving = grad_points.shape[0] > 0
    kind = table.dtype.type
    zero, one, half = kind(0), kind(1), kind(0.5)
    for level in prange(levels):
        scale, first = scales[level], offsets[level]
        rows, mixed = offsets[level + 1] - first, hashed[level]
        step_y = _P1 if mixed else strides[level]
        step_z = _P2 if mixed else strides[level] * strides[level]
        base = level * features
        for i in range(count):
            cx, fx = _place(points[i, 0], scale, zero, one, half)
            cy, fy = _place(points[i, 1], scale, zero, one, half)
            cz, fz = _place(points[i, 2], scale, zero, one, half)
            a, b, c, d, e, f, g, h = _rows(cx, cy, cz, step_y, step_z, first, rows, mixed)
            gx, gy, gz = one - fx, one - fy, one - fz
            w00, w10, w01, w11 = gy * gz, fy * gz, gy * fz, fy * fz
            dx, dy, dz = zero, zero, zero
            for k in range(features):
                r = grad[i, base + k]
                low, high = r * gx, r * fx
                grad_table[a, k] += w00 * low
                grad_table[b, k] += w00 * high
                grad_table[c, k] += w10 * low
                grad_table[d, k] += w10 * high
                grad_table[e, k] += w01 * low
                grad_table[f, k] += w01 * high
                grad_table[g, k] += w11 * low
                grad_table[h, k] += w11 * high
                if moving:
                    ta, tb, tc, td = table[a, k], table[b, k], table[c, k], table[d, k]
                    te, tf, tg, th = table[e, k], table[f, k], table[g, k], table[h, k]
                    dx += r * (w00 * (tb - ta) + w10 * (td - tc) + w01 * (tf - te) + w11 * (th - tg))
                    dy += r * (gz * (gx * (tc - ta) + fx * (td - tb)) + fz * (gx * (tg - te) + fx * (th - tf)))
                    dz += r * (gy * (gx * (te - ta) + fx * (tf - tb)) + fy * (gx * (tg - tc) + fx * (th - td)))
            if moving:
                grad_points[level, i, 0] = dx * scale if zero <= points[i, 0] <= one else zero
                grad_points[level, i, 1] = dy * scale if zero <= points[i, 1] <= one else zero
                grad_points[level, i, 2] = dz * scale if zero <= points[i, 2] <= one else zero
