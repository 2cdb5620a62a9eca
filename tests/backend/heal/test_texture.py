# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures continued into holes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from splatcut.heal.texture import blurred, continued, filled

SIZE = 64
ROWS, COLUMNS = np.mgrid[:SIZE, :SIZE].astype(np.float64)
HOLE = (np.abs(ROWS - 32) < 8) & (np.abs(COLUMNS - 30) < 9)


def grey(values: NDArray[np.floating]) -> NDArray[np.float32]:
    return np.repeat(values[..., None], 3, axis=2).astype(np.float32)


@given(st.tuples(*[st.floats(-1, 1)] * 3), st.integers(0, 2**32 - 1))
def test_a_plane_is_continued_as_the_plane(plane: tuple[float, float, float], seed: int) -> None:
    """Whatever the hole, as long as something known is around all of it."""
    whole = np.stack([plane[0] + 0.01 * (plane[1] * ROWS + plane[2] * COLUMNS), COLUMNS], axis=2)
    hole = np.random.default_rng(seed).random((SIZE, SIZE)) < 0.5
    hole[[0, -1]] = hole[:, [0, -1]] = False
    np.testing.assert_allclose(continued(np.where(hole[..., None], 99, whole), ~hole, hole), whole, atol=1e-4)


def test_what_touches_nothing_known_is_zero_and_the_rest_is_not() -> None:
    hole = np.zeros((SIZE, SIZE), bool)
    hole[5:9, 5:9] = hole[30:40, 30:40] = True
    known = np.zeros_like(hole)
    known[4:10, 4:10] = True
    known &= ~hole
    found = continued(grey(np.full((SIZE, SIZE), 0.5)), known, hole)
    np.testing.assert_allclose(found[5:9, 5:9], 0.5, atol=1e-6)
    assert (found[30:40, 30:40] == 0).all()


def test_a_blur_does_not_look_at_what_is_unknown() -> None:
    values = grey(np.where(HOLE, 50.0, 0.3))
    np.testing.assert_allclose(blurred(values, ~HOLE, 3.0)[~HOLE], 0.3, atol=1e-6)


@pytest.mark.parametrize("slope", [0.0, 0.005])
def test_constants_and_ramps_come_back(slope: float) -> None:
    whole = grey(0.4 + slope * COLUMNS)
    found = filled(np.where(HOLE[..., None], 0, whole).astype(np.float32), ~HOLE, HOLE)
    np.testing.assert_array_equal(found[~HOLE], whole[~HOLE])
    np.testing.assert_allclose(found[HOLE], whole[HOLE], atol=0.0025 + 2 * slope)


@pytest.mark.parametrize("upright", [True, False])
def test_stripes_go_on(upright: bool) -> None:
    whole = grey(0.5 + 0.25 * np.sign(np.sin((COLUMNS if upright else ROWS) * np.pi / 4 + 0.1)))
    found = filled(np.where(HOLE[..., None], 0, whole).astype(np.float32), ~HOLE, HOLE)
    error = float(np.sqrt(((found - whole)[HOLE] ** 2).mean()))
    assert error < 0.1  # a grey filling has 0.25, stripes out of step have more
