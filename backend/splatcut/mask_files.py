# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Masks as files: how a folder of them is laid out, and which pixels of an image belong to an object.

A folder of masks holds ``<object>/<view>.png`` or, for one object, ``<view>.png``. Views may lie in sub-folders as the
photos do, and be named with the photo's suffix (``IMG_1.jpg.png``). In a folder without objects' folders an image may
also hold the ids of several objects (``mask_levels``): each value is then an object, 0 the background.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from splatcut.errors import UserError
from splatcut.images import is_image, open_image, without_suffix
from splatcut.mask_levels import Levels, codes, pixels_of, refusal

#: Name of an object whose masks lie in the folder itself, where the folder does not name it.
UNNAMED = "object"
#: What white may be in images without 8 bits: floats and one bit, 10, 12 and 16 bits.
_WHITES = (1, 255, 1023, 4095, 65535)

#: Object -> view -> mask.
Masks = dict[str, dict[str, "MaskFile"]]


@dataclass(frozen=True)
class MaskFile:
    """The mask of one object in one view.

    Attributes:
        path: the image file.
        parts: the folders below the object's, outermost first, and the stem.
        value: what the object's pixels hold in an image of several objects' ids; None for a mask of one object.
    """

    path: Path
    parts: tuple[str, ...] = ()
    value: int | None = None

    def names(self) -> Iterator[str]:
        """What its view may be called, likeliest first."""
        for stem in dict.fromkeys((self.parts[-1], without_suffix(self.parts[-1]))):
            for first in range(len(self.parts)):
                yield "_".join((*self.parts[first:-1], stem))


def find_masks(folder: Path, photos: Collection[Path] = ()) -> Masks:
    """Object -> view -> mask of a folder (see the module); the object of a folder of one is ``UNNAMED``.

    Args:
        photos: of the views; sub-folders that repeat theirs are no objects.

    Raises:
        UserError: no such folder, no masks in it, masks beside folders of masks, two masks of one view, images of
            several ids that cannot be told apart.
    """
    if not folder.is_dir():
        raise UserError(f"The folder of masks does not exist: {folder}.")
    flat = [MaskFile(path, (path.stem,)) for path in filter(is_image, sorted(folder.iterdir()))]
    subfolders = [sub for sub in sorted(folder.iterdir()) if sub.is_dir() and not sub.name.startswith(".")]
    nested = {sub.name: found for sub in subfolders if (found := list(_below(sub)))}
    if flat and nested:
        raise UserError(
            f"{folder} holds both masks and folders with masks ({', '.join(nested)}). It must hold either the masks of "
            "one object or one folder for each object."
        )
    if not flat and not nested:
        raise UserError(
            f"There are no masks in {folder}. It must hold <object>/<view>.png, or <view>.png for one object."
        )
    whole = [replace(file, parts=(name, *file.parts)) for name, files in nested.items() for file in files]
    depths = {len(file.parts) for file in whole}
    ends = {photo.with_suffix("").parts[-depth:] for photo in photos for depth in depths}
    if whole and all((*file.parts[:-1], without_suffix(file.parts[-1])) in ends for file in whole):
        flat = whole
    return _objects(folder, flat) if flat else {name: _by_view(files) for name, files in nested.items()}


def _below(folder: Path) -> Iterator[MaskFile]:
    """The masks in an object's folder and the folders below it, hidden ones left out."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).with_suffix("").parts
        if is_image(path) and not any(part.startswith(".") for part in parts):
            yield MaskFile(path, parts)


def _by_view(files: Iterable[MaskFile]) -> dict[str, MaskFile]:
    """The masks of one object by view, as far as that can be told from their names alone."""
    return _unique(("_".join((*file.parts[:-1], without_suffix(file.parts[-1]))), file) for file in files)


def _unique(pairs: Iterable[tuple[str, MaskFile]]) -> dict[str, MaskFile]:
    result: dict[str, MaskFile] = {}
    for view, file in pairs:
        if view in result:
            raise UserError(
                f"{file.path.parent} holds two masks of the view {view!r}: {result[view].path.name} and "
                f"{file.path.name}. Keep one of them."
            )
        result[view] = file
    return result


def of_views(files: Iterable[MaskFile], views: Collection[str]) -> tuple[dict[str, MaskFile], list[MaskFile]]:
    """The masks by the view that each belongs to, and those that belong to none.

    Raises ``UserError`` for two masks of one view.
    """
    known = {name.casefold(): name for name in views}
    pairs, strange = [], []
    for file in files:
        names = [name if name in views else known.get(name.casefold()) for name in file.names()]
        name = next(filter(None, names), None)
        if name is None:
            strange.append(file)
        else:
            pairs.append((name, file))
    return _unique(pairs), strange


def _objects(folder: Path, files: list[MaskFile]) -> Masks:
    """The masks of a folder without objects' folders: of one object, or of each id in its images."""
    by_view = _by_view(files)
    levels = Levels()
    for file in files:
        with open_image(file.path, "The mask") as image:
            levels.add(image)
    ids = levels.ids()
    if ids is None:
        if problem := levels.problem():
            raise UserError(f"The masks in {folder} {problem}")
        return {UNNAMED: by_view}
    names = [UNNAMED] if len(ids) == 1 else [levels.name(value) for value in ids]
    return {
        name: {view: replace(file, value=value) for view, file in by_view.items()}
        for name, value in zip(names, ids, strict=True)
    }


def mask_values(mask: Path | MaskFile, what: str = "The mask") -> NDArray[np.uint8]:
    """[H, W] uint8, 255 where the object is: an alpha channel that varies, or else the brightest channel.

    White is the end of the smallest usual range (1, 8, 10, 12, 16 bits) with all values in it, so that masks of 0 and
    1, of floats in [0, 1] and of 16 bits are read alike. Of an image of several ids it is where the mask's own is.

    Raises:
        UserError: see ``open_image``; also an image of several ids of which none is chosen, and a photo.
    """
    path, value = (mask.path, mask.value) if isinstance(mask, MaskFile) else (mask, None)
    if value is not None:
        return (_codes_of(path, path.stat().st_mtime_ns) == value).astype(np.uint8) * np.uint8(255)
    with open_image(path, what) as image:
        values = pixels_of(image)
        if problem := refusal(image, values):
            raise UserError(f"{what}, {path}, {problem}")
    if values.ndim == 3:
        values = values.max(axis=2)
    brightest = float(np.nan_to_num(values).max(initial=0))
    white = next((white for white in _WHITES if brightest <= white), brightest)
    return np.rint(np.nan_to_num(values).astype(np.float32) * np.float32(255 / white)).clip(0, 255).astype(np.uint8)


@lru_cache(maxsize=1)  # the objects of one image are asked for one after the other
def _codes_of(path: Path, changed: int) -> NDArray[np.int64]:
    with open_image(path, "The mask") as image:
        return codes(image)


def pick(files: Mapping[str, MaskFile], file: MaskFile) -> MaskFile | None:
    """The mask of the same view in another folder's, or None."""
    return next((files[name] for name in file.names() if name in files), None)
