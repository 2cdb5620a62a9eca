# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Where pot, earth and tree of the bonsai scene lie, and views of it.

The scene has no masks. Its reference was measured by hand in renders from above and from the sides: pot, earth and
tree stand apart from everything else but for the pot's foot on the wooden tray, so simple shapes separate them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from splatcut.cameras import look_at
from splatcut.scene.camera import Camera, View

Bool = NDArray[np.bool_]

FILE = "splats/real/bonsai-7k-mini.splat"
#: The pot's middle, in the scene's world frame (y points down).
MIDDLE = np.array([-0.1, 0.05, 0.16])


def regions(means: NDArray[np.floating]) -> tuple[Bool, Bool, Bool]:
    """[N] bool each: the Gaussians of the pot, of the earth in it (stones and the trunk's foot), of the tree.

    Args:
        means: [N, 3] world positions.
    """
    angle = np.radians(32.6)
    along, across = np.array([np.cos(angle), 0, np.sin(angle)]), np.array([-np.sin(angle), 0, np.cos(angle)])
    offset = means - [-0.1, 0.0, 0.16]
    u, v = offset @ along, offset @ across
    # The table is not quite level.
    down = offset[:, 1] - 0.045 * u - 0.03 * v
    # The pot narrows from its rim (0.08) to its foot (0.45), where the tray begins.
    taper = np.clip((down - 0.08) / 0.37, 0, 1)
    box = (np.abs(u) < 0.695 - 0.11 * taper) & (np.abs(v) < 0.525 - 0.08 * taper) & (down > 0.065) & (down < 0.452)
    earth = (np.abs(u) < 0.475) & (np.abs(v) < 0.315) & (down > 0.02) & (down < 0.25)
    tree = (down <= 0.065) & (down > -1.6) & (np.hypot(u, v) < 1.5) & ~earth
    return box & ~earth, earth, tree


def views(count: int, rng: np.random.Generator) -> list[View]:
    """Views from all around, 10 to 40 degrees above the horizon, the pot somewhere about the middle."""
    result = []
    for number in range(count):
        around, above = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(10, 40))
        distance = rng.uniform(2.0, 3.4)
        direction = np.array([np.cos(above) * np.cos(around), -np.sin(above), np.cos(above) * np.sin(around)])
        target = MIDDLE + rng.uniform(-0.3, 0.3, 3)
        pose = look_at(MIDDLE + distance * direction, target, (0, -1, 0))
        result.append(View(f"view_{number:02d}", Camera(640, 480, 560, 560, 320, 240, pose)))
    return result
