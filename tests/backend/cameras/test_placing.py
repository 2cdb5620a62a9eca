# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Views as a scene needs them: near planes and the world offset."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from splatcut.cameras import check_views_see_scene, load_views, look_at, place_views
from splatcut.errors import UserError
from splatcut.formats import read_splats
from splatcut.scene.camera import SHARE, Camera, View
from splatcut.scene.gaussians import Gaussians

NO_OFFSET = np.zeros(3)


def scene(scale: float = 1.0, distance: float = 4.0, seed: int = 0) -> tuple[Gaussians, View]:
    """500 Gaussians in a ball of radius 1 and a camera before it, times ``scale``."""
    rng = np.random.default_rng(seed)
    means = rng.normal(size=(500, 3))
    means *= rng.uniform(0.2, 1, (500, 1)) / np.linalg.norm(means, axis=1, keepdims=True)
    g = Gaussians(
        (means * scale).astype(np.float32),
        np.full((500, 3), np.log(0.05 * scale), np.float32),
        np.tile(np.array([1, 0, 0, 0], np.float32), (500, 1)),
        np.full(500, 3.0, np.float32),
        np.zeros((500, 1, 3), np.float32),
    )
    pose = look_at(np.array([0, 0, -distance]) * scale, (0, 0, 0), (0, -1, 0))
    return g, View("a", Camera(64, 48, 60.0, 60.0, 32.0, 24.0, pose))


def near(gaussians: Gaussians, view: View) -> float:
    return place_views([view], gaussians, NO_OFFSET)[0].camera.near


def test_in_scenes_of_usual_size_views_stay_what_they_are():
    for scale in (1, 3, 1e4):
        g, view = scene(scale)
        assert place_views([view], g, NO_OFFSET) == [view]


def test_nothing_changes_for_the_demo():
    demo = Path(__file__).resolve().parents[3] / "demo"
    splats, views = read_splats(demo / "scene.ply"), load_views(demo)
    assert not splats.offset.any()
    assert all(a is b for a, b in zip(place_views(views, splats.gaussians, splats.offset), views, strict=True))


@given(st.floats(1e-5, 0.05))
def test_the_near_plane_of_a_small_scene_follows_its_size(scale):
    g, view = scene(scale)
    depth = np.percentile(scene()[0].means[:, 2] + 4.0, 5)
    assert near(g, view) == pytest.approx(SHARE * depth * scale, rel=1e-4)
    assert check_views_see_scene(g, place_views([view], g, NO_OFFSET)) == []


def test_only_what_the_camera_could_draw_counts():
    g, view = scene(0.01)
    assert 0.005 < near(g, view) < 0.008
    transparent = replace(g, opacity_logits=np.full(500, -9.0, np.float32))
    behind = replace(
        view, camera=replace(view.camera, camera_from_world=look_at((0, 0, -0.04), (0, 0, -1), (0, -1, 0)))
    )
    for what in ((transparent, view), (g, behind)):
        assert near(*what) == 0.2
    nearer = replace(view, camera=replace(view.camera, near=0.001))
    assert near(g, nearer) == 0.001


@given(st.lists(st.floats(-1e7, 1e7), min_size=3, max_size=3), st.integers(0, 20))
def test_a_camera_sees_the_same_relative_to_an_offset(place, seed):
    offset: NDArray[np.float64] = np.round(place)
    g, view = scene(seed=seed)
    there = look_at(np.array([1.0, -2.0, -3.0]) + offset, offset, (0, -1, 0))
    moved = replace(view, camera=replace(view.camera, camera_from_world=there))
    (placed,) = place_views([moved], g, offset)
    expected = look_at((1.0, -2.0, -3.0), (0, 0, 0), (0, -1, 0))
    np.testing.assert_allclose(placed.camera.camera_from_world, expected, atol=1e-7)
    back = placed.camera.relative_to(-offset).camera_from_world
    np.testing.assert_allclose(back, there, atol=1e-8)


def test_places_in_sentences_are_those_of_the_file():
    g, view = scene()
    away = replace(view, camera=replace(view.camera, camera_from_world=look_at((0, 0, -4), (0, 0, -9), (0, -1, 0))))
    with pytest.raises(UserError, match=r"extends from \(44826[12]\.\d+, .* stand between \(448262, 116, 5411928\)"):
        check_views_see_scene(g, [away], np.array([448262.0, 116.0, 5411932.0]))
