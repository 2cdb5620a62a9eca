# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Previews of the tiny data set: what is found, what is worked out again, what is said."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from blob_scene import BlobScene, ColourSegmenter
from numpy.typing import NDArray

from splatcut.cameras import load_views, virtual
from splatcut.cameras.pictures import WorkingView
from splatcut.errors import UserError
from splatcut.messages import MaskPrompt, ObjectPrompt, Points3DPrompt, ViewPrompt
from splatcut.progress import Quiet
from splatcut.scene.camera import View
from splatcut.scene.gaussians import Gaussians
from splatcut.segmenter import Embedding, EmbeddingCache, Prediction, Prompt2D
from splatcut.worker import previewing
from splatcut.worker.cache import CachedSegmenter
from splatcut.worker.previewing import FURTHER, Labels, Previewer

pytestmark = pytest.mark.usefixtures("one_thread")


class Counting(ColourSegmenter):
    """Counts what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: Counter[str] = Counter()

    def encode(self, image: NDArray[np.uint8]) -> Embedding:
        self.asked["encode"] += 1
        return super().encode(image)

    def predict(self, embedding: Embedding, prompt: Prompt2D) -> Prediction:
        self.asked["predict"] += 1
        return super().predict(embedding, prompt)


@pytest.fixture
def segmenter() -> Counting:
    return Counting()


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Previews fit for small scenes, which are not renewed."""
    monkeypatch.setattr(previewing, "STRIDE", 14.0)
    monkeypatch.setattr(previewing, "RENEW", np.inf)
    monkeypatch.setattr(virtual, "WIDTH", 128)
    monkeypatch.setattr(virtual, "PROBE_WIDTH", 64)


def previewer(blobs: BlobScene, segmenter: Counting, cache: Path, gaussians: Gaussians | None = None) -> Previewer:
    scene = blobs.gaussians if gaussians is None else gaussians
    return Previewer(CachedSegmenter(segmenter, EmbeddingCache(cache), scene, "cpu"))


@pytest.fixture
def seen(blobs: BlobScene, segmenter: Counting, tmp_path: Path) -> Previewer:
    """With the data set's views."""
    made = previewer(blobs, segmenter, tmp_path / "cache")
    made.set_views(load_views(blobs.cameras), [], False)
    return made


def clicked(blobs: BlobScene, name: str, *views: int, off: tuple[tuple[float, float], ...] = ()) -> ObjectPrompt:
    points = {view: [(*blobs.click(name, view), 1)] for view in views}
    prompts = [ViewPrompt(f"view_{view}", (*some, *((*point, 0) for point in off))) for view, some in points.items()]
    return ObjectPrompt(name, tuple(prompts))


def both(made: Previewer, *objects: ObjectPrompt) -> dict[str, Labels]:
    return dict(made.preview(objects, Quiet()))


def overlap(labels: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    return float((labels & truth).sum() / (labels | truth).sum())


def test_one_click(blobs: BlobScene, seen: Previewer) -> None:
    found = both(seen, clicked(blobs, "red", 2))
    assert list(found) == ["first", "full"]
    first, full = (overlap(found[stage].labels == 1, blobs.labels == 2) for stage in ("first", "full"))
    assert first > 0.75
    assert full > 0.9
    assert full > first
    labels = found["full"]
    assert (labels.labels.dtype, labels.probability.dtype) == (np.int32, np.uint8)
    assert labels.counts([clicked(blobs, "red", 2)]) == {"red": int((labels.labels == 1).sum())}
    # Where the label is the most probable of two, its probability is at least one half.
    assert (labels.probability[labels.labels == 1] >= 127).all()
    assert np.median(labels.probability) > 240


def test_objects_exclude_each_other_and_cost_nothing_again(
    blobs: BlobScene, seen: Previewer, segmenter: Counting
) -> None:
    red, blue = clicked(blobs, "red", 2), clicked(blobs, "blue", 3)
    alone = both(seen, red)["full"]
    segmenter.asked.clear()
    found = both(seen, red, blue)
    assert overlap(found["full"].labels == 1, blobs.labels == 2) > 0.9
    assert overlap(found["full"].labels == 2, blobs.labels == 1) > 0.85
    assert np.array_equal(found["full"].labels == 1, alone.labels == 1)
    assert segmenter.asked["predict"] > 0
    segmenter.asked.clear()
    # Nothing new: no first preview, no work; the order of the objects is the order of the labels.
    again = both(seen, blue, red)
    assert list(again) == ["full"]
    assert not segmenter.asked
    assert np.array_equal(again["full"].labels, np.array([0, 2, 1])[found["full"].labels])


def test_a_further_click_renews_only_what_it_changes(blobs: BlobScene, seen: Previewer, segmenter: Counting) -> None:
    both(seen, clicked(blobs, "red", 2), clicked(blobs, "blue", 2))
    segmenter.asked.clear()
    floor = (20.0, 75.0)
    list(seen.preview([clicked(blobs, "red", 2, off=(floor,)), clicked(blobs, "blue", 2)], Quiet()))
    assert segmenter.asked["encode"] == 0
    assert segmenter.asked["predict"] <= 1 + FURTHER  # the click, and the views it is carried on to
    segmenter.asked.clear()
    found = both(seen, clicked(blobs, "red", 2, 4), clicked(blobs, "blue", 2))
    assert segmenter.asked["encode"] == 0
    assert overlap(found["first"].labels == 1, blobs.labels == 2) > 0.75


def test_the_same_prompts_give_the_same_preview(blobs: BlobScene, segmenter: Counting, tmp_path: Path) -> None:
    red, blue = clicked(blobs, "red", 2), clicked(blobs, "blue", 1)
    results = []
    for number in range(2):
        made = previewer(blobs, segmenter, tmp_path / str(number))
        made.set_views(load_views(blobs.cameras), [], False)
        if number:  # undone and done again
            both(made, red)
            both(made, clicked(blobs, "red", 2, 3))
        results.append(both(made, red, blue)["full"])
    assert np.array_equal(results[0].labels, results[1].labels)
    assert np.abs(results[0].probability.astype(int) - results[1].probability).max() <= 1


def test_growing_needs_no_work(blobs: BlobScene, seen: Previewer, segmenter: Counting) -> None:
    red = clicked(blobs, "red", 2)
    before = both(seen, red)["full"]
    segmenter.asked.clear()
    larger, smaller = (both(seen, replace(red, grow=grow))["full"] for grow in (1.0, -1.0))
    assert not segmenter.asked
    sizes = [int((some.labels == 1).sum()) for some in (smaller, before, larger)]
    assert sizes[0] < sizes[1] < sizes[2]


def test_what_no_view_sees_goes_with_its_neighbours(blobs: BlobScene, segmenter: Counting, tmp_path: Path) -> None:
    """A Gaussian too faint to be drawn, in the middle of the red ball, and one far from everything."""
    rows = np.concatenate([np.arange(len(blobs.gaussians)), [0, 0]])
    scene = blobs.gaussians.take(rows)
    scene.means[-2:] = [[-0.55, 0.0, 0.0], [50.0, 0.0, 0.0]]
    scene.opacity_logits[-2:] = -9.0
    made = previewer(blobs, segmenter, tmp_path / "cache", scene)
    made.set_views(load_views(blobs.cameras), [], False)
    found = both(made, clicked(blobs, "red", 2))
    for labels in found.values():
        assert labels.labels[-2:].tolist() == [1, 0]


def test_clicks_in_the_viewport_beside_a_data_set(blobs: BlobScene, seen: Previewer, segmenter: Counting) -> None:
    viewport = replace(blobs.views[2], name="viewport", photo=None)
    other = replace(blobs.views[4], name="viewport.001", photo=None)
    views = load_views(blobs.cameras)
    red = ObjectPrompt("red", (ViewPrompt("viewport", ((*blobs.click("red", 2), 1),)),))
    seen.set_views(views, [viewport], False)
    assert overlap(both(seen, red)["full"].labels == 1, blobs.labels == 2) > 0.9
    segmenter.asked.clear()
    seen.set_views(views, [viewport, other], False)
    assert list(both(seen, red)) == ["full"]  # another object's viewport is none of its business
    assert not segmenter.asked


@pytest.mark.parametrize("cameras", [0, 1])
def test_without_a_data_set_virtual_views_help(
    blobs: BlobScene, segmenter: Counting, tmp_path: Path, cameras: int
) -> None:
    made = previewer(blobs, segmenter, tmp_path / "cache")
    viewport = View("viewport", replace(blobs.views[2].camera))
    made.set_views(load_views(blobs.cameras)[:cameras], [viewport], True)
    x, y = blobs.click("red", 2)
    red = ObjectPrompt("red", (ViewPrompt("viewport", ((x, y, 1),)),))
    found = both(made, red)
    assert overlap(found["full"].labels == 1, blobs.labels == 2) > 0.9
    segmenter.asked.clear()
    more = ObjectPrompt("red", (ViewPrompt("viewport", ((x, y, 1), (x + 2, y, 1))),))
    assert overlap(both(made, more)["full"].labels == 1, blobs.labels == 2) > 0.9
    assert segmenter.asked["encode"] == 0  # the virtual views stay


@pytest.mark.parametrize("with_views", [True, False])
def test_points_in_space(blobs: BlobScene, segmenter: Counting, tmp_path: Path, with_views: bool) -> None:
    made = previewer(blobs, segmenter, tmp_path / "cache")
    made.set_views(load_views(blobs.cameras) if with_views else [], [], not with_views)
    ball = ObjectPrompt("ball", (Points3DPrompt(((0.55, 0.0, -0.2, 1),)),))
    assert overlap(both(made, ball)["full"].labels == 1, blobs.labels == 1) > 0.6


def test_ready_masks_are_read_again(blobs: BlobScene, seen: Previewer, tmp_path: Path) -> None:
    file = tmp_path / "mask.png"
    item = ObjectPrompt("ball", (MaskPrompt("view_2", file),))
    for name, label in (("red", 2), ("blue", 1)):
        file.write_bytes((blobs.folder / "masks" / name / "view_2.png").read_bytes())
        assert overlap(both(seen, item)["full"].labels == 1, blobs.labels == label) > 0.9


def test_what_cannot_be_previewed_is_said(blobs: BlobScene, seen: Previewer) -> None:
    for prompts, message in (
        ((ViewPrompt("elsewhere", ((1, 1, 1),)),), "'elsewhere', which does not exist"),
        ((ViewPrompt("view_2", ((2.0, 2.0, 1),)),), "empty background"),
        ((ViewPrompt("view_2", ((500.0, 2.0, 1),)),), "outside view 'view_2'"),
    ):
        with pytest.raises(UserError, match=message):
            both(seen, ObjectPrompt("a", prompts))
    # The one after is none the worse.
    assert overlap(both(seen, clicked(blobs, "red", 2))["full"].labels == 1, blobs.labels == 2) > 0.9
    seen.set_views([], [], True)
    with pytest.raises(UserError, match="no views are registered"):
        both(seen, clicked(blobs, "blue", 2))
    with pytest.raises(UserError, match="There is no view 'view_2'"):
        seen.working("view_2")


def test_the_views_that_are_gone_on_to(blobs: BlobScene, seen: Previewer, monkeypatch: pytest.MonkeyPatch) -> None:
    """They lead away from the click step by step, and those encoded already come first."""
    task = seen._task(clicked(blobs, "red", 0))
    centre = np.array([-0.55, 0.0, 0.0])
    chosen = [view.name for view in seen._chosen(centre, task, Quiet())]
    assert len(chosen) == FURTHER
    assert chosen[:2] == ["view_1", "view_2"]
    known: set[str] = {"view_2"}
    monkeypatch.setattr(CachedSegmenter, "has_embedding", lambda self, view: view.name in known)
    assert seen._chosen(centre, task, Quiet())[0].name == "view_2"
    assert all(isinstance(view, WorkingView) for view in seen._chosen(centre, task, Quiet()))


def test_a_preview_that_takes_long_is_renewed(
    blobs: BlobScene, seen: Previewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(previewing, "RENEW", 0.0)
    found = list(seen.preview([clicked(blobs, "red", 2)], Quiet()))
    assert [stage for stage, _ in found] == ["first", *["more"] * FURTHER, "full"]
    assert np.array_equal(found[-2][1].labels, found[-1][1].labels)
    assert [stage for stage, _ in seen.preview([clicked(blobs, "red", 2)], Quiet())] == ["full"]
