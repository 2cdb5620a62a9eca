# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""A k-d tree for exact nearest neighbours of many points that come in the order of rays (numba).

The tree is complete: node i has the children 2i + 1 and 2i + 2, which halve its points along the longest side of its
box. Successive queries are usually close together, and a query's distance to its k-th neighbour is at most the previous
query's plus the step between the two; with that bound from the start, most of the tree is never entered.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, prange

_LEAF = 12
_CHUNK = 1024
_STACK = 64


@njit(cache=True, nogil=True)
def _select(points: Any, order: Any, low: int, high: int, middle: int, axis: int) -> None:
    """Permutes order[low:high] so that the point at ``middle`` is in place along the axis (quickselect)."""
    high -= 1
    while low < high:
        pivot = points[order[(low + high) // 2], axis]
        a, b = low, high
        while a <= b:
            while points[order[a], axis] < pivot:
                a += 1
            while points[order[b], axis] > pivot:
                b -= 1
            if a <= b:
                order[a], order[b] = order[b], order[a]
                a += 1
                b -= 1
        if middle <= b:
            high = b
        elif middle >= a:
            low = a
        else:
            return


@njit(cache=True, nogil=True)
def build(points: Any) -> Any:
    """The tree of points [N, 3] float64, N >= 1: (order [N], nodes' [2] ranges in it, nodes' boxes [6], lo then hi)."""
    count = len(points)
    depth = 0
    while (count >> depth) > _LEAF:
        depth += 1
    nodes = (2 << depth) - 1
    inner = (1 << depth) - 1
    order = np.arange(count)
    ranges = np.zeros((nodes, 2), np.int64)
    boxes = np.empty((nodes, 6))
    ranges[0, 1] = count
    for node in range(nodes):
        low, high = ranges[node]
        for axis in range(3):
            least, most = np.inf, -np.inf
            for i in range(low, high):
                value = points[order[i], axis]
                least, most = min(least, value), max(most, value)
            boxes[node, axis], boxes[node, 3 + axis] = least, most
        if node < inner:
            axis = 0
            for other in range(1, 3):
                if boxes[node, 3 + other] - boxes[node, other] > boxes[node, 3 + axis] - boxes[node, axis]:
                    axis = other
            middle = (low + high) // 2
            _select(points, order, low, high, middle, axis)
            ranges[2 * node + 1] = low, middle
            ranges[2 * node + 2] = middle, high
    return order, ranges, boxes


@njit(inline="always")
def _outside(boxes: Any, node: int, x: float, y: float, z: float) -> float:
    """Squared distance from a point to a node's box."""
    dx = max(boxes[node, 0] - x, x - boxes[node, 3], 0.0)
    dy = max(boxes[node, 1] - y, y - boxes[node, 4], 0.0)
    dz = max(boxes[node, 2] - z, z - boxes[node, 5], 0.0)
    return dx * dx + dy * dy + dz * dz


@njit(parallel=True, cache=True, nogil=True)
def query(sorted_points: Any, order: Any, ranges: Any, boxes: Any, points: Any, distance: Any, index: Any) -> None:
    """Squared distances and indices [M, k] of the k <= N nearest, nearest first, of points [M, 3] float64.

    Args: sorted_points: [N, 3] the tree's points in its order.
    """
    count, wanted = index.shape
    inner = len(ranges) // 2
    for chunk in prange((count + _CHUNK - 1) // _CHUNK):
        stack, gaps = np.empty(_STACK, np.int64), np.empty(_STACK)
        first = chunk * _CHUNK
        for i in range(first, min(count, first + _CHUNK)):
            x, y, z = points[i, 0], points[i, 1], points[i, 2]
            bound = np.inf
            if i > first:
                step = math.sqrt(
                    (x - points[i - 1, 0]) ** 2 + (y - points[i - 1, 1]) ** 2 + (z - points[i - 1, 2]) ** 2
                )
                reach = (math.sqrt(distance[i - 1, wanted - 1]) + step) * (1.0 + 1e-9)
                bound = reach * reach + 1e-300
            for j in range(wanted):
                distance[i, j] = bound
            worst = bound
            stack[0], gaps[0], size = 0, 0.0, 1
            while size:
                size -= 1
                node = stack[size]
                if gaps[size] >= worst:
                    continue
                while node < inner:
                    near, far = 2 * node + 1, 2 * node + 2
                    gap, other = _outside(boxes, near, x, y, z), _outside(boxes, far, x, y, z)
                    if other < gap:
                        near, far, gap, other = far, near, other, gap
                    if other < worst:
                        stack[size], gaps[size] = far, other
                        size += 1
                    node = near
                    if gap >= worst:
                        node = -1
                        break
                if node < 0:
                    continue
                for p in range(ranges[node, 0], ranges[node, 1]):
                    dx, dy, dz = sorted_points[p, 0] - x, sorted_points[p, 1] - y, sorted_points[p, 2] - z
                    d = dx * dx + dy * dy + dz * dz
                    if d < worst:
                        j = wanted - 1
                        while j > 0 and distance[i, j - 1] > d:
                            distance[i, j], index[i, j] = distance[i, j - 1], index[i, j - 1]
                            j -= 1
                        distance[i, j], index[i, j] = d, order[p]
                        worst = distance[i, wanted - 1]
