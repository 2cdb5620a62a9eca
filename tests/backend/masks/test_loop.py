# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""From prompts in one view to masks in all, with a 2D model that goes by colour."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mask_scenes import ColourSegmenter, Scene, balls_on_floor, iou, ring
from numpy.typing import ArrayLike
from PIL import Image

from splatcut.cameras.pictures import WorkingView
from splatcut.errors import UserError
from splatcut.masks.loop import SETTLED, MaskLoop, _walk_order
from splatcut.masks.prompted import PixelPrompt
from splatcut.masks.scene_segmenter import SceneSegmenter
from splatcut.progress import Quiet
from splatcut.scene.camera import Camera, View
from splatcut.scene.masks import MaskSet
from splatcut.segmenter import Embedding, EmbeddingCache, Prediction, Prompt2D

RED, GREEN = (-0.5, 0.0, 0.0), (0.5, 0.0, 0.0)


def _ring(count: int, **options: float) -> list[View]:
    return ring(count, width=96, height=72, **options)


@pytest.fixture(scope="module")
def scene() -> Scene:
    return balls_on_floor(RED, GREEN)


def _click(camera: Camera, place: ArrayLike, label: int = 1) -> PixelPrompt:
    pixels, _ = camera.project(np.asarray(place, np.float64).reshape(1, 3))
    return PixelPrompt(pixels.astype(np.float32), np.array([label], np.int32))


def _run(
    scene: Scene,
    views: list[View],
    said: dict[str, dict[str, PixelPrompt]],
    cache: Path,
    segmenter: ColourSegmenter | None = None,
    passes: int = 2,
    settled: float = SETTLED,
) -> MaskSet:
    model = SceneSegmenter(segmenter or ColourSegmenter(), EmbeddingCache(cache), scene.gaussians)
    working = [WorkingView(view, view) for view in views]
    return MaskLoop(model, working, list(said), list(said.values()), passes, Quiet(), settled).propagate()


def test_one_click_gives_masks_in_all_views(scene: Scene, tmp_path: Path):
    views = _ring(6)
    masks = _run(scene, views, {"red": {"view_00": _click(views[0].camera, RED)}}, tmp_path)
    assert masks.objects == ("red",)
    assert masks.views == tuple(view.name for view in views)
    assert masks.notes == {}
    for number, view in enumerate(views):
        assert iou(masks.soft(number)[0] > 0.5, scene.truth(view.camera, 1)) > 0.9
    assert masks.confidence[0, 0] == 1.0
    assert masks.confidence.min() > 0.6**2


def test_two_objects_prompted_in_different_views(scene: Scene, tmp_path: Path):
    views = _ring(6)
    said = {"red": {"view_00": _click(views[0].camera, RED)}, "green": {"view_03": _click(views[3].camera, GREEN)}}
    masks = _run(scene, views, said, tmp_path, passes=1)
    for number, view in enumerate(views):
        soft = masks.soft(number)
        assert soft.sum(axis=0).max() <= 1.01
        for k in (0, 1):
            assert iou(soft[k] > 0.5, scene.truth(view.camera, k + 1)) > 0.9


def test_a_view_whose_picture_is_noise_is_left_out(scene: Scene, tmp_path: Path):
    views = _ring(6)
    noise = np.random.default_rng(5).integers(0, 256, (72, 96, 3)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    views[4] = replace(views[4], photo=tmp_path / "noise.png")
    masks = _run(scene, views, {"red": {"view_00": _click(views[0].camera, RED)}}, tmp_path / "cache")
    assert masks.confidence[4, 0] == 0.0
    assert list(masks.notes) == ["view_04"]
    assert "'red'" in masks.notes["view_04"]
    for number in (0, 1, 2, 3, 5):
        assert masks.confidence[number, 0] > 0
        assert iou(masks.soft(number)[0] > 0.5, scene.truth(views[number].camera, 1)) > 0.9


def test_a_view_that_looks_past_the_object_says_so(scene: Scene, tmp_path: Path):
    """It shows the floor and the other ball, so it is known not to show the object: a vote for its absence."""
    views = _ring(6, elevation=50.0)
    away = views[3].camera
    # Turned so that the green ball is in the middle and the red one out of the narrow picture.
    centre = away.project(np.array([GREEN]))[0][0]
    narrow = replace(away, width=30, height=30, cx=away.cx - centre[0] + 15, cy=away.cy - centre[1] + 15)
    views[3] = View("view_03", narrow)
    assert not scene.truth(narrow, 1).any()
    masks = _run(scene, views, {"red": {"view_00": _click(views[0].camera, RED)}}, tmp_path)
    assert masks.confidence[3, 0] == 1.0
    assert not masks.probability[3].any()
    assert masks.notes == {}


def test_a_ready_mask_stays_as_it_is(scene: Scene, tmp_path: Path):
    """Whatever another object claims of it."""
    views = _ring(3)
    truth = scene.truth(views[0].camera, 1) | scene.truth(views[0].camera, 2)
    nothing = np.empty((0, 2), np.float32), np.empty(0, np.int32)
    given = PixelPrompt(*nothing, mask=truth.astype(np.uint8) * np.uint8(255))
    said = {"both": {"view_00": given}, "green": {"view_01": _click(views[1].camera, GREEN)}}
    masks = _run(scene, views, said, tmp_path, passes=1, settled=1.0)
    np.testing.assert_array_equal(masks.probability[0][0], given.mask)
    assert not (masks.probability[0][1][truth]).any()
    assert masks.confidence[0, 0] == 1.0


class _GenerousSegmenter(ColourSegmenter):
    """Takes a lone click for everything that has a colour."""

    def __init__(self) -> None:
        super().__init__()
        self.fingerprint = "generous-1"

    def predict(self, embedding: Embedding, prompt: Prompt2D) -> Prediction:
        prediction = super().predict(embedding, prompt)
        if not prompt.ambiguous:
            return prediction
        colourful = np.ptp(embedding.features["image"], axis=2) > 60
        logits = embedding.frame.to_low_res(np.where(colourful, 10.0, -10.0), outside=-10.0)
        return replace(prediction, low_res=logits[None])


def test_passes_do_not_wear_down_what_was_prompted(scene: Scene, tmp_path: Path):
    """Both objects claim the green ball in view 0, so it is half of each, in whatever pass."""
    views = _ring(3)
    twice = views[1].camera.project(np.array([GREEN, (0.5, -0.2, 0.0)]))[0].astype(np.float32)
    said = {
        "both": {"view_00": _click(views[0].camera, RED)},
        "green": {"view_01": PixelPrompt(twice, np.ones(2, np.int32))},
    }
    red, green = (scene.truth(views[0].camera, k) for k in (1, 2))
    for passes in (1, 3):
        masks = _run(scene, views, said, tmp_path, _GenerousSegmenter(), passes, 1.0)
        assert np.median(masks.probability[0][0][red]) == 255
        np.testing.assert_allclose(np.median(masks.probability[0][:, green], axis=1), 128, atol=1)


def test_points_that_are_not_the_object_correct_other_views(scene: Scene, tmp_path: Path):
    views = _ring(4)
    wrong = np.array([[4.0, 66.0]], np.float32)
    said = {"red": {"view_00": _click(views[0].camera, RED), "view_02": PixelPrompt(wrong, np.zeros(1, np.int32))}}
    segmenter = ColourSegmenter()
    masks = _run(scene, views, said, tmp_path, segmenter, passes=0)
    assert iou(masks.soft(2)[0] > 0.5, scene.truth(views[2].camera, 1)) > 0.9
    with_it = [p for p in segmenter.prompts if (p.points == wrong).all(axis=1).any()]
    assert len(with_it) == 1
    assert with_it[0].box is not None
    assert (with_it[0].labels[-1], with_it[0].labels[0]) == (0, 1)


def test_pictures_are_embedded_once(scene: Scene, tmp_path: Path):
    views = _ring(4)
    model = SceneSegmenter(ColourSegmenter(), EmbeddingCache(tmp_path), scene.gaussians)
    working = [WorkingView(view, view) for view in views]
    said = [{"view_00": _click(views[0].camera, RED)}]
    MaskLoop(model, working, ["red"], said, 2, Quiet(), 1.0).propagate()
    assert model.cache.misses == 4


def test_prompts_that_lead_to_nothing_are_refused(scene: Scene, tmp_path: Path):
    views = _ring(3)
    sky = np.zeros((72, 96), np.uint8)
    sky[:2] = 255
    given = PixelPrompt(np.empty((0, 2), np.float32), np.empty(0, np.int32), mask=sky)
    with pytest.raises(UserError, match="prompts of the object 'red' select nothing"):
        _run(scene, views, {"red": {"view_00": given}}, tmp_path)


def test_the_walk_goes_outwards():
    views = [WorkingView(view, view) for view in ring(8)]
    # From view 0 around the ring in both directions: each has a neighbour that is done.
    order = _walk_order(views, [0], np.zeros(3))
    assert sorted(order) == [1, 2, 3, 4, 5, 6, 7]
    done = {0}
    for number in order:
        assert (number - 1) % 8 in done or (number + 1) % 8 in done
        done.add(number)
    assert _walk_order(views, list(range(8)), np.zeros(3)) == []


def test_distance_counts_in_the_walk():
    near, far = ring(8), ring(8, radius=9.0)
    views = [WorkingView(v, v) for v in (near[0], far[0], near[1])]
    # 45 degrees to the neighbour against half the logarithm of 3 (0.55) to the far one in the same direction.
    assert _walk_order(views, [0], np.zeros(3)) == [1, 2]
