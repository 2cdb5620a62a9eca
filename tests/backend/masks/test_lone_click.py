# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest
from mask_scenes import ColourSegmenter

from splatcut.masks.lone_click import NUDGE, candidates, choose, choose_answer, nearness, overlap, relief
from splatcut.segmenter import Embedding, Frame, Prediction, Prompt2D

SIDE = 256
FOCAL = 250.0
Place = tuple[float, float]


def disc(radius: float, centre: Place = (128.0, 128.0)) -> np.ndarray:
    rows, columns = np.indices((SIDE, SIDE))
    return np.hypot(columns - centre[0], rows - centre[1]) < radius


def before_a_wall(mask: np.ndarray, depth: float = 2.0, wall: float = 3.0) -> np.ndarray:
    """Nearness of a thing in front of a wall that faces the camera."""
    return nearness(np.where(mask, depth, wall).astype(np.float32), np.zeros(mask.shape, np.float32))


def shown(mask: np.ndarray, near: np.ndarray) -> float:
    return relief(mask, near, FOCAL)


def plane(tilt: float, depth: float = 2.0) -> np.ndarray:
    """Nearness of a plane through the picture's middle, in radians to the picture; above 0 it comes nearer below."""
    below = np.arange(SIDE) - 127.5
    near = (1.0 + np.tan(tilt) * below / FOCAL) / depth
    return np.broadcast_to(near[:, None], (SIDE, SIDE)).astype(np.float32)


class Answers(ColourSegmenter):
    """Answers a click with the same masks, except that ``unsteady`` ones move along with it."""

    def __init__(self, masks: list[np.ndarray], iou: list[float], unsteady: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.answers, self.iou, self.unsteady = masks, iou, unsteady

    def predict(self, embedding: Embedding, prompt: Prompt2D) -> Prediction:
        self.prompts.append(prompt)
        shift = np.rint(10 * (prompt.points[0] - 128)).astype(int)
        masks = [np.roll(m, shift[::-1], (0, 1)) if i in self.unsteady else m for i, m in enumerate(self.answers)]
        low = np.stack([np.where(mask, 10.0, -10.0) for mask in masks]).astype(np.float32)
        return Prediction(low, np.array(self.iou, np.float32), np.zeros(len(low), bool), embedding.frame)


def chosen(segmenter: Answers, near: np.ndarray) -> tuple[int, np.ndarray]:
    embedding = segmenter.encode(np.zeros((SIDE, SIDE, 3), np.uint8))
    prediction, facts = candidates(segmenter, embedding, np.array([128.0, 128.0], np.float32), near, FOCAL)
    return choose_answer(prediction, facts), facts


def test_nearness_is_the_inverse_of_depth_and_nothing_where_the_scene_is_empty() -> None:
    depth, transmittance = np.array([[2.0, 4.0, 0.0]], np.float32), np.array([[0.0, 0.4, 0.9]], np.float32)
    np.testing.assert_allclose(nearness(depth, transmittance), [[0.5, 0.25, 0.0]])


def test_relief_is_one_around_a_thing_before_a_wall_and_nought_on_its_front() -> None:
    thing = disc(60)
    near = before_a_wall(thing)
    assert shown(thing, near) > 0.99
    assert shown(disc(30), near) < 1e-9
    # Things before it explain an outline as well as things behind it.
    assert shown(~disc(60) & disc(100), near) == pytest.approx(60 / 160, abs=0.05)


def test_relief_does_not_depend_on_the_scenes_scale() -> None:
    thing = disc(60)
    values = [shown(thing, before_a_wall(thing, 2.0 * s, 2.05 * s)) for s in (1e-3, 1.0, 1e3)]
    np.testing.assert_allclose(values, values[0], rtol=1e-3)
    # (1 / 2 - 1 / 2.05) / (1 / 2) of the nearness.
    assert values[0] == pytest.approx(np.tanh((1 - 2 / 2.05) / 0.05), abs=0.02)


def test_a_slanted_plane_explains_next_to_nothing() -> None:
    # Only the nearness over 4 pixels, a share of tan(tilt) 4 / focal at most, is taken for a small jump.
    for tilt in (-0.7, 0.0, 0.7):
        assert shown(disc(60), plane(tilt)) <= np.tanh(np.tan(abs(tilt)) * 4 / FOCAL / 0.75 / 0.05) + 0.01


def test_where_a_thing_stands_on_another_the_outline_is_explained_and_around_a_corner_not() -> None:
    """A wall above and a floor below, from the middle of the picture on, and a mask of the upper half."""
    upper = np.zeros((SIDE, SIDE), bool)
    upper[:128] = True
    wall, floor = plane(-0.6), plane(0.6)
    standing, corner = (np.where(upper[:, :1], *pair) for pair in ((wall, floor), (floor, wall)))
    # The lower side is explained; the three others lie on the picture's border.
    share = 254 / (2 * 256 + 2 * 126)
    jump = np.tanh(np.tan(0.6) * 4 / FOCAL / 0.05)
    assert shown(upper, corner) < share * jump
    assert shown(upper, standing) == pytest.approx(share * np.tanh(1.2 / 0.5), abs=0.03)


def test_the_pictures_border_explains_nothing() -> None:
    left = np.zeros((SIDE, SIDE), bool)
    left[:, :100] = True
    whole = np.ones((SIDE, SIDE), bool)
    near = before_a_wall(left)
    assert shown(whole, near) < 1e-9
    # One of four sides, of 256 pixels, is an edge; the others (256 + 2 * 100) lie on the border.
    assert shown(left, near) == pytest.approx(256 / (2 * 256 + 2 * 100), abs=0.02)
    assert shown(np.zeros((SIDE, SIDE), bool), near) == 0.0


def test_overlap() -> None:
    assert overlap(disc(20), disc(20)) == 1.0
    assert overlap(disc(20), disc(40)) == pytest.approx(0.25, abs=0.01)
    assert overlap(disc(0), disc(0)) == 0.0


def test_the_answer_that_ends_where_depth_jumps_is_taken() -> None:
    """Though the model trusts a part of it and the surroundings slightly more."""
    thing = disc(60)
    taken, facts = chosen(Answers([disc(30), thing, disc(100)], [0.95, 0.92, 0.95]), before_a_wall(thing))
    assert taken == 1
    np.testing.assert_allclose(facts[:, 0], [0.95, 0.92, 0.95], atol=1e-6)
    np.testing.assert_allclose(facts[:, 1], 1.0)
    np.testing.assert_allclose(facts[:, 2], [0.0, 1.0, 0.0], atol=0.01)


def test_a_hopeless_answer_is_not_taken_for_its_outline() -> None:
    thing = disc(60)
    assert chosen(Answers([thing, disc(40)], [-0.1, 1.0]), before_a_wall(thing, 2.9))[0] == 1


def test_the_steady_answer_is_taken_where_depth_says_nothing() -> None:
    flat = before_a_wall(disc(60), 3.0, 3.0)
    taken, facts = chosen(Answers([disc(40), disc(60)], [0.95, 0.9], unsteady=(0,)), flat)
    assert taken == 1
    # Moved by ten times the nudge of 3 pixels, a disc of radius 40 overlaps itself by about a third.
    assert 0.25 < facts[0, 1] < 0.45
    assert facts[1, 1] == 1.0


def test_of_answers_about_as_good_the_smallest_is_taken() -> None:
    weights = (1.0, 1.0, 2.0)
    facts = np.array([[0.9, 0.9, 0.60], [0.9, 0.9, 0.70], [0.5, 0.5, 0.5]])
    assert choose(facts, np.array([30, 60, 10]), weights) == 0
    assert choose(facts, np.array([60, 30, 10]), weights) == 1
    facts[0, 2] = 0.55
    assert choose(facts, np.array([30, 60, 10]), weights) == 1


def test_other_clicks_stay_in_the_picture_and_near() -> None:
    segmenter = Answers([disc(40)], [0.9])
    embedding = segmenter.encode(np.zeros((SIDE, SIDE, 3), np.uint8))
    near = np.ones((SIDE, SIDE), np.float32)
    candidates(segmenter, embedding, np.array([0.5, 255.5], np.float32), near, FOCAL)
    points = np.concatenate([prompt.points for prompt in segmenter.prompts])
    reach = NUDGE * SIDE
    expected = [(0.5, 255.5), (0.5 + reach, 255.5), (0.5, 255.5), (0.5, 255.5), (0.5, 255.5 - reach)]
    np.testing.assert_allclose(points[[0, 1, 3, 5, 7]], expected, atol=1e-4)


def test_padding_of_the_models_frame_is_no_border() -> None:
    """A wide picture fills the upper part of the model's frame; an answer that runs out of it is cut there."""
    frame = Frame.of(256, 128, "pad")
    answer = disc(60, (128.0, 128.0))
    segmenter = Answers([answer], [0.9])
    near = np.where(disc(60)[:128], 0.5, 0.25).astype(np.float32)
    embedding = Embedding({}, frame)
    _, facts = candidates(segmenter, embedding, np.array([128.0, 128.0], np.float32), near, FOCAL)
    # The half disc's arc (pi 60 pixels) is explained, the chord (120 pixels) on the border is not.
    assert facts[0, 2] == pytest.approx(np.pi * 60 / (np.pi * 60 + 120), abs=0.05)
