# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Viewports and Blender's cameras as pinhole cameras, against OpenGL's projection and the engine's cameras."""

from __future__ import annotations

import numpy as np
import pytest
from blender_addon.core import camera
from blender_addon.core.camera import Pinhole
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from splatcut.errors import UserError
from splatcut.scene.camera import Camera
from splatcut.scene.rotations import rotation_matrices

SEEDS = st.integers(0, 2**32 - 1)


def random_pose(rng: np.random.Generator, spread: float = 3.0) -> NDArray[np.float64]:
    pose = np.eye(4)
    pose[:3, :3] = rotation_matrices(rng.normal(size=(1, 4)))[0]
    pose[:3, 3] = rng.uniform(-spread, spread, 3)
    return pose


def random_pinhole(rng: np.random.Generator) -> Pinhole:
    width, height = (int(n) for n in rng.integers(16, 4000, 2))
    fx, fy = rng.uniform(0.3, 3.0, 2) * width
    cx, cy = rng.uniform(0.2, 0.8, 2) * (width, height)
    return Pinhole(width, height, float(fx), float(fy), float(cx), float(cy), random_pose(rng))


def window_matrix(rng: np.random.Generator) -> NDArray[np.float64]:
    """A perspective projection of OpenGL with any principal point."""
    near, far = 0.01, 1000.0
    result = np.zeros((4, 4))
    result[0, 0], result[1, 1] = rng.uniform(0.5, 4.0, 2)
    result[0, 2], result[1, 2] = rng.uniform(-0.8, 0.8, 2)
    result[2, 2:] = -(far + near) / (far - near), -2 * far * near / (far - near)
    result[3, 2] = -1
    return result


def in_front(rng: np.random.Generator, pinhole: Pinhole, count: int = 20) -> tuple[NDArray, NDArray]:
    pixels = rng.uniform(-0.5, 1.5, (count, 2)) * (pinhole.width, pinhole.height)
    return pixels, rng.uniform(0.1, 50.0, count)


@given(SEEDS)
def test_unproject_is_the_inverse_of_project(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pinhole = random_pinhole(rng)
    pixels, depths = in_front(rng, pinhole)
    back, z = camera.project(pinhole, camera.unproject(pinhole, pixels, depths))
    np.testing.assert_allclose(back, pixels, atol=1e-6 * pinhole.width)
    np.testing.assert_allclose(z, depths, rtol=1e-9)


@given(SEEDS)
def test_projection_is_the_engines(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = random_pinhole(rng)
    engine = Camera(p.width, p.height, p.fx, p.fy, p.cx, p.cy, p.camera_from_file)
    points = rng.normal(size=(30, 3)) * 4
    ours, depth = camera.project(p, points)
    theirs, their_depth = engine.project(points)
    np.testing.assert_allclose(depth, their_depth, atol=1e-12)
    seen = depth > 1e-3
    np.testing.assert_allclose(ours[seen], theirs[seen], rtol=1e-12)
    np.testing.assert_allclose(p.position, engine.position, atol=1e-12)
    assert p.near == engine.near


@given(SEEDS)
def test_a_viewports_pixels_are_where_opengl_puts_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    width, height = (int(n) for n in rng.integers(8, 3000, 2))
    view, window, world = random_pose(rng), window_matrix(rng), random_pose(rng)
    scale = float(10 ** rng.uniform(-2, 2))
    world[:3, :3] *= scale
    pinhole = camera.viewport_camera(view, window, width, height, world)
    assert pinhole is not None
    pixels, depths = in_front(rng, pinhole)
    points = np.concatenate([camera.unproject(pinhole, pixels, depths), np.ones((20, 1))], axis=1)
    clip = points @ (window @ view @ world).T
    np.testing.assert_allclose((clip[:, 0] / clip[:, 3] + 1) / 2 * width, pixels[:, 0], atol=1e-6 * width)
    # Blender counts rows from the bottom.
    np.testing.assert_allclose((1 - clip[:, 1] / clip[:, 3]) / 2 * height, pixels[:, 1], atol=1e-6 * height)
    # Depths are in the file's units, whatever the object's size.
    np.testing.assert_allclose(clip[:, 3] / scale, depths, rtol=1e-6)


@given(SEEDS)
def test_matrices_that_blender_keeps_in_single_precision_are_taken(seed: int) -> None:
    rng = np.random.default_rng(seed)
    world = random_pose(rng, 100.0)
    world[:3, :3] *= rng.uniform(0.01, 100)
    pinhole = camera.viewport_camera(
        random_pose(rng).astype(np.float32), window_matrix(rng).astype(np.float32), 640, 480, world.astype(np.float32)
    )
    assert pinhole is not None
    turn = pinhole.camera_from_file[:3, :3]
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    camera.to_inline("view", pinhole)  # refuses what is not rigid


def test_a_viewport_in_numbers() -> None:
    # 50 mm lens on Blender's 72 mm wide viewport sensor, camera 5 units along +Z looking down, object twice as large.
    view = np.eye(4)
    view[2, 3] = -5
    window = np.diag([50 / 36, 50 / 36 * 800 / 600, 0.0, 0.0])
    window[2, 2:], window[3, 2] = (-1.0, -0.02), -1
    pinhole = camera.viewport_camera(view, window, 800, 600, np.diag([2.0, 2.0, 2.0, 1.0]))
    assert pinhole is not None
    assert pinhole.fx == pytest.approx(800 * 50 / 72)
    assert pinhole.fy == pytest.approx(800 * 50 / 72)
    assert (pinhole.cx, pinhole.cy) == (400, 300)
    pixel, depth = camera.project(pinhole, [[0.5, 0.25, 0.0]])
    assert depth[0] == pytest.approx(2.5)
    np.testing.assert_allclose(pixel[0], [400 + 800 * 50 / 72 / 5, 300 - 800 * 50 / 72 * 0.5 / 5])


def test_a_collapsed_region_has_no_camera() -> None:
    assert camera.viewport_camera(np.eye(4), np.eye(4), 0, 100, np.eye(4)) is None


def test_an_orthographic_viewport_is_refused() -> None:
    with pytest.raises(UserError, match="orthographic"):
        camera.viewport_camera(np.eye(4), np.diag([1.0, 1, -1, 1]), 640, 480, np.eye(4))


@pytest.mark.parametrize(
    ("scale", "words"),
    [((1, 1, -1), "mirrored"), ((1, 2, 1), "unevenly"), ((0, 0, 0), "squashed flat"), ((np.nan, 1, 1), "squashed")],
)
def test_an_object_that_gaussians_cannot_follow_is_refused(scale: tuple[float, float, float], words: str) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(UserError, match=words):
        camera.viewport_camera(np.eye(4), window_matrix(rng), 640, 480, np.diag([*scale, 1.0]))


def test_a_sheared_viewport_is_refused() -> None:
    view = np.eye(4)
    view[0, 1] = 0.2
    with pytest.raises(UserError, match="The viewport is mirrored or sheared"):
        camera.viewport_camera(view, window_matrix(np.random.default_rng(0)), 640, 480, np.eye(4))


def test_a_blender_camera_in_numbers() -> None:
    pinhole = camera.blender_camera(np.eye(4), lens=50, resolution_x=1920, resolution_y=1080, shift_x=0.1, shift_y=-0.2)
    assert pinhole.fx == pinhole.fy == pytest.approx(1920 * 50 / 36)
    assert (pinhole.cx, pinhole.cy) == pytest.approx((960 - 192, 540 - 384))
    # Blender's cameras look along -Z, and up is +Y.
    pixel, depth = camera.project(pinhole, [[0.0, 1.0, -10.0]])
    assert depth[0] == 10
    np.testing.assert_allclose(pixel[0], [768, 156 - 1920 * 50 / 36 / 10])


def test_an_upright_picture_takes_the_sensors_width_for_its_height() -> None:
    upright = camera.blender_camera(np.eye(4), lens=35, resolution_x=600, resolution_y=1000)
    assert upright.fy == pytest.approx(1000 * 35 / 36)
    vertical = camera.blender_camera(
        np.eye(4), lens=35, resolution_x=1000, resolution_y=600, sensor_fit="VERTICAL", sensor_height=24
    )
    assert vertical.fx == pytest.approx(600 * 35 / 24)


def test_pixels_that_are_not_square() -> None:
    wide = camera.blender_camera(np.eye(4), lens=36, resolution_x=720, resolution_y=576, pixel_aspect_x=1.5)
    assert wide.fx == pytest.approx(720)
    assert wide.fy == pytest.approx(720 * 1.5)


def test_a_cameras_scale_means_nothing() -> None:
    pose = random_pose(np.random.default_rng(3))
    scaled = pose.copy()
    scaled[:3, :3] *= 2.5, 0.3, 7
    one = camera.blender_camera(pose, lens=50, resolution_x=64, resolution_y=48)
    other = camera.blender_camera(scaled, lens=50, resolution_x=64, resolution_y=48)
    np.testing.assert_allclose(one.camera_from_file, other.camera_from_file, atol=1e-12)


@pytest.mark.parametrize("kind", ["ORTHO", "PANO"])
def test_other_kinds_of_cameras_are_refused(kind: str) -> None:
    with pytest.raises(UserError, match="The camera 'left' is not a perspective camera"):
        camera.blender_camera(np.eye(4), lens=50, resolution_x=64, resolution_y=48, kind=kind, name="left")


def test_a_mirrored_camera_is_refused() -> None:
    with pytest.raises(UserError, match="The camera 'left' is mirrored"):
        camera.blender_camera(np.diag([-1.0, 1, 1, 1]), lens=50, resolution_x=64, resolution_y=48, name="left")


@given(SEEDS)
def test_messages_carry_cameras_exactly(seed: int) -> None:
    pinhole = random_pinhole(np.random.default_rng(seed))
    back = camera.from_inline(camera.to_inline("view", pinhole))
    for name in ("width", "height", "fx", "fy", "cx", "cy"):
        assert getattr(back, name) == getattr(pinhole, name)
    assert np.array_equal(back.camera_from_file, pinhole.camera_from_file)


@given(SEEDS)
def test_a_smaller_picture_shows_the_same(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pinhole = random_pinhole(rng)
    small = camera.limited(pinhole, 200)
    assert max(small.width, small.height) == min(200, max(pinhole.width, pinhole.height))
    pixels, depths = in_front(rng, pinhole)
    seen, _ = camera.project(small, camera.unproject(pinhole, pixels, depths))
    factor = np.array([small.width / pinhole.width, small.height / pinhole.height])
    np.testing.assert_allclose(seen, pixels * factor, atol=1e-6 * pinhole.width)
