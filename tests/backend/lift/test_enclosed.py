# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What an object encloses goes with it; what it hides from one side, stands on or holds open does not."""

from __future__ import annotations

import numpy as np
import pytest
from mask_scenes import Scene, balls_on_floor, hard_masks, make_gaussians, ring, sphere_points

from splatcut.lift import Problem, find_labels, lift
from splatcut.lift.enclosed import enclosed
from splatcut.lift.islands import islands, supported
from splatcut.lift.labels import labels_from_probability
from splatcut.progress import Quiet
from splatcut.scene.gaussians import Gaussians, concatenate


def blob(means: np.ndarray, scale: float = 0.08) -> Gaussians:
    return make_gaussians(means, scale, 0.98)


SHELL = sphere_points(2000)
INSIDE = 0.3 * sphere_points(60)


@pytest.mark.parametrize("world", [1.0, 1e-3, 1e3])
def test_what_lies_in_a_closed_shell_is_enclosed_at_any_scale(world: float) -> None:
    points = np.concatenate([INSIDE, [[0, 0, -1.3], [0, 0, 1.3], [1.2, 0, 0]], SHELL[:20] * 1.02])
    found = enclosed(blob(SHELL * world, 0.08 * world), points * world)
    assert found[:60].all()
    assert not found[60:].any()


def test_a_few_holes_do_not_matter_and_an_open_side_does() -> None:
    pricked = SHELL[np.linalg.norm(SHELL - [0, 0, 1], axis=1) > 0.2]
    assert enclosed(blob(pricked), INSIDE).all()
    bowl = SHELL[SHELL[:, 2] < 0.3]
    assert not enclosed(blob(bowl), INSIDE).any()


def test_what_lies_behind_what_is_seen_from_one_side_only_is_not_enclosed() -> None:
    front = SHELL[SHELL[:, 1] < -0.1]
    assert not enclosed(blob(front), np.array([[0.0, 0.1, 0], [0, 0.9, 0], [0, 3, 0]])).any()


def test_beneath_a_table_is_not_in_it() -> None:
    grid = np.linspace(-1, 1, 30)
    top = np.stack(np.meshgrid(grid, grid, [0.0]), axis=-1).reshape(-1, 3)
    legs = [[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in np.linspace(-1, 0, 15)]
    beneath = np.array([[0, 0, -0.2], [0.4, 0.3, -0.5], [0, 0, -0.95]])
    assert not enclosed(blob(np.concatenate([top, legs])), beneath).any()


def test_nothing_encloses_nothing() -> None:
    assert enclosed(blob(np.zeros((0, 3))), INSIDE).tolist() == [False] * 60
    assert enclosed(blob(SHELL), np.zeros((0, 3))).shape == (0,)
    # Without extent there is no inside.
    assert not enclosed(blob(np.zeros((5, 3))), np.zeros((1, 3))).any()


def test_the_innermost_object_takes_in_what_no_view_shows() -> None:
    means = np.concatenate([SHELL, 0.5 * sphere_points(800), 0.1 * sphere_points(10), 0.7 * SHELL[:10], SHELL[:10] * 2])
    labels = np.repeat(np.array([1, 2, 0, 0, 0], np.int32), [2000, 800, 10, 10, 10])
    weight = np.where(labels > 0, 100.0, 0.0)
    none = np.zeros(len(labels), bool)
    result = islands(blob(means, 0.06), labels, weight, none)
    assert result.labels.tolist() == [1] * 2000 + [2] * 800 + [2] * 10 + [1] * 10 + [0] * 10
    assert np.bincount(result.taken).tolist() == [2810, 10, 10]
    # What is seen is not touched.
    seen = np.where(labels > 0, 100.0, 11.0)
    assert not islands(blob(means, 0.06), labels, seen, none).taken.any()


def test_an_island_inside_stays_and_one_outside_goes() -> None:
    means = np.concatenate([SHELL, 0.05 * sphere_points(5), 0.05 * sphere_points(5) + 4])
    labels, weight = np.ones(2010, np.int32), np.ones(2010)
    none = np.zeros(2010, bool)
    result = islands(blob(means), labels, weight, none)
    assert result.sent.tolist() == [0] * 2005 + [1] * 5
    assert result.taken.tolist() == [0] * 2000 + [1] * 5 + [0] * 5
    assert [(island.count, island.removed) for island in result.found] == [(5, False), (5, True)]


def test_a_ball_wholly_hidden_in_an_object_goes_with_it() -> None:
    """No mask supports it, and it stands apart from the shell."""
    scene = balls_on_floor((0.0, 0.0, 0.0))
    hidden = make_gaussians(0.08 * sphere_points(30), 0.02, 0.95)
    gaussians, owner = concatenate([scene.gaussians, hidden]), np.append(scene.owner, np.full(30, 2))
    views = ring(8, width=96, height=72)
    masks = [Scene(gaussians, owner).truth(view.camera)[None] for view in views]
    problem = Problem(gaussians, views, hard_masks(views, masks))
    labelled = lift(problem, 0.1, Quiet())
    assert labelled.weight[owner == 2].max() < 1
    sure = supported(labelled.probability, labelled.views)
    assert not sure[owner == 2].any()
    labels = labels_from_probability(labelled.probability)
    stray = islands(gaussians, labels, labelled.weight, sure, enclosing=False)
    assert (stray.sent[owner == 2] == 1).all()
    found = find_labels(labelled, Quiet())
    assert (found.labels[owner == 2] == 1).all()
    assert not found.sent[owner == 2].any()
    assert (found.taken[owner == 2] == 1).all()
    assert (found.labels[owner == 0] == 0).mean() > 0.98
