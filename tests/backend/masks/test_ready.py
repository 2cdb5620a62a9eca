# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Folders of ready masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mask_scenes import ring
from PIL import Image

from splatcut.errors import UserError
from splatcut.masks.ready import from_folder, masks_of_views
from splatcut.progress import Quiet

VIEWS = ring(3, width=32, height=24)


def _write(path: Path, columns: slice | None, size: tuple[int, int] = (24, 32)) -> None:
    pixels = np.zeros(size, np.uint8)
    if columns is not None:
        pixels[:, columns] = 255
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def test_one_folder_per_object(tmp_path: Path):
    _write(tmp_path / "cup" / "view_00.png", slice(0, 10))
    _write(tmp_path / "cup" / "view_02.png", slice(0, 12))
    _write(tmp_path / "plate" / "view_00.png", slice(8, 20))
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "cup" / "notes.txt").write_text("no mask")
    masks = from_folder(tmp_path, VIEWS, VIEWS, Quiet())
    assert masks.objects == ("cup", "plate")
    assert masks.views == ("view_00", "view_02")
    np.testing.assert_array_equal(masks.confidence, [[1, 1], [1, 0]])
    # Where both claim a pixel, it is half of each.
    np.testing.assert_array_equal(masks.probability[0][0, 5], [255] * 8 + [127] * 2 + [0] * 22)
    np.testing.assert_array_equal(masks.probability[0][1, 5], [0] * 8 + [127] * 2 + [255] * 10 + [0] * 12)
    np.testing.assert_array_equal(masks.probability[1][0, 5] > 127, [True] * 12 + [False] * 20)
    assert not masks.probability[1][1].any()


@pytest.mark.parametrize(("folder", "name"), [("masks", "object"), ("red cup", "red cup")])
def test_a_flat_folder_is_one_object(tmp_path: Path, folder: str, name: str):
    _write(tmp_path / folder / "view_01.png", slice(0, 10))
    assert list(masks_of_views(tmp_path / folder, VIEWS)) == [name]


def test_held_out_views_are_not_opened(tmp_path: Path):
    _write(tmp_path / "cup" / "view_00.png", slice(0, 10))
    (tmp_path / "cup" / "view_01.png").write_bytes(b"no image at all")
    masks = from_folder(tmp_path, VIEWS, [VIEWS[0], VIEWS[2]], Quiet())
    assert masks.views == ("view_00",)
    with pytest.raises(UserError, match="cannot be read as an image"):
        from_folder(tmp_path, VIEWS, VIEWS, Quiet())


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
    _write(tmp_path / "cup" / "view_00.png", slice(0, 10), (12, 16))
    with pytest.raises(UserError, match="16 x 12 pixels but view 'view_00' has 32 x 24"):
        from_folder(tmp_path, VIEWS, VIEWS, Quiet())
    _write(tmp_path / "cup" / "view_00.png", None)
    with pytest.raises(UserError, match="'cup' .*black in every view"):
        from_folder(tmp_path, VIEWS, VIEWS, Quiet())
