# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Clearing hidden extents: a ball on a slab with a spike that reaches from the ball down through the slab."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from splatcut import raster
from splatcut.progress import Quiet
from splatcut.refine.hidden import Cleared, HiddenOptions, _spread, clear_hidden, supported
from splatcut.scene.camera import Camera, View
from splatcut.scene.gaussians import Gaussians, concatenate
from splatcut.scene.masks import MaskSet
from splatcut.split import covariances

RADIUS = 0.5


def _gaussians(means: np.ndarray, scale: float | list[float]) -> Gaussians:
    count = len(means)
    return Gaussians(
        means=np.asarray(means, np.float32),
        log_scales=np.tile(np.log(np.broadcast_to(scale, 3)).astype(np.float32), (count, 1)),
        quats=np.tile(np.float32([1, 0, 0, 0]), (count, 1)),
        opacity_logits=np.full(count, 2.0, np.float32),
        sh=np.zeros((count, 1, 3), np.float32),
    )


def _looking_at(position: np.ndarray, target: np.ndarray) -> Camera:
    forward = (target - position) / np.linalg.norm(target - position)
    right = np.cross(forward, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right)
    transform = np.eye(4)
    transform[:3, :3] = [right, np.cross(forward, right), forward]
    transform[:3, 3] = -transform[:3, :3] @ position
    return Camera(160, 120, 200.0, 200.0, 80.0, 60.0, transform)


#: Rows of what stands last in the scene.
SPIKE, BURIED, CORE = -3, -2, -1


@cache
def _scene() -> tuple[Gaussians, np.ndarray, list[View], MaskSet]:
    """A ball of radius 0.5 about (0, 0.5, 0) on a slab whose upper side is y = 0; 10 cameras, 35 degrees up.

    The ball's as well by label: a spike from its edge's lower part down through the slab, one Gaussian wholly beneath
    the slab, and one in the ball's middle.
    """
    number = np.arange(3000) + 0.5
    polar, around = np.arccos(1 - 2 * number / 3000), np.pi * (1 + 5**0.5) * number
    ball = np.stack([np.sin(polar) * np.cos(around), np.cos(polar), np.sin(polar) * np.sin(around)], axis=1)
    ball = 0.97 * RADIUS * ball + [0.0, RADIUS, 0.0]
    x, z = np.meshgrid(np.arange(-2, 2.01, 0.05), np.arange(-2, 2.01, 0.05))
    slab = _gaussians(np.stack([x.ravel(), np.full(x.size, -0.02), z.ravel()], axis=1), [0.03, 0.002, 0.03])
    slab.opacity_logits[:] = 6.0
    shell = _gaussians(ball, 0.015)
    shell.opacity_logits[:] = 6.0
    spike = _gaussians(np.array([[0.42, 0.05, 0.0]]), [0.02, 0.25, 0.02])
    spike.opacity_logits[:] = -3.0
    buried = _gaussians(np.array([[0.3, -0.5, 0.2]]), 0.05)
    core = _gaussians(np.array([[0.0, RADIUS, 0.0]]), 0.05)
    scene = concatenate([shell, slab, spike, buried, core])
    label = np.concatenate([np.full(len(ball), 1), np.full(len(slab), 2), [1, 1, 1]]).astype(np.int32)
    shown = np.stack([label == 1, label == 2], axis=1).astype(np.float32)
    shown[[SPIKE, BURIED, CORE]] = 0.0
    views, masks = [], []
    for k in range(10):
        turn, up = 2 * np.pi * k / 10, np.deg2rad(35.0)
        at = 4.0 * np.array([np.cos(up) * np.cos(turn), np.sin(up), np.cos(up) * np.sin(turn)])
        views.append(View(f"view {k}", _looking_at(at, np.array([0.0, 0.4, 0.0]))))
        features = raster.render(scene.take(slice(0, -3)), views[-1].camera, colour=False, features=shown[:-3]).features
        assert features is not None
        masks.append(np.round(255 * np.clip(features, 0, 1)).astype(np.uint8).transpose(2, 0, 1).copy())
    names = tuple(view.name for view in views)
    return scene, label, views, MaskSet(("ball", "slab"), names, masks, np.ones((10, 2), np.float32))


@cache
def _cleared() -> Cleared:
    scene, label, views, masks = _scene()
    return clear_hidden(scene, label, views, masks, HiddenOptions(), Quiet())


def _parts(row: int) -> np.ndarray:
    return np.flatnonzero(_cleared().parent == len(_scene()[0]) + row)


def test_the_spike_is_cut_at_the_slab() -> None:
    found, parts = _cleared(), _parts(SPIKE)
    assert len(parts) > 2
    assert found.changed[parts].all()
    own = found.labels[parts] == 1
    height = found.gaussians.means[parts][:, 1]
    assert own.any()
    assert height[own].min() > height[~own & (height < 0.05)].max()
    assert height[own].min() > -0.05
    # The mean of what of the spike's profile lies below the slab.
    assert height[~own].min() == pytest.approx(0.05 - 0.25 * 0.8, abs=0.05)
    assert (found.labels[parts][~own] == 0).all()


def test_the_parts_of_the_spike_are_the_spike() -> None:
    scene, found, parts = _scene()[0], _cleared(), _parts(SPIKE)
    pieces, whole = found.gaussians.take(parts), scene.take(np.array([len(scene) + SPIKE]))
    mass = pieces.opacities().astype(np.float64) * pieces.scales().astype(np.float64).prod(axis=1)
    mean = (mass[:, None] * pieces.means).sum(axis=0) / mass.sum()
    apart = pieces.means - mean
    covariance = (mass[:, None, None] * (covariances(pieces) + apart[:, :, None] * apart[:, None, :])).sum(axis=0)
    assert mass.sum() == pytest.approx(float(whole.opacities()[0] * whole.scales()[0].prod()), rel=1e-3)
    np.testing.assert_allclose(mean, whole.means[0], atol=1e-3)
    np.testing.assert_allclose(covariance / mass.sum(), covariances(whole)[0], atol=1e-3)


def test_what_nothing_supports_goes_to_the_background_whole() -> None:
    scene, found, parts = _scene()[0], _cleared(), _parts(BURIED)
    assert len(parts) == 1
    assert found.labels[parts[0]] == 0
    assert not found.changed[parts[0]]
    np.testing.assert_array_equal(found.gaussians.means[parts[0]], scene.means[BURIED])
    assert found.moved[0] >= 1


def test_what_the_object_encloses_stays() -> None:
    parts = _parts(CORE)
    assert len(parts) == 1
    assert _cleared().labels[parts[0]] == 1


def test_the_ball_and_the_slab_around_it_keep_their_gaussians() -> None:
    scene, label, _, _ = _scene()
    found = _cleared()
    shell = np.arange(3000)
    stay = found.labels[:3000] == 1
    # Only what touches the slab may be doubtful.
    assert stay.mean() > 0.99
    assert stay[scene.means[shell, 1] > 0.1].all()
    far = np.flatnonzero((label == 2) & (np.hypot(scene.means[:, 0], scene.means[:, 2]) > 0.6))
    seen = far[np.abs(scene.means[far]).max(axis=1) < 1.2]
    assert (found.labels[seen] == 2).all()


def test_nothing_is_lost_and_the_rest_stays_as_it_is() -> None:
    scene, label, _, _ = _scene()
    found = _cleared()
    count = len(scene)
    np.testing.assert_array_equal(found.parent[:count], np.arange(count))
    assert found.changed[count:].all()
    assert len(found.gaussians) == len(found.labels) == len(found.parent) == len(found.changed)
    for name in ("means", "log_scales", "quats", "opacity_logits", "sh"):
        same = ~found.changed[:count]
        np.testing.assert_array_equal(getattr(found.gaussians, name)[:count][same], getattr(scene, name)[same])
    # A part is its parent's object's or the background's; what is cut has parts on both sides.
    assert ((found.labels == label[found.parent]) | (found.labels == 0)).all()
    for row in np.flatnonzero(found.changed[:count]):
        sides = found.labels[found.parent == row]
        assert (sides == 0).any()
        assert (sides > 0).any()
    for k in range(2):
        of = label == k + 1
        assert found.cut[k] == (found.changed[:count] & of).sum()
        assert found.moved[k] == (~found.changed[:count] & (found.labels[:count] == 0) & of).sum()


def test_the_input_is_not_written_to() -> None:
    scene, label, views, masks = _scene()
    before, labels = concatenate([scene]), label.copy()
    clear_hidden(scene, label, views, masks, HiddenOptions(rounds=1), Quiet())
    np.testing.assert_array_equal(scene.means, before.means)
    np.testing.assert_array_equal(scene.log_scales, before.log_scales)
    np.testing.assert_array_equal(scene.opacity_logits, before.opacity_logits)
    np.testing.assert_array_equal(label, labels)


def test_without_rounds_nothing_is_cut() -> None:
    scene, label, views, masks = _scene()
    found = clear_hidden(scene, label, views, masks, HiddenOptions(rounds=0), Quiet())
    assert len(found.gaussians) == len(scene)
    assert not found.changed.any()
    assert found.labels[BURIED] == 0


def test_objects_that_no_view_is_trusted_about_are_left_alone() -> None:
    scene, label, views, masks = _scene()
    trust = np.tile(np.float32([0.0, 1.0]), (10, 1))
    found = clear_hidden(scene, label, views, replace(masks, confidence=trust), HiddenOptions(), Quiet())
    assert (found.labels[: len(scene)][label == 1] == 1).all()
    assert found.moved[0] == found.cut[0] == 0


def test_the_order_of_the_views_does_not_matter() -> None:
    scene, label, views, masks = _scene()
    found = clear_hidden(scene, label, views[::-1], masks, HiddenOptions(), Quiet())
    np.testing.assert_array_equal(found.labels, _cleared().labels)


def test_supported_tells_the_seen_from_the_buried() -> None:
    scene, label, views, masks = _scene()
    own = supported(scene, label, views, masks, HiddenOptions(), Quiet())
    assert own[CORE]
    assert not own[BURIED]
    assert own[:3000].mean() > 0.99


def test_the_views_asked_are_those_that_differ_most() -> None:
    _, _, views, _ = _scene()
    trust = np.ones(10, np.float32)
    np.testing.assert_array_equal(_spread(views, trust, 10), np.arange(10))
    np.testing.assert_array_equal(_spread(views, trust, 2), [0, 5])
    trust[5] = 0.0
    chosen = _spread(views, trust, 4)
    assert len(chosen) == 4
    assert 5 not in chosen
    twice = [views[0]] * 6 + [views[3]]
    np.testing.assert_array_equal(_spread(twice, np.ones(7, np.float32), 2), [0, 6])


@pytest.mark.parametrize(
    "wrong",
    [{"views": 0}, {"rounds": -1}, {"widen": -1}, {"supported": 1.5}, {"refuted": -0.1}, {"contested": -1.0},
     {"enclosed": -0.1}, {"reach": 0.0}, {"min_pixels": 0.0}],
)  # fmt: skip
def test_options_check_themselves(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must|asked"):
        HiddenOptions(**wrong)  # type: ignore[arg-type]
