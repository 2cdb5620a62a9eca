# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The interpolation's forward and backward pass on the CPU (numba); ``rbf`` says what is computed.

With a = k t^2, k = exp(-s / (2 h^2)), t = (R^2 - s) / R^2 and s the squared distance, a weight is w = a / sum(a).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, prange

_CHUNK = 2048


@njit(inline="always")
def _row(points: Any, means: Any, index: Any, i: int, square: Any, kernel: Any, taper: Any, weight: Any) -> Any:
    """Fills the four arrays [K + 1] for query i.

    Returns (sum of a, or 0 where the weights are even; h^2; R^2; farthest neighbour, or -1 where there is no radius).
    """
    kind = points.dtype.type
    zero, one, half = kind(0), kind(1), kind(0.5)
    tiny = kind(1e-37)
    columns = index.shape[1]
    number, farthest = 0, 0
    length = zero
    for j in range(columns):
        g = index[i, j]
        square[j], kernel[j], taper[j], weight[j] = zero, zero, zero, zero
        if g < 0:
            continue
        dx, dy, dz = points[i, 0] - means[g, 0], points[i, 1] - means[g, 1], points[i, 2] - means[g, 2]
        square[j] = dx * dx + dy * dy + dz * dz
        length += math.sqrt(square[j])
        number += 1
        if square[j] > square[farthest]:
            farthest = j
    full = number == columns
    radius = square[farthest]
    counted = number - 1 if full else number
    width = (length - math.sqrt(radius) if full else length) / kind(max(counted, 1))
    width = max(width * width, tiny)
    total = zero
    for j in range(columns):
        if index[i, j] >= 0:
            kernel[j] = math.exp(-half * square[j] / width)
            taper[j] = (radius - square[j]) / max(radius, tiny) if full else one
            weight[j] = kernel[j] * taper[j] * taper[j]
            total += weight[j]
    lost = total <= tiny
    for j in range(columns):
        if index[i, j] >= 0:
            weight[j] = one / kind(number) if lost else weight[j] / total
    return zero if lost else total, width, radius, farthest if full else -1


@njit(parallel=True, cache=True, nogil=True, fastmath={"contract"})
def interpolate(points: Any, means: Any, values: Any, index: Any, out: Any) -> None:
    """out [M, C], zero before = sum of w * values."""
    count, channels, columns = len(points), values.shape[1], index.shape[1]
    for chunk in prange((count + _CHUNK - 1) // _CHUNK):
        square, kernel, taper, weight = (
            np.empty(columns, points.dtype),
            np.empty(columns, points.dtype),
            np.empty(columns, points.dtype),
            np.empty(columns, points.dtype),
        )
        for i in range(chunk * _CHUNK, min(count, (chunk + 1) * _CHUNK)):
            _row(points, means, index, i, square, kernel, taper, weight)
            for j in range(columns):
                g, w = index[i, j], weight[j]
                if g >= 0:
                    for c in range(channels):
                        out[i, c] += w * values[g, c]


@njit(parallel=True, cache=True, nogil=True, fastmath={"contract"})
def interpolate_backward(
    points: Any, means: Any, values: Any, index: Any, grad: Any, grad_points: Any, grad_means: Any, grad_values: Any
) -> None:
    """Writes grad_points [M, 3]; adds to grad_means [P, N, 3] and grad_values [P, N, C], zero before.

    The queries are dealt out to P parts, each with its own sums, so that no two threads add to the same number and the
    result does not depend on how many there are.
    """
    count, channels, columns = len(points), values.shape[1], index.shape[1]
    parts = len(grad_means)
    kind = points.dtype.type
    zero, two, half = kind(0), kind(2), kind(0.5)
    for part in prange(parts):
        square, kernel, taper, weight, slope = (
            np.empty(columns, points.dtype),
            np.empty(columns, points.dtype),
            np.empty(columns, points.dtype),
            np.empty(columns, points.dtype),
            np.empty(columns, points.dtype),
        )
        for i in range(count * part // parts, count * (part + 1) // parts):
            total, width, radius, farthest = _row(points, means, index, i, square, kernel, taper, weight)
            mean = zero
            for j in range(columns):
                slope[j] = zero
                g, w = index[i, j], weight[j]
                if g >= 0:
                    for c in range(channels):
                        slope[j] += grad[i, c] * values[g, c]
                        grad_values[part, g, c] += w * grad[i, c]
                    mean += w * slope[j]
            px, py, pz = zero, zero, zero
            if total > zero:
                # Slopes by a, then by s, h^2 and R^2.
                by_width, by_radius = zero, zero
                number = 0
                for j in range(columns):
                    if index[i, j] < 0:
                        continue
                    number += 1
                    by_a = (slope[j] - mean) / total
                    bell, rest = by_a * kernel[j] * taper[j], half * taper[j] / width
                    if farthest >= 0:
                        slope[j] = -bell * (rest + two / radius)
                        by_radius += bell * two * (square[j] / radius) / radius
                    else:
                        slope[j] = -bell * rest
                    by_width += bell * rest * square[j] / width
                if farthest >= 0:
                    slope[farthest] += by_radius
                    number -= 1
                by_length = by_width * math.sqrt(width) / kind(max(number, 1))
                for j in range(columns):
                    g = index[i, j]
                    if g < 0:
                        continue
                    if j != farthest and square[j] > zero:
                        slope[j] += by_length / math.sqrt(square[j])
                    s = two * slope[j]
                    dx = s * (points[i, 0] - means[g, 0])
                    dy = s * (points[i, 1] - means[g, 1])
                    dz = s * (points[i, 2] - means[g, 2])
                    px, py, pz = px + dx, py + dy, pz + dz
                    grad_means[part, g, 0] -= dx
                    grad_means[part, g, 1] -= dy
                    grad_means[part, g, 2] -= dz
            grad_points[i, 0], grad_points[i, 1], grad_points[i, 2] = px, py, pz
