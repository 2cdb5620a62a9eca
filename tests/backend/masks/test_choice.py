# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np

from splatcut.masks.choice import border_share, choose_answer, stability
from splatcut.sam import Frame, Prediction

SIDE = 256


def disc(radius: float, sharpness: float = 4.0, centre: tuple[float, float] = (128.0, 128.0)) -> np.ndarray:
    """Logits of a disc; its edge wanders over 2 * 2 / sharpness pixels between thresholds -2 and 2."""
    rows, columns = np.indices((SIDE, SIDE))
    distance = np.hypot(columns - centre[0], rows - centre[1])
    return ((radius - distance) * sharpness).astype(np.float32)


def prediction(answers: list[np.ndarray], iou: list[float], lone: bool = True) -> Prediction:
    extra = np.zeros(len(answers), bool)
    if not lone:
        extra[1:] = True
    return Prediction(np.stack(answers), np.array(iou, np.float32), extra, Frame.of(SIDE, SIDE, "pad"))


def test_stability_compares_areas_of_two_thresholds() -> None:
    # At +-2 logits a disc of radius 40 with slope 1 per pixel has radii 38 and 42.
    assert abs(stability(disc(40, 1.0)) - (38 / 42) ** 2) < 0.01


def test_border_share_of_a_half_disc_on_the_border() -> None:
    mask = disc(40, centre=(128.0, 255.0)) > 0
    expected = 80 / (2 * np.sqrt(np.pi * mask.sum()))
    assert abs(border_share(mask) - expected) < 0.02
    assert border_share(disc(40) > 0) == 0


def test_largest_of_equally_good_answers_is_taken() -> None:
    assert choose_answer(prediction([disc(20), disc(40), disc(60)], [0.93, 0.94, 0.92])) == 2


def test_a_clearly_worse_large_answer_is_not_taken() -> None:
    assert choose_answer(prediction([disc(20), disc(40), disc(60)], [0.95, 0.94, 0.6])) == 1


def test_an_answer_with_a_wandering_edge_is_not_taken() -> None:
    assert choose_answer(prediction([disc(20), disc(40), disc(60, 0.1)], [0.93, 0.93, 0.95])) == 1


def test_surroundings_along_the_border_are_not_taken_unless_there_is_nothing_else() -> None:
    ground = disc(90, centre=(128.0, 255.0))
    assert choose_answer(prediction([disc(20), disc(40), ground], [0.9, 0.9, 0.97])) == 1
    assert choose_answer(prediction([ground, ground, ground], [0.8, 0.9, 0.7])) == 1


def test_a_clear_prompt_has_one_answer() -> None:
    assert choose_answer(prediction([disc(20), disc(60)], [0.5, 0.99], lone=False)) == 0
