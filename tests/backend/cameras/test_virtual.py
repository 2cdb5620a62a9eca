# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Virtual cameras: where they stand, and which are rejected."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from splatcut.cameras import candidate_quality, look_at, spiral_cone
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import Gaussians

coordinate = st.floats(-10, 10)
vector = st.tuples(coordinate, coordinate, coordinate).map(np.array)


def _camera(position, target, up=(0, 0, 1)):
    return Camera(64, 48, 50.0, 52.0, 30.0, 25.0, look_at(position, target, up))


def test_look_at_by_values():
    transform = look_at((0, -4, 1), (0, 0, 1), (0, 0, 1))
    np.testing.assert_allclose(transform, [[1, 0, 0, 0], [0, 0, -1, 1], [0, 1, 0, 4], [0, 0, 0, 1]], atol=1e-12)


@given(position=vector, target=vector, up=vector)
@example(np.array((0.0, -4.0, 1.0)), np.array((0.0, 0.0, 1.0)), np.array((0.0, 0.0, 1e-159)))
@example(np.array((0.0, -4.0, 1.0)), np.array((0.0, 0.0, 1.0)), np.array((0.0, 5e-324, 5e-324)))
@example(np.array((0.0, -4.0, 1.0)), np.array((0.0, 0.0, 1.0)), np.array((1e-200, 0.0, 1e200)))
def test_look_at_is_rigid_looks_there_and_is_upright(position, target, up):
    assume(np.linalg.norm(position - target) > 1e-3 and up.any())
    camera = _camera(position, target, up)
    rotation = camera.camera_from_world[:3, :3]
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(rotation) > 0.99
    np.testing.assert_allclose(camera.position, position, atol=1e-7)
    pixels, depth = camera.project(target[None])
    np.testing.assert_allclose(pixels, [[30, 25]], atol=1e-5)
    np.testing.assert_allclose(depth, [np.linalg.norm(position - target)], atol=1e-7)
    # Up in the world is never down in the picture, and never sideways.
    upwards = up / np.abs(up).max()
    assert rotation[1] @ upwards <= 1e-9
    np.testing.assert_allclose(rotation[0] @ upwards, 0, atol=1e-5)


@pytest.mark.parametrize(
    ("target", "up", "said"),
    [
        ((1, 2, 3), (0, 0, 1), "target"),
        ((1, np.nan, 3), (0, 0, 1), "target"),
        ((0, 0, 0), (0, 0, 0), "up direction"),
        ((0, 0, 0), (0, np.inf, 1), "up direction"),
    ],
)
def test_directions_that_are_none_are_refused(target, up, said):
    with pytest.raises(ValueError, match=f"{said}.*finite and not zero"):
        look_at((1, 2, 3), target, up)


@given(position=vector, centre=vector, count=st.integers(2, 30), angle=st.floats(1, 80))
def test_a_cone_keeps_distance_and_angle(position, centre, count, angle):
    assume(np.linalg.norm(position - centre) > 1e-2)
    start = _camera(position, centre + np.array((0.001, 0, 0)))
    cameras = spiral_cone(start, centre, count, angle)
    assert len(cameras) == count
    assert cameras[0] is start
    distance = np.linalg.norm(position - centre)
    axis = (start.position - centre) / distance
    angles = []
    for camera in cameras[1:]:
        offset = camera.position - centre
        np.testing.assert_allclose(np.linalg.norm(offset), distance, rtol=1e-6)
        angles.append(np.degrees(np.arccos(np.clip(offset @ axis / distance, -1, 1))))
        np.testing.assert_allclose(camera.project(centre[None])[0], [[30, 25]], atol=1e-4)
        assert (camera.width, camera.height, camera.fx, camera.fy) == (64, 48, 50.0, 52.0)
    assert np.all(np.diff(angles) > 0)
    assert angles[-1] == pytest.approx(angle, abs=1e-3)


def test_a_cone_by_values():
    """From above the north pole of a sphere of radius 2: the last of 5 cameras at 60 degrees, evenly by area."""
    start = Camera(64, 48, 50.0, 50.0, 32.0, 24.0, look_at((0, 0, 2), (0, 0, 0), (0, 1, 0)))
    cameras = spiral_cone(start, (0, 0, 0), 5, 60.0)
    # Equal areas of the cap are equal heights: z/r = 1 - i/4 * (1 - cos 60).
    np.testing.assert_allclose([camera.position[2] for camera in cameras], [2, 1.75, 1.5, 1.25, 1.0], atol=1e-12)
    turns = [np.arctan2(camera.position[1], camera.position[0]) for camera in cameras[1:]]
    golden = np.pi * (3 - np.sqrt(5))
    np.testing.assert_allclose(np.mod(np.diff(turns), 2 * np.pi), np.full(3, golden), atol=1e-9)


def test_a_cone_stays_upright():
    start = _camera((6, 0, 1), (0, 0, 0))
    for camera in spiral_cone(start, (0.0, 0.5, 0.0), 40, 45.0):
        down = camera.camera_from_world[1, :3]
        assert down @ np.array([0, 0, 1]) < -0.5
        # The picture's horizon is level as far as the first camera's up goes.
        assert abs(camera.camera_from_world[0, :3] @ start.camera_from_world[1, :3]) < 1e-9


def _gaussian(mean, scale=0.1, opacity_logit=6.0):
    return Gaussians(
        np.array([mean], np.float32),
        np.log(np.array([[scale, scale, scale * 4]], np.float32)),
        np.array([[np.sqrt(0.5), 0, np.sqrt(0.5), 0]], np.float32),  # 90 degrees about y: the long axis lies along x
        np.array([opacity_logit], np.float32),
        np.zeros((1, 1, 3), np.float32),
    )


CAMERA = _camera((6, 0, 0), (0, 0, 0))
CLEAR = _gaussian((0, 0, 0))


def _judge(alpha, depth, gaussians=CLEAR, centre=(0.0, 0.0, 0.0)):
    shape = (48, 64)
    return candidate_quality(
        gaussians, CAMERA, centre, np.broadcast_to(depth, shape), np.broadcast_to(1 - np.asarray(alpha), shape)
    )


def test_a_good_candidate():
    quality = _judge(0.9, 6.0)
    assert quality.accepted(1.0)
    assert quality.mean_alpha == pytest.approx(0.9)
    assert (quality.near_share, quality.density, quality.centred) == (0, 0, True)


def test_empty_space_is_rejected_unless_the_first_view_is_empty_too():
    assert not _judge(0.3, 6.0).accepted(1.0)
    assert _judge(0.3, 6.0).accepted(0.4)


def test_something_right_in_front_is_rejected():
    depth = np.full((48, 64), 6.0)
    depth[:, :16] = 0.5
    assert _judge(1.0, depth).near_share == pytest.approx(0.25)
    assert not _judge(1.0, depth).accepted(1.0)
    depth[:, 8:16] = 6.0
    assert _judge(1.0, depth).near_share == pytest.approx(0.125)
    assert _judge(1.0, depth).accepted(1.0)


def test_a_hidden_centre_is_rejected():
    depth = np.full((48, 64), 6.0)
    depth[23:27, 28:32] = 3.0  # about the principal point (30, 25)
    quality = _judge(0.9, depth)
    assert quality.centre_depth == pytest.approx(0.5)
    assert not quality.accepted(1.0)
    assert _judge(np.where(depth < 6, 0.0, 0.9), depth).centre_depth == np.inf
    assert _judge(0.9, 6.3).centre_depth == pytest.approx(1.05)


def test_depth_of_empty_pixels_does_not_count():
    depth = np.full((48, 64), 6.0)
    alpha = np.ones((48, 64))
    alpha[:, :16], depth[:, :16] = 0, np.nan
    assert _judge(alpha, depth).near_share == 0
    depth[:, :16] = 0
    assert _judge(alpha, depth).near_share == 0


def test_inside_an_opaque_gaussian_is_rejected():
    # 0.4 along the Gaussian's long axis is one standard deviation; the same distance across is four.
    quality = _judge(1.0, 6.0, _gaussian((6.4, 0, 0)))
    assert quality.density == pytest.approx(np.exp(-0.5) / (1 + np.exp(-6)), rel=1e-4)
    assert not quality.accepted(1.0)
    assert _judge(1.0, 6.0, _gaussian((6, 0.4, 0))).density == pytest.approx(np.exp(-8) / (1 + np.exp(-6)), rel=1e-3)
    assert _judge(1.0, 6.0, _gaussian((6, 0.4, 0))).accepted(1.0)
    assert _judge(1.0, 6.0, _gaussian((6, 0, 0), opacity_logit=-3)).accepted(1.0)


@pytest.mark.parametrize("centre", [(0, 9, 0), (9, 0, 0)])
def test_a_centre_outside_the_picture_is_rejected(centre):
    quality = _judge(1.0, 6.0, centre=centre)
    assert not quality.centred
    assert not quality.accepted(1.0)
