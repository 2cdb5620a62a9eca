# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from bench.click_cases import bonsai
from bench.click_cases.cases import LEAST, Case, Meant, cases, draw
from bench.click_cases.fit import fit_weights, taken
from splatcut.scene.gaussians import Gaussians


def square(low: int, high: int, side: int = 60) -> np.ndarray:
    mask = np.zeros((side, side), bool)
    mask[low:high, low:high] = True
    return mask


def test_clicks_lie_inside_and_come_again_with_the_seed() -> None:
    mask = square(10, 50)
    clicks = draw(mask, 200, np.random.default_rng(4))
    # Deeper than 3 pixels: the three outermost pixels on each side are left out.
    assert clicks.min() == 13.5
    assert clicks.max() == 46.5
    np.testing.assert_array_equal(clicks, draw(mask, 200, np.random.default_rng(4)))
    assert len(np.unique(clicks, axis=0)) == 200
    # Uniform: the mean is the middle.
    np.testing.assert_allclose(clicks.mean(axis=0), 30, atol=2)


def test_thin_things_are_clicked_too() -> None:
    mask = np.zeros((20, 60), bool)
    mask[9:11, 5:55] = True
    clicks = draw(mask, 5, np.random.default_rng(0))
    assert len(clicks) == 5
    assert all(mask[int(y), int(x)] for x, y in clicks)


def test_the_better_of_two_meanings_counts_and_only_valid_pixels() -> None:
    small, large = square(20, 40), square(10, 50)
    everywhere = np.ones_like(small)
    case = Case("s", "t", None, [Meant(small, everywhere), Meant(large, everywhere)], np.zeros((0, 2)))  # type: ignore[arg-type]
    assert case.score(large) == 1.0
    assert case.score(small) == 1.0
    assert case.score(square(20, 30)) == pytest.approx(100 / 400)
    assert Meant(small, ~large | small).score(large) == 1.0


def test_fitted_weights_follow_what_tells() -> None:
    rng = np.random.default_rng(0)
    facts = rng.uniform(size=(400, 3, 3))
    scores = 1 / (1 + np.exp(-8 * (facts[..., 2] - 0.5)))
    weights = fit_weights(facts, scores)
    assert weights[2] > 10 * np.abs(weights[:2]).max()
    best = scores.max(axis=1).mean()
    sizes = np.tile([3.0, 1.0, 2.0], (400, 1))
    assert taken(facts, scores, sizes, weights, 0.0).mean() == pytest.approx(best, abs=0.02)
    # When all are as good, the second is the smallest.
    np.testing.assert_array_equal(taken(facts, scores, sizes, weights, 1e9), scores[:, 1])
    # The scale of a fact does not matter to what is taken.
    scaled = fit_weights(facts * [1, 10, 1000], scores)
    np.testing.assert_allclose(scaled * [1, 10, 1000], weights, rtol=1e-3, atol=1e-3)


def test_parts_of_the_bonsai() -> None:
    rim, stones, trunk, blossom = (-0.343, 0.1, 0.54), (-0.1, 0.1, 0.16), (-0.1, -0.3, 0.16), (0.5, -0.9, 0.6)
    tray, cloth, wall = (-0.24, 0.48, 0.47), (-0.45, 0.91, 0.84), (-6.0, -0.5, 2.0)
    pot, earth, tree = bonsai.regions(np.array([rim, stones, trunk, blossom, tray, cloth, wall]))
    np.testing.assert_array_equal(pot, [1, 0, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(earth, [0, 1, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(tree, [0, 0, 1, 1, 0, 0, 0])


def test_bonsai_views_look_at_the_pot_from_above() -> None:
    for view in bonsai.views(20, np.random.default_rng(0)):
        pixel, depth = view.camera.project(bonsai.MIDDLE[None])
        assert 1.9 < depth[0] < 3.5
        assert (np.abs(pixel[0] - [320, 240]) < 160).all()
        assert view.camera.position[1] < bonsai.MIDDLE[1]


def test_demo_clicks_lie_on_their_objects_in_training_views() -> None:
    nothing = Gaussians(
        np.zeros((0, 3), np.float32),
        np.zeros((0, 3), np.float32),
        np.zeros((0, 4), np.float32),
        np.zeros(0, np.float32),
        np.zeros((0, 1, 3), np.float32),
    )
    from bench.shared import SHARED

    found = list(cases("demo", nothing, SHARED, views=2, clicks=3, seed=5))
    assert {case.thing for case in found} <= {"teapot", "bread", "plant", "pear", "book"}
    assert len({case.view.name for case in found}) == 2
    for case in found:
        # Every fourth view is held out, from the first.
        assert int(case.view.name.split("_")[1]) % 4 != 0
        mask = case.meant[0].mask
        assert mask.mean() >= LEAST
        assert all(mask[int(y), int(x)] for x, y in case.clicks)
