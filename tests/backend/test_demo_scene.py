# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The embedded demo scene: its files agree with one another and with what the tests and the demo rely on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from splatcut import formats, raster
from splatcut.cameras import holdout, load_photo, load_views
from splatcut.formats import SplatFile
from splatcut.messages import ViewPrompt, load_prompts
from splatcut.scene.camera import View

DEMO = Path(__file__).resolve().parents[2] / "demo"
OBJECTS = ("teapot", "bread", "plant", "pear", "book")


@pytest.fixture(scope="module")
def views() -> dict[str, View]:
    return {view.name: view for view in load_views(DEMO / "cameras.json", DEMO / "images")}


@pytest.fixture(scope="module")
def scene() -> SplatFile:
    return formats.read_splats(DEMO / "scene.ply")


def coverage(folder: str, name: str, view: str) -> np.ndarray:
    with Image.open(DEMO / folder / name / f"{view}.png") as image:
        assert image.mode == "L"
        return np.asarray(image).astype(np.float64) / 255


def test_every_fourth_view_is_unseen(views: dict[str, View]) -> None:
    splits = json.loads((DEMO / "splits.json").read_text(encoding="utf-8"))
    kept, held = holdout(list(views.values()), 4)
    assert [view.name for view in kept] == splits["train"]
    assert [view.name for view in held] == splits["test"]
    assert (len(kept), len(held)) == (60, 20)


def test_unseen_views_look_from_elsewhere(views: dict[str, View]) -> None:
    """No training camera stands within 0.35 units of an unseen one; some of those are lower and higher than all."""
    splits = json.loads((DEMO / "splits.json").read_text(encoding="utf-8"))
    train, test = (np.stack([views[name].camera.position for name in splits[key]]) for key in ("train", "test"))
    assert np.linalg.norm(test[:, None] - train[None], axis=2).min() > 0.35
    assert test[:, 2].min() < train[:, 2].min() - 0.2
    assert test[:, 2].max() > train[:, 2].max() + 0.2


def test_masks_share_the_pixels(views: dict[str, View]) -> None:
    """Coverages are shares of a pixel: together at most the whole; every object is seen in most views."""
    seen = dict.fromkeys(OBJECTS, 0)
    for view in views:
        masks = np.stack([coverage("masks", name, view) for name in OBJECTS])
        assert masks.shape == (5, 300, 400)
        assert masks.sum(axis=0).max() <= 1 + 5 * 0.5 / 255 + 1e-9
        for name, mask in zip(OBJECTS, masks, strict=True):
            seen[name] += mask.sum() > 100
    assert min(seen.values()) >= 40, seen


def test_alone_covers_at_least_what_is_seen() -> None:
    splits = json.loads((DEMO / "splits.json").read_text(encoding="utf-8"))
    for name in OBJECTS:
        for view in splits["test"]:
            alone, seen = coverage("alone", name, view), coverage("masks", name, view)
            assert np.mean(alone < seen - 0.25) < 1e-3
            assert alone.sum() >= seen.sum() - 1


def test_prompts_lie_on_and_off_their_objects() -> None:
    prompts = load_prompts(DEMO / "prompts.json")
    assert tuple(item.name for item in prompts) == OBJECTS
    splits = json.loads((DEMO / "splits.json").read_text(encoding="utf-8"))
    for item in prompts:
        for prompt in item.prompts:
            assert isinstance(prompt, ViewPrompt)
            assert prompt.view in splits["train"]
            mask = coverage("masks", item.name, prompt.view)
            for x, y, label in prompt.points:
                assert mask[int(y), int(x)] == label, (item.name, x, y)


def test_the_scene_shows_the_photos(views: dict[str, View], scene: SplatFile) -> None:
    reported = json.loads((DEMO / "training.json").read_text(encoding="utf-8"))
    assert len(scene.gaussians) == reported["gaussians"]
    values = []
    for name in ("view_000", "view_020", "view_060"):
        image = raster.render(scene.gaussians, views[name].camera).image
        error = np.square(np.clip(image, 0, 1) - load_photo(views[name]) / 255).mean()
        values.append(-10 * np.log10(error))
    assert np.mean(values) > reported["psnr_test"] - 2


def test_labels_agree_with_the_masks(views: dict[str, View], scene: SplatFile) -> None:
    """The Gaussians of each label, drawn among all, cover what the renderer says the object covers."""
    with np.load(DEMO / "labels.npz") as data:
        labels, distance = data["labels"], data["distance"]
    assert labels.shape == distance.shape == (len(scene.gaussians),)
    assert labels.dtype == np.int32
    one_hot = (labels[:, None] == np.arange(1, 6)).astype(np.float32)
    for view in ("view_020", "view_056"):
        drawn = raster.render(scene.gaussians, views[view].camera, features=one_hot, colour=False).features
        for index, name in enumerate(OBJECTS):
            predicted, true = drawn[:, :, index] > 0.5, coverage("masks", name, view) > 0.5
            union = np.count_nonzero(predicted | true)
            assert np.count_nonzero(predicted & true) / union > 0.85, (view, name)
