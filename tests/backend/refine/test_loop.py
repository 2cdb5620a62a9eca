# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""A round on a small scene: the object alone comes to fit its masks, the same way every time."""

from __future__ import annotations

import io
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from refine_scenes import EdgeScene, edge_scene, iou_alone

from splatcut import raster
from splatcut.progress import Quiet
from splatcut.refine.band import Band
from splatcut.refine.loop import ANYWHERE, Optimiser, chosen_object, optimise, settled, view_by_view
from splatcut.refine.options import FieldUse, Rates, RefineOptions, Weights
from splatcut.refine.parameters import NAMES, Moving
from splatcut.refine.rounds import make_bands, pixel_sizes
from splatcut.refine.subscene import SubScene, with_label_images
from splatcut.scene.gaussians import Gaussians


@cache
def _scene() -> EdgeScene:
    return edge_scene()


@cache
def _bands(options: RefineOptions) -> list[Band]:
    scene = _scene()
    supported = np.ones(len(scene.gaussians), bool)
    return make_bands(
        scene.gaussians, scene.rows, scene.probability, supported, scene.views, scene.masks, options, Quiet()
    )


def _optimiser(options: RefineOptions) -> Optimiser:
    scene = _scene()
    moving = Moving.of(scene.gaussians, scene.rows, scene.probability)
    pixel = pixel_sizes(scene.gaussians.means[scene.rows], scene.views)
    boundary = np.arange(len(scene.rows)) % 2 == 0
    return Optimiser(scene.gaussians, scene.probability, moving, pixel, boundary, _bands(options), options)


def _refined(options: RefineOptions) -> tuple[Gaussians, Moving, list[float]]:
    optimiser = _optimiser(options)
    optimise(optimiser, Quiet())
    return optimiser.moving.put_into(_scene().gaussians), optimiser.moving, optimiser.history


WITHOUT_FIELD = FieldUse(on=False)
OPTIONS = RefineOptions(iterations=60, field=WITHOUT_FIELD)
NONE = Weights(mask=0, alone=0, photo=0, between=0)
WITH_FIELD = RefineOptions(iterations=8, field=FieldUse(on=True, rays=512, samples=6))


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
    # Every other iteration is one between the views, where nothing is to be gained.
    assert np.mean(history[-10::2]) < 0.8 * np.mean(history[:10:2])
    assert all(torch.isfinite(tensor).all() for tensor in moving.tensors.values())


def test_what_does_not_move_keeps_its_bits() -> None:
    scene = _scene()
    after, _, _ = _once()
    wall = scene.probability[:, 0] == 0
    for name in ("means", "log_scales", "quats", "opacity_logits", "sh"):
        assert getattr(after, name)[wall].tobytes() == getattr(scene.gaussians, name)[wall].tobytes()
        assert getattr(after, name)[~wall].tobytes() != getattr(scene.gaussians, name)[~wall].tobytes()


def test_two_runs_give_the_same_bits() -> None:
    _, first, history = _once()
    _, second, again = _refined(OPTIONS)
    assert history == again
    for name in NAMES:
        assert torch.equal(first.tensors[name], second.tensors[name])


def test_two_runs_with_the_field_give_the_same_bits() -> None:
    (_, first, history), (_, second, again) = _refined(WITH_FIELD), _refined(WITH_FIELD)
    assert history == again
    assert np.isfinite(history).all()
    for name in NAMES:
        assert torch.equal(first.tensors[name], second.tensors[name])


@pytest.mark.parametrize("options", [RefineOptions(iterations=8, field=WITHOUT_FIELD), WITH_FIELD])
def test_a_run_that_goes_on_from_a_saved_state_ends_as_the_undisturbed_one(options: RefineOptions) -> None:
    states: list[bytes] = []

    def save(optimiser: Optimiser) -> None:
        stream = io.BytesIO()
        torch.save(optimiser.state(), stream)
        states.append(stream.getvalue())

    whole = _optimiser(options)
    optimise(whole, Quiet(), save)
    assert len(states) == 8
    late = _optimiser(options)
    late.load(torch.load(io.BytesIO(states[4]), weights_only=False))
    assert late.done == 5
    optimise(late, Quiet())
    assert late.history == whole.history
    for name in NAMES:
        assert torch.equal(late.moving.tensors[name], whole.moving.tensors[name])


def test_the_last_iterations_are_averaged() -> None:
    kept: list[dict[str, torch.Tensor]] = []

    def save(optimiser: Optimiser) -> None:
        kept.append({name: tensor.detach().clone() for name, tensor in optimiser.moving.tensors.items()})

    optimiser = _optimiser(RefineOptions(iterations=8, average=0.5, field=WITHOUT_FIELD))
    optimise(optimiser, Quiet(), save)
    for name in NAMES:
        found, last = optimiser.moving.tensors[name], torch.stack([some[name] for some in kept[4:]])
        assert torch.allclose(found, last.mean(dim=0), rtol=1e-5, atol=1e-6), name
        same = (last == last[0]).all(dim=0)
        assert torch.equal(found[same], last[0][same])  # bit by bit
    plain = _optimiser(RefineOptions(iterations=8, average=0.0, field=WITHOUT_FIELD))
    optimise(plain, Quiet())
    assert all(torch.equal(plain.moving.tensors[name], kept[-1][name]) for name in NAMES)


def test_another_seed_takes_the_views_in_another_order() -> None:
    _, _, history = _once()
    _, _, other = _refined(replace(OPTIONS, iterations=8, seed=1))
    assert other[:8] != history[:8]


def test_a_round_ends_when_its_loss_has_settled() -> None:
    falling = [1.0, 1.0, 0.9, 0.9]
    assert not settled(falling, 2)
    assert settled([1.0, 1.0, 0.996, 0.996], 2)
    assert not settled([1.0, 1.0, 0.994, 0.994], 2)
    assert not settled(falling[:3], 2)
    assert not settled([1.0] * 100, 0)
    # Nothing moves: the loss of the same bands in another order is the same on average.
    for between, turns in ((0, 1), (2, 2)):
        some = replace(OPTIONS, between=between)
        count = sum(band.held for band in _bands(some))
        still = replace(some, iterations=turns * 3 * count, patience=count, rates=Rates(*[0.0] * 9))
        _, _, history = _refined(still)
        # With views in between, the last iteration on a view's masks is the one before the last.
        assert len(history) == turns * 2 * count - (turns - 1)


@pytest.mark.parametrize(
    ("weights", "moved"),
    [
        (replace(NONE, photo=1), {"means", "log_scales", "quats", "opacity_logits", "sh_dc", "sh_rest"}),
        (replace(NONE, mask=1), {"means", "log_scales", "quats", "opacity_logits", "label_logits"}),
        (replace(NONE, alone=1), {"means", "log_scales", "quats", "opacity_logits", "label_logits"}),
    ],
)
def test_each_loss_moves_what_it_depends_on(weights: Weights, moved: set[str]) -> None:
    scene = _scene()
    start = Moving.of(scene.gaussians, scene.rows, scene.probability)
    _, moving, _ = _refined(replace(OPTIONS, iterations=3, weights=weights))
    for name in NAMES:
        assert torch.equal(moving.tensors[name], start.tensors[name]) == (name not in moved), name


def test_pixels_far_from_the_masks_edges_count_more_in_what_the_object_is_alone() -> None:
    options = replace(OPTIONS, iterations=1, weights=replace(NONE, alone=1.0, far=4.0))
    alike = replace(options, weights=replace(options.weights, far=1.0))

    def first(options: RefineOptions, far: bool | None = None) -> float:
        optimiser = _optimiser(options)
        bands = optimiser.held_bands
        if far is not None:
            bands[:] = [replace(band, far=np.full_like(band.far, far)) for band in bands]
        return optimiser.step()

    plain = first(alike)
    assert plain > 0
    assert first(options, far=False) == pytest.approx(plain, rel=1e-5)
    assert first(options, far=True) == pytest.approx(4 * plain, rel=1e-5)
    assert plain < first(options) < 4 * plain


def test_the_object_alone_is_mostly_one_that_the_band_has_a_mask_of() -> None:
    first = _bands(OPTIONS)[0]
    tiles = first.masks.shape[1:]
    masks = np.zeros((4, *tiles), np.uint8)
    masks[1, 0, 0] = masks[2, -1, -1] = 200
    masks[3] = 100

    def counts(trust: list[int], masks: np.ndarray = masks) -> np.ndarray:
        band = replace(first, masks=masks, trust=np.asarray(trust, np.float32))
        rng = np.random.default_rng(0)
        return np.bincount([chosen_object(band, rng) for _ in range(4000)], minlength=4) / 4000

    rest = ANYWHERE / 4
    np.testing.assert_allclose(counts([1, 1, 1, 1]), [rest, 0.5 - rest, 0.5 - rest, rest], atol=0.03)
    # What is not trusted has no say.
    np.testing.assert_allclose(counts([1, 0, 1, 0]), [ANYWHERE / 2, 0, 1 - ANYWHERE / 2, 0], atol=0.03)
    np.testing.assert_allclose(counts([1, 0, 0, 1]), [0.5, 0, 0, 0.5], atol=0.03)
    np.testing.assert_allclose(counts([1, 1, 1, 1], 0 * masks), 4 * [0.25], atol=0.03)


def test_a_sub_scene_renders_the_band_as_the_whole_scene_does() -> None:
    scene = _scene()
    moving = Moving.of(scene.gaussians, scene.rows, scene.probability)
    labels = scene.probability.copy()
    labels[scene.rows] = moving.probability().detach().numpy()
    whole_scene = moving.put_into(scene.gaussians)
    for band in _bands(OPTIONS)[:2]:
        sub = SubScene(scene.gaussians, scene.probability, moving, band)
        image, blended, transmittance = (tensor.detach().numpy() for tensor in sub.render("cpu"))
        whole = raster.render(whole_scene, band.camera, features=labels)
        ball = scene.probability[:, 0] > 0.5
        alone = raster.render(whole_scene.take(ball), band.camera, colour=False, opacity_scale=labels[ball, 0])
        coverage = sub.coverage(0, "cpu").detach().numpy()
        pixels = band.pixels[band.valid]

        def at(array: np.ndarray, pixels: np.ndarray = pixels) -> np.ndarray:
            return array.reshape(-1, *array.shape[2:])[pixels]

        np.testing.assert_array_equal(at(image), at(whole.image))
        np.testing.assert_array_equal(at(blended), at(whole.features))
        np.testing.assert_array_equal(at(transmittance), at(whole.transmittance))
        np.testing.assert_allclose(at(coverage), 1 - at(alone.transmittance), atol=1e-6)


def test_views_and_those_between_them_take_turns() -> None:
    optimiser = _optimiser(replace(OPTIONS, between=2))
    held, between = optimiser.held_bands, optimiser.bands_between
    assert len(held) > len(between) > 1
    assert {id(band) for band in held + between} == {id(band) for band in optimiser.bands}
    count = 2 * len(held)
    taken = [optimiser._band(number) for number in range(count)]
    assert [band.held for band in taken] == [True, False] * len(held)
    assert sorted(id(band) for band in taken[::2]) == sorted(id(band) for band in held)
    first = taken[1::2][: len(between)]
    assert sorted(id(band) for band in first) == sorted(id(band) for band in between)
    assert [band.held for band in map(_optimiser(replace(OPTIONS, between=0))._band, range(8))] == [True] * 8


def test_from_between_the_views_only_the_picture_counts() -> None:
    optimiser = _optimiser(replace(OPTIONS, iterations=2))
    before = {name: tensor.detach().clone() for name, tensor in optimiser.moving.tensors.items()}
    kept: dict[str, bool] = {}
    step = optimiser.adam.step

    def look(rows: torch.Tensor, part: float) -> None:
        tensors = optimiser.moving.tensors.items()
        kept.update({name: tensor.grad is not None and bool(tensor.grad.any()) for name, tensor in tensors})
        step(rows, part)

    optimiser.adam.step = look  # type: ignore[method-assign]
    optimiser.step()
    assert kept["label_logits"]
    optimiser.step()
    assert not kept["label_logits"]
    assert all(kept[name] for name in ("means", "log_scales", "opacity_logits", "sh_dc"))
    assert len(optimiser.held) == 1
    assert len(optimiser.history) == 2
    assert all(not torch.equal(tensor, before[name]) for name, tensor in optimiser.moving.tensors.items())
    # Without a weight they would teach nothing.
    assert all(band.held for band in _bands(replace(OPTIONS, weights=Weights(between=0))))


def test_every_view_has_its_turn_before_any_has_another() -> None:
    names = [name for name in "abcde" for _ in range(3)] + ["f"]
    order = view_by_view(names, np.random.default_rng(3))
    assert sorted(order) == list(range(16))
    seen = [names[number] for number in order]
    assert sorted(seen[:6]) == list("abcdef")
    assert sorted(seen[6:11]) == sorted(seen[11:]) == list("abcde")
    assert seen[6:11] != seen[11:]
    assert view_by_view(names, np.random.default_rng(3)) == order
    assert view_by_view(names, np.random.default_rng(4)) != order


def test_between_the_views_bands_can_take_the_label_image_as_it_is() -> None:
    """Of what the moving Gaussians are now, not of what they were; bands with masks stay themselves."""
    scene, bands = _scene(), _bands(OPTIONS)
    moving = Moving.of(scene.gaussians, scene.rows, scene.probability)
    with torch.no_grad():
        moving.tensors["opacity_logits"] -= 4.0
    now = moving.put_into(scene.gaussians)
    probability = scene.probability.copy()
    probability[scene.rows] = moving.probability().detach().numpy()
    made = with_label_images(bands, scene.gaussians, scene.probability, moving, "cpu")
    assert [band.name for band in made] == [band.name for band in bands]
    assert {band.held for band in made} == {True, False}
    for band, after in zip(bands, made, strict=True):
        assert after.held == band.held
        if band.held:
            assert after is band
            continue
        shown, then = (
            raster.render(some, band.camera, features=labels, colour=False, device="reference").features
            for some, labels in ((now, probability), (scene.gaussians, scene.probability))
        )
        wanted = 255 * shown.reshape(-1, 1).T[:, band.pixels]
        assert np.abs(after.masks - wanted)[:, band.valid].max() <= 1
        assert np.abs(wanted - 255 * then.reshape(-1, 1).T[:, band.pixels]).max() > 30
        assert after.masks.dtype == np.uint8


def test_what_shows_of_the_object_between_the_views_is_held_where_it_is() -> None:
    """At its minimum from the start, and not at all when the weight is 0."""
    scene = _scene()
    options = replace(OPTIONS, weights=replace(NONE, photo=1.0, hold=1.0))
    bands = with_label_images(
        _bands(OPTIONS), scene.gaussians, scene.probability,
        Moving.of(scene.gaussians, scene.rows, scene.probability), "cpu",
    )  # fmt: skip
    steps: dict[tuple[float, float], list[float]] = {}
    for hold in (0.0, 1.0):
        for fade in (0.0, 4.0):
            moving = Moving.of(scene.gaussians, scene.rows, scene.probability)
            with torch.no_grad():
                moving.tensors["opacity_logits"] -= fade
            pixel = pixel_sizes(scene.gaussians.means[scene.rows], scene.views)
            weights = replace(options.weights, hold=hold, between=1e-12)
            optimiser = Optimiser(
                scene.gaussians, scene.probability, moving, pixel, np.zeros(len(scene.rows), bool), bands,
                replace(options, weights=weights),
            )  # fmt: skip
            optimiser.step()
            before = moving.tensors["opacity_logits"].detach().clone()
            loss = optimiser.step()
            moved = (moving.tensors["opacity_logits"].detach() - before).sum().item()
            steps[hold, fade] = [loss, moved]
    assert steps[0.0, 4.0][0] == pytest.approx(0, abs=1e-9)
    # Cross-entropy is at its least where the label image is what it was, and opacities come back when they have faded.
    assert steps[1.0, 4.0][0] > steps[1.0, 0.0][0] + 0.05
    assert steps[1.0, 4.0][1] > 0
