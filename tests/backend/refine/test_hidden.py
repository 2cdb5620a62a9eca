# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Clearing hidden extents: a ball on a slab with a spike that reaches from the ball down through the slab."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from mask_scenes import make_gaussians
from refine_scenes import RADIUS, slab_scene

import splatcut.refine.hidden
from splatcut.lift import Problem
from splatcut.progress import Quiet
from splatcut.refine.evidence import Witness
from splatcut.refine.hidden import Cleared, call_witnesses, clear_objects, supported
from splatcut.scene.gaussians import Gaussians, concatenate
from splatcut.scene.rotations import rotation_matrices

#: Rows of what stands last in the scene.
SPIKE, BURIED, CORE = -3, -2, -1


@cache
def _scene() -> tuple[Problem, np.ndarray]:
    """The ball's as well by label: a spike from its edge's lower part down through the slab, one Gaussian wholly
    beneath the slab, and one in the ball's middle."""
    problem, labels = slab_scene(10)
    spike = make_gaussians([[0.42, 0.05, 0.0]], (0.02, 0.25, 0.02), 0.0474)
    others = [make_gaussians([place], 0.05, 0.88) for place in ([0.3, -0.5, 0.2], [0.0, RADIUS, 0.0])]
    scene = concatenate([problem.scene, spike, *others])
    return replace(problem, scene=scene), np.concatenate([labels, [1, 1, 1]]).astype(np.int32)


@cache
def _witnesses() -> list[list[Witness]]:
    return call_witnesses(_scene()[0], Quiet())


def _clear(witnesses: list[list[Witness]] | None = None) -> Cleared:
    problem, labels = _scene()
    return clear_objects(problem.scene, labels, witnesses or _witnesses(), problem.views, Quiet())


def _covariances(gaussians: Gaussians) -> np.ndarray:
    axes = rotation_matrices(gaussians.quats) * gaussians.scales()[:, None, :].astype(np.float64)
    return axes @ axes.transpose(0, 2, 1)


@cache
def _cleared() -> Cleared:
    return _clear()


def _parts(row: int) -> np.ndarray:
    return np.flatnonzero(_cleared().parent == len(_scene()[1]) + row)


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
    scene, found, parts = _scene()[0].scene, _cleared(), _parts(SPIKE)
    pieces, whole = found.gaussians.take(parts), scene.take(np.array([len(scene) + SPIKE]))
    mass = pieces.opacities().astype(np.float64) * pieces.scales().astype(np.float64).prod(axis=1)
    mean = (mass[:, None] * pieces.means).sum(axis=0) / mass.sum()
    apart = pieces.means - mean
    covariance = (mass[:, None, None] * (_covariances(pieces) + apart[:, :, None] * apart[:, None, :])).sum(axis=0)
    assert mass.sum() == pytest.approx(float(whole.opacities()[0] * whole.scales()[0].prod()), rel=1e-3)
    np.testing.assert_allclose(mean, whole.means[0], atol=1e-3)
    np.testing.assert_allclose(covariance / mass.sum(), _covariances(whole)[0], atol=1e-3)


def test_what_nothing_supports_goes_to_the_background_whole() -> None:
    scene, found, parts = _scene()[0].scene, _cleared(), _parts(BURIED)
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
    scene, label = _scene()[0].scene, _scene()[1]
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
    scene, label = _scene()[0].scene, _scene()[1]
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
    scene, label = _scene()[0].scene, _scene()[1]
    before, labels = concatenate([scene]), label.copy()
    _clear()
    for name in ("means", "log_scales", "opacity_logits"):
        np.testing.assert_array_equal(getattr(scene, name), getattr(before, name))
    np.testing.assert_array_equal(label, labels)


def test_what_is_too_thin_in_every_view_is_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splatcut.refine.hidden, "MIN_PIXELS", 1000.0)
    found = _clear()
    assert len(found.gaussians) == len(_scene()[1])
    assert not found.changed.any()
    assert found.labels[BURIED] == 0


def test_objects_that_no_view_is_trusted_about_are_left_alone() -> None:
    problem, label = _scene()
    trust = np.tile(np.float32([0.0, 1.0]), (10, 1))
    witnesses = call_witnesses(replace(problem, masks=replace(problem.masks, confidence=trust)), Quiet())
    assert [len(asked) for asked in witnesses] == [0, 10]
    found = _clear(witnesses)
    assert (found.labels[: len(label)][label == 1] == 1).all()
    assert found.moved[0] == found.cut[0] == 0
    assert not supported(problem.scene, label, witnesses)[label == 1].any()


def test_supported_tells_the_seen_from_the_buried() -> None:
    problem, label = _scene()
    own = supported(problem.scene, label, _witnesses())
    assert own[CORE]
    assert not own[BURIED]
    assert own[:3000].mean() > 0.99
    assert not supported(problem.scene, 0 * label, _witnesses()).any()


def test_witnesses_know_their_objects_masks_widened_by_a_pixel() -> None:
    problem, _ = _scene()
    for k, asked in enumerate(_witnesses()):
        for witness, view, masks in zip(asked, problem.views, problem.masks.probability, strict=True):
            assert witness.camera is view.camera
            padded = np.pad(masks[k], 1)
            around = [padded[y : y + 120, x : x + 160] for y in range(3) for x in range(3)]
            np.testing.assert_array_equal(witness.mask, np.max(around, axis=0))
            assert (witness.interior > 0).sum() == (witness.mask > 127).sum()


def test_the_views_asked_are_those_that_differ_most(monkeypatch: pytest.MonkeyPatch) -> None:
    problem, _ = _scene()

    def asked(count: int, doubted: int | None = None) -> list[int]:
        monkeypatch.setattr(splatcut.refine.hidden, "VIEWS", count)
        trust = np.ones((10, 2), np.float32)
        if doubted is not None:
            trust[doubted] = 0.0
        few = replace(problem, scene=problem.scene.take(slice(0, 9)), masks=replace(problem.masks, confidence=trust))
        cameras = [view.camera for view in problem.views]
        return [cameras.index(witness.camera) for witness in call_witnesses(few, Quiet())[0]]

    assert asked(10) == list(range(10))
    assert asked(2) == [0, 5]
    chosen = asked(4, doubted=5)
    assert len(chosen) == 4
    assert 5 not in chosen
