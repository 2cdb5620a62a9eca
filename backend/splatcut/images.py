# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Image files: which files are images, how a folder of masks is laid out, and how a mask is read.

A folder of masks holds ``<object>/<view>.png`` or, for one object, ``<view>.png``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from splatcut.errors import UserError

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

#: Suffixes of images that are read, in lower case, likeliest first.
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp")
#: Name of an object whose masks lie in the folder itself, where the folder does not name it.
UNNAMED = "object"
#: What white may be in images without 8 bits: floats and one bit, 10, 12 and 16 bits.
_WHITES = (1, 255, 1023, 4095, 65535)


def is_image(path: Path) -> bool:
    """Whether a file is named as an image and not hidden."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and path.is_file()


def find_masks(folder: Path) -> dict[str, dict[str, Path]]:
    """Object -> view -> mask file of a folder (see the module); the object of a flat folder is ``UNNAMED``.

    Raises:
        UserError: no such folder, no masks in it, masks beside folders of masks, two masks of one view.
    """
    if not folder.is_dir():
        raise UserError(f"The folder of masks does not exist: {folder}.")
    flat = _masks(folder)
    subfolders = [sub for sub in sorted(folder.iterdir()) if sub.is_dir() and not sub.name.startswith(".")]
    nested = {sub.name: found for sub in subfolders if (found := _masks(sub))}
    if flat and nested:
        raise UserError(
            f"{folder} holds masks and also folders with masks ({', '.join(nested)}). It must hold either the masks of "
            "one object, or one folder for each object."
        )
    if not flat and not nested:
        raise UserError(
            f"There are no masks in {folder}. It must hold <object>/<view>.png, or <view>.png for one object."
        )
    return {UNNAMED: flat} if flat else nested


def _masks(folder: Path) -> dict[str, Path]:
    """View -> mask file of one object's folder."""
    result: dict[str, Path] = {}
    for path in filter(is_image, sorted(folder.iterdir())):
        if path.stem in result:
            raise UserError(
                f"{folder} holds two masks of the view {path.stem!r}: {result[path.stem].name} and {path.name}. Keep "
                "one of them."
            )
        result[path.stem] = path
    return result


@contextmanager
def open_image(path: Path, what: str) -> Iterator[ImageFile]:
    """An image file, loaded. Raises ``UserError``, begun with ``what``, when it does not exist or cannot be read."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            image.load()
            yield image
    except FileNotFoundError as error:
        raise UserError(f"{what} does not exist: {path}.") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UserError(f"{what} cannot be read as an image: {path} ({error}).") from error


def mask_values(path: Path, what: str = "The mask") -> NDArray[np.uint8]:
    """[H, W] uint8, 255 where the object is: an alpha channel that varies, or else the brightest channel.

    White is the end of the smallest usual range (1, 8, 10, 12, 16 bits) with all values in it, so that masks of 0 and
    1, of floats in [0, 1] and of 16 bits are read alike. Raises ``UserError``: see ``open_image``.
    """
    with open_image(path, what) as image:
        colours = image.convert("RGBA") if "A" in image.getbands() or "transparency" in image.info else image
        if colours.mode == "RGBA":
            alpha = np.asarray(colours.getchannel("A"))
            if alpha.min() < alpha.max():
                return alpha
        values = np.asarray(colours if colours.mode[0] in "IFL1" else colours.convert("RGB"))
    if values.ndim == 3:
        values = values[..., :3].max(axis=2)
    brightest = float(np.nan_to_num(values).max(initial=0))
    white = next((white for white in _WHITES if brightest <= white), brightest)
    return np.rint(np.nan_to_num(values).astype(np.float32) * np.float32(255 / white)).clip(0, 255).astype(np.uint8)
