# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Similarity transforms of Gaussians."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from splatcut.errors import UserError
from splatcut.scene import sh
from splatcut.scene.gaussians import Gaussians
from splatcut.scene.rotations import rotation_matrices
from splatcut.scene.transform import apply_transform, decompose_similarity, quaternion_from_matrix

angles = st.floats(-np.pi, np.pi)
offsets = st.floats(-10, 10)


@st.composite
def similarities(draw) -> np.ndarray:
    matrix = np.eye(4)
    rotation = Rotation.from_euler("xyz", [draw(angles), draw(angles), draw(angles)]).as_matrix()
    mirrored = np.diag(draw(st.sampled_from([(1, 1, 1), (-1, 1, 1), (1, 1, -1), (-1, -1, -1)])))
    matrix[:3, :3] = rotation @ mirrored * draw(st.floats(0.1, 10))
    matrix[:3, 3] = [draw(offsets) for _ in range(3)]
    return matrix


def some_gaussians(degree: int = 3, count: int = 20) -> Gaussians:
    rng = np.random.default_rng(0)
    return Gaussians(
        means=rng.normal(size=(count, 3)).astype(np.float32),
        log_scales=rng.uniform(-3, 0, (count, 3)).astype(np.float32),
        quats=(rng.normal(size=(count, 4)) * 2).astype(np.float32),
        opacity_logits=rng.normal(size=count).astype(np.float32),
        sh=rng.normal(size=(count, (degree + 1) ** 2, 3)).astype(np.float32),
    )


def covariances(g: Gaussians) -> np.ndarray:
    half = rotation_matrices(g.quats) * np.exp(g.log_scales.astype(np.float64))[:, None, :]
    return half @ half.transpose(0, 2, 1)


def colours(g: Gaussians, eye: np.ndarray) -> np.ndarray:
    return np.einsum("nk,nkc->nc", sh.basis(g.means.astype(np.float64) - eye, g.sh_degree), g.sh)


def assert_close(a: Gaussians, b: Gaussians, tolerance: float) -> None:
    scale = max(1.0, float(np.abs(b.means).max()))
    np.testing.assert_allclose(a.means, b.means, atol=tolerance * scale)
    np.testing.assert_allclose(a.log_scales, b.log_scales, atol=tolerance)
    largest = np.abs(covariances(b)).max()
    np.testing.assert_allclose(covariances(a) / largest, covariances(b) / largest, atol=tolerance)
    np.testing.assert_allclose(a.sh, b.sh, atol=tolerance * 10)


@settings(max_examples=40)
@given(similarities(), st.integers(0, 4))
def test_positions_shapes_and_colours_move_together(matrix, degree) -> None:
    g = some_gaussians(degree)
    moved = apply_transform(g, matrix)
    linear, shift = matrix[:3, :3], matrix[:3, 3]
    np.testing.assert_allclose(moved.means, g.means @ linear.T + shift, rtol=1e-5, atol=1e-4)
    expected = linear @ covariances(g) @ linear.T
    np.testing.assert_allclose(covariances(moved), expected, atol=1e-5 * np.abs(expected).max())
    eye = np.array([5.0, -3.0, 4.0])
    np.testing.assert_allclose(colours(moved, linear @ eye + shift), colours(g, eye), atol=2e-4)
    np.testing.assert_array_equal(moved.opacity_logits, g.opacity_logits)


@settings(max_examples=30)
@given(similarities(), similarities())
def test_composition_and_inverse(a, b) -> None:
    g = some_gaussians()
    assert_close(apply_transform(apply_transform(g, a), b), apply_transform(g, b @ a), 1e-4)
    assert_close(apply_transform(apply_transform(g, a), np.linalg.inv(a)), g, 1e-3)


def test_what_a_transform_does_not_touch_stays_bit_identical() -> None:
    g = some_gaussians()
    same = apply_transform(g, np.eye(4))
    for name in ("means", "log_scales", "quats", "opacity_logits", "sh"):
        np.testing.assert_array_equal(getattr(same, name), getattr(g, name))
    matrix = np.diag([2.0, 2.0, 2.0, 1.0])
    matrix[:3, 3] = 1
    scaled = apply_transform(g, matrix)
    np.testing.assert_array_equal(scaled.quats, g.quats)
    np.testing.assert_array_equal(scaled.sh, g.sh)


@pytest.mark.parametrize("degree", range(5))
def test_a_mirroring_changes_nothing_but_signs(degree) -> None:
    g = some_gaussians(degree)
    eye = np.array([5.0, -3.0, 4.0])
    for axis in range(3):
        flip = np.eye(4)
        flip[axis, axis] = -1
        mirrored = apply_transform(g, flip)
        for name in ("means", "quats", "sh"):
            np.testing.assert_array_equal(np.abs(getattr(mirrored, name)), np.abs(getattr(g, name)))
        np.testing.assert_array_equal(mirrored.log_scales, g.log_scales)
        np.testing.assert_array_equal(mirrored.means[:, axis], -g.means[:, axis])
        linear = flip[:3, :3]
        np.testing.assert_allclose(covariances(mirrored), linear @ covariances(g) @ linear, atol=1e-12)
        np.testing.assert_allclose(colours(mirrored, linear @ eye), colours(g, eye), atol=1e-12)
        again = apply_transform(mirrored, flip)
        for name in ("means", "log_scales", "quats", "opacity_logits", "sh"):
            np.testing.assert_array_equal(getattr(again, name), getattr(g, name))


@settings(max_examples=60)
@given(angles, angles, angles)
def test_quaternion_from_matrix(x, y, z) -> None:
    rotation = Rotation.from_euler("xyz", [x, y, z]).as_matrix()
    quaternion = quaternion_from_matrix(rotation)
    assert quaternion[0] >= 0
    np.testing.assert_allclose(rotation_matrices(quaternion[None])[0], rotation, atol=1e-9)


def test_half_turns() -> None:
    for axis in range(3):
        rotation = -np.eye(3)
        rotation[axis, axis] = 1
        np.testing.assert_allclose(np.abs(quaternion_from_matrix(rotation)[1 + axis]), 1, atol=1e-12)


@pytest.mark.parametrize(
    ("matrix", "word"),
    [
        (np.diag([1.0, 2.0, 1.0, 1.0]), "unevenly"),
        (np.diag([-1.0, 1.0, 1.0, 1.0]), "mirrors"),
        (np.diag([0.0, 1.0, 1.0, 1.0]), "flat"),
        (np.eye(3), "4 x 4"),
        (np.full((4, 4), np.nan), "finite"),
        (np.eye(4)[::-1], "perspective"),
        (np.array([[1, 0.2, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]), "shears"),
    ],
)
def test_refuses_what_is_no_similarity(matrix, word) -> None:
    with pytest.raises(UserError, match=word):
        decompose_similarity(matrix)
