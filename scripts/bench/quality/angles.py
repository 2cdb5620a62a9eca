# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What an extracted object shows from angles that no training camera had.

Spikes, shells and leftovers that the scene hid spoil an object that is seen on its own. Their size is the share of the
object's coverage that falls outside its true silhouette (``outside_share``). Exact scenes have true silhouettes from
anywhere; for captures the visual hull stands in (``bench.quality.hull``), and new cameras are made by turning those of
the capture about the object (``unseen_cameras``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from splatcut.scene.camera import Camera

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Outside:
    """Coverage that falls outside the true silhouette.

    Attributes:
        outside: sum over pixels of the coverage outside, square pixels.
        total: sum over pixels of all coverage, square pixels.
    """

    outside: float
    total: float

    @property
    def share(self) -> float:
        """outside / total; NaN when nothing is covered."""
        return self.outside / self.total if self.total > 0 else math.nan

    def __add__(self, other: Outside) -> Outside:
        return Outside(self.outside + other.outside, self.total + other.total)


def outside_share(alpha: NDArray[np.floating], truth: NDArray[np.generic], slack: int = 0) -> Outside:
    """Coverage [H, W] in [0, 1] of the object rendered alone, where it exceeds the true silhouette.

    Args:
        alpha: [H, W] float, what the object covers of each pixel.
        truth: [H, W] bool, or float in [0, 1] where the true coverage of the edge's pixels is known.
        slack: pixels by which the true silhouette is widened first. With 0 an edge that is a little soft counts; with
            2 only what sticks out does.

    Raises:
        ValueError: the shapes disagree.
    """
    if alpha.shape != truth.shape or alpha.ndim != 2:
        raise ValueError(f"Coverage {list(alpha.shape)} and silhouette {list(truth.shape)} must be of one shape.")
    known = np.asarray(truth, dtype=np.float64)
    if slack:
        known = np.asarray(ndimage.grey_dilation(known, size=(2 * slack + 1, 2 * slack + 1), mode="nearest"))
    coverage = np.asarray(alpha, dtype=np.float64)
    return Outside(float(np.maximum(coverage - known, 0.0).sum()), float(coverage.sum()))


#: Number of new cameras.
COUNT = 8
#: Degrees by which a camera of the capture is turned about the object's centre.
AZIMUTH, ELEVATION = 25.0, 20.0
#: Degrees, as seen from the centre, that a new camera keeps from all cameras of the capture.
LEAST_ANGLE = 8.0


def unseen_cameras(bases: Sequence[Camera], known: Sequence[Camera], centre: ArrayLike) -> list[tuple[Camera, float]]:
    """Cameras that look at the object from where none of the capture did, and their angles to the nearest of those.

    Each is one of ``bases`` turned about ``centre`` [3] (world) to a side, up, down or both, so it keeps its distance
    and its picture. Taken are those that lie farthest from the ``known`` ones and from one another, in that order; the
    choice depends on the cameras alone. Fewer than ``COUNT`` come back when the capture leaves no room.
    """
    place = np.asarray(centre, dtype=np.float64)
    up = -np.mean([camera.camera_from_world[1, :3] for camera in known], axis=0)
    turns = [(a, e) for a in (-1, 0, 1) for e in (-1, 0, 1) if (a, e) != (0, 0)]
    candidates = [turned(camera, place, up, a * AZIMUTH, e * ELEVATION) for camera in bases for a, e in turns]
    directions = _directions(candidates, place)
    to_known = np.degrees(np.arccos(np.clip(directions @ _directions(known, place).T, -1, 1))).min(axis=1)
    nearest = to_known.copy()
    chosen: list[tuple[Camera, float]] = []
    while len(chosen) < COUNT:
        best = int(nearest.argmax())
        if nearest[best] < LEAST_ANGLE:
            break
        chosen.append((candidates[best], float(to_known[best])))
        to_best = np.degrees(np.arccos(np.clip(directions @ directions[best], -1, 1)))
        nearest = np.minimum(nearest, to_best)
    return chosen


def turned(camera: Camera, centre: Points, up: Points, azimuth: float, elevation: float) -> Camera:
    """The camera after turning it about ``centre``: by ``azimuth`` degrees about ``up``, then up by ``elevation``."""
    axis = up / np.linalg.norm(up)
    around = _rotation(axis, math.radians(azimuth))
    offset = around @ (camera.position - centre)
    side = np.cross(axis, offset)
    if np.linalg.norm(side) < 1e-9 * np.linalg.norm(offset):
        side = camera.camera_from_world[0, :3]
    rotation = _rotation(-side / np.linalg.norm(side), math.radians(elevation)) @ around
    old_from_new = np.eye(4)
    old_from_new[:3, :3], old_from_new[:3, 3] = rotation.T, centre - rotation.T @ centre
    return replace(camera, camera_from_world=camera.camera_from_world @ old_from_new)


def _rotation(axis: Points, angle: float) -> Points:
    x, y, z = axis
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.eye(3) + math.sin(angle) * cross + (1.0 - math.cos(angle)) * cross @ cross


def _directions(cameras: Sequence[Camera], centre: Points) -> Points:
    offsets = np.array([camera.position for camera in cameras]) - centre
    return offsets / np.linalg.norm(offsets, axis=1, keepdims=True)
