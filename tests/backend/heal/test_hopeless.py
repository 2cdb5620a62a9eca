# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Where little or nothing can be filled, a sentence says so, and nothing else is lost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from splatcut.cameras.virtual import look_at
from splatcut.heal import Healed, heal
from splatcut.heal.fill import discs
from splatcut.progress import Quiet
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import CLASSIC, Gaussians, concatenate


def _ball(count: int) -> Gaussians:
    rng = np.random.default_rng(0)
    means = rng.normal(size=(count, 3))
    means *= 0.3 / np.linalg.norm(means, axis=1, keepdims=True)
    axes = np.broadcast_to(np.eye(3), (count, 3, 3))
    return discs(means, axes, np.full(count, 0.1), np.full((count, 3), 0.5, np.float32), 0, CLASSIC).gaussians


def _healed(others: Gaussians, cameras: list[Camera]) -> tuple[Healed, np.ndarray]:
    ball = _ball(400)
    scene = concatenate([ball, others])
    removed = np.arange(len(scene)) < len(ball)
    return heal(scene, removed.astype(np.int32), removed, cameras, Quiet()), removed


def _cameras(count: int) -> list[Camera]:
    eyes = [np.array([3 * np.cos(a), 3 * np.sin(a), 1.0]) for a in np.arange(count) * 2 * np.pi / max(count, 1)]
    return [Camera(96, 72, 90, 90, 48, 36, look_at(eye, np.zeros(3), (0.0, 0.0, 1.0))) for eye in eyes]


def test_what_stays_is_not_all_dropped() -> None:
    speck = _ball(1)
    speck = replace(speck, means=np.zeros((1, 3), np.float32))  # inside of what goes
    made, _ = _healed(speck, _cameras(4))
    assert not made.dropped.any()
    assert len(made.filling) == 0
    assert "nothing is known around it" in made.told[0]


def test_no_view_shows_what_is_taken_out() -> None:
    away = [
        replace(camera, camera_from_world=np.diag([1.0, 1, 1, 1]) @ camera.camera_from_world) for camera in _cameras(3)
    ]
    for camera in away:
        camera.camera_from_world[2, 3] -= 50  # everything lies behind it
    made, _ = _healed(_ball(50), away)
    assert not made.dropped.any()
    assert len(made.filling) == 0
    assert "No view shows" in made.told[0]


@pytest.mark.parametrize(("count", "words"), [(1, "only one view shows"), (2, "only 2 views show")])
def test_few_views_are_told(count: int, words: str) -> None:
    others = _ball(50)
    others = replace(others, means=others.means + np.float32(1.0))
    made, removed = _healed(others, _cameras(count))
    assert not (made.dropped & removed).any()
    assert words in made.told[0]
