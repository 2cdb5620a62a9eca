# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Viewports and Blender's cameras as the engine's, against OpenGL's projection."""

from __future__ import annotations

import numpy as np
import pytest
from blender_addon.core import cameras, picking
from blender_addon.core.arrays import SplatArrays
from blender_addon.core.cameras import Viewport
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


def random_camera(rng: np.random.Generator) -> Camera:
    width, height = (int(n) for n in rng.integers(16, 4000, 2))
    fx, fy = rng.uniform(0.3, 3.0, 2) * width
    cx, cy = rng.uniform(0.2, 0.8, 2) * (width, height)
    return Camera(width, height, float(fx), float(fy), float(cx), float(cy), random_pose(rng))


def window_matrix(rng: np.random.Generator) -> NDArray[np.float64]:
    """A perspective projection of OpenGL with any principal point."""
    near, far = 0.01, 1000.0
    result = np.zeros((4, 4))
    result[0, 0], result[1, 1] = rng.uniform(0.5, 4.0, 2)
    result[0, 2], result[1, 2] = rng.uniform(-0.8, 0.8, 2)
    result[2, 2:] = -(far + near) / (far - near), -2 * far * near / (far - near)
    result[3, 2] = -1
    return result


def in_front(rng: np.random.Generator, camera: Camera, count: int = 20) -> tuple[NDArray, NDArray]:
    pixels = rng.uniform(-0.5, 1.5, (count, 2)) * (camera.width, camera.height)
    return pixels, rng.uniform(0.1, 50.0, count)


@given(SEEDS)
def test_a_viewports_pixels_are_where_opengl_puts_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    width, height = (int(n) for n in rng.integers(8, 3000, 2))
    view, window, world = random_pose(rng), window_matrix(rng), random_pose(rng)
    scale = float(10 ** rng.uniform(-2, 2))
    world[:3, :3] *= scale
    camera = Viewport.of(view, window, width, height, world).camera()
    assert camera is not None
    pixels, depths = in_front(rng, camera)
    points = np.concatenate([camera.unproject(pixels, depths), np.ones((20, 1))], axis=1)
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
    camera = Viewport.of(
        random_pose(rng).astype(np.float32), window_matrix(rng).astype(np.float32), 640, 480, world.astype(np.float32)
    ).camera()
    assert camera is not None
    turn = camera.camera_from_world[:3, :3]
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    cameras.to_inline("view", camera)  # refuses what is not rigid


def test_a_viewport_in_numbers() -> None:
    # 50 mm lens on Blender's 72 mm wide viewport sensor, camera 5 units along +Z looking down, object twice as large.
    view = np.eye(4)
    view[2, 3] = -5
    window = np.diag([50 / 36, 50 / 36 * 800 / 600, 0.0, 0.0])
    window[2, 2:], window[3, 2] = (-1.0, -0.02), -1
    camera = Viewport.of(view, window, 800, 600, np.diag([2.0, 2.0, 2.0, 1.0])).camera()
    assert camera is not None
    assert camera.fx == pytest.approx(800 * 50 / 72)
    assert camera.fy == pytest.approx(800 * 50 / 72)
    assert (camera.cx, camera.cy) == (400, 300)
    pixel, depth = camera.project([[0.5, 0.25, 0.0]])
    assert depth[0] == pytest.approx(2.5)
    np.testing.assert_allclose(pixel[0], [400 + 800 * 50 / 72 / 5, 300 - 800 * 50 / 72 * 0.5 / 5])


def test_a_collapsed_region_has_no_camera() -> None:
    assert Viewport.of(np.eye(4), np.eye(4), 0, 100, np.eye(4)).camera() is None


def test_an_orthographic_viewport_is_refused() -> None:
    with pytest.raises(UserError, match="orthographic"):
        Viewport.of(np.eye(4), np.diag([1.0, 1, -1, 1]), 640, 480, np.eye(4)).camera()


@pytest.mark.parametrize(
    ("scale", "words"),
    [((1, 1, -1), "mirrors"), ((1, 2, 1), "unevenly"), ((0, 0, 0), "flattens"), ((np.nan, 1, 1), "not finite")],
)
def test_an_object_that_gaussians_cannot_follow_is_refused(scale: tuple[float, float, float], words: str) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(UserError, match=words):
        Viewport.of(np.eye(4), window_matrix(rng), 640, 480, np.diag([*scale, 1.0])).camera()


def test_a_sheared_viewport_is_refused() -> None:
    view = np.eye(4)
    view[0, 1] = 0.2
    with pytest.raises(UserError, match="The viewport is mirrored or sheared"):
        Viewport.of(view, window_matrix(np.random.default_rng(0)), 640, 480, np.eye(4)).camera()


def test_a_blender_camera_in_numbers() -> None:
    camera = cameras.blender_camera(np.eye(4), lens=50, resolution_x=1920, resolution_y=1080, shift_x=0.1, shift_y=-0.2)
    assert camera.fx == camera.fy == pytest.approx(1920 * 50 / 36)
    assert (camera.cx, camera.cy) == pytest.approx((960 - 192, 540 - 384))
    # Blender's cameras look along -Z, and up is +Y.
    pixel, depth = camera.project([[0.0, 1.0, -10.0]])
    assert depth[0] == 10
    np.testing.assert_allclose(pixel[0], [768, 156 - 1920 * 50 / 36 / 10])


def test_an_upright_picture_takes_the_sensors_width_for_its_height() -> None:
    upright = cameras.blender_camera(np.eye(4), lens=35, resolution_x=600, resolution_y=1000)
    assert upright.fy == pytest.approx(1000 * 35 / 36)
    vertical = cameras.blender_camera(
        np.eye(4), lens=35, resolution_x=1000, resolution_y=600, sensor_fit="VERTICAL", sensor_height=24
    )
    assert vertical.fx == pytest.approx(600 * 35 / 24)


def test_pixels_that_are_not_square() -> None:
    wide = cameras.blender_camera(np.eye(4), lens=36, resolution_x=720, resolution_y=576, pixel_aspect_x=1.5)
    assert wide.fx == pytest.approx(720)
    assert wide.fy == pytest.approx(720 * 1.5)


def test_a_cameras_scale_means_nothing() -> None:
    pose = random_pose(np.random.default_rng(3))
    scaled = pose.copy()
    scaled[:3, :3] *= 2.5, 0.3, 7
    one = cameras.blender_camera(pose, lens=50, resolution_x=64, resolution_y=48)
    other = cameras.blender_camera(scaled, lens=50, resolution_x=64, resolution_y=48)
    np.testing.assert_allclose(one.camera_from_world, other.camera_from_world, atol=1e-12)


@pytest.mark.parametrize("kind", ["ORTHO", "PANO"])
def test_other_kinds_of_cameras_are_refused(kind: str) -> None:
    with pytest.raises(UserError, match="The camera 'left' is not a perspective camera"):
        cameras.blender_camera(np.eye(4), lens=50, resolution_x=64, resolution_y=48, kind=kind, name="left")


def test_a_mirrored_camera_is_refused() -> None:
    with pytest.raises(UserError, match="The camera 'left' is mirrored"):
        cameras.blender_camera(np.diag([-1.0, 1, 1, 1]), lens=50, resolution_x=64, resolution_y=48, name="left")


@given(SEEDS)
def test_messages_carry_cameras_exactly(seed: int) -> None:
    camera = random_camera(np.random.default_rng(seed))
    back = cameras.from_inline(cameras.to_inline("view", camera))
    for name in ("width", "height", "fx", "fy", "cx", "cy"):
        assert getattr(back, name) == getattr(camera, name)
    assert np.array_equal(back.camera_from_world, camera.camera_from_world)


@given(SEEDS)
def test_a_smaller_picture_shows_the_same(seed: int) -> None:
    rng = np.random.default_rng(seed)
    camera = random_camera(rng)
    small = cameras.limited(camera, 200)
    assert max(small.width, small.height) == min(200, max(camera.width, camera.height))
    pixels, depths = in_front(rng, camera)
    seen, _ = small.project(camera.unproject(pixels, depths))
    factor = np.array([small.width / camera.width, small.height / camera.height])
    np.testing.assert_allclose(seen, pixels * factor, atol=1e-6 * camera.width)


@pytest.mark.parametrize("scale", [1.0, 0.02, 50.0])
def test_clicks_in_orthographic_views_hit_what_is_seen_there(scale: float) -> None:
    rng = np.random.default_rng(1)
    positions = (rng.uniform(-1, 1, (200, 3)) * scale).astype(np.float32)
    arrays = SplatArrays(
        positions=positions,
        scales=np.full((200, 3), 0.01 * scale, np.float32),
        quats=np.tile(np.array([1, 0, 0, 0], np.float32), (200, 1)),
        base=np.full((200, 3), 0.5, np.float32),
        opacity=np.full(200, 0.99, np.float32),
    )
    # Looking along -y of the world (from the front), an object that is turned, scaled and moved.
    view = np.array([[1, 0, 0, 0.1], [0, 0, 1, 0.2], [0, -1, 0, -30 * scale], [0, 0, 0, 1]], float)
    world = np.eye(4)
    world[:3, :3] = 2 * np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]])
    world[:3, 3] = np.array([0.3, -0.2, 0.5]) * scale
    height = 6 * scale
    window = np.diag([2 / (height * 800 / 600), 2 / height, -1e-3 / scale, 1.0])
    window[0, 3] = 0.1
    viewport = Viewport.of(view, window, 800, 600, world)
    assert viewport.is_orthographic
    seen = positions @ world[:3, :3].T + world[:3, 3]
    eye = seen @ view[:3, :3].T + view[:3, 3]
    pixels = (eye[:, :2] * [window[0, 0], window[1, 1]] + window[:2, 3] + 1) / 2 * (800, 600)
    pixels[:, 1] = 600 - pixels[:, 1]
    reach = float(np.linalg.norm(seen, axis=1).max())
    hits = 0
    for index in range(0, 200, 5):
        x, y = pixels[index]
        found = picking.pick(arrays, viewport.picking_camera(x, y, reach), x, y)
        assert found is not None
        # Another one may lie before it, but only on the same line of sight.
        across = np.abs((found[0] @ world[:3, :3].T + world[:3, 3] - seen[index]) @ view[:2, :3].T)
        assert across.max() < 1e-3 * scale
        hits += found[1] == index
    assert hits > 30


@given(SEEDS)
def test_messages_have_cameras_in_the_files_frame(seed: int) -> None:
    """What Blender has is relative to the world offset."""
    rng = np.random.default_rng(seed)
    camera, offset = random_camera(rng), np.round(rng.uniform(-6e6, 6e6, 3))
    view = cameras.to_inline("view", camera, offset=offset)
    told = cameras.from_inline(view)
    np.testing.assert_allclose(told.position, camera.position + offset, rtol=0, atol=1e-3)
    back = cameras.from_inline(view, offset)
    np.testing.assert_allclose(back.camera_from_world, camera.camera_from_world, rtol=0, atol=1e-6)


def test_what_a_viewport_draws_can_be_picked() -> None:
    """Its clipping starts at 0.01 of Blender's units: 0.001 of the object's, which is ten times as large."""
    rng = np.random.default_rng(0)
    for scale, near in ((10.0, 0.001), (0.01, 0.2)):
        camera = Viewport.of(np.eye(4), window_matrix(rng), 64, 48, np.diag([scale, scale, scale, 1.0])).camera()
        assert camera is not None
        assert camera.near == pytest.approx(near, rel=1e-6)
