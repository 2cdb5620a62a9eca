# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What is measured in renders, against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench.renders import edge_band, extracted_mask, label_mask, psnr, visible_region
from splatcut.evaluation.scores import MaskScore, score_masks
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import Gaussians


def test_what_lies_behind_something_else_does_not_count() -> None:
    # The object spans columns 10 to 50; an occluder hides columns 40 and up. Rendered alone it shows all of them.
    whole, visible = np.zeros((2, 60, 60), dtype=bool)
    whole[10:50, 10:50] = visible[10:50, 10:40] = True
    valid = visible_region(whole, visible)
    score = score_masks(whole, visible, valid)
    assert score == MaskScore(1.0, 1.0, 1.0, 1.0, 1.0)
    # A spike on the other side is in plain sight and counts.
    spiked = whole.copy()
    spiked[20:22, 2:10] = True
    score = score_masks(spiked, visible, valid)
    assert score.iou == pytest.approx(1200 / 1216)
    assert score.boundary_2px < 0.95


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
    quats = np.tile(np.array([1, 0, 0, 0], dtype=np.float32), (2, 1))
    means = np.array([[0, 0, 4], [0.4, 0, 2]], dtype=np.float32)
    scales = np.log(np.array([[0.4] * 3, [0.2] * 3], dtype=np.float32))
    gaussians = Gaussians(means, scales, quats, np.full(2, 9.0, np.float32), np.zeros((2, 1, 3), np.float32))
    camera = Camera(64, 48, 60.0, 60.0, 32.0, 24.0, np.eye(4))
    selected = np.array([True, False])
    visible = label_mask(gaussians, selected, camera)
    alone = extracted_mask(gaussians, selected, camera)
    # Alone it is a disc: 0.99 exp(-r^2 / 2 s^2) > 0.5 within r = s sqrt(2 ln 1.98), s^2 = (60 * 0.4 / 4)^2 + 0.3.
    radius = math.sqrt(36.3 * 2 * math.log(1.98))
    y, x = np.mgrid[0:48, 0:64] + 0.5
    np.testing.assert_array_equal(alone, (x - 32) ** 2 + (y - 24) ** 2 < radius**2)
    assert visible.sum() < alone.sum()
    assert not (visible & ~alone).any()
    assert not visible[24, 38]
    assert alone[24, 38]
    assert not extracted_mask(gaussians, np.zeros(2, dtype=bool), camera).any()
