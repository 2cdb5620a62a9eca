# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Virtual views of a small scene: surface, rejected places, a first view without any camera."""

from __future__ import annotations

import numpy as np
import pytest
from mask_scenes import balls_on_floor, camera_at, make_gaussians, sphere_points

from splatcut import raster
from splatcut.cameras import virtual
from splatcut.cameras.virtual import first_view_of, virtual_views
from splatcut.errors import UserError
from splatcut.masks.viewpoints import centre_of, surface_points
from splatcut.progress import Quiet
from splatcut.scene.camera import View
from splatcut.scene.gaussians import concatenate

SCENE = balls_on_floor((0.0, 0.0, 0.0), floor=2.4)
ORIGIN = np.zeros(3)


def _first(elevation: float, radius: float = 2.5) -> View:
    up = np.radians(elevation)
    return View("clicked", camera_at((0.0, -radius * np.sin(up), -radius * np.cos(up)), width=160, height=120))


def test_depth_and_surface_by_values():
    """A wall at z = 0, three units in front of the camera."""
    steps = np.arange(-1.0, 1.01, 0.08)
    x, y = np.meshgrid(steps, steps)
    wall = make_gaussians(np.stack([x.ravel(), y.ravel(), np.zeros(x.size)], axis=1), (0.06, 0.06, 0.001), 0.95)
    camera = camera_at((0, 0, -3), width=96, height=96)
    depth, transmittance = raster.mean_depth(wall, camera)
    assert depth[48, 48] == pytest.approx(3.0, abs=1e-3)
    assert transmittance[48, 48] < 0.01
    assert depth[0, 0] == 0.0
    assert transmittance[0, 0] == 1.0
    points = surface_points(camera, np.array([[48.0, 48.0], [64.0, 40.0], [0.5, 0.5]]), depth, transmittance)
    # 16 pixels to the right at 96 pixels of focal length and 3 units; to the right is +x when looking along +z, y down.
    np.testing.assert_allclose(points[:2], [[0, 0, 0], [0.5, -0.25, 0]], atol=5e-3)
    assert np.isnan(points[2]).all()


def test_all_places_above_the_floor_are_taken():
    first = _first(60.0)
    views = virtual_views(SCENE.gaussians, first, ORIGIN, Quiet(), "cpu", 10, 25.0)
    assert [view.name for view in views] == ["clicked"] + [f"virtual_{n:03d}" for n in range(1, 10)]
    assert views[0] is first
    axis = first.camera.position / np.linalg.norm(first.camera.position)
    cosines = [view.camera.position @ axis / np.linalg.norm(view.camera.position) for view in views]
    assert (np.diff(cosines) < 1e-9).all()
    assert np.degrees(np.arccos(cosines[-1])) == pytest.approx(25.0, abs=0.1)
    for view in views[1:]:
        np.testing.assert_allclose(np.linalg.norm(view.camera.position), 2.5, rtol=1e-6)
        np.testing.assert_allclose(view.camera.project(np.zeros((1, 3)))[0], [[80, 60]], atol=1e-6)
        assert view.photo is None


def test_places_under_the_floor_are_rejected():
    views = virtual_views(SCENE.gaussians, _first(25.0), ORIGIN, Quiet(), "cpu", 24, 60.0)
    assert 3 <= len(views) < 24
    heights = np.array([view.camera.position[1] for view in views])
    assert (heights < 0.4).all()  # up is -y, the floor lies at 0.4


def test_places_inside_other_things_are_rejected():
    """Opaque clouds stand at the left and right, where the cone's cameras would be."""
    first = _first(60.0)
    free = virtual_views(SCENE.gaussians, first, ORIGIN, Quiet(), "cpu", 12, 40.0)
    crowded = [view.camera.position for view in free[1:] if view.camera.position[0] > 0.4]
    assert len(crowded) > 2
    cloud = make_gaussians(np.concatenate([place + 0.1 * sphere_points(20) for place in crowded]), 0.1, 0.9)
    gaussians = concatenate([SCENE.gaussians, cloud])
    left = virtual_views(gaussians, first, ORIGIN, Quiet(), "cpu", 12, 40.0)
    places = np.array([view.camera.position for view in left[1:]])
    assert 2 <= len(places) < 11
    assert not (np.linalg.norm(places[:, None] - np.array(crowded), axis=2) < 1e-6).any()


def test_no_clear_view_at_all_is_said():
    """The camera stands in a thick shell of Gaussians."""
    shell = make_gaussians(2.5 * sphere_points(3000), 0.2, 0.95)
    with pytest.raises(UserError, match="No place around the object gives a clear view"):
        virtual_views(concatenate([SCENE.gaussians, shell]), _first(45.0), ORIGIN, Quiet(), "cpu", 6, 40.0)


def test_a_first_view_sees_the_points(monkeypatch: pytest.MonkeyPatch):
    points = np.array([[0.0, -0.4, 0.0], [0.1, -0.38, 0.05]])  # on top of the ball
    monkeypatch.setattr(virtual, "WIDTH", 200)
    view = first_view_of(SCENE.gaussians, points)
    assert view.name == "virtual_000"
    camera = view.camera
    assert (camera.width, camera.height) == (200, 150)
    assert camera.position[1] < -0.4  # from above
    pixels, depth = camera.project(points)
    np.testing.assert_allclose(pixels.mean(axis=0), [100, 75], atol=8)
    drawn, _ = raster.mean_depth(SCENE.gaussians, camera)
    column, row = np.floor(pixels).astype(int).T
    np.testing.assert_allclose(drawn[row, column], depth, rtol=0.1)
    # Upright: the world's up is up in the picture.
    assert camera.camera_from_world[1, :3] @ [0.0, 1.0, 0.0] > 0


def test_a_first_view_comes_from_the_side_of_the_points():
    """A point on the ball's side, which is hidden from half of the directions."""
    point = np.array([[-0.4, 0.0, 0.0]])
    camera = first_view_of(SCENE.gaussians, point).camera
    drawn, _ = raster.mean_depth(SCENE.gaussians, camera)
    pixels, depth = camera.project(point)
    column, row = np.floor(pixels).astype(int).T
    assert drawn[row, column] == pytest.approx(depth, rel=0.1)
    assert camera.position[0] < -0.4


def test_the_middle_of_what_was_clicked():
    parts = [np.array([[0.0, 0, 0], [np.nan, np.nan, np.nan]]), np.array([[1.0, 2, 3], [9, 9, 9]]), np.empty((0, 3))]
    np.testing.assert_array_equal(centre_of(parts), [1, 2, 3])
