# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Folders of ready masks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mask_scenes import ring
from PIL import Image

from splatcut.errors import UserError
from splatcut.masks.ready import from_folder, masks_of_views
from splatcut.progress import Quiet
from splatcut.scene.camera import View
from splatcut.scene.masks import MaskSet

VIEWS = ring(3, width=32, height=24)


def _write(path: Path, columns: slice | None, size: tuple[int, int] = (24, 32)) -> None:
    pixels = np.zeros(size, np.uint8)
    if columns is not None:
        pixels[:, columns] = 255
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def read(folder: Path, kept: list[View] = VIEWS) -> MaskSet:
    return from_folder(folder, masks_of_views(folder, VIEWS), kept, Quiet())


def test_one_folder_per_object(tmp_path: Path):
    _write(tmp_path / "cup" / "view_00.png", slice(0, 10))
    _write(tmp_path / "cup" / "view_02.png", slice(0, 12))
    _write(tmp_path / "plate" / "view_00.png", slice(8, 20))
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "cup" / "notes.txt").write_text("no mask")
    masks = read(tmp_path)
    assert masks.objects == ("cup", "plate")
    assert masks.views == ("view_00", "view_02")
    np.testing.assert_array_equal(masks.confidence, [[1, 1], [1, 0]])
    # Where both claim a pixel, it is half of each.
    np.testing.assert_array_equal(masks.probability[0][0, 5], [255] * 8 + [128] * 2 + [0] * 22)
    np.testing.assert_array_equal(masks.probability[0][1, 5], [0] * 8 + [128] * 2 + [255] * 10 + [0] * 12)
    np.testing.assert_array_equal(masks.probability[1][0, 5] > 127, [True] * 12 + [False] * 20)
    assert not masks.probability[1][1].any()


@pytest.mark.parametrize(("folder", "name"), [("masks", "object"), ("red cup", "red cup")])
def test_a_flat_folder_is_one_object(tmp_path: Path, folder: str, name: str):
    _write(tmp_path / folder / "view_01.png", slice(0, 10))
    assert list(masks_of_views(tmp_path / folder, VIEWS)) == [name]


def test_held_out_views_are_not_opened(tmp_path: Path):
    _write(tmp_path / "cup" / "view_00.png", slice(0, 10))
    (tmp_path / "cup" / "view_01.png").write_bytes(b"no image at all")
    masks = read(tmp_path, [VIEWS[0], VIEWS[2]])
    assert masks.views == ("view_00",)
    with pytest.raises(UserError, match="cannot be read as an image"):
        read(tmp_path)


def test_folders_that_cannot_be_used_are_refused(tmp_path: Path):
    with pytest.raises(UserError, match="does not exist"):
        masks_of_views(tmp_path / "none", VIEWS)
    with pytest.raises(UserError, match="no masks in"):
        masks_of_views(tmp_path, VIEWS)
    _write(tmp_path / "cup" / "view_00.png", slice(0, 10))
    _write(tmp_path / "cup" / "IMG_1.png", slice(0, 10))
    with pytest.raises(UserError, match=r"1 of the masks .* belong to no view.*'IMG_1.png'.*view_00.png"):
        masks_of_views(tmp_path, VIEWS)
    (tmp_path / "cup" / "IMG_1.png").unlink()
    _write(tmp_path / "cup" / "view_00.jpg", slice(0, 10))
    with pytest.raises(UserError, match="two masks of the view 'view_00'"):
        masks_of_views(tmp_path, VIEWS)


def test_wrong_sizes_and_empty_objects_are_refused(tmp_path: Path):
    _write(tmp_path / "cup" / "view_00.png", slice(0, 10), (24, 24))
    with pytest.raises(UserError, match="24 x 24 pixels, .* fit view 'view_00': its camera has 32 x 24.*aspect"):
        read(tmp_path)
    _write(tmp_path / "cup" / "view_00.png", None)
    with pytest.raises(
        UserError, match=r"'cup' .*black in all views that are used\. Paint the object white, or leave it out\.$"
    ):
        read(tmp_path)
    Image.fromarray(np.tile(np.arange(100, dtype=np.uint8), (24, 1))[:, :32]).save(tmp_path / "cup" / "view_00.png")
    with pytest.raises(UserError, match="brightest pixel has 31 of 255"):
        read(tmp_path)


def test_masks_of_half_the_size_are_scaled(tmp_path: Path):
    _write(tmp_path / "cup" / "view_00.png", slice(4, 12), (12, 16))
    (mask,) = read(tmp_path).probability
    np.testing.assert_array_equal(mask[0] > 127, np.broadcast_to((np.arange(32) >= 8) & (np.arange(32) < 24), (24, 32)))


def test_masks_named_as_the_photo_with_its_suffix(tmp_path: Path):
    for name in ("view_00.jpg.png", "VIEW_01.JPG.png", "view_02.png"):
        _write(tmp_path / "cup" / name, slice(0, 10))
    assert set(masks_of_views(tmp_path, VIEWS)["cup"]) == {"view_00", "view_01", "view_02"}
    _write(tmp_path / "cup" / "view_02.jpg.png", slice(0, 10))
    with pytest.raises(UserError, match=r"two masks of the view 'view_02': view_02\.\w+(\.png)? and view_02"):
        masks_of_views(tmp_path, VIEWS)


def in_folders(tmp_path: Path, names: tuple[str, ...]) -> list[View]:
    """Views named so, whose photos are called a.jpg and b.jpg and lie in left and right."""
    photos = [tmp_path / "images" / side / stem for side in ("left", "right") for stem in ("a.jpg", "b.jpg")]
    return [replace(VIEWS[0], name=name, photo=photo) for name, photo in zip(names, photos, strict=True)]


def test_masks_lie_in_folders_as_the_photos_do(tmp_path: Path):
    views = in_folders(tmp_path, ("left_a", "left_b", "right_a", "right_b"))
    for name in ("left/a", "right/b"):
        _write(tmp_path / "m" / "cup" / f"{name}.png", slice(0, 10))
        _write(tmp_path / "one" / f"{name}.png", slice(0, 10))
    found = masks_of_views(tmp_path / "m", views)
    assert {name: file.path.name for name, file in found["cup"].items()} == {"left_a": "a.png", "right_b": "b.png"}
    # Without objects' folders the photos' folders are no objects.
    assert {name: list(files) for name, files in masks_of_views(tmp_path / "one", views).items()} == {
        "one": ["left_a", "right_b"]
    }


def test_an_object_may_be_called_as_a_folder_of_photos_is(tmp_path: Path):
    views = in_folders(tmp_path, ("left_a", "left_b", "right_a", "right_b"))
    for name in ("left/left_a", "left/right_a"):
        _write(tmp_path / "m" / f"{name}.png", slice(0, 10))
    assert {name: list(files) for name, files in masks_of_views(tmp_path / "m", views).items()} == {
        "left": ["left_a", "right_a"]
    }


@pytest.mark.parametrize("ids", [(1, 2), (130, 200), (7, 300)])
def test_an_image_of_ids_is_a_mask_of_each(tmp_path: Path, ids: tuple[int, int]):
    for number, view in enumerate(VIEWS):
        pixels = np.zeros((24, 32), np.uint16 if ids[1] > 255 else np.uint8)
        pixels[:, 4:12] = ids[0]
        pixels[:, 12 : 20 + number] = ids[1] if number else 0
        Image.fromarray(pixels).save(tmp_path / f"{view.name}.png")
    masks = read(tmp_path)
    assert masks.objects == (f"object_{ids[0]}", f"object_{ids[1]}")
    columns = np.arange(32)
    for number, mask in enumerate(masks.probability):
        first, second = (columns >= 4) & (columns < 12), (columns >= 12) & (columns < 20 + number) & (number > 0)
        np.testing.assert_array_equal(mask[0], np.tile(first * np.uint8(255), (24, 1)))
        np.testing.assert_array_equal(mask[1], np.tile(second * np.uint8(255), (24, 1)))


def test_a_single_dark_id_is_one_object(tmp_path: Path):
    pixels = np.zeros((24, 32), np.uint8)
    pixels[:, :8] = 3
    (tmp_path / "vase").mkdir()
    Image.fromarray(pixels).save(tmp_path / "vase" / "view_00.png")
    masks = read(tmp_path / "vase")
    assert masks.objects == ("vase",)
    assert masks.probability[0][0, 0].tolist() == [255] * 8 + [0] * 24
