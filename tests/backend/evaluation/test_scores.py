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
from mask_scenes import make_gaussians

from splatcut.evaluation.scores import (
    MaskScore,
    band_width,
    edge_band,
    extracted_mask,
    inner_distance,
    label_mask,
    mean_over_objects,
    mean_score,
    psnr,
    score_masks,
    visible_region,
)
from splatcut.scene.camera import Camera

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


def test_what_lies_behind_something_else_does_not_count() -> None:
    # The object spans columns 10 to 50; an occluder hides columns 40 and up. Rendered alone it shows all of them.
    whole, visible = square(60, 10, 50), square(60, 10, 40, 10, 50)
    valid = visible_region(whole, visible)
    score = score_masks(whole, visible, valid)
    assert score == MaskScore(1.0, 1.0, 1.0, 1.0, 1.0)
    # A spike on the other side is in plain sight and counts.
    spiked = whole.copy()
    spiked[20:22, 2:10] = True
    score = score_masks(spiked, visible, valid)
    assert score.iou == pytest.approx(1200 / 1216)
    assert score.boundary_2px < 0.95


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
    assert mean_over_objects({"a": {"v": one}, "b": {"v": none, "w": none, "x": none}}).iou == 0.5
    names = ("iou", "boundary", "boundary_5px", "boundary_2px")
    assert empty.as_dict() == {"accuracy": 1.0, **dict.fromkeys(names)}


def test_masks_of_two_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="one shape"):
        score_masks(np.zeros((4, 5), dtype=bool), np.zeros((5, 4), dtype=bool))


def test_psnr_by_hand() -> None:
    black, grey = np.zeros((4, 6, 3), dtype=np.uint8), np.full((4, 6, 3), 51, dtype=np.uint8)
    assert psnr(grey, black) == pytest.approx(-20 * math.log10(0.2))
    assert psnr(black, black) == math.inf
    half = np.zeros((4, 6, 3), dtype=np.float32)
    half[:, :3] = 0.1
    left = np.zeros((4, 6), dtype=bool)
    left[:, :3] = True
    assert psnr(half, half * 0, left) == pytest.approx(20.0)
    assert psnr(half, half * 0) == pytest.approx(20.0 + 10 * math.log10(2))
    assert math.isnan(psnr(half, half, np.zeros((4, 6), dtype=bool)))
    assert psnr(np.full((2, 2, 3), 1.7), np.ones((2, 2, 3))) == math.inf


def test_the_edge_band_lies_on_both_sides_and_not_at_the_border() -> None:
    mask = np.zeros((9, 12), dtype=bool)
    mask[:, :6] = True
    expected = np.zeros_like(mask)
    expected[:, 4:8] = True
    np.testing.assert_array_equal(edge_band(mask, 2), expected)
    assert not edge_band(np.ones((5, 5), dtype=bool), 2).any()


def test_masks_of_a_render_with_and_without_what_lies_in_front() -> None:
    # Object at depth 4; something else at depth 2 in front of its right half.
    gaussians = make_gaussians([[0, 0, 4], [0.4, 0, 2]], [[0.4], [0.2]], 0.9999)
    camera = Camera(64, 48, 60.0, 60.0, 32.0, 24.0, np.eye(4))
    selected = np.array([True, False])
    visible = label_mask(gaussians, selected, camera)
    alone = extracted_mask(gaussians, selected, camera)
    np.testing.assert_array_equal(extracted_mask(gaussians.take(selected), None, camera), alone)
    np.testing.assert_array_equal(extracted_mask(gaussians, selected.astype(np.float32), camera), alone)
    # Alone it is a disc: 0.99 exp(-r^2 / 2 s^2) > 0.5 within r = s sqrt(2 ln 1.98), s^2 = (60 * 0.4 / 4)^2 + 0.3.
    radius = math.sqrt(36.3 * 2 * math.log(1.98))
    y, x = np.mgrid[0:48, 0:64] + 0.5
    np.testing.assert_array_equal(alone, (x - 32) ** 2 + (y - 24) ** 2 < radius**2)
    assert visible.sum() < alone.sum()
    assert not (visible & ~alone).any()
    assert not visible[24, 38]
    assert alone[24, 38]
    assert not extracted_mask(gaussians, np.zeros(2, dtype=bool), camera).any()
