# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Image files in folders: which files are images, and how a folder of masks is laid out.

A folder of masks holds ``<object>/<view>.png`` or, for one object, ``<view>.png``.
"""

from __future__ import annotations

from pathlib import Path

from splatcut.errors import UserError

#: Suffixes of images that are read, in lower case, likeliest first.
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp")
#: Name of an object whose masks lie in the folder itself, where the folder does not name it.
UNNAMED = "object"


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
