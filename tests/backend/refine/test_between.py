# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Cameras half-way between others: where they stand, where they look, and which are paired."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from splatcut.refine.between import WIDEST, views_between
from splatcut.scene.camera import Camera, View


def _look(position: np.ndarray, at: np.ndarray) -> Camera:
    """A camera (x right, y down, z forward) that looks from a point at another."""
    forward = (at - position) / np.linalg.norm(at - position)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([right, np.cross(forward, right), forward])
    matrix[:3, 3] = -matrix[:3, :3] @ position
    return Camera(75, 53, 60.0, 61.0, 37.0, 26.0, matrix)


def _circle(count: int, radius: float = 3.0, centre: tuple[float, float, float] = (1.0, -2.0, 0.5)) -> list[View]:
    angles = 2 * np.pi * np.arange(count) / count
    points = np.array(centre) + radius * np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)
    return [View(f"v{n}", _look(point, np.array(centre)), Path("photo.png")) for n, point in enumerate(points)]


def test_half_way_on_a_circle_stands_on_the_chord_and_looks_at_its_centre() -> None:
    views = _circle(12)
    found = views_between(views, 2)
    assert [view.name for view in found] == ["v0~v1", "v0~v11", *(f"v{n}~v{n + 1}" for n in range(1, 11))]
    assert all(view.photo is None and view.undistortion is None for view in found)
    centre = np.array([1.0, -2.0, 0.5])
    for view in found:
        a, b = (views[int(name[1:])].camera for name in view.name.split("~"))
        np.testing.assert_allclose(view.camera.position, 0.5 * (a.position + b.position), atol=1e-12)
        assert np.linalg.norm(view.camera.position - centre) == pytest.approx(3 * np.cos(np.pi / 12))
        pixels, depth = view.camera.project(centre[None])
        np.testing.assert_allclose(pixels[0], [37.0, 26.0], atol=1e-9)
        assert depth[0] > 0
        assert (view.camera.width, view.camera.height, view.camera.fx, view.camera.near) == (75, 53, 60.0, 0.2)


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), count=st.integers(0, 9), neighbours=st.integers(0, 4))
def test_pairs_are_near_ones_and_poses_rigid(seed: int, count: int, neighbours: int) -> None:
    rng = np.random.default_rng(seed)
    views = []
    for number in range(count):
        matrix = np.eye(4)
        matrix[:3, :3] = Rotation.random(random_state=seed + number).as_matrix()
        matrix[:3, 3] = rng.normal(size=3)
        views.append(View(f"v{number}", Camera(40, 30, 50.0, 50.0, 20.0, 15.0, matrix)))
    found = views_between(views, neighbours)
    assert len({view.name for view in found}) == len(found) <= neighbours * count
    for view in found:
        rotation = view.camera.camera_from_world[:3, :3]
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)
        assert np.linalg.det(rotation) == pytest.approx(1)
        a, b = (views[int(name[1:])].camera.camera_from_world[:3, :3] for name in view.name.split("~"))
        angle = Rotation.from_matrix(b @ a.T).magnitude()
        assert angle <= WIDEST
        for one in (a, b):
            assert Rotation.from_matrix(rotation @ one.T).magnitude() == pytest.approx(angle / 2, abs=1e-6)


def test_the_nearest_views_are_paired_whatever_the_scenes_size() -> None:
    views = _circle(10)
    tiny = _circle(10, radius=3e-5, centre=(0.0, 0.0, 0.0))
    assert [view.name for view in views_between(tiny, 3)] == [view.name for view in views_between(views, 3)]
    # One that stands aside is paired with its nearest, too, and the others with their own.
    aside = View("aside", _look(np.array([9.0, -1.9, 0.5]), np.array([1.0, -2.0, 0.5])))
    names = [view.name for view in views_between([*views, aside], 1)]
    assert "v0~aside" in names
    assert sum("aside" in name for name in names) == 1


def test_views_that_look_apart_are_not_paired() -> None:
    views = _circle(4)
    assert views_between(views, 3) == []
    assert len(views_between(_circle(5), 3)) == 5  # 72 degrees apart
    assert views_between(views[:1], 3) == views_between([], 3) == views_between(_circle(12), 0) == []


def test_views_from_one_place_are_paired() -> None:
    base = _circle(2)[0]
    turned = base.camera.camera_from_world.copy()
    turned[:3] = Rotation.from_euler("y", 30, degrees=True).as_matrix() @ turned[:3]
    other = replace(base, name="other", camera=replace(base.camera, camera_from_world=turned))
    (view,) = views_between([base, other], 3)
    np.testing.assert_allclose(view.camera.position, base.camera.position, atol=1e-12)
