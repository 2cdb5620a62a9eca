# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splatcut.field.neighbours import NeighbourIndex


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 9))
def test_the_nearest_and_the_next_one_as_brute_force_finds_them(seed: int, number: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    means, points = rng.normal(size=(number, 3)), rng.normal(size=(7, 3))
    index = NeighbourIndex(means, count).query(points)
    assert index.dtype == np.int64
    assert index.shape == (7, count + 1)
    expected = np.argsort(np.linalg.norm(points[:, None] - means, axis=2), axis=1)[:, : count + 1]
    found = min(number, count + 1)
    np.testing.assert_array_equal(index[:, :found], expected)
    assert (index[:, found:] == -1).all()


@pytest.mark.parametrize("kind", ["cloud", "duplicates", "line", "clusters", "far apart"])
def test_the_distances_are_brute_forces_whatever_the_layout(kind: str) -> None:
    rng = np.random.default_rng(4)
    means = rng.normal(size=(2000, 3))
    if kind == "duplicates":
        means = means[rng.integers(0, 150, 2000)]
    elif kind == "line":
        means[:, 1:] = 0.5
    elif kind == "clusters":
        means = means * 1e-5 + rng.normal(size=(20, 3))[rng.integers(0, 20, 2000)]
    elif kind == "far apart":
        means *= 10.0 ** rng.uniform(-6, 6, (2000, 1))
    # Rays: successive points are close together, successive rays are not.
    start = means[rng.integers(0, 2000, 250)]
    points = (start[:, None] + np.linspace(-0.3, 0.3, 12)[:, None] * rng.normal(size=(250, 1, 3))).reshape(-1, 3)
    index = NeighbourIndex(means).query(points)
    distance = np.linalg.norm(points[:, None] - means, axis=2)
    expected = np.sort(distance, axis=1)[:, :9]
    np.testing.assert_allclose(np.take_along_axis(distance, index, axis=1), expected, rtol=1e-12, atol=1e-12)
    assert all(len(set(row)) == 9 for row in index.tolist())


def test_no_query_and_one_or_no_gaussian() -> None:
    index = NeighbourIndex(np.zeros((1, 3)))
    assert not index.stale(np.full((1, 3), 5.0))
    assert index.query(np.ones((1, 3))).tolist() == [[0] + [-1] * 8]
    assert NeighbourIndex(np.ones((3, 3))).query(np.zeros((0, 3))).shape == (0, 9)
    empty = NeighbourIndex(np.zeros((0, 3), np.float32))
    np.testing.assert_array_equal(empty.query(np.zeros((2, 3))), np.full((2, 9), -1))
    assert not empty.stale(np.zeros((0, 3)))


def test_lists_are_stale_after_a_share_of_the_distance_to_the_neighbours() -> None:
    # Mean distances to 2 neighbours: 1.5, 1, 1.5 and 10.5.
    means = np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0], [12, 0, 0]])
    index = NeighbourIndex(means, 2)
    assert not index.stale(means)
    for gaussian, reach in enumerate((1.5, 1.0, 1.5, 10.5)):
        for share, stale in ((0.24, False), (0.26, True)):
            moved = means.copy()
            moved[gaussian, 1] += share * reach
            assert index.stale(moved) is stale
    assert index.stale(means[:3])
    assert index.stale(np.concatenate([means, means[:1]]))
    means += 10.0  # the index has its own copy
    assert index.stale(means)


def test_what_are_no_points_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\[N, 3\]"):
        NeighbourIndex(np.zeros((4, 2)))
    with pytest.raises(ValueError, match="finite"):
        NeighbourIndex(np.full((4, 3), np.nan))
    with pytest.raises(ValueError, match="finite"):
        NeighbourIndex(np.zeros((4, 3))).query(np.full((1, 3), np.inf))
