# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Hard labels by hand and by what must hold for all probabilities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from splatcut.lift.labels import grown, labels_from_probability


def test_labels_by_hand() -> None:
    probability = np.array(
        [[0.9, 0.0], [0.4, 0.4], [0.3, 0.3], [0.2, 0.7], [0.5, 0.0], [0.0, 0.0], [1.0, 1.0], [0.34, 0.35]],
        dtype=np.float32,
    )
    # 0.3 + 0.3 leaves 0.4 to the background; 0.4 + 0.4 only 0.2. 0.5 against 0.5 is a tie: background.
    assert labels_from_probability(probability).tolist() == [1, 1, 0, 2, 0, 0, 1, 2]


@given(npst.arrays(np.float32, st.integers(0, 30), elements=st.floats(0, 1, width=32)))
def test_a_single_object_is_cut_at_one_half(values: np.ndarray) -> None:
    labels = labels_from_probability(values[:, None])
    np.testing.assert_array_equal(labels, (values > 0.5).astype(np.int32))
    assert labels.dtype == np.int32


@given(npst.arrays(np.float32, st.tuples(st.integers(1, 20), st.integers(1, 4)), elements=st.floats(0, 1, width=32)))
def test_the_label_is_a_largest_probability(probability: np.ndarray) -> None:
    labels = labels_from_probability(probability)
    for row, label in zip(probability.astype(np.float64), labels, strict=True):
        rest = np.float32(max(0.0, 1.0 - row.sum()))
        classes = [rest, *row]
        assert classes[label] == max(classes)
        if classes[0] == max(classes):
            assert label == 0


@pytest.mark.parametrize("bad", [np.nan, -0.1, 1.5])
def test_probabilities_outside_their_range_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        labels_from_probability(np.array([[0.5], [bad]], dtype=np.float32))


@given(npst.arrays(np.float32, (7, 2), elements=st.floats(0, 1, width=32)), st.floats(-1, 1), st.floats(0, 1))
def test_growing_moves_what_is_doubtful(probability: np.ndarray, grow: float, more: float) -> None:
    made = grown(probability, [grow, 0.0])
    assert np.array_equal(made[:, 1], probability[:, 1])
    certain = (probability[:, 0] == 0) | (probability[:, 0] == 1)
    assert np.array_equal(made[certain, 0], probability[certain, 0])
    assert ((made[:, 0] - probability[:, 0]) * np.sign(grow) >= -1e-6).all()
    assert (grown(probability, [min(1.0, grow + more), 0.0])[:, 0] >= made[:, 0] - 1e-6).all()
    assert np.allclose(grown(made, [-grow, 0.0])[:, 0], probability[:, 0], atol=2e-3)


def test_growing_shifts_the_logit_by_four() -> None:
    made = grown(np.full((1, 1), 0.5, np.float32), [1.0])
    assert made[0, 0] == pytest.approx(1 / (1 + np.exp(-4.0)))
    assert labels_from_probability(grown(np.full((1, 1), 0.2, np.float32), [0.5])).tolist() == [1]
