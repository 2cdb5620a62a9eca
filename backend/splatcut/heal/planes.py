# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Planes that what stays of a scene has about something that is taken out: what it stood on or against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

F64 = NDArray[np.float64]

#: Planes are looked for among the points no farther from the removed than this share of its size,
ABOUT = 0.15
#: from so many trials of three points, none farther from the first than this share of its size.
TRIALS, NEAR = 400, 0.2
#: At most so many; each holds at least this share of the points, and so many.
PLANES, SHARE, FEWEST = 5, 0.05, 40
#: A plane's points lie within so many median distances between neighbours of it.
THICK = 0.7


@dataclass(frozen=True, eq=False)
class Plane:
    """A plane with axes of its own.

    Attributes:
        origin: [3] float64, a point of it, world frame.
        axes: [3, 3] float64, rows: two directions in the plane and its normal, towards the cameras; right-handed.
        spacing: median distance between neighbouring points on it, world units.
    """

    origin: F64
    axes: F64
    spacing: float

    def own(self, points: NDArray[np.floating]) -> F64:
        """[N, 3] float64: world points [N, 3] along the plane's axes; the last is the height above it."""
        return (np.asarray(points, np.float64) - self.origin) @ self.axes.T

    def world(self, points: NDArray[np.floating]) -> F64:
        """[N, 3] float64: the reverse of ``own``."""
        return np.asarray(points, np.float64) @ self.axes + self.origin

    def doubles(self, other: Plane) -> bool:
        """Whether this is the other plane's surface again, a few distances above or below it."""
        height = abs(float((self.origin - other.origin) @ other.axes[2]))
        return float(self.axes[2] @ other.axes[2]) > 0.9 and height < 4 * other.spacing


def extent(points: NDArray[np.floating]) -> tuple[F64, F64]:
    """Lowest and highest corner [3] of points [N, 3], without the outermost hundredth at each end."""
    low, high = np.quantile(np.asarray(points, np.float64), [0.01, 0.99], axis=0)
    return low, high


def find_planes(points: F64, removed: F64, towards: F64, seed: int = 0) -> list[Plane]:
    """Planes through the points [N, 3] near the removed [M, 3], the one with the most points first.

    Sequential RANSAC (Fischler and Bolles 1981).

    Args:
        towards: [3], where the cameras are.
    """
    if len(points) < FEWEST or not len(removed):
        return []
    low, high = extent(removed)
    size = float(np.linalg.norm(high - low))
    distance, _ = cKDTree(removed).query(points, distance_upper_bound=ABOUT * size)
    points = points[np.isfinite(distance)]
    rng = np.random.default_rng(seed)
    planes: list[Plane] = []
    fewest = max(FEWEST, SHARE * len(points))
    while len(planes) < PLANES and len(points) >= fewest:
        tree = cKDTree(points)
        spacing = float(np.median(np.asarray(tree.query(points, k=min(4, len(points)))[0])[:, -1]))
        thick = THICK * spacing
        best = np.zeros(0, np.int64)
        for first in rng.integers(len(points), size=TRIALS):
            around = tree.query_ball_point(points[first], NEAR * size)
            if len(around) < 3:
                continue
            a, b, c = points[[first, *rng.choice(around, 2, replace=False)]]
            normal = np.cross(b - a, c - a)
            length = float(np.linalg.norm(normal))
            if length < 1e-12 * size**2:
                continue
            inside = np.flatnonzero(np.abs((points - a) @ (normal / length)) < thick)
            if len(inside) > len(best):
                best = inside
        if len(best) < fewest:
            break
        inside = best
        for _ in range(2):
            origin = np.median(points[inside], axis=0)
            normal = np.linalg.svd(points[inside] - origin, full_matrices=False)[2][2]
            origin = origin + normal * np.median((points[inside] - origin) @ normal)
            inside = np.flatnonzero(np.abs((points - origin) @ normal) < thick)
        if len(inside) < fewest:
            break
        planes.append(Plane(origin, _axes(normal, towards - origin), spacing_on(points[inside])))
        points = np.delete(points, inside, axis=0)
    return planes


def spacing_on(points: F64) -> float:
    """Median distance of points [N, 3] to their fourth neighbour, halved: that of a square grid of as many."""
    distance, _ = cKDTree(points).query(points, k=min(5, len(points)))
    return float(np.median(np.asarray(distance)[:, -1])) / 1.2


def _axes(normal: F64, towards: F64) -> F64:
    if normal @ towards < 0:
        normal = -normal
    first = np.cross(normal, np.eye(3)[int(np.argmin(np.abs(normal)))])
    first /= np.linalg.norm(first)
    return np.stack([first, np.cross(normal, first), normal]).astype(np.float64)
