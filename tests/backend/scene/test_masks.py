# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""How objects share pixels, by value."""

from __future__ import annotations

import numpy as np

from splatcut.scene.masks import share_bytes, share_pixels

PROBABILITY = np.array([[[0.8, 0.3, 1.0, 0.0]], [[0.8, 0.4, 0.0, 0.0]]], np.float32)


def test_objects_share_a_pixel_at_most() -> None:
    result = share_pixels(PROBABILITY)
    np.testing.assert_allclose(result, [[[0.5, 0.3, 1.0, 0.0]], [[0.5, 0.4, 0.0, 0.0]]], rtol=1e-6)
    assert result.dtype == np.float32


def test_who_comes_first_keeps_all_and_the_others_share_what_is_left() -> None:
    result = share_pixels(PROBABILITY, (np.array([False, True]), np.array([True, False])))
    np.testing.assert_allclose(result, [[[0.2, 0.3, 1.0, 0.0]], [[0.8, 0.4, 0.0, 0.0]]], rtol=1e-6)


def test_bytes_share_255_but_for_rounding_and_stay_where_nothing_overlaps() -> None:
    masks = np.random.default_rng(0).integers(0, 256, (3, 20, 20)).astype(np.uint8)
    shared = share_bytes(masks)
    assert shared.sum(axis=0, dtype=int).max() <= 256
    fits = masks.sum(axis=0, dtype=int) <= 255
    np.testing.assert_array_equal(shared[:, fits], masks[:, fits])
    assert share_bytes(shared) is shared


def test_what_two_masks_claim_lies_inside_both() -> None:
    claimed = np.array([[[255, 255, 0]], [[0, 255, 255]]], np.uint8)
    assert (share_bytes(claimed) > 127).tolist() == [[[True, True, False]], [[False, True, True]]]
