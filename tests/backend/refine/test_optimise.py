# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The optimisation on a small scene: the object alone comes to fit its masks, the same way every time."""

from __future__ import annotations

import io
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from refine_scenes import EdgeScene, edge_scene, iou_alone

from splatcut.progress import Quiet
from splatcut.refine.bands import Band
from splatcut.refine.losses import alone_loss, mask_loss, photo_loss
from splatcut.refine.optimise import ANYWHERE, Optimiser, choose_object, moved, optimise
from splatcut.refine.options import RefineOptions
from splatcut.refine.parameters import NAMES, Moving, pixel_sizes
from splatcut.refine.subscene import SubScene
from splatcut.scene.gaussians import ANTIALIASED, Gaussians


@cache
def _scene() -> EdgeScene:
    return edge_scene()


@cache
def _bands() -> list[Band]:
    return _scene().bands()


def _optimiser(options: RefineOptions, bands: list[Band] | None = None) -> Optimiser:
    scene = _scene()
    pixel = pixel_sizes(scene.gaussians.means[scene.rows], scene.views)
    return Optimiser(scene.gaussians, scene.probability, scene.moving(), pixel, bands or _bands(), options)


def _refined(options: RefineOptions) -> tuple[Gaussians, Moving, list[float]]:
    optimiser = _optimiser(options)
    optimise(optimiser, Quiet())
    return optimiser.moving.put_into(_scene().gaussians), optimiser.moving, optimiser.history


OPTIONS = RefineOptions(iterations=60, passes=0)
BRIEF = replace(OPTIONS, iterations=8)
NONE = replace(OPTIONS, iterations=3, mask=0, alone=0, photo=0)


@cache
def _once() -> tuple[Gaussians, Moving, list[float]]:
    return _refined(OPTIONS)


def test_the_object_alone_comes_to_fit_its_masks() -> None:
    scene = _scene()
    after, moving, history = _once()
    before = iou_alone(scene, scene.gaussians)
    assert before < 0.9
    assert iou_alone(scene, after) > before + 0.03
    assert len(history) == 60
    assert np.isfinite(history).all()
    assert np.mean(history[-10:]) < 0.8 * np.mean(history[:10])
    assert moving.finite().all()


def test_an_antialiased_scene_comes_to_fit_its_masks_by_its_own_rule() -> None:
    scene = edge_scene(views=3, pixel_filter=ANTIALIASED)
    pixel = pixel_sizes(scene.gaussians.means[scene.rows], scene.views)
    optimiser = Optimiser(scene.gaussians, scene.probability, scene.moving(), pixel, scene.bands(), OPTIONS)
    optimise(optimiser, Quiet())
    after = optimiser.moving.put_into(scene.gaussians)
    assert after.pixel_filter == ANTIALIASED
    assert iou_alone(scene, after) > iou_alone(scene, scene.gaussians) + 0.03
    assert np.mean(optimiser.history[-10:]) < 0.8 * np.mean(optimiser.history[:10])


def test_what_does_not_move_keeps_its_bits() -> None:
    scene = _scene()
    after, _, _ = _once()
    wall = scene.probability[:, 0] == 0
    for name in ("means", "log_scales", "quats", "opacity_logits", "sh"):
        assert getattr(after, name)[wall].tobytes() == getattr(scene.gaussians, name)[wall].tobytes()
        assert getattr(after, name)[~wall].tobytes() != getattr(scene.gaussians, name)[~wall].tobytes()


def test_two_runs_give_the_same_bits_and_another_seed_takes_another_order() -> None:
    (_, first, history), (_, second, again) = _refined(BRIEF), _refined(BRIEF)
    assert history == again
    assert all(torch.equal(first.tensors[name], second.tensors[name]) for name in NAMES)
    assert _refined(replace(BRIEF, seed=1))[2] != history


def test_a_run_that_goes_on_from_a_saved_state_ends_as_the_undisturbed_one() -> None:
    states: list[bytes] = []

    def save(optimiser: Optimiser) -> None:
        stream = io.BytesIO()
        torch.save(optimiser.state(), stream)
        states.append(stream.getvalue())

    whole = _optimiser(BRIEF)
    optimise(whole, Quiet(), save)
    assert len(states) == 8
    for number in (4, 6):  # before the averaging begins, and in the midst of it
        late = _optimiser(BRIEF)
        late.load(torch.load(io.BytesIO(states[number]), weights_only=False))
        assert late.done == number + 1
        optimise(late, Quiet())
        assert late.history == whole.history
        assert all(torch.equal(late.moving.tensors[name], whole.moving.tensors[name]) for name in NAMES)


def test_the_last_iterations_are_averaged() -> None:
    kept: list[dict[str, torch.Tensor]] = []

    def save(optimiser: Optimiser) -> None:
        kept.append({name: tensor.detach().clone() for name, tensor in optimiser.moving.tensors.items()})

    optimiser = _optimiser(replace(BRIEF, average=0.5))
    optimise(optimiser, Quiet(), save)
    for name in NAMES:
        found, last = optimiser.moving.tensors[name], torch.stack([some[name] for some in kept[4:]])
        assert torch.allclose(found, last.mean(dim=0), rtol=1e-5, atol=1e-6), name
        same = (last == last[0]).all(dim=0)
        assert torch.equal(found[same], last[0][same])  # bit by bit
    plain = _optimiser(replace(BRIEF, average=0.0))
    optimise(plain, Quiet())
    assert all(torch.equal(plain.moving.tensors[name], kept[-1][name]) for name in NAMES)


@pytest.mark.parametrize(
    ("loss", "changed"),
    [
        ("photo", {"means", "log_scales", "quats", "opacity_logits", "sh_dc", "sh_rest"}),
        ("mask", {"means", "log_scales", "quats", "opacity_logits", "label_logits"}),
        ("alone", {"means", "log_scales", "quats", "opacity_logits", "label_logits"}),
    ],
)
def test_each_loss_moves_what_it_depends_on(loss: str, changed: set[str]) -> None:
    start = _scene().moving()
    _, moving, _ = _refined(replace(NONE, **{loss: 1.0}))
    for name in NAMES:
        assert torch.equal(moving.tensors[name], start.tensors[name]) == (name not in changed), name


def test_the_loss_is_the_weighted_sum_of_its_three() -> None:
    """Pixels count by their tile's weight, none outside the image, and for the object alone no exempt ones."""
    scene, options = _scene(), replace(OPTIONS, mask=0.7, photo=1.3, alone=2.0)
    optimiser = _optimiser(options)
    band = optimiser._band(0)
    assert set(np.unique(band.weight)) == {1, 4}
    assert not band.valid.all()
    exempt = np.random.default_rng(0).random(band.exempt.shape) < 0.3
    alone = np.random.default_rng(1).integers(256, size=band.alone.shape, dtype=np.uint8)
    changed = replace(band, exempt=exempt, alone=alone, confidence=np.float32([0.5]))
    optimiser.bands = [changed if other is band else other for other in optimiser.bands]
    sub = SubScene(scene.gaussians, scene.probability, scene.moving(), band)
    image, labels, _ = sub.render("cpu")
    weight = torch.from_numpy(np.where(band.valid, band.weight[:, None], 0).astype(np.float32))
    masks, photo, covers = (torch.from_numpy(array).float() / 255 for array in (band.masks, band.photo, alone))
    judged = torch.where(torch.from_numpy(exempt[0]), 0, weight)
    expected = 0.7 * mask_loss(labels, masks, weight) + 1.3 * photo_loss(image, photo, weight)
    expected = expected + 2.0 * alone_loss(sub.coverage(0, "cpu"), covers[0], judged)
    assert optimiser.step() == pytest.approx(float(expected.detach()), rel=1e-5)


def test_what_no_view_has_shown_or_is_not_finite_has_not_moved() -> None:
    band = _bands()[0]
    optimiser = _optimiser(BRIEF, [replace(band, place=band.place[5:50], moving=band.moving[5:50])])
    assert not moved(optimiser).any()
    optimiser.step()
    shown = np.isin(np.arange(len(_scene().rows)), band.moving[5:50])
    np.testing.assert_array_equal(moved(optimiser), shown)
    optimiser.moving.tensors["sh_dc"].data[np.flatnonzero(shown)[3]] = torch.nan
    assert moved(optimiser).sum() == shown.sum() - 1


def test_iterations_follow_the_views_and_every_band_has_its_turn() -> None:
    optimiser = _optimiser(RefineOptions(iterations=1, passes=3))
    count = len(_bands())
    assert (count, optimiser.iterations) == (20, 15)
    for turn in range(2):
        taken = [optimiser._band(number) for number in range(turn * count, (turn + 1) * count)]
        assert {id(band) for band in taken} == {id(band) for band in _bands()}
        assert {band.name for band in taken[:5]} == {view.name for view in _scene().views}


def test_the_object_alone_is_mostly_one_that_the_band_has_a_mask_of() -> None:
    first = _bands()[0]
    tiles = first.masks.shape[1:]
    masks = np.zeros((4, *tiles), np.uint8)
    masks[1, 0, 0] = masks[2, -1, -1] = 200
    masks[3] = 100

    def counts(trust: list[int], masks: np.ndarray = masks) -> np.ndarray:
        band = replace(first, masks=masks, confidence=np.asarray(trust, np.float32))
        rng = np.random.default_rng(0)
        return np.bincount([choose_object(band, rng) for _ in range(4000)], minlength=4) / 4000

    rest = ANYWHERE / 4
    np.testing.assert_allclose(counts([1, 1, 1, 1]), [rest, 0.5 - rest, 0.5 - rest, rest], atol=0.03)
    # What is not trusted has no say.
    np.testing.assert_allclose(counts([1, 0, 1, 0]), [ANYWHERE / 2, 0, 1 - ANYWHERE / 2, 0], atol=0.03)
    np.testing.assert_allclose(counts([1, 0, 0, 1]), [0.5, 0, 0, 0.5], atol=0.03)
    np.testing.assert_allclose(counts([1, 1, 1, 1], 0 * masks), 4 * [0.25], atol=0.03)
