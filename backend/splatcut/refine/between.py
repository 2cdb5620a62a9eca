# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Views between the views.

The photos were taken from these views and no others, so an optimisation that is held to them alone spoils what shows
from anywhere else. From half-way between two of them the input scene's own render stands in for a photo.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from splatcut.scene.camera import View

#: Between views that look in directions farther apart than this, radians, half-way might be inside the object.
WIDEST = math.radians(75)


def views_between(views: Sequence[View], neighbours: int) -> list[View]:
    """A view half-way between each view and each of its nearest ones, without a photo; every pair once.

    Near is what is close, in terms of the views' mean distance from their centre, and looks the same way, in radians;
    both added. Size and focal lengths are those of the pair's first view.

    Args:
        neighbours: how many of the nearest views each view is paired with; 0 gives no views.
    """
    if neighbours < 1 or len(views) < 2:
        return []
    position = np.stack([view.camera.position for view in views])
    rotation = Rotation.from_matrix(np.stack([view.camera.camera_from_world[:3, :3] for view in views]))
    spread = max(float(np.linalg.norm(position - position.mean(axis=0), axis=1).mean()), 1e-12)
    pairs: set[tuple[int, int]] = set()
    for a in range(len(views)):
        angle = (rotation * rotation[a].inv()).magnitude()
        # Rounded, so that of two that are equally near the same one is taken on every machine.
        far = np.round(np.linalg.norm(position - position[a], axis=1) / spread + angle, 6)
        far[angle > WIDEST] = np.inf
        far[a] = np.inf
        nearest = np.argsort(far, kind="stable")[:neighbours]
        pairs.update((min(a, int(b)), max(a, int(b))) for b in nearest if np.isfinite(far[b]))
    found: list[View] = []
    for a, b in sorted(pairs):
        turn = (rotation[b] * rotation[a].inv()).as_rotvec()
        matrix = np.eye(4)
        matrix[:3, :3] = (Rotation.from_rotvec(0.5 * turn) * rotation[a]).as_matrix()
        matrix[:3, 3] = -matrix[:3, :3] @ (0.5 * (position[a] + position[b]))
        found.append(View(f"{views[a].name}~{views[b].name}", replace(views[a].camera, camera_from_world=matrix)))
    return found
