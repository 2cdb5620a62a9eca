# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Where the demo scene's photos are taken from. Runs without Blender.

60 training views: three rings around the table, as somebody walking around it would take them, then two wider rings,
one for the whole table and one for what is around it. 20 test views: from heights between, below and above those
rings. Every fourth view by name, from the first, is a test view, so holding out every fourth view gives this split.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from shapes import F64

WIDTH, HEIGHT = 400, 300
#: Focal length in pixels (41 degrees across); the principal point is the image's centre.
FOCAL = WIDTH / 2 / math.tan(math.radians(41.0) / 2)
#: What the cameras turn around.
TARGET = np.array([0.05, -0.02, 0.30])

#: (number of views, elevation in degrees, distance in units, first azimuth in degrees, height of the aim in units)
TRAINING_RINGS = ((18, 16.0, 3.75, -90.0, 0.3), (17, 36.0, 3.65, -80.0, 0.3), (13, 60.0, 3.45, -87.0, 0.3))
TEST_RINGS = (
    (4, 7.0, 3.6, -62.0, 0.3),
    (5, 26.0, 3.5, -104.0, 0.3),
    (4, 48.0, 3.4, -45.0, 0.3),
    (3, 77.0, 3.3, -60.0, 0.3),
)
WIDE_TRAINING_RINGS = ((6, 16.0, 5.4, -70.0, 0.3), (6, 16.0, 5.4, -40.0, 1.1))
WIDE_TEST_RINGS = ((2, 11.0, 4.4, 20.0, 0.3), (2, 67.0, 4.4, 110.0, 0.3))


@dataclass(frozen=True)
class Shot:
    """A photo to take. world_from_camera: [4, 4] float64, OpenCV camera axes (x right, y down, z forward)."""

    name: str
    test: bool
    world_from_camera: F64

    def entry(self, index: int) -> dict[str, Any]:
        """The shot as an entry of a 3DGS cameras.json (with the principal point added)."""
        return {
            "id": index,
            "img_name": self.name,
            "width": WIDTH,
            "height": HEIGHT,
            "position": self.world_from_camera[:3, 3].tolist(),
            "rotation": self.world_from_camera[:3, :3].tolist(),
            "fx": FOCAL,
            "fy": FOCAL,
            "cx": WIDTH / 2,
            "cy": HEIGHT / 2,
        }


def looking_at(position: F64, target: F64) -> F64:
    """[4, 4] world_from_camera of an upright camera."""
    forward = (target - position) / np.linalg.norm(target - position)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    matrix[:3, 3] = position
    return matrix


def _ring(
    count: int, elevation: float, distance: float, start: float, aim: float, rng: np.random.Generator
) -> list[F64]:
    poses = []
    goal = np.array([TARGET[0], TARGET[1], aim])
    for i in range(count):
        azimuth = math.radians(start + 360 * (i + rng.uniform(-0.2, 0.2)) / count)
        height = math.radians(elevation + rng.uniform(-2.5, 2.5))
        away = distance * rng.uniform(0.95, 1.05)
        outward = np.array(
            [math.cos(azimuth) * math.cos(height), math.sin(azimuth) * math.cos(height), math.sin(height)]
        )
        poses.append(looking_at(TARGET + away * outward, goal + rng.uniform(-0.07, 0.07, 3)))
    return poses


def shots() -> list[Shot]:
    """The 80 shots in order of their names."""
    rng = np.random.default_rng(5)
    training, test = ([pose for ring in rings for pose in _ring(*ring, rng)] for rings in (TRAINING_RINGS, TEST_RINGS))
    training += [pose for ring in WIDE_TRAINING_RINGS for pose in _ring(*ring, rng)]
    test += [pose for ring in WIDE_TEST_RINGS for pose in _ring(*ring, rng)]
    result = []
    for index in range(len(training) + len(test)):
        held_out = index % 4 == 0
        pose = test[index // 4] if held_out else training[index - index // 4 - 1]
        result.append(Shot(f"view_{index:03d}", held_out, pose))
    return result
