# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""By how much the extracted objects are too large or too small, by the distance that they are seen from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.ndimage import binary_erosion

from bench.quality.cut import Cut, partners
from bench.quality.scenes import Scene
from bench.quality.scores import known_region
from bench.renders import extracted_mask
from splatcut.evaluation.folders import read_mask
from splatcut.scene.camera import View

#: Parts that the test views fall into, by distance.
PARTS = ("nearest", "middle", "farthest")


def score_margins(cut: Cut, scene: Scene, test: Sequence[View]) -> dict[str, Any]:
    """By object: pixels that it covers and should not, less those that it should and does not, for each pixel of its
    true outline. Means over the third of the views that are nearest to its centre, the middle and the farthest one.

    A splat is never drawn narrower than the 0.3 px (variance) by which all are blurred, so what is thin looks the
    fatter the fewer pixels it takes: one object cannot fit masks from near and from far. Empty with too few views.
    """
    result: dict[str, Any] = {}
    for name, other in partners(cut.names, scene.masks or {}).items():
        assert scene.masks is not None
        selected = cut.labels == cut.names.index(name) + 1
        if not selected.any():
            continue
        centre = cut.gaussians.means[selected].astype(np.float64).mean(axis=0)
        found: list[tuple[float, float]] = []
        for view in test:
            if view.name not in scene.masks[other]:
                continue
            truth = read_mask(scene.masks[other][view.name])
            region = known_region(scene, other, view, truth)
            known = np.ones_like(truth) if region is None else region
            outline = np.count_nonzero(truth & ~binary_erosion(truth) & known)
            if outline:
                alone = extracted_mask(cut.gaussians, selected, view.camera)
                more = np.count_nonzero(alone & ~truth & known) - np.count_nonzero(truth & ~alone & known)
                world_to_camera = view.camera.camera_from_world
                away = world_to_camera[:3, :3] @ centre + world_to_camera[:3, 3]
                found.append((float(np.linalg.norm(away)), more / outline))
        if len(found) >= len(PARTS):
            parts = np.array_split(np.array(sorted(found)), len(PARTS))
            result[name] = {kind: float(part[:, 1].mean()) for kind, part in zip(PARTS, parts, strict=True)}
    return result
