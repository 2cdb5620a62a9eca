# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""A table with a ball standing on it, what training leaves under the ball, and the table as it was without it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from splatcut.cameras import look_at
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import SH_C0, Gaussians, concatenate

#: Of the table, the ball, and the part of the table that the ball hides; distance between Gaussians on the table.
HALF, RADIUS, HIDDEN, SPACING = 1.0, 0.4, 0.2, 0.04


def gaussians(
    means: NDArray[np.floating], colours: NDArray[np.floating], scales: tuple[float, float, float], logit: float = 5.0
) -> Gaussians:
    """Gaussians along the world's axes."""
    count = len(means)
    return Gaussians(
        np.asarray(means, np.float32),
        np.tile(np.log(np.array(scales, np.float32)), (count, 1)),
        np.tile(np.array([1, 0, 0, 0], np.float32), (count, 1)),
        np.full(count, logit, np.float32),
        ((np.broadcast_to(colours, (count, 3)) - 0.5) / SH_C0).astype(np.float32)[:, None, :],
    )


def table(seed: int = 0) -> Gaussians:
    """The whole table in the plane z = 0, with tones that change over it."""
    rng = np.random.default_rng(seed)
    x, y = (part.ravel() for part in np.mgrid[-HALF:HALF:SPACING, -HALF:HALF:SPACING])
    means = np.stack([x, y, np.zeros_like(x)], axis=1)
    means[:, :2] += rng.normal(scale=0.1 * SPACING, size=(len(x), 2))
    colours = np.stack([0.6 + 0.15 * means[:, 0], 0.5 + 0.1 * means[:, 1], np.full(len(x), 0.4)], axis=1)
    return gaussians(means, colours, (0.7 * SPACING, 0.7 * SPACING, 0.1 * SPACING))


def ball(centre: tuple[float, float, float] = (0.0, 0.0, RADIUS), count: int = 700) -> Gaussians:
    """A red ball's surface."""
    steps = np.arange(count) + 0.5
    polar, turn = np.arccos(1 - 2 * steps / count), np.pi * (1 + 5**0.5) * steps
    places = np.stack([np.cos(turn) * np.sin(polar), np.sin(turn) * np.sin(polar), np.cos(polar)], axis=1)
    return gaussians(RADIUS * places + np.array(centre), np.array([0.8, 0.1, 0.1]), (0.04, 0.04, 0.04))


def crumbs(count: int = 20, seed: int = 1) -> Gaussians:
    """Black ones that no view sees, because they lie in the ball."""
    rng = np.random.default_rng(seed)
    means = np.stack([*rng.uniform(-0.1, 0.1, (2, count)), rng.uniform(0.1, 0.3, count)], axis=1)
    return gaussians(means, np.zeros(3), (0.03, 0.03, 0.03))


def cameras(count: int = 10, width: int = 240, height: int = 180) -> list[Camera]:
    """All around, so high above the table that the ball hides none of its rim."""
    made = []
    for angle in np.arange(count) * 2 * np.pi / count:
        place = np.array([1.5 * np.cos(angle), 1.5 * np.sin(angle), 2.6])
        pose = look_at(place, np.array([0.0, 0.0, 0.1]), np.array([0.0, 0.0, 1.0]))
        made.append(Camera(width, height, 0.9 * width, 0.9 * width, width / 2, height / 2, pose))
    return made


@dataclass(frozen=True, eq=False)
class Standing:
    """The ball on the table.

    Attributes:
        scene: N Gaussians: the table with its hole, the crumbs, the ball; removed: [N] bool, the ball.
        crumbs: [N] bool; labels: [N] int32, 1 for the ball.
        truth: the table without a hole.
    """

    scene: Gaussians
    removed: NDArray[np.bool_]
    crumbs: NDArray[np.bool_]
    truth: Gaussians

    @property
    def labels(self) -> NDArray[np.int32]:
        return self.removed.astype(np.int32)


def standing(black: bool = True) -> Standing:
    """The table has nothing where it was hidden, but for the crumbs (unless ``black`` is off)."""
    whole = table()
    hole = np.hypot(whole.means[:, 0], whole.means[:, 1]) < HIDDEN
    parts = [whole.take(~hole), crumbs(20 if black else 0), ball()]
    kinds = np.repeat(np.arange(3), [len(part) for part in parts])
    return Standing(concatenate(parts), kinds == 2, kinds == 1, whole)


def shifted(made: Gaussians, by: tuple[float, float, float]) -> Gaussians:
    """Elsewhere."""
    return replace(made, means=made.means + np.array(by, np.float32))
