# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""A small scene for the add-on's tests: a red and a blue ball of Gaussians beside each other. Needs numpy alone."""

from __future__ import annotations

import numpy as np

from splatcut.formats import SplatFile
from splatcut.scene.gaussians import SH_C0, Gaussians

RED, BLUE = np.array([-1.0, 0.0, 0.0]), np.array([1.0, 0.0, 0.0])
RADIUS = 0.6


def two_balls(count: int = 800, seed: int = 0) -> SplatFile:
    """``count`` Gaussians on each ball's surface: first those of the red one around (-1, 0, 0), then the blue one's."""
    rng = np.random.default_rng(seed)
    directions = rng.normal(size=(2 * count, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    means = directions * RADIUS + np.repeat([RED, BLUE], count, axis=0)
    colours = np.repeat([[0.9, 0.15, 0.1], [0.1, 0.2, 0.9]], count, axis=0)
    return SplatFile.from_gaussians(
        Gaussians(
            means=means.astype(np.float32),
            log_scales=np.full((2 * count, 3), np.log(0.08), np.float32),
            quats=np.tile(np.array([1, 0, 0, 0], np.float32), (2 * count, 1)),
            opacity_logits=np.full(2 * count, 3.0, np.float32),
            sh=((colours - 0.5) / SH_C0).astype(np.float32)[:, None, :],
        )
    )
