# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Mask variance: the law of total variance against the variance of the pixels themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mask_scenes import balls_on_floor, hard_masks, make_gaussians, ring
from numpy.typing import NDArray

from splatcut import raster
from splatcut.lift import Problem
from splatcut.lift.variance import mask_variance
from splatcut.lift.vote import ViewSums, accumulate_view, accumulate_views, vote

#: No view is left out for showing little.
ALL_VIEWS = 0.0


def _sums(weight: list[float], share: list[float]) -> list[ViewSums]:
    """One Gaussian and one object: per view the weight and the share of it inside the mask."""
    return [
        ViewSums(np.zeros(1, np.int32), np.array([w], np.float32), np.array([[w * m]], np.float32))
        for w, m in zip(weight, share, strict=True)
    ]


def _trust(count: int) -> NDArray[np.float32]:
    return np.ones((count, 1), np.float32)


@pytest.mark.parametrize(
    ("share", "disagreement", "straddling"),
    [
        ([1.0, 1.0], 0.0, 0.0),
        ([0.5, 0.5], 0.0, 1.0),  # half inside in every view
        ([1.0, 0.0], 1.0, 0.0),  # the views contradict each other
        ([1.0, 0.5], 0.25, 0.5),
    ],
)
def test_variance_by_values(share, disagreement, straddling):
    variance = mask_variance(_sums([2.0, 2.0], share), 1, _trust(2), ALL_VIEWS)
    assert variance[0, 0] == pytest.approx(disagreement + straddling, abs=1e-6)


@given(st.lists(st.tuples(st.floats(0.01, 100.0), st.floats(0.0, 1.0), st.floats(0.05, 1.0)), min_size=1, max_size=6))
def test_the_total_is_one_minus_the_squared_mean(views):
    """For hard masks, whatever the views' weights: sigma^2 = 1 - s^2, with s from the vote's probability."""
    sums = _sums([w for w, _, _ in views], [m for _, m, _ in views])
    trust = np.array([[c] for _, _, c in views], np.float32)
    variance = mask_variance(sums, 1, trust, ALL_VIEWS)
    gaussian = make_gaussians([[0, 0, 0]], 0.1)
    signal = 2.0 * float(vote(gaussian, sums, trust)[0][0, 0]) - 1.0
    assert float(variance[0, 0]) == pytest.approx(1.0 - signal**2, abs=1e-5)


def test_terms_are_those_of_the_pixels():
    """Pixels of all views with their blending weights, hard masks: between and within view variances of s = 2M - 1."""
    scene = balls_on_floor((0.0, 0.0, 0.0))
    views = ring(3)
    rng = np.random.default_rng(1)
    # Masks that are off by a few pixels, each to another side, so that the views disagree.
    truth = [np.roll(scene.truth(v.camera), rng.integers(-3, 4, 2), axis=(0, 1))[None] for v in views]
    masks = hard_masks(views, truth, [[1.0], [0.5], [0.7]])
    sums = accumulate_views(Problem(scene.gaussians, views, masks))
    variance = mask_variance(sums, len(scene.gaussians), masks.confidence, ALL_VIEWS)
    straddlers = np.flatnonzero((variance[:, 0] > 0.3) & (variance[:, 0] < 0.95))[::5]
    disagreements = []
    channels = np.zeros((len(scene.gaussians), len(straddlers)), np.float32)
    channels[straddlers, np.arange(len(straddlers))] = 1.0
    blended = [
        raster.render(scene.gaussians, view.camera, features=channels, colour=False, device="reference").features
        for view in views
    ]
    for column, i in enumerate(straddlers):
        weights, means, within = [], [], []
        for view, mask, trust in zip(blended, truth, masks.confidence[:, 0], strict=True):
            w, s = view[..., column].astype(np.float64), 2.0 * mask[0] - 1.0
            if w.sum() == 0:
                continue
            mean = (w * s).sum() / w.sum()
            weights.append(trust * w.sum())
            means.append(mean)
            within.append((w * (s - mean) ** 2).sum() / w.sum())
        middle = np.average(means, weights=weights)
        between = np.average((np.array(means) - middle) ** 2, weights=weights)
        disagreements.append(between)
        assert variance[i, 0] == pytest.approx(between + np.average(within, weights=weights), abs=2e-3)
    assert (np.array(disagreements) > 0.05).sum() > 4


def test_half_inside_in_every_view_is_straddling():
    gaussian = make_gaussians([[0, 0, 0]], 0.15)
    views = ring(6)
    left = np.zeros((1, 48, 64), np.float32)
    left[:, :, :32] = 1.0
    sums = [accumulate_view(gaussian, view, left) for view in views]
    variance = mask_variance(sums, 1, _trust(6))
    assert variance[0, 0] == pytest.approx(1.0, abs=1e-4)


def test_views_that_barely_show_it_do_not_count():
    sums = _sums([10.0, 0.4], [1.0, 0.0])
    left_out = mask_variance(sums, 1, _trust(2), 0.05)
    assert left_out[0, 0] == 0.0
    counted = mask_variance(sums, 1, _trust(2), 0.03)
    mean = 2.0 * 10.0 / 10.4 - 1.0
    assert counted[0, 0] == pytest.approx(1.0 - mean**2, abs=1e-5)


def test_a_view_without_trust_does_not_count():
    sums = _sums([1.0, 1.0], [1.0, 0.0])
    variance = mask_variance(sums, 1, np.array([[1.0], [0.0]], np.float32), ALL_VIEWS)
    assert variance[0, 0] == 0.0


def test_unseen_gaussians_have_no_variance():
    variance = mask_variance(_sums([1.0], [0.5]), 3, _trust(1), ALL_VIEWS)
    np.testing.assert_allclose(variance[:, 0], [1.0, 0.0, 0.0], atol=1e-6)
