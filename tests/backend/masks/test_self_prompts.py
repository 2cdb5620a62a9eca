# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Prompts read off the vote, by value."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from splatcut.masks.self_prompts import RenderedVote, interior_points, main_parts, rendered_vote, self_prompt


def _rectangle(x0: int, y0: int, x1: int, y1: int, width: int = 80, height: int = 60) -> NDArray[np.bool_]:
    mask = np.zeros((height, width), bool)
    mask[y0:y1, x0:x1] = True
    return mask


def _vote(inside: NDArray[np.bool_], known: NDArray[np.bool_] | None = None) -> RenderedVote:
    return RenderedVote(inside.astype(np.float32), np.ones_like(inside) if known is None else known)


def test_belief_divides_by_what_is_known():
    blended = np.array([[0.2, 0.6, 0.1, 0.0]], np.float32)
    known = np.array([[0.4, 0.8, 0.1, 0.0]], np.float32)
    result = rendered_vote(blended, known)
    np.testing.assert_allclose(result.probability, [[0.5, 0.75, 1.0, 0.0]], rtol=1e-5)
    assert result.known.tolist() == [[True, True, False, False]]
    assert result.inside.tolist() == [[False, True, False, False]]


def test_small_parts_are_left_out():
    mask = _rectangle(10, 10, 30, 30) | _rectangle(50, 10, 60, 15) | _rectangle(50, 40, 55, 45)
    kept = main_parts(mask)  # parts of 400, 50 and 25 pixels
    np.testing.assert_array_equal(kept, _rectangle(10, 10, 30, 30) | _rectangle(50, 10, 60, 15))
    assert not main_parts(np.zeros((5, 5), bool)).any()


def test_corners_connect():
    mask = _rectangle(0, 0, 10, 10) | _rectangle(10, 10, 12, 12)  # 4 pixels by themselves would be too few
    np.testing.assert_array_equal(main_parts(mask), mask)


def test_interior_points_by_value():
    # Depth 10 on the rows 29 and 30; the first such pixel has column 39. What is 18 or more away from it is at most 4
    # deep: first at (56, 23), then, 7.2 or more away from that, at (56, 35).
    points = interior_points(_rectangle(30, 20, 60, 40), 3)
    np.testing.assert_array_equal(points, [[39.5, 29.5], [56.5, 23.5], [56.5, 35.5]])
    # A long bar has room for as many as are asked for.
    bar = interior_points(_rectangle(0, 20, 80, 31), 3)
    assert len(bar) == 3
    np.testing.assert_array_equal(bar[:, 1], 25.5)
    assert interior_points(np.zeros((5, 5), bool), 3).shape == (0, 2)
    np.testing.assert_array_equal(interior_points(np.ones((5, 7), bool), 1), [[2.5, 2.5]])


@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
def test_interior_points_lie_inside_and_apart(seed, count):
    rng = np.random.default_rng(seed)
    mask = ndimage.gaussian_filter(rng.normal(size=(40, 50)), 3) > 0.05
    points = interior_points(mask, count)
    assert len(points) <= count
    columns, rows = np.floor(points).astype(int).T
    assert mask[rows, columns].all()
    if mask.any():
        depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
        assert depth[rows[0], columns[0]] == depth.max()
    for i in range(len(points)):
        for j in range(i):
            assert np.linalg.norm(points[i] - points[j]) >= 1.8 * _depth(mask, rows[j], columns[j]) - 1e-6


def _depth(mask: NDArray[np.bool_], row: int, column: int) -> float:
    """Distance of a pixel to the nearest one outside; the picture's border counts as outside."""
    outside = np.argwhere(~np.pad(mask, 1)) - 1
    return float(np.linalg.norm(outside - [row, column], axis=1).min())


def test_prompts_by_value():
    """A block of 30 x 20 pixels: box one pixel larger, positive in the middle, negatives in the band about it."""
    inside = _rectangle(30, 20, 60, 40)
    derived = self_prompt(_vote(inside), [])
    np.testing.assert_array_equal(derived.box, [29, 19, 61, 41])
    np.testing.assert_array_equal(derived.points[derived.labels == 1], interior_points(inside, 3))
    negatives = derived.points[derived.labels == 0]
    assert 1 <= len(negatives) <= 3
    distance = ndimage.distance_transform_edt(~inside)
    columns, rows = np.floor(negatives).astype(int).T
    assert (distance[rows, columns] > 3).all()
    assert (distance[rows, columns] < 8).all()


def test_the_box_grows_by_the_margin_and_stays_in_the_picture():
    derived = self_prompt(_vote(_rectangle(0, 0, 60, 20)), [])
    np.testing.assert_allclose(derived.box, [0, 0, 61.2, 21.2], rtol=1e-6)
    whole = self_prompt(_vote(np.ones((60, 80), bool)), [])
    np.testing.assert_array_equal(whole.box, [0, 0, 80, 60])
    assert (whole.labels == 1).all()


def test_negatives_are_only_where_the_vote_knows():
    inside = _rectangle(30, 20, 60, 40)
    known = _rectangle(0, 0, 60, 60)  # nothing is known to the right
    derived = self_prompt(_vote(inside, known), [])
    negatives = derived.points[derived.labels == 0]
    assert len(negatives)
    assert (negatives[:, 0] < 60).all()
    unknown = self_prompt(_vote(inside, inside), [])
    assert (unknown.labels == 1).all()


def test_a_rival_beside_it_gets_a_negative():
    inside, rival = _rectangle(10, 10, 40, 50), _rectangle(34, 10, 70, 50)
    only = RenderedVote(np.where(inside, 1.0, np.where(rival, 0.4, 0.3)).astype(np.float32), np.ones_like(inside))
    # Of the rival only what is in the box (columns to 41) and not the object itself counts: nothing large here.
    derived = self_prompt(only, [_vote(rival)])
    np.testing.assert_array_equal(derived.box, [9, 9, 41, 51])
    negatives = derived.points[derived.labels == 0]
    assert len(negatives) == 1
    assert 40 <= negatives[0, 0] <= 41
    assert len(derived.points) == 2
    none = self_prompt(only, [_vote(_rectangle(60, 10, 70, 50))])
    assert (none.labels == 1).all()


def test_what_is_too_small_is_not_prompted_for():
    assert self_prompt(_vote(_rectangle(10, 10, 16, 16)), []) is None
    assert self_prompt(_vote(_rectangle(10, 10, 18, 15)), []) is not None
    assert self_prompt(_vote(_rectangle(10, 10, 40, 40), np.zeros((60, 80), bool)), []) is None
