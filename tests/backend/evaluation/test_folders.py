# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Folders of masks: pairing, and what is said when they do not fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from splatcut.cameras.pictures import WorkingView
from splatcut.errors import UserError
from splatcut.evaluation.folders import evaluate_pairs, load_pair, pair_masks, read_mask
from splatcut.evaluation.nvos import nvos_pairs, nvos_scenes
from splatcut.masks import prompted
from splatcut.scene.camera import Camera, View


def save(path: Path, left: int, right: int, size: tuple[int, int] = (40, 30)) -> Path:
    """A mask of the columns from left to right; size is width, height."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros((size[1], size[0]), dtype=np.uint8)
    pixels[5:25, left:right] = 255
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """An output folder with two objects and its ground truth; views b have masks that differ by half."""
    for name in ("pot", "cup"):
        for view in ("a", "b", "c"):
            save(tmp_path / "out" / "masks" / name / f"{view}.png", 10, 30)
        save(tmp_path / "true" / name / "a.png", 10, 30)
        save(tmp_path / "true" / name / "b.png", 20, 30)
    (tmp_path / "out" / "objects").mkdir()
    return tmp_path / "out", tmp_path / "true"


def test_an_output_folder_is_scored_by_object_and_view(folders: tuple[Path, Path], tmp_path: Path) -> None:
    evaluation = evaluate_pairs(pair_masks(*folders))
    assert {name: list(views) for name, views in evaluation.scores.items()} == {"cup": ["a", "b"], "pot": ["a", "b"]}
    assert evaluation.scores["pot"]["a"].iou == 1.0
    assert evaluation.scores["pot"]["b"].iou == 0.5
    assert evaluation.mean.iou == 0.75
    evaluation.write(tmp_path / "scores.json")
    document = json.loads((tmp_path / "scores.json").read_text())
    assert document["mean"]["iou"] == 0.75
    assert document["views"]["cup"]["b"]["accuracy"] == pytest.approx(1 - 200 / 1200)


def test_views_objects_and_holdout_choose(folders: tuple[Path, Path]) -> None:
    def chosen(**arguments: Any) -> list[tuple[str, str]]:
        return [(pair.object, pair.view) for pair in pair_masks(*folders, **arguments)]

    assert chosen(views=("b",)) == [("cup", "b"), ("pot", "b")]
    assert chosen(objects=("pot",)) == [("pot", "a"), ("pot", "b")]
    # Views a, b, c are known, a and c held out, and there is ground truth of a and b.
    assert chosen(holdout=2) == [("cup", "a"), ("pot", "a")]
    for name in ("cup", "pot"):
        (folders[1] / name / "a.png").unlink()
        save(folders[1] / name / "c.png", 10, 30)
    assert chosen(holdout=2) == [("cup", "c"), ("pot", "c")]


def test_a_single_object_needs_no_name(tmp_path: Path) -> None:
    save(tmp_path / "out" / "masks" / "statue" / "a.png", 0, 10)
    save(tmp_path / "true" / "a.png", 0, 20)
    (pair,) = pair_masks(tmp_path / "out", tmp_path / "true")
    assert (pair.object, pair.view) == ("object", "a")
    (pair,) = pair_masks(tmp_path / "true", tmp_path / "out")
    assert (pair.object, pair.view) == ("statue", "a")


def test_valid_pixels_come_from_a_third_folder(folders: tuple[Path, Path], tmp_path: Path) -> None:
    for name in ("pot", "cup"):
        save(tmp_path / "valid" / name / "b.png", 20, 40)
    evaluation = evaluate_pairs(pair_masks(*folders, valid=tmp_path / "valid"))
    assert evaluation.scores["pot"]["b"].iou == 1.0


def test_missing_views_and_objects_are_named(folders: tuple[Path, Path]) -> None:
    predicted, truth = folders
    save(truth / "pot" / "d.png", 0, 10)
    with pytest.raises(UserError, match=r"no predicted mask in .*: d\. .*--views"):
        pair_masks(predicted, truth)
    with pytest.raises(UserError, match=r"no view 'x'.*a, b"):
        pair_masks(predicted, truth, views=("x",))
    save(truth / "vase" / "a.png", 0, 10)
    with pytest.raises(UserError, match=r"object 'vase'.*cup, pot"):
        pair_masks(predicted, truth, views=("a",))


def test_nothing_in_common_is_said(folders: tuple[Path, Path], tmp_path: Path) -> None:
    save(tmp_path / "other" / "tree" / "a.png", 0, 10)
    save(tmp_path / "other" / "bush" / "a.png", 0, 10)
    with pytest.raises(UserError, match=r"no object in common.*bush, tree.*cup, pot"):
        pair_masks(tmp_path / "other", folders[1])
    save(tmp_path / "late" / "pot" / "z.png", 0, 10)
    with pytest.raises(UserError, match="no view in common"):
        pair_masks(tmp_path / "late", folders[1], objects=("pot",))


def test_folders_without_sense_are_refused(tmp_path: Path) -> None:
    good = save(tmp_path / "good" / "a.png", 0, 10).parent
    with pytest.raises(UserError, match="does not exist"):
        pair_masks(tmp_path / "nowhere", good)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no masks in"):
        pair_masks(tmp_path / "empty", good)
    save(tmp_path / "mixed" / "a.png", 0, 10)
    save(tmp_path / "mixed" / "pot" / "a.png", 0, 10)
    with pytest.raises(UserError, match="both masks and folders"):
        pair_masks(tmp_path / "mixed", good)
    save(tmp_path / "twice" / "a.png", 0, 10)
    save(tmp_path / "twice" / "a.bmp", 0, 10)
    with pytest.raises(UserError, match="two masks of the view 'a'"):
        pair_masks(tmp_path / "twice", good)


def test_sizes_that_disagree_are_both_told_or_resized(tmp_path: Path) -> None:
    save(tmp_path / "pred" / "a.png", 20, 60, (80, 60))
    save(tmp_path / "true" / "a.png", 10, 30, (40, 30))
    (pair,) = pair_masks(tmp_path / "pred", tmp_path / "true")
    with pytest.raises(UserError, match=r"a\.png has 80x60 .*a\.png has 40x30"):
        load_pair(pair)
    predicted, truth, _ = load_pair(pair, resize=True)
    assert predicted.shape == truth.shape == (30, 40)
    assert predicted[5].tolist() == [10 <= x < 30 for x in range(40)]


def test_every_kind_of_mask_image_reads_alike(tmp_path: Path) -> None:
    expected = np.zeros((6, 8), dtype=bool)
    expected[2:, 3:] = True
    grey = np.where(expected, 200, 100).astype(np.uint8)
    images = {
        "grey": Image.fromarray(grey),
        "zero_one": Image.fromarray(expected.astype(np.uint8)),
        "bits": Image.fromarray(expected),
        "colour": Image.fromarray(np.dstack([grey] * 3)),
        "alpha": Image.fromarray(np.dstack([np.full((6, 8, 3), 255, dtype=np.uint8), expected.astype(np.uint8) * 255])),
        "opaque": Image.fromarray(np.dstack([grey, grey, grey, np.full((6, 8), 255, dtype=np.uint8)])),
        "red": Image.fromarray(np.dstack([grey, np.zeros((6, 8, 2), dtype=np.uint8)])),
        "black": Image.fromarray(np.dstack([np.zeros((6, 8, 3), np.uint8), expected.astype(np.uint8) * 255])),
        "twelve": Image.fromarray(np.where(expected, 4000, 0).astype(np.uint16)),
        "sixteen": Image.fromarray(np.where(expected, 65535, 0).astype(np.uint16)),
    }
    for name, image in images.items():
        image.save(tmp_path / f"{name}.png")
        np.testing.assert_array_equal(read_mask(tmp_path / f"{name}.png"), expected, err_msg=name)
        view = View("a", Camera(8, 6, 5.0, 5.0, 4.0, 3.0, np.eye(4)))
        segments = prompted.read_mask(tmp_path / f"{name}.png", WorkingView(view, view), "The mask") > 127
        np.testing.assert_array_equal(segments, expected, err_msg=name)
    Image.fromarray(np.where(expected, np.float32(0.6), np.float32(0.4))).save(tmp_path / "float.tif")
    np.testing.assert_array_equal(read_mask(tmp_path / "float.tif"), expected)
    Image.fromarray(np.array([[127, 128]], dtype=np.uint8)).save(tmp_path / "edge.png")
    assert read_mask(tmp_path / "edge.png").tolist() == [[False, True]]
    assert not read_mask(save(tmp_path / "empty.png", 0, 0)).any()
    (tmp_path / "text.png").write_text("not an image")
    with pytest.raises(UserError, match=r"cannot be read as an image: .*text\.png"):
        read_mask(tmp_path / "text.png")


# ------------------------------------------------------------------------------------------------------------- NVOS


@pytest.fixture
def nvos(tmp_path: Path) -> Path:
    labels = tmp_path / "nvos" / "labels" / "llff"
    for name in ("fern", "horns_center"):
        save(labels / "masks" / name / "IMG_7_mask.png", 20, 60, (80, 60))
        save(labels / "masks" / name / "IMG_7.JPG", 0, 0, (80, 60))
    return tmp_path / "nvos"


def test_nvos_scores_the_target_view_resized(nvos: Path, tmp_path: Path) -> None:
    scene = nvos_scenes(nvos)[0]
    assert (scene.name, scene.target_view) == ("fern", "IMG_7")
    for view in ("IMG_3", "IMG_7"):
        save(tmp_path / "pred" / "fern" / "masks" / "plant" / f"{view}.png", 10, 30)
    save(tmp_path / "pred" / "horns_center.png", 10, 20)
    evaluation = evaluate_pairs(nvos_pairs(tmp_path / "pred", nvos), resize=True)
    # The smaller prediction covers rows 5 to 25 of 30, that is 10 to 50 of 60; the truth rows 5 to 25.
    assert evaluation.scores["fern"]["IMG_7"].iou == pytest.approx((15 * 40) / (40 * 40 + 20 * 40 - 15 * 40))
    assert list(evaluation.scores) == ["fern", "horns_center"]


def test_nvos_says_what_is_missing(nvos: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no prediction of the scene 'fern'"):
        nvos_pairs(tmp_path, nvos)
    save(tmp_path / "pred" / "fern" / "a.png", 0, 10)
    save(tmp_path / "pred" / "fern" / "b.png", 0, 10)
    with pytest.raises(UserError, match=r"target view 'IMG_7' of the scene 'fern'.*a, b"):
        nvos_pairs(tmp_path / "pred", nvos, ["fern"])
    with pytest.raises(UserError, match="has no scene trex"):
        nvos_pairs(tmp_path / "pred", nvos, ["trex"])
    with pytest.raises(UserError, match="not laid out as NVOS"):
        nvos_scenes(tmp_path)
