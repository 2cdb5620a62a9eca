# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Masks of one object, images of several ids, and photos are told apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from splatcut.errors import UserError
from splatcut.mask_files import find_masks, mask_values
from splatcut.mask_levels import Levels, codes, is_photo, pixels_of

SIZE = (60, 80)


def disc(x: float, y: float, radius: float) -> NDArray[np.bool_]:
    """A disc in an image of SIZE."""
    rows, columns = np.indices(SIZE)
    return (columns - x) ** 2 + (rows - y) ** 2 < radius**2


ONE, OTHER = disc(25, 30, 15), disc(60, 25, 10)


def ids_of(*images: Image.Image) -> list[int] | None:
    levels = Levels()
    for image in images:
        levels.add(image)
    return levels.ids()


def levels_of(image: Image.Image) -> Levels:
    levels = Levels()
    levels.add(image)
    return levels


def grey(first: int, second: int) -> Image.Image:
    return Image.fromarray((ONE * first + OTHER * second).astype(np.uint8))


@given(st.integers(1, 240), st.integers(1, 240))
def test_two_values_with_sharp_borders_are_two_ids(first: int, second: int) -> None:
    expected = sorted({first, second})
    found = ids_of(grey(first, second))
    assert found == (expected if len(expected) == 2 else [first] if 1 < first < 128 else None)


@given(st.floats(0.3, 4.0))
def test_soft_edges_are_no_ids(blur: float) -> None:
    image = grey(255, 255).filter(ImageFilter.GaussianBlur(blur))
    assert ids_of(image) is None
    assert levels_of(image).problem() == ""


def test_masks_made_larger_are_no_ids() -> None:
    # Each grey pixel along the edge becomes a block of one value.
    image = grey(255, 255).filter(ImageFilter.GaussianBlur(1)).resize((640, 480), Image.Resampling.NEAREST)
    assert ids_of(image) is None
    assert levels_of(image).problem() == ""


def test_the_traces_of_jpeg_are_no_ids(tmp_path: Path) -> None:
    grey(255, 255).resize((640, 480)).save(tmp_path / "a.jpg", quality=60)
    with Image.open(tmp_path / "a.jpg") as image:
        image.convert("L").save(tmp_path / "a.png")
    (tmp_path / "a.jpg").unlink()
    assert list(find_masks(tmp_path)) == ["object"]


def test_smoothed_ids_are_refused(tmp_path: Path) -> None:
    grey(100, 200).resize((320, 240), Image.Resampling.BICUBIC).save(tmp_path / "a.png")
    with pytest.raises(UserError, match=r"values 100, 200, like object ids but without sharp borders\. Save one"):
        find_masks(tmp_path)


def test_a_mask_that_is_unsure_of_an_area_is_refused_where_it_may_be_two(tmp_path: Path) -> None:
    grey(128, 255).save(tmp_path / "a.png")
    with pytest.raises(UserError, match=r"values 128, 255: either two objects, or one object with unsure"):
        find_masks(tmp_path)
    # As the mask of one object, in a folder of its own, it is what it says.
    assert mask_values(tmp_path / "a.png")[30, 25] == 128


def test_ids_by_palette_and_by_colour() -> None:
    index = (ONE * 1 + OTHER * 2).astype(np.uint8)
    palette = Image.fromarray(index, "P")
    palette.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
    assert ids_of(palette) == [1, 2]
    np.testing.assert_array_equal(codes(palette), index)
    assert levels_of(palette).name(2) == "object_2"
    colours = palette.convert("RGB")
    assert ids_of(colours) == [0x1008000, 0x1800000]
    assert levels_of(colours).name(0x1008000) == "colour_008000"


def test_black_is_the_background_of_any_palette() -> None:
    index = (~ONE * 1).astype(np.uint8)
    palette = Image.fromarray(index, "P")
    palette.putpalette([255, 255, 255, 0, 0, 0])
    assert ((codes(palette) != 0) == ONE).all()


def test_ids_where_one_mask_is_wanted_are_refused(tmp_path: Path) -> None:
    grey(1, 2).save(tmp_path / "a.png")
    with pytest.raises(UserError, match=r"a\.png, holds areas of the values 1, 2, like the ids of several objects"):
        mask_values(tmp_path / "a.png")


def photo() -> NDArray[np.uint8]:
    """Something with the colours of a photo."""
    rows, columns = np.indices(SIZE)
    return np.stack([columns * 3, rows * 4, 255 - columns * 2 - rows], axis=2).clip(0, 255).astype(np.uint8)


def test_a_photo_is_no_mask(tmp_path: Path) -> None:
    Image.fromarray(photo()).save(tmp_path / "a.png")
    with pytest.raises(UserError, match=r"a\.png, is a picture in many colours, not a mask\. Save masks white"):
        mask_values(tmp_path / "a.png")
    red = Image.fromarray(np.dstack([ONE * np.uint8(255), np.zeros((*SIZE, 2), np.uint8)]))
    assert not is_photo(pixels_of(red.resize((320, 240)).filter(ImageFilter.GaussianBlur(2))))


@pytest.mark.parametrize("shade", [0.05, 1.0])
def test_a_photo_with_a_transparent_background_is_a_mask_by_its_alpha_alone(tmp_path: Path, shade: float) -> None:
    alpha = np.asarray(grey(255, 255).filter(ImageFilter.GaussianBlur(1)))
    Image.fromarray(np.dstack([(photo() * shade).astype(np.uint8), alpha])).save(tmp_path / "a.png")
    np.testing.assert_array_equal(mask_values(tmp_path / "a.png"), alpha)


def test_where_everything_is_transparent_there_is_no_object(tmp_path: Path) -> None:
    Image.fromarray(np.dstack([photo(), np.zeros(SIZE, np.uint8)])).save(tmp_path / "a.png")
    assert not mask_values(tmp_path / "a.png").any()
