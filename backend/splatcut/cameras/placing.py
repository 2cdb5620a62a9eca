# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Views as a scene needs them: relative to its world offset, and with near planes that fit its size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from splatcut.scene.camera import Camera, View
from splatcut.scene.gaussians import Gaussians

#: A near plane is at most this share of the depth that ``NEAREST`` percent of the Gaussians in the picture come within.
#: 3DGS trains with 0.2 units, which is less in scenes of usual size: there the near planes stay what they are.
SHARE, NEAREST = 0.2, 5
#: Gaussians that are looked at.
_SAMPLE = 20_000


def place_views(views: Sequence[View], gaussians: Gaussians, offset: NDArray[np.float64]) -> list[View]:
    """Views of a data set for a scene.

    Args:
        views: in the world of the scene's file.
        gaussians: of the scene, relative to its world ``offset`` [3].

    Returns:
        The views relative to the offset. Near planes are lowered where they would cut into a small scene.
    """
    visible = np.flatnonzero(gaussians.opacities() >= 1 / 255)
    means = gaussians.means[visible[:: max(1, len(visible) // _SAMPLE)]]
    placed = []
    for view in views:
        camera = view.camera.relative_to(offset)
        near = near_plane(camera, means)
        if camera is not view.camera or near != camera.near:
            view = replace(view, camera=replace(camera, near=near))
        placed.append(view)
    return placed


def near_plane(camera: Camera, means: NDArray[np.float32]) -> float:
    """The camera's near plane, or a nearer one where Gaussians at ``means`` [N, 3] (world) are that near, world units.

    It follows the scene as this camera sees it, so that a scene gives the same pictures in metres and in millimetres.
    """
    pixels, depth = camera.project(means)
    inside = (depth > 0) & (pixels >= 0).all(axis=1) & (pixels < (camera.width, camera.height)).all(axis=1)
    if not inside.any():
        return camera.near
    return min(camera.near, SHARE * float(np.percentile(depth[inside], NEAREST)))
