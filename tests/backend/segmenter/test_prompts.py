# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What a prompt may be, and which of a model's masks are offered for it."""

from __future__ import annotations

import numpy as np
import pytest

from splatcut.errors import UserError
from splatcut.segmenter import Frame, Prompt2D
from splatcut.segmenter.types import ordered

FRAME = Frame.of(60, 40, "pad")
POINT = Prompt2D(np.array([[3, 4]]), np.array([1]))
TWO_POINTS = Prompt2D(np.array([[3, 4], [9, 9]]), np.array([1, 0]))
BOX = Prompt2D(box=np.array([1, 2, 30, 20]))
POINT_AND_MASK = Prompt2D(np.array([[3, 4]]), np.array([1]), low_res=np.zeros((256, 256), dtype=np.float32))


def masks(count: int) -> np.ndarray:
    return np.arange(count, dtype=np.float32)[:, None, None] * np.ones((count, 256, 256), dtype=np.float32)


def test_a_lone_point_offers_the_three_masks_for_ambiguity() -> None:
    prediction = ordered(masks(4), np.array([0.99, 0.2, 0.7, 0.4], dtype=np.float32), POINT, FRAME)
    assert prediction.low_res[:, 0, 0].tolist() == [1, 2, 3]
    assert not prediction.extra.any()
    assert prediction.best == 1


@pytest.mark.parametrize("prompt", [TWO_POINTS, BOX, POINT_AND_MASK])
def test_a_clear_prompt_offers_the_first_mask_and_flags_the_others(prompt: Prompt2D) -> None:
    prediction = ordered(masks(4), np.array([0.3, 0.2, 0.7, 0.9], dtype=np.float32), prompt, FRAME)
    assert prediction.low_res[:, 0, 0].tolist() == [0, 1, 2, 3]
    assert prediction.extra.tolist() == [False, True, True, True]
    assert prediction.best == 0


def test_without_a_mask_for_clear_prompts_the_most_trusted_comes_first() -> None:
    iou = np.array([0.3, 0.9, 0.7], dtype=np.float32)
    clear = ordered(masks(3), iou, BOX, FRAME)
    assert clear.low_res[:, 0, 0].tolist() == [1, 2, 0]
    assert clear.iou.tolist() == pytest.approx([0.9, 0.7, 0.3])
    assert clear.extra.tolist() == [False, True, True]
    lone = ordered(masks(3), iou, POINT, FRAME)
    assert lone.low_res[:, 0, 0].tolist() == [0, 1, 2]
    assert (lone.best, lone.extra.any()) == (1, False)


def test_probability_is_the_sigmoid_of_the_logits_and_never_overflows() -> None:
    low_res = np.stack([np.full((256, 256), value, dtype=np.float32) for value in (0.0, 2.0, -500.0, 500.0)])
    prediction = ordered(low_res, np.ones(4, dtype=np.float32), BOX, FRAME)
    with np.errstate(all="raise", under="ignore"):
        got = [float(prediction.probability(index)[20, 30]) for index in range(4)]
    assert got == pytest.approx([0.5, 0.880797, 0.0, 1.0], abs=1e-6)
    assert prediction.probability(1).dtype == np.float32


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({}, "at least one point on the object"),
        ({"points": [[1, 2]], "labels": [0]}, "at least one point on the object"),
        ({"box": [10, 10, 10, 20]}, "x0 < x1"),
        ({"box": [10, 10, 20]}, "x0, y0, x1, y1"),
        ({"box": [0, 0, np.nan, 5]}, "x0 < x1"),
        ({"points": [[np.inf, 2]], "labels": [1]}, "finite"),
    ],
)
def test_prompts_that_mean_nothing_get_a_sentence(kwargs: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Prompt2D(**kwargs)


@pytest.mark.parametrize(
    "kwargs",
    [{"points": [[1, 2], [3, 4]], "labels": [1]}, {"points": [[1, 2]], "labels": [2]}, {"low_res": np.zeros((64, 64))}],
)
def test_prompts_that_contradict_themselves_are_refused(kwargs: dict) -> None:
    with pytest.raises(ValueError):
        Prompt2D(**kwargs)
