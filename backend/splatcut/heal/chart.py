# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""A surface seen squarely: what of it is known, and the holes that something left in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import Delaunay

from splatcut import raster
from splatcut.heal.planes import Plane, extent
from splatcut.heal.texture import SQUARE
from splatcut.heal.visibility import Sight
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import F32, Gaussians

Bools = NDArray[np.bool_]

#: Side of a cell in distances between the Gaussians on the surface; a chart has at most so many cells a side.
CELL, CELLS = 0.45, 320
#: What lies within so many distances of a plane is taken as lying on it.
ON = 2.5
#: The camera stands so many chart sizes away: nearly a parallel projection.
FAR = 30.0
#: A cell is known where what lies on the plane covers so much of it.
KNOWN = 0.5
#: A view contradicts a surface where it sees so many distances behind it.
BEHIND = 2.0
#: Share of views that may contradict.
CONTRADICT = 0.15
#: Of the views from which a cell is hidden, the removed must hide it in this share; else something else stands on it.
BY_REMOVED = 0.3
#: A hole is closed where this share of its rim is known surface, and this share of the rim that is known or free.
RIM, RIM_KNOWN = 0.25, 0.6
#: Smallest hole, cells; so many cells beyond where something stood may belong to it.
SMALLEST, BEYOND = 6, 4


@dataclass(frozen=True, eq=False)
class Chart:
    """A plane's surface on a grid of square cells.

    Attributes:
        plane: the plane; cell: side of a cell, world units.
        camera: looks at the plane squarely; a pixel is a cell.
        colour: [H, W, 3] float32 display-referred sRGB of what is known.
        height: [H, W] float32 above the plane, world units.
        cover: [H, W] float32 in [0, 1], how much of a cell what lies on the plane covers.
        hole: [H, W] bool, cells to be filled.
    """

    plane: Plane
    cell: float
    camera: Camera
    colour: F32
    height: F32
    cover: F32
    hole: Bools

    def points(self, height: NDArray[np.floating]) -> NDArray[np.float64]:
        """[H * W, 3] float64: the cells' centres at a height [H, W] above the plane, world frame."""
        rows, columns = np.mgrid[: self.camera.height, : self.camera.width]
        pixels = np.stack([columns.ravel() + 0.5, rows.ravel() + 0.5], axis=1)
        distance = self.camera.depths(self.plane.origin[None])[0]
        own = self.plane.own(self.camera.unproject(pixels, np.full(len(pixels), distance)))
        own[:, 2] = np.asarray(height, np.float64).ravel()
        return self.plane.world(own)


def make_chart(
    rest: Gaussians, colours: F32, removed: NDArray[np.floating], plane: Plane, sights: Sequence[Sight]
) -> Chart | None:
    """The surface on a plane about what was removed; None where nothing of it is hidden.

    Args:
        rest: the Gaussians that stay; colours [N, 3] of them, display-referred sRGB.
        removed: [M, 3] centres of those that go.
    """
    chart = _drawn(rest, colours, removed, plane)
    if chart is None:
        return None
    own = plane.own(removed)
    foot = np.flatnonzero(np.abs(own[:, 2]) < ON * plane.spacing)
    if foot.size:
        least, most = np.quantile(own[foot, :2], [0.02, 0.98], axis=0)
        foot = foot[((own[foot, :2] >= least) & (own[foot, :2] <= most)).all(axis=1)]
    return _with_holes(chart, _hull(chart, removed[foot]), sights)


def closed_chart(body: Gaussians, colours: F32, plane: Plane, sights: Sequence[Sight]) -> Chart | None:
    """The outline that an object has on a plane which it touches, its inside the hole; None where it has none.

    Args:
        body: the object's Gaussians; colours [N, 3] of them, display-referred sRGB.
        sights: of the whole scene; what they see through stays open.
    """
    chart = _drawn(body, colours, body.means, plane)
    if chart is None:
        return None
    hidden, free, blocked = hidden_and_free(chart.points(np.zeros_like(chart.cover)), plane, sights)
    seen_through = (free > CONTRADICT * (hidden + free + blocked)).reshape(chart.cover.shape)
    known = chart.cover > KNOWN
    inside = ndimage.binary_fill_holes(ndimage.binary_closing(known, SQUARE, iterations=2)) & ~known & ~seen_through
    inside = ndimage.binary_opening(inside, SQUARE[:2, :2])
    return replace(chart, hole=inside) if inside.sum() >= SMALLEST else None


def _drawn(rest: Gaussians, colours: F32, about: NDArray[np.floating], plane: Plane) -> Chart | None:
    """What of the Gaussians lies on a plane about points [M, 3], without holes; None if nothing does."""
    own = plane.own(about)
    low, high = extent(own[:, :2])
    margin = 0.35 * float((high - low).max()) + 12 * plane.spacing
    low, high = low - margin, high + margin
    cell = max(CELL * plane.spacing, float((high - low).max()) / CELLS)
    width, height = (int(n) for n in np.ceil((high - low) / cell))
    middle = plane.world(np.array([[*((low + high) / 2), 0.0]]))[0]
    distance = FAR * float((high - low).max())
    rotation = np.stack([plane.axes[0], -plane.axes[1], -plane.axes[2]])
    pose = np.eye(4)
    pose[:3, :3] = rotation
    pose[:3, 3] = -rotation @ (middle + plane.axes[2] * distance)
    focal = distance / cell
    camera = Camera(width, height, focal, focal, width / 2, height / 2, pose, near=0.5 * distance)

    above = plane.own(rest.means)
    on = np.abs(above[:, 2]) < ON * plane.spacing
    inside = ((above[:, :2] > low - margin) & (above[:, :2] < high + margin)).all(axis=1)
    large = rest.scales().max(axis=1) > 0.25 * float((high - low).max())
    chosen = np.flatnonzero(on & inside & ~large)
    if not chosen.size:
        return None
    features = np.concatenate([colours[chosen], above[chosen, 2:]], axis=1).astype(np.float32)
    drawn = raster.render(rest.take(chosen), camera, features=features, colour=False)
    blended = raster.over_alpha(drawn.features, drawn.alpha[..., None])
    empty = np.zeros((height, width), bool)
    return Chart(plane, cell, camera, blended[..., :3], blended[..., 3], drawn.alpha, empty)


def _hull(chart: Chart, points: NDArray[np.floating]) -> Bools:
    """[H, W] bool: cells in the convex hull of world points [M, 3], and a few around it. What was hidden may go on
    beyond where something stood, but nothing says how far."""
    rows, columns = np.mgrid[: chart.camera.height, : chart.camera.width]
    pixels = chart.camera.project(points)[0]
    if len(pixels) < 3 or np.linalg.matrix_rank(pixels - pixels.mean(axis=0), tol=1.0) < 2:
        return np.zeros(chart.hole.shape, bool)
    grid = np.stack([columns.ravel() + 0.5, rows.ravel() + 0.5], axis=1)
    inside = Delaunay(pixels).find_simplex(grid) >= 0
    return ndimage.binary_dilation(inside.reshape(chart.hole.shape), SQUARE, iterations=BEYOND)


def _with_holes(chart: Chart, stood: Bools, sights: Sequence[Sight]) -> Chart | None:
    """The chart with the cells that the removed hid from all views where it ``stood``, or None if there are none."""
    hidden, free, blocked = hidden_and_free(chart.points(np.zeros_like(chart.cover)), chart.plane, sights)
    shape = chart.cover.shape
    hidden, free, blocked = (part.reshape(shape) for part in (hidden, free, blocked))
    needed = min(3, len(sights))
    known = chart.cover > KNOWN
    empty = free > CONTRADICT * (hidden + free + blocked)
    wanted = stood & ~known & ~empty & (hidden >= needed) & (hidden >= BY_REMOVED * (hidden + blocked))
    wanted = ndimage.binary_opening(wanted, SQUARE[:2, :2])
    labels, count = ndimage.label(wanted)
    hole = np.zeros(shape, bool)
    for number in range(1, count + 1):
        part = labels == number
        if part.sum() < SMALLEST:
            continue
        rim = ndimage.binary_dilation(part, SQUARE) & ~part
        at_known, at_empty = (rim & known).sum(), (rim & empty & ~known).sum()
        if at_known >= RIM * rim.sum() and at_known >= RIM_KNOWN * (at_known + at_empty):
            hole |= part
    return replace(chart, hole=hole) if hole.any() else None


def hidden_and_free(
    points: NDArray[np.float64], plane: Plane, sights: Sequence[Sight]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """How many views the removed hide a point from, how many see through it, and from how many others hide it.

    [N] each, for points [N, 3] near the plane, world frame.
    """
    hidden, free, blocked = (np.zeros(len(points), np.int64) for _ in range(3))
    for sight in sights:
        inside, row, column, z = sight.pixels_of(points)
        depth, covered = sight.depth[row, column], sight.outline[row, column]
        towards = sight.camera.position - points[inside]
        slope = np.abs(towards @ plane.axes[2]) / np.linalg.norm(towards, axis=1)
        slack = BEHIND * plane.spacing * (1 + 0.3 / np.maximum(slope, 0.1))
        seen_behind = depth > z + slack
        free[inside] += seen_behind
        hidden[inside] += covered & ~seen_behind
        blocked[inside] += ~covered & (depth < z - slack)
    return hidden, free, blocked
