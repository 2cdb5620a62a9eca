# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Images that were made of photos: masks of another size, and in the photo's other orientation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from splatcut.cameras.photos import fit_to_photo, photo_sizes
from splatcut.scene.camera import Camera, View


@pytest.mark.parametrize("note", range(1, 9))
@pytest.mark.parametrize("upright", [True, False])
def test_images_made_of_a_turned_photo_fit_it_either_way(tmp_path: Path, note: int, upright: bool) -> None:
    stored = np.zeros((48, 64), np.uint8)
    stored[:10, :30] = 255
    exif = Image.Exif()
    exif[0x0112] = note
    Image.fromarray(stored).save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as photo:
        shown = np.asarray(ImageOps.exif_transpose(photo))
    assert photo_sizes(tmp_path / "a.png") == ((64, 48), shown.shape[::-1])
    # The camera is that of the photo as stored, or as shown; the image as the other.
    here, there = (shown, stored) if upright else (stored, shown)
    height, width = here.shape
    view = View("a", Camera(width, height, 50.0, 50.0, width / 2, height / 2, np.eye(4)), tmp_path / "a.png")
    assert fit_to_photo(here, view) is here
    if stored.shape != shown.shape:
        np.testing.assert_array_equal(fit_to_photo(there, view), here)
        half = np.asarray(Image.fromarray(there).resize((there.shape[1] // 2, there.shape[0] // 2)))
        fitted = fit_to_photo(half, view)
        assert fitted is not None
        np.testing.assert_array_equal(fitted > 127, here > 127)


def test_an_image_of_another_shape_does_not_fit(tmp_path: Path) -> None:
    Image.new("L", (64, 48)).save(tmp_path / "a.png")
    view = View("a", Camera(64, 48, 50.0, 50.0, 32.0, 24.0, np.eye(4)), tmp_path / "a.png")
    for shape in ((48, 48), (64, 48), (3, 4)):
        assert fit_to_photo(np.zeros(shape, np.uint8), view) is None
