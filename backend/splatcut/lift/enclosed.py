# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What lies inside of an object, hidden from all around (method: objects out)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from splatcut import raster
from splatcut.cameras.virtual import look_at, spiral_cone
from splatcut.raster.rule import TILE
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import Gaussians

#: An object is looked at from so many directions all around, in renders with sides of so many pixels.
DIRECTIONS, SIDE = 32, 128
#: From a direction, a point is hidden where the object alone covers at least this much of its pixel before it.
COVERED = 0.9
#: A point is enclosed when it is hidden from this share of the directions: a shell may have small holes.
ALL_AROUND = 0.9
#: What is enclosed must lie in the box of the object's Gaussians without this share of them at each end.
STRAYS = 0.005


def enclosed(body: Gaussians, points: NDArray[np.floating], device: raster.Device = "cpu") -> NDArray[np.bool_]:
    """[M] bool: which of the points [M, 3] (world) an object's Gaussians hide from all around.

    What only lies behind, beneath or between the parts of an object shows from the other side and is not enclosed.
    """
    inside = np.zeros(len(points), bool)
    if not len(body) or not len(points):
        return inside
    low, high = np.quantile(body.means.astype(np.float64), [STRAYS, 1 - STRAYS], axis=0)
    left = np.flatnonzero(((points > low) & (points < high)).all(axis=1))
    misses = np.zeros(len(left), int)
    for camera in _around((low + high) / 2, float(np.linalg.norm(high - low)) / 2) if left.size else ():
        pixels, z = camera.project(points[left])
        x, y = np.clip(np.floor(pixels), 0, SIDE - 1).astype(int).T
        tiles = np.zeros((SIDE // TILE, SIDE // TILE), bool)
        tiles[y // TILE, x // TILE] = True
        depths = camera.depths(body.means).astype(np.float32)[:, None]
        drawn = raster.render(body, camera, features=depths, colour=False, tiles=tiles, device=device)
        depth = raster.over_alpha(drawn.features[..., 0], drawn.alpha)
        misses += ~((drawn.alpha[y, x] >= COVERED) & (depth[y, x] < z))
        hidden = misses <= (1 - ALL_AROUND) * DIRECTIONS
        left, misses = left[hidden], misses[hidden]
        if not left.size:
            break
    inside[left] = True
    return inside


def _around(centre: NDArray[np.float64], radius: float) -> list[Camera]:
    """Cameras evenly all around a ball, which fills their pictures. In an order without order: most points that are
    not enclosed are found out by the first few."""
    distance = 4 * radius
    focal = SIDE / 2 * np.sqrt(distance**2 - radius**2) / radius
    pose = look_at(centre + np.array([0.0, 0.0, distance]), centre, (0.0, 1.0, 0.0))
    first = Camera(SIDE, SIDE, focal, focal, SIDE / 2, SIDE / 2, pose, near=0.01 * distance)
    cameras = spiral_cone(first, centre, DIRECTIONS, 179.9)
    return [cameras[number] for number in np.random.default_rng(0).permutation(DIRECTIONS)]
