# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What moves, each reason alone: lone Gaussians of two pixels' standard deviation before a camera of which the left
half of the image is the object's, with votes, variances and visible weights by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from mask_scenes import make_gaussians

from splatcut import raster
from splatcut.lift import Labelled, Problem, lift
from splatcut.progress import Quiet
from splatcut.refine.movers import choose_movers
from splatcut.scene.camera import Camera, View
from splatcut.scene.gaussians import Gaussians, concatenate
from splatcut.scene.masks import MaskSet

CAMERA = Camera(96, 64, 100.0, 100.0, 48.0, 32.0, np.eye(4))
EDGE = 48
LEFT = np.broadcast_to(255 * (np.arange(96) < EDGE), (1, 64, 96)).astype(np.uint8)
#: Rows of the image that are far enough from each other.
ROWS = (8.0, 24.0, 40.0, 56.0)


def at(columns: list[float], opacity: float = 0.9, deviation: float = 2.0) -> Gaussians:
    """Gaussians at these columns, each in a row of its own."""
    pixels = np.column_stack([columns, ROWS[: len(columns)]])
    return make_gaussians(CAMERA.unproject(pixels, np.full(len(columns), 2.0)), deviation * 2.0 / 100.0, opacity)


def problem(gaussians: Gaussians, *masks: np.ndarray, confidence: list[list[float]] | None = None) -> Problem:
    """One view for each mask, all of the same camera."""
    views = [View(str(number), CAMERA) for number in range(len(masks))]
    trust = np.ones((len(masks), len(masks[0]))) if confidence is None else np.array(confidence)
    names = tuple(str(k) for k in range(len(masks[0])))
    return Problem(gaussians, views, MaskSet(names, tuple(v.name for v in views), list(masks), trust.astype("f4")))


def labelled(
    gaussians: Gaussians, probability: object = 0.0, weight: object = 10.0, variance: object = 0.0
) -> Labelled:
    """Labels by hand, broadcast to [N, 1] (probability, variance) and [N] (weight)."""
    count = len(gaussians)

    def column(value: object) -> np.ndarray:
        given = np.asarray(value, np.float32)
        return given if given.ndim == 2 else np.broadcast_to(given, count)[:, None].copy()

    visible = np.broadcast_to(np.asarray(weight, np.float32), count)
    views = np.zeros(count, np.int32)
    return Labelled(gaussians, np.zeros(count, bool), column(probability), visible, views, column(variance), (0,))


def movers(case: Problem, labels: Labelled, tau: float = 0.1) -> list[int]:
    return choose_movers(case, labels, tau, Quiet()).tolist()


# ---------------------------------------------------------------------------------------- the mask variance alone


def test_what_varies_more_than_tau_and_is_seen_moves() -> None:
    some = at([20, 80, 20, 80])
    labels = labelled(some, variance=[0.11, 0.09, 0.5, 0.5], weight=[1.1, 50.0, 0.9, 1.1])
    assert movers(problem(some, LEFT), labels) == [0, 3]
    assert movers(problem(some, LEFT), labels, tau=0.08) == [0, 1, 3]
    assert movers(problem(some, LEFT), labels, tau=0.5) == []
    # For any of the objects.
    several = labelled(some, probability=np.zeros((4, 2)), variance=np.array([[0, 0], [0, 0.2], [0, 0], [0.2, 0]]))
    assert movers(problem(some, np.concatenate([LEFT, 0 * LEFT])), several) == [1, 3]


# ------------------------------------------------------------------------------------------- along the masks' edges


def test_what_may_be_an_objects_and_lies_along_an_edge_moves() -> None:
    some = at([48, 48, 52, 20])
    case = problem(some, LEFT)
    assert movers(case, labelled(some, probability=0.025)) == [0, 1, 2]
    assert movers(case, labelled(some, probability=[0.025, 0.015, 0.025, 0.025])) == [0, 2]
    assert movers(case, labelled(some, probability=0.025, weight=[1.1, 1.1, 0.9, 1.1])) == [0, 1]
    # Any of the objects' edges, and any of the probabilities.
    two = np.concatenate([0 * LEFT, LEFT])
    assert movers(problem(some, two), labelled(some, np.tile([0.0, 0.025], (4, 1)).astype(np.float32))) == [0, 1, 2]


def test_how_much_of_what_is_seen_has_to_lie_along_the_edge() -> None:
    some = at([48, 48, 52, 20])
    signal = np.zeros((1, 64, 96), np.float32)
    signal[:, :, EDGE - 4 : EDGE + 4] = 1
    along = raster.accumulate(some, CAMERA, signal, device="reference").weighted[:, 0]
    assert along[:3].min() > 5
    assert along[3] == 0
    labels = labelled(some, probability=0.3, weight=along / np.array([0.0015, 0.0025, 0.0025, 1.0]) + 2)
    assert movers(problem(some, LEFT), labels) == [1, 2]
    # The share follows tau.
    assert movers(problem(some, LEFT), labels, tau=0.07) == [0, 1, 2]
    assert movers(problem(some, LEFT), labels, tau=0.13) == []
    # Over all trusted views: from three of them the first has enough.
    assert movers(problem(some, LEFT, LEFT, LEFT), labels) == [0, 1, 2]
    assert movers(problem(some, LEFT, LEFT, confidence=[[1.0], [0.0]]), labels) == [1, 2]
    # As far as they are trusted: three thirds are one, and the visible weight is of views weighted alike.
    assert movers(problem(some, LEFT, LEFT, LEFT, confidence=[[1 / 3]] * 3), labels) == [1, 2]
    assert movers(problem(some, LEFT, confidence=[[0.0]]), labels) == []


# -------------------------------------------------------------------------------------- out of the masks when alone


def test_what_sticks_out_of_its_mask_when_alone_moves_though_the_scene_hides_it() -> None:
    """A wall before a ball of which one Gaussian lies far outside the mask and one just where the mask ends."""
    own = at([20, 80, 48])
    x, y = np.meshgrid(np.linspace(-0.8, 0.8, 60), np.linspace(-0.6, 0.6, 45))
    wall = make_gaussians(np.column_stack([x.ravel(), y.ravel(), np.full(x.size, 1.0)]), 0.03, 0.99)
    scene = concatenate([own, wall])
    case = problem(scene, LEFT)
    probability = (np.arange(len(scene)) < 3).astype(np.float32)
    lifted = lift(case, 0.1, Quiet())
    hidden = replace(labelled(scene, probability=probability), weight=lifted.weight, variance=lifted.variance)
    assert hidden.weight[:3].max() < 1
    assert [row for row in movers(case, hidden) if row < 3] == [1, 2]


@pytest.mark.parametrize(("inside", "moves"), [(1.75, False), (1.55, True)])
def test_a_twentieth_may_stick_out(inside: float, moves: bool) -> None:
    """Of a normal profile 4.0% lie beyond 1.75 standard deviations and 6.1% beyond 1.55."""
    some = at([EDGE - 4.0 * inside], deviation=4.0)
    labels = labelled(some, probability=1.0, weight=0.0)
    assert movers(problem(some, LEFT), labels) == ([0] if moves else [])
    # Or half of any other tau.
    assert movers(problem(some, LEFT), labels, tau=0.07) == [0]
    assert movers(problem(some, LEFT), labels, tau=0.14) == []


def test_what_sticks_out_counts_over_the_views_that_are_trusted_about_its_object() -> None:
    some = at([20, 80])
    labels = labelled(some, probability=1.0, weight=0.0)
    everything, nothing = 0 * LEFT + 255, 0 * LEFT
    assert movers(problem(some, everything), labels) == []
    assert movers(problem(some, everything, nothing, confidence=[[1.0], [0.0]]), labels) == []
    assert movers(problem(some, everything, LEFT), labels) == [1]
    assert movers(problem(some, LEFT, everything), labels) == [1]
    # A thirtieth over 30 views is less than a twentieth, one of 15 is more.
    assert movers(problem(some, *[everything] * 29, LEFT), labels) == []
    assert movers(problem(some, *[everything] * 14, LEFT), labels) == [1]
    both = np.concatenate([everything, nothing])
    second = labelled(some, probability=np.array([[0.0, 1.0], [1.0, 0.0]]), weight=0.0)
    assert movers(problem(some, both), second) == [0]
    assert movers(problem(some, both, confidence=[[1.0, 0.0]]), second) == []


def test_what_hardly_shows_or_is_no_objects_does_not_stick_out() -> None:
    faint, clear = at([80], opacity=0.03), at([80], opacity=0.08)
    weight = [float(raster.accumulate(some, CAMERA, LEFT / 255.0).weight[0]) for some in (faint, clear)]
    assert weight[0] < 0.8
    assert weight[1] > 1.25
    for some, expected in ((faint, []), (clear, [0])):
        assert movers(problem(some, LEFT), labelled(some, probability=1.0, weight=0.0)) == expected
        assert movers(problem(some, LEFT), labelled(some, probability=0.4, weight=0.0)) == []


def test_alone_an_object_is_drawn_without_what_hides_it() -> None:
    """Behind another object's opaque Gaussian, which is not drawn with it."""
    front = make_gaussians(CAMERA.unproject(np.array([[80.0, ROWS[0]]]), np.array([1.0])), 0.2, 0.999)
    scene = concatenate([at([80]), front])
    labels = labelled(scene, probability=np.eye(2), weight=0.0)
    assert movers(problem(scene, np.concatenate([LEFT, 255 - LEFT])), labels) == [0, 1]
    assert movers(problem(scene, np.concatenate([0 * LEFT + 255, 0 * LEFT + 255])), labels) == []
    same = labelled(scene, probability=1.0, weight=0.0)
    assert movers(problem(scene, LEFT), same) == [1]  # one object: its own front hides its back
