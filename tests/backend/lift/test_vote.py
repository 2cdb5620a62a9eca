# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Lifting: the vote against its definition, computed densely with the reference rasteriser."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from mask_scenes import balls_on_floor, hard_masks, make_gaussians, ring
from numpy.typing import NDArray
from raster_scenes import SceneOptions, random_scene

from splatcut import raster
from splatcut.lift import Problem
from splatcut.lift.vote import Tally, ViewSums, accumulate_view, accumulate_views, unseen_neighbours, vote
from splatcut.scene.camera import View
from splatcut.scene.gaussians import Gaussians
from splatcut.scene.masks import MaskSet


def dense_weights(gaussians: Gaussians, view: View) -> NDArray[np.float64]:
    """[N, H, W] blending weights w_i(p): every Gaussian has a channel of its own."""
    channels = np.eye(len(gaussians), dtype=np.float32)
    features = raster.render(gaussians, view.camera, features=channels, colour=False, device="reference").features
    return features.astype(np.float64).transpose(2, 0, 1)


def _case() -> tuple[Gaussians, list[View], MaskSet]:
    gaussians = random_scene(3, SceneOptions(count=25, spread=0.7)).gaussians
    rng = np.random.default_rng(0)
    middle = gaussians.means.mean(axis=0)
    # All see the same scene from around its middle.
    views = [
        View(view.name, replace(view.camera, camera_from_world=_moved(view.camera.camera_from_world, middle)))
        for view in ring(3, radius=5.0, width=37, height=29)
    ]
    probability = [rng.integers(0, 256, (2, 29, 37)).astype(np.uint8) for _ in views]
    confidence = np.array([[1.0, 0.3], [0.5, 1.0], [0.0, 0.8]], np.float32)
    return gaussians, views, MaskSet(("a", "b"), tuple(view.name for view in views), probability, confidence)


def _moved(pose: NDArray[np.float64], origin: NDArray[np.floating]) -> NDArray[np.float64]:
    """The camera whose view of ``origin`` is what ``pose`` sees of the world's origin."""
    moved = pose.copy()
    moved[:3, 3] = pose[:3, 3] - pose[:3, :3] @ origin
    return moved


def test_vote_is_the_weighted_least_squares_label():
    """m_ik minimises sum_v c_vk sum_p w_i(p) (M_vk(p) - m)^2, which is linear in the masks."""
    gaussians, views, masks = _case()
    probability, weight = vote(gaussians, accumulate_views(Problem(gaussians, views, masks)), masks.confidence)
    weights = [dense_weights(gaussians, view) for view in views]
    seen = (weights[0] + weights[1]).sum(axis=(1, 2)) > 0.01
    assert seen.sum() > 15
    for k in range(2):
        rows = np.concatenate(
            [np.sqrt(c) * np.sqrt(w.reshape(25, -1)).T for c, w in zip(masks.confidence[:, k], weights, strict=True)]
        )
        signal = np.concatenate([masks.soft(v)[k].ravel() for v in range(3)])
        for i in np.flatnonzero(seen):
            column = rows[:, i]
            best = np.linalg.lstsq(column[:, None], column * signal, rcond=None)[0][0]
            assert probability[i, k] == pytest.approx(best, abs=2e-4)
    seen_by_all = np.stack([w.sum(axis=(1, 2)) for w in weights])
    expected = (masks.confidence.max(axis=1)[:, None] * seen_by_all).sum(axis=0)
    np.testing.assert_allclose(weight, expected, rtol=2e-3, atol=1e-3)


def test_sums_of_a_view_are_those_of_the_dense_weights():
    gaussians, views, masks = _case()
    sums = accumulate_view(gaussians, views[0], masks.soft(0))
    weights = dense_weights(gaussians, views[0])
    np.testing.assert_array_equal(sums.index, np.flatnonzero(weights.sum(axis=(1, 2)) > 0))
    np.testing.assert_allclose(sums.weight, weights.sum(axis=(1, 2))[sums.index], rtol=2e-3, atol=1e-4)
    expected = np.einsum("nhw,khw->nk", weights, masks.soft(0))[sums.index]
    np.testing.assert_allclose(sums.weighted, expected, rtol=2e-3, atol=1e-4)
    assert (sums.weighted <= sums.weight[:, None]).all()


def _sums(index: list[int], weight: list[float], weighted: list[float]) -> ViewSums:
    return ViewSums(
        np.array(index, np.int32), np.array(weight, np.float32), np.array(weighted, np.float32).reshape(len(index), -1)
    )


def test_views_count_by_confidence_and_weight():
    """Gaussian 0: (1 * 1 + 0.25 * 6) / (1 * 4 + 0.25 * 8) = 2.5 / 6; Gaussian 1 is in the second view only."""
    gaussians = make_gaussians([[0, 0, 0], [1, 0, 0]], 0.1)
    sums = [_sums([0], [4.0], [1.0]), _sums([0, 1], [8.0, 2.0], [6.0, 0.5])]
    probability, weight = vote(gaussians, sums, np.array([[1.0], [0.25]], np.float32))
    np.testing.assert_allclose(probability[:, 0], [2.5 / 6.0, 0.25], rtol=1e-6)
    np.testing.assert_allclose(weight, [4.0 + 2.0, 0.5], rtol=1e-6)


def test_a_view_without_confidence_is_not_looked_at():
    gaussians, views, masks = _case()
    none = MaskSet(masks.objects, masks.views, masks.probability, np.zeros_like(masks.confidence))
    sums = accumulate_views(Problem(gaussians, views, none))
    assert all(len(view.index) == 0 for view in sums)
    for result in vote(gaussians, sums, none.confidence):
        np.testing.assert_array_equal(result, 0.0)


def test_unseen_gaussians_take_the_mean_of_their_neighbours():
    """The unseen one at x = 10 is nearest to those at 9 and 11."""
    gaussians = make_gaussians([[0, 0, 0], [9, 0, 0], [10, 0, 0], [11, 0, 0], [30, 0, 0]], 0.1)
    sums = [_sums([0, 1, 3, 4], [1.0] * 4, [0.0, 0.25, 0.75, 1.0])]
    trust, two = np.ones((1, 1), np.float32), partial(unseen_neighbours, count=2)
    probability, weight = vote(gaussians, sums, trust, two)
    np.testing.assert_allclose(probability[:, 0], [0.0, 0.25, 0.5, 0.75, 1.0], rtol=1e-6)
    np.testing.assert_array_equal(weight, [1, 1, 0, 1, 1])
    # Fewer than eight neighbours: the mean of all.
    assert vote(gaussians, sums, trust)[0][2, 0] == pytest.approx(0.5)


def test_unseen_gaussians_far_from_all_seen_ones_are_background():
    """Seen ones stand 1 apart, so 2 neighbours are usually within 1; 10 times that is as far as a label reaches."""
    places = [[float(x), 0, 0] for x in range(20)]
    gaussians = make_gaussians([*places, [25, 0, 0], [40, 0, 0]], 0.1)
    sums = [_sums(list(range(20)), [1.0] * 20, [1.0] * 20)]
    probability, _ = vote(gaussians, sums, np.ones((1, 1), np.float32), partial(unseen_neighbours, count=2))
    np.testing.assert_array_equal(probability[20:, 0], [1.0, 0.0])


def test_exact_masks_find_the_objects():
    """The threshold of the true masks' vote gives back who belongs to which ball, but for what is hidden."""
    scene = balls_on_floor((-0.5, 0.0, 0.0), (0.5, 0.0, 0.0))
    views = ring(8)
    masks = hard_masks(views, [np.stack([scene.truth(v.camera, k) for k in (1, 2)]) for v in views])
    sums = accumulate_views(Problem(scene.gaussians, views, masks))
    probability, weight = vote(scene.gaussians, sums, masks.confidence)
    for k in (1, 2):
        sure = weight > 1.0
        inside = probability[:, k - 1] > 0.5
        assert (inside == (scene.owner == k))[sure].mean() > 0.97


FIRST = ViewSums(
    np.array([0, 2], np.int32), np.array([4.0, 1.0], np.float32), np.array([[3.0, 0.0], [1.0, 0.5]], np.float32)
)
SECOND = ViewSums(np.array([0], np.int32), np.array([4.0], np.float32), np.array([[0.0, 4.0]], np.float32))


def test_a_tally_by_values():
    tally = Tally(3, 2)
    tally.add(FIRST, np.array([1.0, 0.5]))
    np.testing.assert_allclose(tally.features(), [[0.75, 0, 1, 1], [0, 0, 0, 0], [1, 0.5, 1, 1]], rtol=1e-6)
    tally.add(SECOND, np.array([1.0, 0.0]))
    np.testing.assert_allclose(tally.features()[0], [3 / 8, 0, 1, 1], rtol=1e-6)


def test_little_evidence_is_no_vote():
    tally = Tally(3, 2)
    tally.add(FIRST, np.array([0.25, 1.0]))  # Gaussian 2 and object 0: a quarter of a square pixel
    np.testing.assert_allclose(tally.features()[2], [0.0, 0.5, 0.0, 1.0], rtol=1e-6)


def test_without_a_view_is_as_if_it_had_never_voted():
    both, first = Tally(3, 2), Tally(3, 2)
    trust = np.array([0.7, 0.9])
    first.add(FIRST, trust)
    both.add(FIRST, trust)
    both.add(SECOND, trust)
    before = both.features()
    np.testing.assert_allclose(both.without(SECOND, trust), first.features(), atol=1e-6)
    np.testing.assert_allclose(both.features(), before, atol=1e-6)
