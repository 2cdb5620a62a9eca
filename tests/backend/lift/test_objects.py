# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Soft edges: what straddles is split, and the two halves together look as before."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splatcut.lift import Islands, Labelled, extract
from splatcut.lift.labels import labels_from_probability
from splatcut.lift.objects import Extracted, soft_edges, split_opacity
from splatcut.scene.gaussians import Gaussians


@settings(max_examples=200)
@given(st.floats(-12, 12), st.floats(0.02, 0.98))
def test_two_halves_give_the_whole_opacity(logit: float, share: float) -> None:
    first, second = split_opacity(np.array([logit], dtype=np.float32), np.array([share]))
    transmitted = 1.0 / (1.0 + np.exp(np.float64(first))) * 1.0 / (1.0 + np.exp(np.float64(second)))
    assert transmitted[0] == pytest.approx(1.0 / (1.0 + np.exp(np.float64(np.float32(logit)))), rel=1e-4)


def small(count: int) -> Gaussians:
    random = np.random.default_rng(0)
    return Gaussians(
        random.normal(size=(count, 3)).astype(np.float32),
        np.full((count, 3), np.log(0.01), np.float32),
        np.tile(np.float32([1, 0, 0, 0]), (count, 1)),
        np.full(count, 2.0, np.float32),
        random.normal(size=(count, 4, 3)).astype(np.float32),
    )


def test_soft_edges_split_what_straddles_and_nothing_else() -> None:
    gaussians = small(6)
    probability = np.array([[0.95, 0], [0.7, 0.0], [0.5, 0.45], [0.3, 0], [0.9, 0.1], [0.02, 0]], dtype=np.float32)
    labels = labels_from_probability(probability)
    assert labels.tolist() == [1, 1, 1, 0, 1, 0]
    labels[4] = 0  # a removed island: it must not come back through its edge
    before = np.array([True, *[False] * 5])
    island = np.array([0, 0, 0, 0, 1, 0], np.int32)
    hard = Extracted(gaussians, labels, probability, np.arange(6), before, np.arange(6, dtype=np.float32), island)
    result = soft_edges(hard)
    assert result.labels.dtype == np.int32
    assert result.labels.tolist() == [1, 1, 1, 0, 0, 0, 0, 2, 1]
    assert result.parent.tolist() == [0, 1, 2, 3, 4, 5, 1, 2, 3]
    assert result.island.tolist() == [0, 0, 0, 0, 1, 0, 0, 0, 0]
    assert result.changed.tolist() == [True, True, True, True, False, False, True, True, True]
    np.testing.assert_array_equal(result.gaussians.means, gaussians.means[result.parent])
    np.testing.assert_array_equal(result.gaussians.sh, gaussians.sh[result.parent])
    opacity = result.gaussians.opacities().astype(np.float64)
    whole = float(gaussians.opacities()[0])
    for row, twin in ((1, 6), (2, 7), (3, 8)):
        assert 1 - (1 - opacity[row]) * (1 - opacity[twin]) == pytest.approx(whole, rel=1e-5)
    assert opacity[1] > opacity[6]
    np.testing.assert_array_equal(result.gaussians.opacity_logits[[0, 4, 5]], gaussians.opacity_logits[[0, 4, 5]])


def test_what_is_extracted_has_the_largest_variance_of_its_parent() -> None:
    probability = np.array([[0.99, 0.0], [0.5, 0.45], [0.0, 0.0]], np.float32)
    variance = np.array([[0.25, 0.0], [0.5, 0.75], [0.0, 0.125]], np.float32)
    none = np.zeros(3, bool)
    labelled = Labelled(small(3), none, probability, np.ones(3, np.float32), np.zeros(3, np.int32), variance, (2, 1))
    labels, none = labels_from_probability(probability), np.zeros(3, np.int32)
    found = Islands(labels, none, none, ())
    assert extract(labelled, found, soft=False).variance.tolist() == [0.25, 0.75, 0.125]
    assert extract(labelled, found, soft=True).variance.tolist() == [0.25, 0.75, 0.125, 0.75]


def test_splitting_an_opacity_of_nothing_stays_finite() -> None:
    logits = np.array([-1e30, -800.0, 1e30], np.float32)
    first, twin = split_opacity(logits, np.array([0.3, 0.5, 0.7]))
    assert np.isfinite(first).all()
    assert np.isfinite(twin).all()
    assert (first[:2] < -600).all()
