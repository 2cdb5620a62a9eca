# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""One run of the quality benchmark on the tiny data set, and its unseen angles against known objects."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from blob_scene import NAMES, BlobScene, make_scene
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import binary_erosion

from bench.quality.cut import Cut, LabelFile
from bench.quality.margins import PARTS, score_margins
from bench.quality.running import Settings, bench, command, folder
from bench.quality.scenes import Scene, scene_at
from bench.quality.scores import score_cut
from bench.quality.tables import details, overview
from bench.quality.unseen import angles, score_unseen
from bench.quality.variants import VARIANTS, Run
from splatcut.mask_files import MaskFile
from splatcut.scene.camera import View


@pytest.fixture(scope="module")
def blobs(tmp_path_factory: pytest.TempPathFactory) -> BlobScene:
    blobs = make_scene(tmp_path_factory.mktemp("blobs") / "data")
    np.savez(blobs.folder / "labels.npz", labels=blobs.labels, names=np.array(NAMES))
    return blobs


@pytest.fixture(scope="module")
def scene(blobs: BlobScene) -> Scene:
    return scene_at("blobs", blobs.folder, "cameras.json", 3)


def true_cut(blobs: BlobScene, labels: NDArray[np.int32]) -> Cut:
    rows = LabelFile(labels, NAMES, np.zeros((len(labels), 2), np.float16), np.arange(len(labels)))
    return Cut(blobs.gaussians, labels, NAMES, rows)


def test_what_lies_behind_another_object_does_not_count_as_extracted(scene: Scene, blobs: BlobScene) -> None:
    _, test = scene.views
    assert scene.alone is None
    masks = scene.folder / "no final masks"
    true = score_cut(true_cut(blobs, blobs.labels), scene, test, masks)["red"]
    for others, same in ((blobs.labels == 1, True), (blobs.labels == 0, False)):
        labels = np.where(others, 2, blobs.labels).astype(np.int32)
        more = score_cut(true_cut(blobs, labels), scene, test, masks)["red"]
        assert more["visible"]["mean"]["iou"] < 0.8 * true["visible"]["mean"]["iou"]
        iou = more["extracted"]["mean"]["iou"]
        assert (iou > true["extracted"]["mean"]["iou"] - 0.05) == same, iou


def test_a_run_has_its_command_its_scores_and_its_tables(scene: Scene, tmp_path: Path) -> None:
    settings = Settings(tmp_path / "runs", cache=tmp_path / "cache")
    run = Run("A", VARIANTS["lift"], 0.4, damaged=True)
    figures = bench(scene, run, settings)
    place = folder(scene, run, settings)
    assert place.name == "blobs-A-damaged-lift-tau0.4"
    assert [str(word) for word in command(scene, run, place, settings)] == figures["command"][1:]
    assert str(tmp_path / "runs" / "blobs-damaged-masks") in figures["command"]
    assert figures["command"][figures["command"].index("--tau") + 1] == "0.4"
    assert figures["test_views"] == 2
    for name in NAMES:
        scores = figures["scores"][name]
        assert scores["visible"]["mean"]["iou"] > 0.7
        assert figures["gaussian_labels"][name]["precision"] > 0.7
        assert figures["unseen_angles"][name]["against"] == "hull"
    assert figures["psnr_before"]["overall"] > 40.0  # the photos are renders
    assert "blobs, A on damaged masks, lift, tau 0.4 | blue" in details([figures])["objects"]
    assert "| blobs | lift, tau 0.4 | 1 x 1 |" in overview([figures])["summary"]
    assert place.with_name(f"{place.name}-unseen.png").is_file()


def test_true_objects_have_nothing_outside_from_any_angle(blobs: BlobScene, scene: Scene, tmp_path: Path) -> None:
    exact = replace(scene, exact=True)
    picture = tmp_path / "made" / "unseen.png"
    result = score_unseen(true_cut(blobs, blobs.labels), exact, picture)
    for name in NAMES:
        assert result[name]["share"] == pytest.approx(0.0, abs=1e-6)
        assert result[name]["against"] == "truth"
        assert all(view["degrees"] >= 8.0 for view in result[name]["views"].values())
    assert picture.is_file()


def test_a_piece_of_floor_on_an_object_is_seen_from_other_angles(
    blobs: BlobScene, scene: Scene, tmp_path: Path
) -> None:
    labels = blobs.labels.copy()
    near = np.linalg.norm(blobs.gaussians.means - np.array([-0.55, 0.4, 0.0]), axis=1) < 0.7
    labels[near & (labels == 0)] = NAMES.index("red") + 1
    for checked in (replace(scene, exact=True), scene):
        result = score_unseen(true_cut(blobs, labels), checked, tmp_path / "unseen.png")
        assert result["red"]["share"] > 0.1
        assert result["red"]["sticking_out"] > 0.05
        assert result["blue"]["share"] < 0.5 * result["red"]["share"]


def test_angles_of_a_scene_without_masks_are_none(scene: Scene) -> None:
    assert angles(replace(scene, masks=None), "red") == []


def test_objects_of_larger_gaussians_are_larger_in_all_views(scene: Scene, blobs: BlobScene) -> None:
    train, test = scene.views
    assert score_margins(true_cut(blobs, blobs.labels), scene, test) == {}  # two views, three parts
    found = []
    for factor in (0.7, 1.0, 1.5):
        larger = replace(blobs.gaussians, log_scales=blobs.gaussians.log_scales + np.float32(np.log(factor)))
        cut = replace(true_cut(blobs, blobs.labels), gaussians=larger)
        margins = score_margins(cut, scene, train + test)
        assert set(margins) == set(NAMES)
        found.append([margins[name][part] for name in NAMES for part in PARTS])
    smaller, same, larger = np.array(found)
    # The floor hides a little of the balls, which tells nothing of what they are alone.
    assert same.min() > 0
    assert same.max() < 0.6
    assert (smaller < same - 1.5).all()
    assert (larger > same + 3).all()


def test_margins_go_by_the_distance_from_the_camera(scene: Scene, blobs: BlobScene) -> None:
    """An object that is too large in the farthest views alone is said to be so."""
    centre = blobs.gaussians.means[blobs.labels == NAMES.index("red") + 1].mean(axis=0)

    def away(view: View) -> float:
        return float(np.linalg.norm(view.camera.camera_from_world @ [*centre, 1.0] - [0, 0, 0, 1]))

    views = sorted([*scene.views[0], *scene.views[1]], key=away)
    assert scene.masks is not None
    true = score_margins(true_cut(blobs, blobs.labels), scene, views)["red"]
    eroded = {**scene.masks["red"]}
    for view in views[-2:]:
        mask = np.asarray(Image.open(eroded[view.name].path).convert("L")) > 127
        eroded[view.name] = MaskFile(scene.folder / f"eroded_{view.name}.png")
        Image.fromarray(binary_erosion(mask, iterations=2)).save(eroded[view.name].path)
    smaller = replace(scene, masks={**scene.masks, "red": eroded})
    far = score_margins(true_cut(blobs, blobs.labels), smaller, views)["red"]
    assert {part: far[part] for part in PARTS[:2]} == {part: true[part] for part in PARTS[:2]}
    assert far["farthest"] > 1.5
