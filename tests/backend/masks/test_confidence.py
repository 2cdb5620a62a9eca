# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""How much a mask counts, by value."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from splatcut.masks.confidence import agreement, confidence_of, is_absent
from splatcut.masks.self_prompts import RenderedVote


def _rectangle(x0: int, y0: int, x1: int, y1: int, width: int = 80, height: int = 60) -> NDArray[np.bool_]:
    mask = np.zeros((height, width), bool)
    mask[y0:y1, x0:x1] = True
    return mask


def _vote(inside: NDArray[np.bool_], known: NDArray[np.bool_] | None = None) -> RenderedVote:
    return RenderedVote(inside.astype(np.float32), np.ones_like(inside) if known is None else known)


def test_agreement_is_the_overlap_where_the_vote_knows():
    own = _vote(_rectangle(0, 0, 20, 10), _rectangle(0, 0, 40, 60))
    assert agreement(_rectangle(0, 0, 20, 10), own) == 1.0
    assert agreement(_rectangle(10, 0, 30, 10), own) == pytest.approx(100 / 300)
    assert agreement(_rectangle(0, 0, 20, 10) | _rectangle(40, 0, 80, 60), own) == 1.0  # not known there
    assert agreement(_rectangle(50, 0, 60, 10), _vote(np.zeros((60, 80), bool))) == 0.0


def test_what_the_vote_contradicts_counts_nothing():
    np.testing.assert_allclose(confidence_of(np.array([0.0, 0.59, 0.6, 0.8, 1.0])), [0, 0, 0.36, 0.64, 1])


def test_an_object_is_absent_where_most_is_known_and_nothing_shows_it():
    nowhere, half = np.zeros((60, 80), np.float32), _rectangle(0, 0, 40, 60)
    assert is_absent(RenderedVote(nowhere + np.float32(0.19), ~half | _rectangle(0, 0, 1, 60)))
    assert not is_absent(RenderedVote(nowhere, half))
    assert not is_absent(RenderedVote(nowhere + np.float32(0.25) * _rectangle(7, 7, 8, 8), half | ~half))
    # What is not known shows nothing.
    some = _rectangle(0, 0, 10, 60)
    assert is_absent(RenderedVote(some.astype(np.float32), ~some))
