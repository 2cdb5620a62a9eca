# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Evidence about points: a ball of Gaussians on a slab, seen from a ring of cameras, and pixels by hand."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from mask_scenes import make_gaussians
from refine_scenes import RADIUS, slab_scene

import splatcut.refine.evidence
from splatcut.lift import Problem
from splatcut.progress import Quiet
from splatcut.refine.evidence import Evidence, Witness, call_witnesses, depth_maps, evidence, interior, supported
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import concatenate

#: Rows of what ``_with_buried`` puts last.
BURIED, CORE = -2, -1


@cache
def _scene() -> Problem:
    return slab_scene(8)[0]


def _with_buried() -> tuple[Problem, np.ndarray]:
    """The ball's as well by label: a Gaussian beneath the slab, and one in the ball's middle."""
    problem, labels = slab_scene(8)
    others = [make_gaussians([place], 0.05, 0.88) for place in ([0.3, -0.5, 0.2], [0.0, RADIUS, 0.0])]
    scene = concatenate([problem.scene, *others])
    return replace(problem, scene=scene), np.concatenate([labels, [1, 1]]).astype(np.int32)


@cache
def _depths() -> tuple[np.ndarray, ...]:
    return tuple(depth_maps(_scene().scene, _scene().views, Quiet()))


def _witnesses(k: int = 0) -> list[Witness]:
    problem = _scene()
    masks = [np.ascontiguousarray(mask[k]) for mask in problem.masks.probability]
    return [
        Witness(view.camera, mask, 1.0, depth, interior(mask))
        for view, mask, depth in zip(problem.views, masks, _depths(), strict=True)
    ]


def _ask(points: np.ndarray, k: int = 0) -> Evidence:
    return evidence(np.asarray(points, np.float64), _witnesses(k))


def _in_ball(radius: float, count: int = 500) -> np.ndarray:
    rng = np.random.default_rng(0)
    direction = rng.normal(size=(count, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    return radius * rng.uniform(size=(count, 1)) ** (1 / 3) * direction + [0.0, RADIUS, 0.0]


def test_depth_maps_show_the_ball_and_the_slab() -> None:
    for view, mask, depth in zip(_scene().views, _scene().masks.probability, _depths(), strict=True):
        y, x = np.indices(depth.shape)
        pixels = np.stack([x.ravel(), y.ravel()], axis=1) + 0.5
        known = np.where(np.isfinite(depth), depth, 1.0)
        points = view.camera.unproject(pixels, known.ravel()).reshape(*depth.shape, 3)
        ball, slab = mask[0] > 250, mask[1] > 250
        assert ball.sum() > 1000
        assert slab.sum() > 1000
        np.testing.assert_allclose(np.linalg.norm(points[ball] - [0, RADIUS, 0], axis=1), 0.97 * RADIUS, atol=0.03)
        np.testing.assert_allclose(points[slab][:, 1], -0.02, atol=0.02)
        assert np.isinf(depth[(mask < 5).all(axis=0)]).all()


def test_points_in_the_ball_are_supported() -> None:
    points = _in_ball(0.93 * RADIUS)
    found = _ask(points)
    assert (found.seen == 8).all()
    np.testing.assert_allclose(found.inside, 8, atol=0.1)
    assert (found.refuted < 0.1).all()
    # The part that faces the slab lies behind the rim in every view: unknown.
    low = points[:, 1] < 0.5 * RADIUS
    assert (found.supported[~low] > 0.9).all()
    assert found.supported[~low].mean() > 5
    assert (_ask(np.array([[0.0, RADIUS, 0.0]])).supported > 7.9).all()  # in the middle, by every view


def test_points_beside_the_ball_are_refuted() -> None:
    around = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    ring = np.stack([np.cos(around), np.ones(24), np.sin(around)], axis=1) * [0.65, RADIUS, 0.65]
    found = _ask(ring)
    assert (found.seen == 8).all()
    assert (found.refuted >= 2).all()
    on_the_slab = _ask(np.array([[1.0, 0.0, 0.3], [-0.9, 0.0, 0.6]]))
    assert (on_the_slab.refuted > 4.9).all()
    assert (on_the_slab.supported < 0.1).all()  # where the ball hides it, it lies in its mask, but far behind
    np.testing.assert_allclose(on_the_slab.refuted + on_the_slab.inside, on_the_slab.seen, atol=0.1)


def test_points_deep_under_the_slab_are_unknown() -> None:
    x, y, z = np.meshgrid([-0.3, 0.0, 0.3], [-0.3, -0.45], [-0.3, 0.0, 0.3])
    found = _ask(np.stack([x.ravel(), y.ravel(), z.ravel()], axis=1))
    assert (found.seen == 8).all()
    assert (found.refuted < 0.1).all()
    assert (found.supported < 0.1).all()


def test_a_spike_below_the_ball_is_hidden_even_where_it_lies_in_its_silhouette() -> None:
    """Just under the contact every view looks through the ball, or through the slab: nobody sees the point."""
    found = _ask(np.array([[0.0, -0.1, 0.0], [0.0, -0.3, 0.0]]))
    assert found.inside[0] > 7.9  # the lines of sight pass through the ball's lower half
    assert found.inside[1] < 0.1  # and here through the slab before it
    assert (found.supported < 0.1).all()
    assert (found.refuted < 0.1).all()


def test_the_silhouette_counts_what_lies_behind_the_ball() -> None:
    camera = _scene().views[0].camera
    far = camera.position + 1.4 * (np.array([0.0, RADIUS, 0.0]) - camera.position)
    found = evidence(far[None], _witnesses()[:1])
    assert found.seen.tolist() == [1.0]
    assert found.inside[0] > 0.99
    assert found.supported[0] < 0.01
    assert found.refuted[0] < 0.01


def test_views_count_by_their_confidence() -> None:
    trust = np.linspace(0.1, 0.9, 8)
    witnesses = [replace(witness, confidence=share) for witness, share in zip(_witnesses(), trust, strict=True)]
    found = evidence(np.array([[0.0, RADIUS, 0.0], [0.0, 1.2, 0.0]]), witnesses)
    np.testing.assert_allclose(found.seen, 4.0, rtol=1e-5)
    assert found.supported[0] == pytest.approx(4.0, abs=0.05)
    assert found.refuted[1] == pytest.approx(4.0, abs=0.05)
    for points, asked in ((np.zeros((2, 3)), []), (np.zeros((0, 3)), witnesses)):
        none = evidence(points, asked)
        for array in (none.supported, none.refuted, none.inside, none.seen):
            assert array.tolist() == [0.0] * len(points)


def test_the_slab_is_not_refuted_by_the_ball_that_hides_it() -> None:
    found = _ask(np.array([[0.0, -0.02, 0.0]]), k=1)
    assert found.refuted[0] < 0.5
    assert found.seen[0] == 8


def test_points_behind_the_cameras_and_outside_their_images_are_not_seen() -> None:
    camera = _scene().views[0].camera
    behind = camera.position - 2.0 * camera.camera_from_world[2, :3]
    beside = camera.unproject(np.array([[-1.0, 60.0], [160.5, 60.0], [80.0, 120.5]]), np.full(3, 3.0))
    found = evidence(np.vstack([behind, beside]), _witnesses()[:1])
    assert (found.seen == 0).all()


@pytest.mark.parametrize(
    ("z", "supported", "refuted"),
    [
        (1.0, 0.6, 0.4),  # in front of the surface
        (2.0, 0.6, 0.4),  # on it
        (2.05, 0.6, 0.4),  # within the slack: 2.5 pixels of 2 / 100
        (2.1, 0.6, 0.0),  # hidden, but within the thickness: slack and 2 * 9.5 pixels
        (2.43, 0.6, 0.0),
        (2.47, 0.0, 0.0),  # too deep
    ],
)
def test_one_pixel_by_hand(z: float, supported: float, refuted: float) -> None:
    camera = Camera(40, 40, 100.0, 100.0, 20.0, 20.0, np.eye(4))
    mask = np.zeros((40, 40), np.uint8)
    mask[:, 10:30] = 153  # 0.6, twenty pixels wide
    point = camera.unproject(np.array([[19.5, 20.5]]), np.array([z]))
    found = evidence(point, [Witness(camera, mask, 1.0, np.full((40, 40), 2.0, np.float32), interior(mask))])
    assert float(found.supported[0]) == pytest.approx(supported, abs=1e-6)
    assert float(found.refuted[0]) == pytest.approx(refuted, abs=1e-6)
    assert float(found.inside[0]) == pytest.approx(0.6, abs=1e-6)
    assert float(found.seen[0]) == 1.0


def test_nothing_behind_is_nothing_that_hides() -> None:
    camera = Camera(40, 40, 100.0, 100.0, 20.0, 20.0, np.eye(4))
    empty, full = (np.full((40, 40), value, np.uint8) for value in (0, 255))
    nowhere = np.full((40, 40), np.inf, np.float32)
    found = evidence(np.array([[0, 0, 5.0]]), [Witness(camera, empty, 1.0, nowhere, interior(empty))])
    assert found.refuted.tolist() == [1.0]
    found = evidence(np.array([[0, 0, 2.5]]), [Witness(camera, full, 1.0, np.float32(0) * full + 2, interior(full))])
    assert found.supported.tolist() == [1.0]  # a mask without an outline has no thin places


def test_the_interior_is_the_distance_to_the_outline() -> None:
    mask = np.zeros((20, 30), np.uint8)
    mask[5:15, 8:20] = 200
    mask[0:3, 25:] = 128  # at the image's border, which is no outline
    found = interior(mask)
    assert not found[mask == 0].any()
    assert [found[10, 8], found[10, 9], found[10, 14], found[5, 12], found[9, 13]] == [0.5, 1.5, 4.5, 0.5, 4.5]
    assert found[0, 29] == 2.5


def test_small_depth_maps_say_the_same_away_from_edges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splatcut.refine.evidence, "LARGEST", 80)
    small = depth_maps(_scene().scene, _scene().views, Quiet())
    assert small[0].shape == (60, 80)
    points = np.vstack([_in_ball(0.5 * RADIUS), [[1.0, 0.0, 0.3], [0.0, -0.45, 0.0]]])
    coarse = [replace(witness, depth=depth) for witness, depth in zip(_witnesses(), small, strict=True)]
    whole, found = _ask(points), evidence(points, coarse)
    assert np.abs(whole.supported - found.supported).mean() < 0.3
    np.testing.assert_allclose(found.refuted, whole.refuted, atol=0.2)


def test_supported_tells_the_seen_and_the_enclosed_from_the_buried() -> None:
    problem, label = _with_buried()
    witnesses = call_witnesses(problem, Quiet())
    own = supported(problem.scene, label, witnesses)
    assert own[CORE]
    assert not own[BURIED]
    assert own[:3000].mean() > 0.99
    assert not supported(problem.scene, 0 * label, witnesses).any()


def test_of_objects_that_no_view_is_trusted_about_nothing_is_supported() -> None:
    problem, label = _with_buried()
    trust = np.tile(np.float32([0.0, 1.0]), (8, 1))
    witnesses = call_witnesses(replace(problem, masks=replace(problem.masks, confidence=trust)), Quiet())
    assert [len(asked) for asked in witnesses] == [0, 8]
    assert not supported(problem.scene, label, witnesses)[label == 1].any()


def test_witnesses_know_their_objects_masks_widened_by_a_pixel() -> None:
    problem = _scene()
    for k, asked in enumerate(call_witnesses(problem, Quiet())):
        for witness, view, masks in zip(asked, problem.views, problem.masks.probability, strict=True):
            assert witness.camera is view.camera
            padded = np.pad(masks[k], 1)
            around = [padded[y : y + 120, x : x + 160] for y in range(3) for x in range(3)]
            np.testing.assert_array_equal(witness.mask, np.max(around, axis=0))
            assert (witness.interior > 0).sum() == (witness.mask > 127).sum()


def test_the_views_asked_are_those_that_differ_most(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = _scene()

    def asked(count: int, doubted: int | None = None) -> list[int]:
        monkeypatch.setattr(splatcut.refine.evidence, "VIEWS", count)
        trust = np.ones((8, 2), np.float32)
        if doubted is not None:
            trust[doubted] = 0.0
        few = replace(problem, scene=problem.scene.take(slice(0, 9)), masks=replace(problem.masks, confidence=trust))
        cameras = [view.camera for view in problem.views]
        return [cameras.index(witness.camera) for witness in call_witnesses(few, Quiet())[0]]

    assert asked(8) == list(range(8))
    assert asked(2) == [0, 4]
    chosen = asked(4, doubted=4)
    assert len(chosen) == 4
    assert 4 not in chosen
