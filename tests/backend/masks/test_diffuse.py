# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Strokes spread over the Gaussians without a 2D model."""

from __future__ import annotations

import numpy as np
import pytest
from mask_scenes import Scene, balls_on_floor, ring
from numpy.typing import ArrayLike, NDArray

from splatcut.cameras import Camera
from splatcut.errors import UserError
from splatcut.masks.diffuse import DiffuseOptions, diffuse, diffuse_masks, drawn, find_seeds, neighbour_graph, walk
from splatcut.masks.prompted import Said
from splatcut.masks.types import MaskSet
from splatcut.masks.working import WorkingView
from splatcut.progress import Quiet

# The balls touch each other and the floor.
RED, GREEN, FLOOR = (-0.4, 0.0, 0.0), (0.4, 0.0, 0.0), (0.0, 0.4, -0.9)
VIEWS = [WorkingView(view, view) for view in ring(5, width=96, height=72)]
FIRST = VIEWS[0].view.camera


@pytest.fixture(scope="module")
def scene() -> Scene:
    return balls_on_floor(RED, GREEN)


def _points(camera: Camera, *places: tuple[ArrayLike, int], box: NDArray[np.float32] | None = None) -> Said:
    pixels, _ = camera.project(np.array([place for place, _ in places], np.float64))
    return Said(pixels.astype(np.float32), np.array([label for _, label in places], np.int32), box)


def _masks(scene: Scene, said: dict[str, dict[str, Said]]) -> MaskSet:
    return diffuse_masks(scene.gaussians, VIEWS, list(said), list(said.values()), DiffuseOptions(), Quiet())


def _iou(mask: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    return float((mask & truth).sum() / (mask | truth).sum())


def test_points_on_two_touching_balls_and_the_floor_give_both_in_all_views(scene: Scene):
    said = {
        "red": {"view_00": _points(FIRST, (RED, 1), (FLOOR, 0))},
        "green": {"view_00": _points(FIRST, (GREEN, 1), (FLOOR, 0))},
    }
    masks = _masks(scene, said)
    assert masks.confidence.min() == 1.0
    for number, view in enumerate(VIEWS):
        soft = masks.soft(number)
        assert soft.sum(axis=0).max() <= 1.01
        for k in (0, 1):
            assert _iou(soft[k] > 0.5, scene.truth(view.view.camera, k + 1)) > 0.9


def test_a_ready_mask_of_one_view_is_enough(scene: Scene):
    mask = scene.truth(FIRST, 1).astype(np.uint8) * np.uint8(255)
    masks = _masks(scene, {"red": {"view_00": Said(np.empty((0, 2), np.float32), np.empty(0, np.int32), mask=mask)}})
    for number, view in enumerate(VIEWS):
        assert _iou(masks.soft(number)[0] > 0.5, scene.truth(view.view.camera, 1)) > 0.9


def test_the_solution_is_harmonic_and_keeps_the_seeds(scene: Scene):
    options = DiffuseOptions(tolerance=1e-10)
    said = [
        {"view_00": _points(FIRST, (RED, 1), (FLOOR, 0))},
        {"view_00": _points(FIRST, (GREEN, 1), (FLOOR, 0))},
    ]
    on, off = find_seeds(scene.gaussians, {view.name: view for view in VIEWS}, said, options)
    assert (scene.owner[on[:, 0]] == 1).all()
    assert (scene.owner[on[:, 1]] == 2).all()
    assert (off[:, 0] >= on[:, 1]).all()
    assert not (on & off).any()
    graph = neighbour_graph(scene.gaussians, options)
    assert abs(graph - graph.T).max() == 0
    value = walk(graph, on[:, 0], off[:, 0], options)
    assert value.min() >= 0
    assert value.max() <= 1
    assert (value[on[:, 0]] == 1).all()
    assert (value[off[:, 0]] == 0).all()
    mean = (graph @ value) / np.asarray(graph.sum(axis=1)).ravel()
    free = ~(on | off)[:, 0]
    np.testing.assert_allclose(value[free], mean[free], atol=1e-4)
    assert diffuse(scene.gaussians, on, off, options, Quiet()).sum(axis=1).max() <= 1 + 1e-6


def test_what_lies_outside_a_box_is_not_the_object():
    said = Said(np.array([[8.0, 8.0]], np.float32), np.ones(1, np.int32), box=np.array([4, 4, 12, 12], np.float32))
    on, off = drawn(said, (16, 20), DiffuseOptions(radius=1.0))
    assert on.sum() == 4
    assert on[7:9, 7:9].all()
    assert off.sum() == 16 * 20 - 8 * 8
    assert not off[4:12, 4:12].any()


def test_an_object_that_nothing_bounds_is_refused(scene: Scene):
    with pytest.raises(UserError, match="Nothing says what does not belong to the object 'red'"):
        _masks(scene, {"red": {"view_00": _points(FIRST, (RED, 1))}})


def test_a_box_alone_is_refused(scene: Scene):
    box = np.array([20, 20, 60, 60], np.float32)
    alone = Said(np.empty((0, 2), np.float32), np.empty(0, np.int32), box)
    with pytest.raises(UserError, match="'red' has no stroke, point or mask"):
        _masks(scene, {"red": {"view_00": alone}})
