# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Evidence about points: a ball of Gaussians on a slab, seen from a ring of cameras, and pixels by hand."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from splatcut import raster
from splatcut.refine.hull import Evidence, HullOptions, axis_points, depth_maps, evidence
from splatcut.scene.camera import Camera, View
from splatcut.scene.gaussians import Gaussians, concatenate
from splatcut.scene.masks import MaskSet
from splatcut.scene.rotations import rotation_matrices

RADIUS = 0.5


def _gaussians(means: np.ndarray, scale: float) -> Gaussians:
    count = len(means)
    return Gaussians(
        means=means.astype(np.float32),
        log_scales=np.full((count, 3), np.log(scale), np.float32),
        quats=np.tile(np.float32([1, 0, 0, 0]), (count, 1)),
        opacity_logits=np.full(count, 6.0, np.float32),
        sh=np.zeros((count, 1, 3), np.float32),
    )


def _looking_at(position: np.ndarray, target: np.ndarray, width: int = 160, height: int = 120) -> Camera:
    forward = (target - position) / np.linalg.norm(target - position)
    right = np.cross(forward, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right)
    transform = np.eye(4)
    transform[:3, :3] = [right, np.cross(forward, right), forward]
    transform[:3, 3] = -transform[:3, :3] @ position
    return Camera(width, height, 200.0, 200.0, 0.5 * width, 0.5 * height, transform)


@cache
def _scene() -> tuple[Gaussians, list[View], MaskSet]:
    """A ball of radius 0.5 about (0, 0.5, 0) that stands on a slab whose upper side is y = 0; 8 cameras, 35 degrees up.

    Objects: the ball, the slab. The masks are of what each view shows.
    """
    number = np.arange(3000) + 0.5
    polar, around = np.arccos(1 - 2 * number / 3000), np.pi * (1 + 5**0.5) * number
    ball = np.stack([np.sin(polar) * np.cos(around), np.cos(polar), np.sin(polar) * np.sin(around)], axis=1)
    ball = 0.97 * RADIUS * ball + [0.0, RADIUS, 0.0]
    x, z = np.meshgrid(np.arange(-2, 2.01, 0.05), np.arange(-2, 2.01, 0.05))
    slab = np.stack([x.ravel(), np.full(x.size, -0.02), z.ravel()], axis=1)
    scene = concatenate([_gaussians(ball, 0.015), _gaussians(slab, 0.03)])
    scene.log_scales[len(ball) :, 1] = np.log(0.002)
    label = np.zeros((len(scene), 2), np.float32)
    label[: len(ball), 0] = label[len(ball) :, 1] = 1.0
    views, masks = [], []
    for k in range(8):
        turn = 2 * np.pi * k / 8
        up = np.deg2rad(35.0)
        at = 4.0 * np.array([np.cos(up) * np.cos(turn), np.sin(up), np.cos(up) * np.sin(turn)])
        views.append(View(f"view {k}", _looking_at(at, np.array([0.0, 0.4, 0.0]))))
        shown = raster.render(scene, views[-1].camera, colour=False, features=label).features
        masks.append(np.round(255 * np.clip(shown, 0, 1)).astype(np.uint8).transpose(2, 0, 1).copy())
    names = tuple(view.name for view in views)
    return scene, views, MaskSet(("ball", "slab"), names, masks, np.ones((8, 2), np.float32))


@cache
def _depths() -> tuple[np.ndarray, ...]:
    scene, views, _ = _scene()
    return tuple(depth_maps(scene, views))


def _ask(points: np.ndarray, object_index: int = 0, options: HullOptions | None = None) -> Evidence:
    _, views, masks = _scene()
    return evidence(np.asarray(points, np.float64), views, masks, object_index, _depths(), options)


def _in_ball(radius: float, count: int = 500) -> np.ndarray:
    rng = np.random.default_rng(0)
    direction = rng.normal(size=(count, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    return radius * rng.uniform(size=(count, 1)) ** (1 / 3) * direction + [0.0, RADIUS, 0.0]


def test_depth_maps_show_the_ball_and_the_slab() -> None:
    _, views, masks = _scene()
    for view, mask, depth in zip(views, masks.probability, _depths(), strict=True):
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
    _, views, _ = _scene()
    camera = views[0].camera
    far = camera.position + 1.4 * (np.array([0.0, RADIUS, 0.0]) - camera.position)
    one = replace(_scene()[2], confidence=np.eye(8, 2, dtype=np.float32)[:, [0, 1]])
    found = evidence(far[None], views, one, 0, _depths())
    assert found.seen.tolist() == [1.0]
    assert found.inside[0] > 0.99
    assert found.supported[0] < 0.01
    assert found.refuted[0] < 0.01


def test_views_count_by_their_confidence_for_that_object() -> None:
    _, views, masks = _scene()
    confidence = np.stack([np.linspace(0, 1, 8), np.zeros(8)], axis=1).astype(np.float32)
    points = np.array([[0.0, RADIUS, 0.0], [0.0, 1.2, 0.0]])
    found = evidence(points, views, replace(masks, confidence=confidence), 0, _depths())
    np.testing.assert_allclose(found.seen, confidence[:, 0].sum(), rtol=1e-5)
    assert found.supported[0] == pytest.approx(4.0, abs=0.05)
    assert found.refuted[1] == pytest.approx(4.0, abs=0.05)
    nobody = evidence(points, views, replace(masks, confidence=confidence), 1, _depths())
    for array in (nobody.supported, nobody.refuted, nobody.inside, nobody.seen):
        assert (array == 0).all()


def test_the_slab_is_not_refuted_by_the_ball_that_hides_it() -> None:
    found = _ask(np.array([[0.0, -0.02, 0.0]]), object_index=1)
    assert found.refuted[0] < 0.5
    assert found.seen[0] == 8


def test_points_behind_the_cameras_and_outside_their_images_are_not_seen() -> None:
    _, views, masks = _scene()
    camera = views[0].camera
    behind = camera.position - 2.0 * camera.camera_from_world[2, :3]
    beside = camera.unproject(np.array([[-1.0, 60.0], [160.5, 60.0], [80.0, 120.5]]), np.full(3, 3.0))
    found = evidence(np.vstack([behind, beside]), views[:1], _first(masks), 0, _depths()[:1])
    assert (found.seen == 0).all()


def _first(masks: MaskSet) -> MaskSet:
    return MaskSet(masks.objects, masks.views[:1], masks.probability[:1], masks.confidence[:1])


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
    mask = np.zeros((1, 40, 40), np.uint8)
    mask[0, :, 10:30] = 153  # 0.6, twenty pixels wide
    masks = MaskSet(("one",), ("a",), [mask], np.ones((1, 1), np.float32))
    point = camera.unproject(np.array([[19.5, 20.5]]), np.array([z]))
    found = evidence(point, [View("a", camera)], masks, 0, [np.full((40, 40), 2.0, np.float32)])
    assert float(found.supported[0]) == pytest.approx(supported, abs=1e-6)
    assert float(found.refuted[0]) == pytest.approx(refuted, abs=1e-6)
    assert float(found.inside[0]) == pytest.approx(0.6, abs=1e-6)
    assert float(found.seen[0]) == 1.0


def test_nothing_behind_is_nothing_that_hides() -> None:
    camera = Camera(40, 40, 100.0, 100.0, 20.0, 20.0, np.eye(4))
    masks = MaskSet(("one",), ("a",), [np.zeros((1, 40, 40), np.uint8)], np.ones((1, 1), np.float32))
    found = evidence(np.array([[0, 0, 5.0]]), [View("a", camera)], masks, 0, [np.full((40, 40), np.inf, np.float32)])
    assert found.refuted.tolist() == [1.0]
    full = MaskSet(("one",), ("a",), [np.full((1, 40, 40), 255, np.uint8)], np.ones((1, 1), np.float32))
    found = evidence(np.array([[0, 0, 2.5]]), [View("a", camera)], full, 0, [np.full((40, 40), 2.0, np.float32)])
    assert found.supported.tolist() == [1.0]  # a mask without an outline has no thin places


def test_small_depth_maps_say_the_same_away_from_edges() -> None:
    scene, views, masks = _scene()
    small = depth_maps(scene, views, HullOptions(largest=80))
    assert small[0].shape == (60, 80)
    points = np.vstack([_in_ball(0.5 * RADIUS), [[1.0, 0.0, 0.3], [0.0, -0.45, 0.0]]])
    whole, coarse = _ask(points), evidence(points, views, masks, 0, small)
    assert np.abs(whole.supported - coarse.supported).mean() < 0.3
    np.testing.assert_allclose(coarse.refuted, whole.refuted, atol=0.2)


def test_what_does_not_go_together_is_refused() -> None:
    _, views, masks = _scene()
    point = np.zeros((1, 3))
    with pytest.raises(ValueError, match="do not go together"):
        evidence(point, views[:3], masks, 0, _depths())
    with pytest.raises(ValueError, match="There is no object number 2 among 2"):
        evidence(point, views, masks, 2, _depths())
    assert evidence(np.zeros((0, 3)), views, masks, 0, _depths()).seen.shape == (0,)


@pytest.mark.parametrize("wrong", [{"slack": 0.0}, {"thickness": -1.0}, {"level": 0.0}, {"largest": 4}])
def test_options_check_themselves(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="hull"):
        HullOptions(**wrong)


def test_axis_points_lie_at_their_deviations() -> None:
    rng = np.random.default_rng(1)
    g = replace(
        _gaussians(rng.normal(size=(5, 3)), 0.1),
        log_scales=rng.uniform(-3, 0, (5, 3)).astype(np.float32),
        quats=rng.normal(size=(5, 4)).astype(np.float32),
    )
    points = axis_points(g, (1.0, 2.5))
    assert points.shape == (5, 13, 3)
    np.testing.assert_array_equal(points[:, 0], g.means)
    for row in range(5):
        local = (points[row, 1:] - g.means[row]) @ rotation_matrices(g.quats[row : row + 1])[0] / g.scales()[row]
        unit = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])
        np.testing.assert_allclose(local, np.vstack([unit, 2.5 * unit]), atol=1e-3)
