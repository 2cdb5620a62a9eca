# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The visual hull of an object with masks in many views: the points that no view sees outside of its mask.

It stands in for the true silhouette of captures (``bench.quality.angles``). The hull holds the object, so what
falls outside of it is certainly wrong; what is wrong inside of it is not found. Three things keep it from being too
strict or too lax:

- Masks made by people err by a pixel or two, so they are widened by ``SLACK``.
- Where something stands in front of the object, that view's mask lacks a part of it. So a point is taken away only
  when more than a share of the views that see it say so (``MOST_REFUTING``).
- Views from one side alone do not bound the hull along their line of sight: it reaches towards the cameras and away
  from them until their rays diverge. So it is cut to a box about what they see of the object's surface
  (``surface_points`` that are ``points_in_hull``), padded, since the far side of the object is seen by nobody. What
  sticks out along that direction counts from there on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from splatcut import raster
from splatcut.evaluation.scores import Mask
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import Gaussians

Points = NDArray[np.float64]


#: Cells along the box's longest edge; rounded up to 32 times a power of two.
CELLS = 256
#: Pixels by which the masks are widened.
SLACK = 1.5
#: Share of the views that see a cell: when more of them see it outside, it goes.
MOST_REFUTING = 0.05
#: Share of all views that have to see a cell: what lies just before a camera is in no other view's picture, so nothing
#: would take it away.
LEAST_SEEING = 0.2
#: Share of the box's diagonal by which the box of the seen surface is widened on every side.
PAD = 0.1


@dataclass(frozen=True, eq=False)
class Hull:
    """The cells at a hull's surface; those inside are not kept, since they cannot be seen.

    Attributes:
        centres: [M, 3] float64, world frame.
        size: edge of a cell, world units.
    """

    centres: Points
    size: float


#: Cells along the longest edge before the first halving.
_FIRST = 32
#: Corners of a cell about its centre, in edges of the cell.
_CORNERS = np.stack(np.meshgrid(*[[-0.5, 0.5]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)


def surface_points(gaussians: Gaussians, cameras: Sequence[Camera], masks: Sequence[Mask], margin: int = 3) -> Points:
    """[P, 3] float64: what the cameras see of the scene inside their masks, at most some thousand points a view.

    The rim of the masks, ``margin`` pixels wide, is left out: there depths of the object and of what is behind blend.
    """
    found = [np.zeros((0, 3))]
    for camera, mask in zip(cameras, masks, strict=True):
        inner = ndimage.binary_erosion(mask, iterations=margin) if margin else mask
        if not inner.any():
            continue
        depth, transmittance = raster.mean_depth(gaussians, camera)
        row, column = np.nonzero(inner & (transmittance < 0.5))
        step = max(1, len(row) // 4096)
        row, column = row[::step], column[::step]
        found.append(camera.unproject(np.stack([column + 0.5, row + 0.5], axis=1), depth[row, column]))
    return np.concatenate(found)


def points_in_hull(points: Points, cameras: Sequence[Camera], masks: Sequence[Mask]) -> Points:
    """Those of the points [P, 3] that lie in the visual hull, told directly.

    What the masks show of the background, through gaps that they paint over or through haze, is left out so.
    """
    signed = [_signed_distance(camera, mask) for camera, mask in zip(cameras, masks, strict=True)]
    outside, _ = _judge(points, 0.0, cameras, signed, SLACK, MOST_REFUTING, LEAST_SEEING, last=True)
    return points[~outside]


def object_box(points: Points, pad: float = PAD, trimmed: float = 0.005) -> Points:
    """[2, 3] float64: lowest and highest corner of the box about points [P, 3], without its extremes, padded.

    Args:
        pad: share of the box's diagonal, added on every side.
        trimmed: share of the points left out at either end of each axis.

    Raises:
        ValueError: there are no points.
    """
    if not len(points):
        raise ValueError("There are no points to put a box around: no view shows the object.")
    box = np.quantile(points, [trimmed, 1.0 - trimmed], axis=0)
    margin = pad * float(np.linalg.norm(box[1] - box[0]))
    return box + np.array([[-margin], [margin]])


def carve(
    cameras: Sequence[Camera],
    masks: Sequence[Mask],
    box: ArrayLike,
    *,
    cells: int = CELLS,
    slack: float = SLACK,
    most_refuting: float = MOST_REFUTING,
    least_seeing: float = LEAST_SEEING,
) -> Hull:
    """The visual hull of masks inside a box (see the module), from coarse cells to fine ones.

    A view has no say about what is not in its picture or not in front of its near plane; what hardly any view
    sees is outside.

    Args:
        cameras, masks: of V views; masks [H, W] bool.
        box: [2, 3] lowest and highest corner, world frame.
        cells, slack, most_refuting, least_seeing: see the constants of these names.

    Raises:
        ValueError: the box is empty, or masks and cameras disagree.
    """
    low, high = np.asarray(box, dtype=np.float64)
    if not (high > low).all():
        raise ValueError("The box to carve in is empty.")
    levels = max(0, math.ceil(math.log2(cells / _FIRST)))
    first = min(_FIRST, cells)
    size = float((high - low).max()) / first
    counts = np.ceil((high - low) / size - 1e-9).astype(int)
    signed = [_signed_distance(camera, mask) for camera, mask in zip(cameras, masks, strict=True)]
    places = np.stack(np.meshgrid(*(np.arange(n) for n in counts), indexing="ij"), axis=-1).reshape(-1, 3)
    for level in range(levels + 1):
        centres = low + (places + 0.5) * size
        last = level == levels
        out, inside = _judge(centres, size, cameras, signed, slack, most_refuting, least_seeing, last=last)
        # Cells at the box's faces are at the surface although all views see them inside.
        face = ((places == 0) | (places == counts - 1)).any(axis=1)
        places = places[~out & (~inside | face)]
        if not last:
            places = (2 * places[:, None, :] + (_CORNERS > 0).astype(int)).reshape(-1, 3)
            size, counts = size / 2, counts * 2
    return Hull(low + (places + 0.5) * size, size)


def _signed_distance(camera: Camera, mask: Mask) -> NDArray[np.float32]:
    """[H, W]: pixels from the mask's edge, positive outside of the mask; far outside when it is empty."""
    if mask.shape != (camera.height, camera.width):
        raise ValueError(f"A mask is {mask.shape[1]}x{mask.shape[0]}, its camera {camera.width}x{camera.height}.")
    if not mask.any():
        return np.full(mask.shape, 1e6, np.float32)
    if mask.all():
        return np.full(mask.shape, -1e6, np.float32)
    outside = np.asarray(ndimage.distance_transform_edt(~mask))
    inside = np.asarray(ndimage.distance_transform_edt(mask))
    return (outside - inside).astype(np.float32)


def _judge(
    centres: Points,
    size: float,
    cameras: Sequence[Camera],
    signed: Sequence[NDArray[np.float32]],
    slack: float,
    most_refuting: float,
    least_seeing: float,
    *,
    last: bool,
) -> tuple[Mask, Mask]:
    """Which cells are surely outside of the hull, and which surely inside with all of their volume.

    Cells of the last level are taken for their centre when it comes to being outside.
    """
    counts = np.zeros((4, len(centres)), np.int32)
    half_diagonal = 0.5 * math.sqrt(3.0) * size
    for camera, distances in zip(cameras, signed, strict=True):
        _count(
            centres,
            half_diagonal,
            camera.camera_from_world,
            np.array([camera.fx, camera.fy, camera.cx, camera.cy, max(camera.near, 1e-9)]),
            distances,
            slack,
            last,
            counts,
        )
    seen, whole, refuting, doubting = counts
    # Of a coarse cell other parts may be seen by views that do not see its centre.
    voters = seen if last else np.full_like(seen, len(cameras))
    outside = refuting > most_refuting * voters
    least = max(1.0, least_seeing * len(cameras))
    inside = (doubting <= most_refuting * whole) & (whole >= least)
    return outside | (seen < least) if last else outside, inside


@numba.njit(cache=True, nogil=True)
def _count(
    centres: Points,
    half_diagonal: float,
    camera_from_world: Points,
    lens: Points,
    distances: NDArray[np.float32],
    slack: float,
    last: bool,
    counts: NDArray[np.int32],
) -> None:
    """Adds one view's votes on cells [N, 3] to ``counts`` [4, N]: sees the centre, sees all of the cell and its
    neighbours' centres, is sure that the cell is outside, cannot be sure that it is inside.

    ``lens``: fx, fy, cx, cy, near.
    """
    fx, fy, cx, cy, near = lens
    height, width = distances.shape
    m = camera_from_world
    for i in range(centres.shape[0]):
        x, y, z = centres[i]
        depth = m[2, 0] * x + m[2, 1] * y + m[2, 2] * z + m[2, 3]
        if depth - half_diagonal <= near:
            continue
        column = math.floor(fx * (m[0, 0] * x + m[0, 1] * y + m[0, 2] * z + m[0, 3]) / depth + cx)
        row = math.floor(fy * (m[1, 0] * x + m[1, 1] * y + m[1, 2] * z + m[1, 3]) / depth + cy)
        if not (0 <= column < width and 0 <= row < height):
            continue
        reach = half_diagonal * max(fx, fy) / (depth - half_diagonal)
        distance = distances[int(row), int(column)]
        counts[0, i] += 1
        if min(column, width - 1 - column, row, height - 1 - row) >= 2.0 * reach:
            counts[1, i] += 1
        if distance > slack + (0.0 if last else reach):
            counts[2, i] += 1
        # What is inside is left out, so its neighbours must be inside or at the surface: they are looked at with it.
        if distance > slack - 2.0 * reach - 1.0:
            counts[3, i] += 1


def hull_silhouette(hull: Hull, camera: Camera) -> Mask:
    """[H, W] bool: the hull's silhouette; every cell covers its corners' pixels and what lies between."""
    result = np.zeros((camera.height, camera.width), dtype=bool)
    if not len(hull.centres):
        return result
    _, z = camera.project(hull.centres)
    centres = hull.centres[z - hull.size > max(camera.near, 1e-9)]
    if not len(centres):
        return result
    widest = hull.size * max(camera.fx, camera.fy) / float(camera.project(centres)[1].min())
    steps = np.linspace(-0.5, 0.5, max(2, math.ceil(widest) + 1))
    for offset in np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3):
        if np.abs(offset).max() < 0.5:
            continue
        pixels, _ = camera.project(centres + offset * hull.size)
        x, y = np.floor(pixels[:, 0]), np.floor(pixels[:, 1])
        shown = (x >= 0) & (y >= 0) & (x < camera.width) & (y < camera.height)
        result[y[shown].astype(int), x[shown].astype(int)] = True
    # Single pixels between the corners of neighbouring cells.
    padded = np.pad(result, 1, mode="edge")
    return np.asarray(ndimage.binary_closing(padded, np.ones((3, 3), bool)))[1:-1, 1:-1] | result
