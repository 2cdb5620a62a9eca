# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Views as a scene needs them: relative to its world offset, and with near planes that fit its size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from splatcut.scene.camera import View, near_plane
from splatcut.scene.gaussians import Gaussians

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
