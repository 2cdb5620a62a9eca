# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Where a scene lies: the world offset of scenes far from their origin, such as georeferenced ones.

Single precision has 24 bits: a million metres from the origin neighbouring positions are 6 cm apart. What is computed
is therefore relative to an offset near the scene's middle, which is taken off in double precision on reading, off
cameras and points in space too, and added again on writing.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

#: A scene is far from its origin when it is so many times its spread away. Nearer by, single precision places a point
#: to less than 1e-4 of the spread.
FAR = 1000.0
#: Rows that are looked at.
_SAMPLE = 20_000
#: Steps between neighbouring positions above this share of the Gaussians' usual size are seen.
COARSE = 0.1
_AXES = ("x", "y", "z")


def no_offset() -> F64:
    """[3] the offset of a scene about its origin."""
    return np.zeros(3)


def world_offset(rows: NDArray[np.void]) -> F64:
    """[3] float64 world offset of a splat file's rows [N] with ``x``, ``y`` and ``z``; zero unless they are far away.

    It lies near the median position, on a grid that is no finer than a power of two below the spread (the largest
    median absolute deviation), and is a number of single precision, which Blender's object locations are.
    """
    some = rows[:: max(1, len(rows) // _SAMPLE)]
    points = np.stack([np.asarray(some[name], np.float64) for name in _AXES], axis=1)
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        return no_offset()
    middle = np.median(points, axis=0)
    with np.errstate(over="ignore"):
        spread = float(np.median(np.abs(points - middle), axis=0).max())
        distance = float(np.abs(middle).max())
    if not 0 < spread * FAR < distance < np.finfo(np.float32).max:
        return no_offset()
    # Single precision counts to 2^24 without gaps.
    grid = 2.0 ** max(math.floor(math.log2(spread)), math.frexp(distance)[1] - 24)
    return np.round(middle / grid) * grid


def relative(values: NDArray[np.floating], offset: float) -> NDArray[np.float32]:
    """[N] float32: coordinates of a file less the world offset's, which is taken off in double precision."""
    with np.errstate(over="ignore", invalid="ignore"):
        return (values.astype(np.float64) - offset if offset else values).astype(np.float32)


def described(offset: F64) -> str:
    """An offset as people read it."""
    return "(" + ", ".join(f"{value:.10g}" for value in offset) + ")"


def absolute(values: NDArray[np.float32], offset: float) -> NDArray[np.floating]:
    """[N] coordinates as a file has them, in double precision where there is an offset."""
    return values.astype(np.float64) + offset if offset else values
