# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What was seen before something is taken out, and what was not."""

from __future__ import annotations

import heal_scenes
import numpy as np

from splatcut.heal.visibility import ROUNDS, look, support
from splatcut.scene.gaussians import concatenate


def test_sights_are_of_the_whole_scene() -> None:
    made = heal_scenes.standing()
    steps: list[int] = []
    for view in look(made.scene, made.removed, heal_scenes.cameras(3), step=lambda: steps.append(1)):
        pixels, depth = view.camera.project(np.array([[0.0, 0.0, heal_scenes.RADIUS], [0.8, 0.0, 0.0]]))
        (x, y), (u, v) = np.floor(pixels).astype(int)
        assert view.outline[y, x]
        assert depth[0] - 1.2 * heal_scenes.RADIUS < view.depth[y, x] < depth[0]
        assert not view.outline[v, u]
        assert abs(view.depth[v, u] - depth[1]) < 0.05
        assert np.isinf(view.depth[0, 0])
    assert len(steps) == 3


def test_crumbs_in_the_ball_go_and_one_beside_it_stays() -> None:
    made = heal_scenes.standing()
    beside = heal_scenes.shifted(heal_scenes.crumbs(5), (0.75, 0.0, 0.0))
    scene = concatenate([made.scene, beside])
    removed = np.concatenate([made.removed, np.zeros(5, bool)])
    sights = look(scene, removed, heal_scenes.cameras())
    steps: list[int] = []
    found = support(scene, removed, sights, step=lambda: steps.append(1))
    assert found.gone[: len(made.scene)][made.crumbs].all()
    assert not found.gone[-5:].any()
    assert not found.gone[removed].any()
    far = np.hypot(made.scene.means[:, 0], made.scene.means[:, 1]) > 0.6
    assert not found.gone[: len(made.scene)][far & ~made.removed].any()
    assert (found.seen[-5:] > 0.7).all()  # the ball hides them from some views
    assert (found.shown[-5:] > 1.0).all()
    assert len(steps) == (2 + ROUNDS) * len(sights)
