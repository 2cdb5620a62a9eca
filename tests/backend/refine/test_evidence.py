# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Sums over the views of the objects alone."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from raster_scenes import SceneOptions, random_scene
from refine_scenes import edge_scene

from splatcut import raster
from splatcut.errors import Cancelled
from splatcut.progress import Quiet
from splatcut.refine.evidence import EDGE, UNCERTAIN, accumulate_alone, edge_share, edges, far_from_edges
from splatcut.scene.camera import View
from splatcut.scene.masks import MaskSet


def test_against_the_reference_object_by_object() -> None:
    scene = random_scene(3, SceneOptions(count=60, width=45, height=30, opacity=(0.1, 0.8)))
    rng = np.random.default_rng(0)
    probability = rng.dirichlet([1.0, 1.0, 1.0], 60).astype(np.float32)[:, 1:]
    views = [View("a", scene.camera), View("b", scene.camera.resized(31, 22)), View("c", scene.camera)]
    masks = [rng.integers(0, 256, (2, v.camera.height, v.camera.width), dtype=np.uint8) for v in views]
    confidence = np.array([[1.0, 0.5], [0.25, 0.0], [0.0, 0.0]], np.float32)
    found = accumulate_alone(
        scene.gaussians, probability, views, MaskSet(("one", "two"), ("a", "b", "c"), masks, confidence), Quiet()
    )
    weight, inside = np.zeros(60), np.zeros(60)
    for k in range(2):
        own = np.flatnonzero(probability[:, k] > 0.5)
        assert 3 < own.size < 57
        for number, view in enumerate(views):
            signal = masks[number][k : k + 1].astype(np.float32) / 255
            sums = raster.accumulate(scene.gaussians.take(own), view.camera, signal, device="reference")
            weight[own] += confidence[number, k] * sums.weight
            inside[own] += confidence[number, k] * sums.weighted[:, 0]
    np.testing.assert_allclose(found.weight, weight, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(found.inside, inside, rtol=1e-3, atol=1e-3)
    nobodys = (probability <= 0.5).all(axis=1)
    assert not found.weight[nobodys].any()


def test_what_sticks_out_of_the_masks_shows() -> None:
    """Of the ball as the masks have it hardly anything lies outside; of the grown one the rim does."""
    shares = []
    for growth in (0.0, 0.5):
        scene = edge_scene(views=3, growth=growth)
        found = accumulate_alone(scene.gaussians, scene.probability, scene.views, scene.masks, Quiet())
        ball = scene.probability[:, 0] > 0.5
        assert not found.weight[~ball].any()
        assert (found.inside <= found.weight * (1 + 1e-6)).all()
        shares.append(1 - found.inside[ball].sum() / found.weight[ball].sum())
        covered = sum(
            (1 - raster.render(scene.gaussians.take(ball), view.camera, colour=False).transmittance).sum()
            for view in scene.views
        )
        assert found.weight.sum() == pytest.approx(covered, rel=1e-4)
    assert shares[0] < 0.06
    assert shares[1] > 1.5 * shares[0]


def test_objects_without_gaussians_and_cancellation() -> None:
    scene = edge_scene(views=2)
    none = accumulate_alone(scene.gaussians, 0.5 * scene.probability, scene.views, scene.masks, Quiet())
    assert not none.weight.any()
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        accumulate_alone(scene.gaussians, scene.probability, scene.views, scene.masks, Quiet(stop))


def test_the_band_along_the_edges() -> None:
    masks = np.zeros((2, 40, 60), np.float32)
    masks[0, 10:30, 20:50] = 1  # a box: the band goes EDGE to either side of its outline
    rows, columns = np.nonzero(edges(masks))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (10 - EDGE, 29 + EDGE, 20 - EDGE, 49 + EDGE)
    assert not edges(masks)[10 + EDGE : 30 - EDGE, 20 + EDGE : 50 - EDGE].any()
    assert not edges(np.ones((1, 9, 9), np.float32)).any()  # the picture's border is no edge
    masks[1] = 1 - masks[0]
    np.testing.assert_array_equal(edges(masks), edges(masks[:1]))


def test_far_from_the_edges_is_by_the_distance_to_the_other_side() -> None:
    masks = np.zeros((2, 20, 30), np.float32)
    masks[0, 5:15, 8:20] = 0.9
    masks[1] = np.random.default_rng(0).random((20, 30)) < 0.02
    y, x = np.mgrid[:20, :30]
    for mask, far in zip(masks, far_from_edges(masks), strict=True):
        inside = mask > 0.5
        for own, other in ((inside, ~inside), (~inside, inside)):
            rows, columns = np.nonzero(other)
            apart = np.hypot(y[own][:, None] - rows, x[own][:, None] - columns).min(axis=1)
            np.testing.assert_array_equal(far[own], apart > UNCERTAIN)
    # Without an edge nothing is near one.
    assert far_from_edges(np.stack([np.zeros((4, 5)), np.ones((4, 5))]).astype(np.float32)).all()


def test_the_share_along_the_edges_against_the_reference() -> None:
    scene = random_scene(5, SceneOptions(count=50, width=45, height=30, opacity=(0.1, 0.8)))
    views = [View("a", scene.camera), View("b", scene.camera.resized(31, 22)), View("c", scene.camera)]
    masks = []
    for view in views:
        mask = np.zeros((1, view.camera.height, view.camera.width), np.uint8)
        mask[:, :, : view.camera.width // 2] = 255
        masks.append(mask)
    confidence = np.array([[1.0], [0.5], [0.0]], np.float32)
    found = edge_share(scene.gaussians, views, MaskSet(("one",), ("a", "b", "c"), masks, confidence), Quiet())
    weight, along = np.zeros(50), np.zeros(50)
    for view, mask in zip(views[:2], masks[:2], strict=True):
        half = view.camera.width // 2
        signal = np.zeros((1, *mask.shape[1:]), np.float32)
        signal[:, :, half - EDGE : half + EDGE] = 1
        sums = raster.accumulate(scene.gaussians, view.camera, signal, device="reference")
        weight += sums.weight
        along += sums.weighted[:, 0]
    seen = weight > 1e-3
    assert seen.sum() > 20
    np.testing.assert_allclose(found[seen], (along / np.maximum(weight, 1e-9))[seen], rtol=2e-3, atol=2e-3)
    assert 0.1 < (found > 0.5).mean() < 0.9
