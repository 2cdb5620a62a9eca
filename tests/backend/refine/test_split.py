# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Splitting: moments that are kept, and sides."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mask_scenes import make_gaussians
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.stats import norm

from splatcut.refine.split import half_moments, split
from splatcut.scene.gaussians import Gaussians
from splatcut.scene.rotations import rotation_matrices


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


def covariances(gaussians: Gaussians) -> NDArray[np.float64]:
    """[N, 3, 3]."""
    axes = rotation_matrices(gaussians.quats) * gaussians.scales()[:, None, :].astype(np.float64)
    return axes @ axes.transpose(0, 2, 1)


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
