# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Splitting: moments that are kept, sides, axes, and edge normals read off masks of a known edge."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mask_scenes import camera_at, hard_masks, make_gaussians
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.stats import norm

from splatcut.progress import Quiet
from splatcut.scene.camera import Camera, View
from splatcut.scene.gaussians import Gaussians, concatenate
from splatcut.scene.rotations import rotation_matrices
from splatcut.split import (
    SplitOptions,
    covariances,
    edge_normals,
    half_moments,
    projection_jacobians,
    split,
    split_axes,
)


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.75, 0.9])
def test_half_moments_against_integration(share):
    threshold = norm.isf(share)
    mass = quad(norm.pdf, threshold, 12.0)[0]
    mean = quad(lambda x: x * norm.pdf(x), threshold, 12.0)[0] / mass
    variance = quad(lambda x: (x - mean) ** 2 * norm.pdf(x), threshold, 12.0)[0] / mass
    assert mass == pytest.approx(share, abs=1e-8)
    got_mean, got_deviation = half_moments(np.array([share]))
    assert got_mean[0] == pytest.approx(mean, abs=1e-7)
    assert got_deviation[0] == pytest.approx(np.sqrt(variance), abs=1e-7)


def test_half_moments_by_values():
    mean, deviation = half_moments(np.array([0.5]))
    assert mean[0] == pytest.approx(np.sqrt(2 / np.pi))
    assert deviation[0] == pytest.approx(np.sqrt(1 - 2 / np.pi))


def _mass(gaussians: Gaussians) -> NDArray[np.float64]:
    """[N] peak opacity times volume (but for a constant factor)."""
    return gaussians.opacities().astype(np.float64) * np.exp(gaussians.log_scales.astype(np.float64).sum(axis=1))


quaternion = st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda q: float(np.linalg.norm(q)) > 0.1)
direction = st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda d: float(np.linalg.norm(d)) > 0.1)


@given(
    quat=quaternion,
    axis=st.integers(0, 2),
    share=st.floats(0.1, 0.9),
    opacity=st.floats(0.05, 0.85),
    scales=st.tuples(*[st.floats(0.05, 2.0)] * 3),
    towards=direction,
)
def test_children_keep_mean_covariance_and_mass(quat, axis, share, opacity, scales, towards):
    parent = make_gaussians([[0.3, -0.2, 0.5]], scales, opacity, quats=quat)
    children = split(parent, np.array([0]), np.array([axis]), np.array([towards]), np.array([share])).gaussians
    assert len(children) == 2
    mass = _mass(children)
    np.testing.assert_allclose(mass.sum(), _mass(parent)[0], rtol=1e-4)
    np.testing.assert_allclose(mass / mass.sum(), [share, 1.0 - share], atol=1e-4)
    means = children.means.astype(np.float64)
    mean = np.average(means, axis=0, weights=mass)
    np.testing.assert_allclose(mean, parent.means[0], atol=1e-4)
    apart = means - mean
    spread = covariances(children) + apart[:, :, None] * apart[:, None, :]
    np.testing.assert_allclose(np.average(spread, axis=0, weights=mass), covariances(parent)[0], atol=2e-4)
    # The first child, in its parent's row, lies on the object's side, the second on the other.
    side = means @ np.array(towards) - parent.means[0].astype(np.float64) @ np.array(towards)
    along = rotation_matrices(parent.quats)[0, :, axis] @ np.array(towards)
    if abs(along) > 1e-3:
        assert side[0] > 0 > side[1]
    np.testing.assert_array_equal(children.quats, np.repeat(parent.quats, 2, axis=0))
    np.testing.assert_array_equal(children.sh, np.repeat(parent.sh, 2, axis=0))


def test_rows_of_a_split():
    """Children replace their parents, second ones come last, all else is untouched."""
    gaussians = make_gaussians(np.arange(15.0).reshape(5, 3), 0.2, [0.1, 0.2, 0.3, 0.4, 0.5])
    before = gaussians.means.copy()
    towards = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
    result = split(gaussians, np.array([3, 1]), np.array([1, 0]), towards, np.array([0.5, 0.5]))
    np.testing.assert_array_equal(gaussians.means, before)
    np.testing.assert_array_equal(result.parent, [0, 1, 2, 3, 4, 3, 1])
    np.testing.assert_array_equal(result.changed, [False, True, False, True, False, True, True])
    np.testing.assert_array_equal(result.gaussians.means[[0, 2, 4]], before[[0, 2, 4]])
    np.testing.assert_array_equal(result.gaussians.log_scales[[0, 2, 4]], gaussians.log_scales[[0, 2, 4]])
    np.testing.assert_array_equal(result.gaussians.opacity_logits[[0, 2, 4]], gaussians.opacity_logits[[0, 2, 4]])
    step = 0.2 * np.sqrt(2 / np.pi)
    moved = result.gaussians.means[[3, 5, 1, 6]] - before[[3, 3, 1, 1]]
    np.testing.assert_allclose(moved, [[0, step, 0], [0, -step, 0], [-step, 0, 0], [step, 0, 0]], atol=1e-5)


def test_extreme_shares_are_cut_at_a_tenth():
    parent = make_gaussians([[0, 0, 0]], 1.0, 0.5)
    index, axis, towards = np.array([0]), np.array([0]), np.array([[1.0, 0.0, 0.0]])
    surely = split(parent, index, axis, towards, np.array([1.0])).gaussians
    tenth = split(parent, index, axis, towards, np.array([0.9])).gaussians
    np.testing.assert_array_equal(surely.means, tenth.means)
    np.testing.assert_array_equal(surely.opacity_logits, tenth.opacity_logits)


def test_opacity_never_reaches_one():
    children = split(
        make_gaussians([[0, 0, 0]], 1.0, 0.9999), np.array([0]), np.array([0]), np.array([[1.0, 0, 0]]), np.array([0.9])
    ).gaussians
    assert children.opacities().max() < 1.0
    assert np.isfinite(children.opacity_logits).all()


def test_nothing_to_split():
    parent = make_gaussians(np.zeros((3, 3)), 1.0)
    none = np.empty(0, np.int64)
    result = split(parent, none, none, np.empty((0, 3)), np.empty(0))
    assert len(result.gaussians) == 3
    assert not result.changed.any()


def test_jacobians_against_differences():
    camera = camera_at((1.0, -2.0, -3.0))
    gaussians = make_gaussians([[0.1, 0.2, -0.3], [-0.5, 0.4, 0.2]], 0.1)
    step = 1e-5
    expected = np.stack(
        [
            (camera.project(gaussians.means + step * e)[0] - camera.project(gaussians.means - step * e)[0]) / (2 * step)
            for e in np.eye(3)
        ],
        axis=2,
    )
    np.testing.assert_allclose(projection_jacobians(gaussians, camera), expected, rtol=1e-5, atol=1e-5)


@given(quat=quaternion, scales=st.tuples(*[st.floats(0.05, 2.0)] * 3))
def test_covariances_have_the_scales_along_the_axes(quat, scales):
    gaussians = make_gaussians([[0, 0, 0]], scales, quats=quat)
    axes = rotation_matrices(gaussians.quats)[0]
    np.testing.assert_allclose(
        axes.T @ covariances(gaussians)[0] @ axes, np.diag(np.square(scales)), rtol=1e-5, atol=1e-6
    )


# A wall of Gaussians in the plane z = 0, and an object that is the half of it where a . (x, y) > 0.


def _wall() -> Gaussians:
    steps = np.arange(-1.6, 1.61, 0.16)
    x, y = np.meshgrid(steps, steps)
    places = np.stack([x.ravel(), y.ravel(), np.zeros(x.size)], axis=1)
    return make_gaussians(places, (0.12, 0.12, 0.005), 0.8)


def _half_plane(camera: Camera, across: NDArray[np.float64]) -> NDArray[np.bool_]:
    """[H, W] bool: pixels whose ray meets the plane z = 0 on the object's side."""
    x, y = np.meshgrid(np.arange(camera.width) + 0.5, np.arange(camera.height) + 0.5)
    pixels = np.stack([x.ravel(), y.ravel()], axis=1)
    ray = camera.unproject(pixels, np.ones(len(pixels))) - camera.position
    hit = camera.position + ray * (-camera.position[2] / ray[:, 2])[:, None]
    return (hit @ across > 0).reshape(camera.height, camera.width)


def _views() -> list[View]:
    places = [(0, 0, -3), (1, 0, -3), (-1, 0, -3), (0, 1, -3), (0, -1, -3)]
    return [View(f"view_{i}", camera_at(place)) for i, place in enumerate(places)]


@pytest.mark.parametrize("degrees", [0, 35, 90, 200])
def test_edge_normals_point_across_a_known_edge(degrees):
    across = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees)), 0.0])
    gaussians, views = _wall(), _views()
    masks = hard_masks(views, [_half_plane(view.camera, across)[None] for view in views])
    offset = gaussians.means @ across
    index = np.flatnonzero((np.abs(offset) < 0.06) & (np.linalg.norm(gaussians.means, axis=1) < 0.7))
    assert len(index) >= 3
    objects = np.zeros(len(index), np.int64)
    normal, pixels = edge_normals(gaussians, index, views, masks, objects, Quiet())
    unit = normal / np.linalg.norm(normal, axis=1, keepdims=True)
    assert (unit @ across).min() > 0.9
    # The first camera is the closest for most of them: 64 pixels of focal length at 3 units.
    np.testing.assert_allclose(pixels, 64 / 3, rtol=0.15)
    axis = split_axes(gaussians.take(index), normal, pixels, 1.0)
    if degrees in (0, 200):
        np.testing.assert_array_equal(axis, 0)
    if degrees == 90:
        np.testing.assert_array_equal(axis, 1)


def test_an_edge_elsewhere_has_no_normal():
    gaussians, views = _wall(), _views()
    masks = hard_masks(views, [np.ones((1, 48, 64), bool) for _ in views])
    index = np.arange(20)
    normal, _ = edge_normals(gaussians, index, views, masks, np.zeros(20, np.int64), Quiet())
    np.testing.assert_allclose(normal, 0.0, atol=1e-2)


def test_each_gaussian_is_asked_about_its_own_object_and_untrusted_views_are_left_out():
    right, down = np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])
    gaussians, views = _wall(), _views()
    pictures = [np.stack([_half_plane(view.camera, a) for a in (right, down)]) for view in views]
    pictures[4] = ~pictures[4]
    trust = np.ones((5, 2))
    trust[4] = 0.0
    masks = hard_masks(views, pictures, trust)
    centre = int(np.argmin(np.linalg.norm(gaussians.means, axis=1)))
    normal, _ = edge_normals(gaussians, np.array([centre, centre]), views, masks, np.array([0, 1]), Quiet())
    unit = normal / np.linalg.norm(normal, axis=1, keepdims=True)
    assert unit[0] @ right > 0.9
    assert unit[1] @ down > 0.9
    without = masks.confidence.copy()
    without[:] = 0.0
    blind = hard_masks(views, pictures, without)
    normal, pixels = edge_normals(gaussians, np.array([centre]), views, blind, np.array([0]), Quiet())
    assert not normal.any()
    assert not pixels.any()


def test_split_axes_by_values():
    turned = [np.cos(np.pi / 4), 0.0, 0.0, np.sin(np.pi / 4)]  # 90 degrees about z: own x is the world's y
    gaussians = concatenate(
        [
            make_gaussians([[0, 0, 0]], (0.2, 0.1, 0.1)),
            make_gaussians([[0, 0, 0]], (0.2, 0.1, 0.1)),
            make_gaussians([[0, 0, 0]], (0.2, 0.1, 0.1), quats=turned),
            make_gaussians([[0, 0, 0]], (0.2, 0.1, 0.1)),
            make_gaussians([[0, 0, 0]], (0.2, 0.1, 0.1)),
        ]
    )
    # A long axis at an angle may still see more of the edge than a short one across it (0.2 * 0.6 > 0.1 * 0.8).
    normal = np.array([[1.0, 0, 0], [0.6, -0.8, 0], [0, 1.0, 0], [0, 0, 0], [0, 0, 1.0]])
    pixels = np.array([10.0, 10.0, 10.0, 10.0, 9.0])
    np.testing.assert_array_equal(split_axes(gaussians, normal, pixels, 1.0), [0, 0, 0, -1, -1])
    np.testing.assert_array_equal(split_axes(gaussians, normal, pixels, 2.1), [-1, -1, -1, -1, -1])


@pytest.mark.parametrize("options", [{"min_pixels": 0.0}, {"rounds": -1}])
def test_bad_options_are_refused(options):
    with pytest.raises(ValueError, match="must"):
        SplitOptions(**options)
