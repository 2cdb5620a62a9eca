# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Scores against values computed by hand and against a brute-force implementation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from splatcut.evaluation.folders import Evaluation
from splatcut.evaluation.scores import (
    MaskScore,
    band_width,
    inner_distance,
    mean_score,
    score_masks,
)

MASKS = npst.arrays(np.bool_, st.tuples(st.integers(1, 14), st.integers(1, 14)))
PAIRS = st.tuples(st.integers(1, 14), st.integers(1, 14)).flatmap(
    lambda shape: st.tuples(*(npst.arrays(np.bool_, shape) for _ in range(3)))
)


def square(size: int, left: int, right: int, top: int | None = None, bottom: int | None = None) -> np.ndarray:
    mask = np.zeros((size, size), dtype=bool)
    mask[left if top is None else top : right if bottom is None else bottom, left:right] = True
    return mask


def eroded_once(mask: np.ndarray) -> np.ndarray:
    """Brute force: a pixel stays when it and its eight neighbours are set; beyond the image nothing is set."""
    height, width = mask.shape
    padded = np.pad(mask, 1)
    return np.array([[padded[y : y + 3, x : x + 3].all() for x in range(width)] for y in range(height)])


def brute_band(mask: np.ndarray, width: int) -> np.ndarray:
    inner = mask.copy()
    for _ in range(width):
        inner = eroded_once(inner)
    return mask & ~inner


@settings(max_examples=60)
@given(MASKS, st.integers(1, 5))
def test_the_band_is_the_mask_minus_its_repeated_erosion(mask: np.ndarray, width: int) -> None:
    distance = inner_distance(mask)
    np.testing.assert_array_equal((distance > 0) & (distance <= width), brute_band(mask, width))


@settings(max_examples=60)
@given(PAIRS)
def test_scores_agree_with_brute_force(arrays: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    predicted, truth, valid = arrays
    score = score_masks(predicted, truth, valid)
    patched = np.where(valid, truth, predicted)

    def ratio(a: np.ndarray, b: np.ndarray) -> float:
        pixels = [(bool(p), bool(q)) for p, q in zip(a[valid], b[valid], strict=True)]
        union = sum(p or q for p, q in pixels)
        return sum(p and q for p, q in pixels) / union if union else math.nan

    relative = max(1, round(0.02 * math.hypot(*predicted.shape)))
    assert score.iou == pytest.approx(ratio(predicted, truth), nan_ok=True)
    for value, width in ((score.boundary, relative), (score.boundary_5px, 5), (score.boundary_2px, 2)):
        expected = ratio(brute_band(predicted, width), brute_band(patched, width))
        assert value == pytest.approx(expected, nan_ok=True)
    if valid.any():
        assert score.accuracy == pytest.approx(float((predicted == truth)[valid].mean()))
    else:
        assert math.isnan(score.accuracy)


def test_two_shifted_squares_by_hand() -> None:
    # 40x40 squares in a 100x100 image, one shifted by 10 px: intersection 30 * 40, union 50 * 40.
    truth, predicted = square(100, 20, 60), square(100, 30, 70, 20, 60)
    score = score_masks(predicted, truth)
    assert score.iou == pytest.approx(1200 / 2000)
    assert score.accuracy == pytest.approx(1 - 800 / 10000)
    # Band 2 px: rings of 40^2 - 36^2 = 304. They share the top and bottom strips, 30 columns by 2 rows, twice (the left
    # ring of one crosses the other's strips within these 30 columns).
    assert score.boundary_2px == pytest.approx(120 / (304 + 304 - 120))
    # round(0.02 * 141.4) = 3 px: rings of 40^2 - 34^2 = 444, strips of 30 by 3.
    assert band_width(100, 100) == 3
    assert score.boundary == pytest.approx(180 / (888 - 180))


def test_the_images_border_counts_as_background() -> None:
    full = np.ones((20, 30), dtype=bool)
    band = inner_distance(full) <= 2
    assert band.sum() == 20 * 30 - 16 * 26
    assert band[0].all()
    assert band[:, -2].all()
    assert not band[2:-2, 2:-2].any()


def test_the_figure_of_the_papers_at_the_scenes_size() -> None:
    assert band_width(378, 504) == 13
    assert band_width(480, 480) == 14
    assert band_width(10, 10) == 1


def test_means_leave_out_what_is_undefined() -> None:
    nan = math.nan
    empty = MaskScore(nan, 1.0, nan, nan, nan)
    mean = mean_score([MaskScore(0.5, 0.9, 0.4, 0.3, 0.2), empty, MaskScore(1.0, 1.0, 1.0, 1.0, 1.0)])
    assert mean.iou == pytest.approx(0.75)
    assert mean.accuracy == pytest.approx(2.9 / 3)
    assert math.isnan(mean_score([]).iou)
    # Objects weigh the same, however many views show them.
    one = MaskScore(1.0, 1.0, 1.0, 1.0, 1.0)
    none = MaskScore(0.0, 0.0, 0.0, 0.0, 0.0)
    assert Evaluation({"a": {"v": one}, "b": {"v": none, "w": none, "x": none}}).mean.iou == 0.5
    names = ("iou", "boundary", "boundary_5px", "boundary_2px")
    assert empty.as_dict() == {"accuracy": 1.0, **dict.fromkeys(names)}


def test_masks_of_two_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="one shape"):
        score_masks(np.zeros((4, 5), dtype=bool), np.zeros((5, 4), dtype=bool))
