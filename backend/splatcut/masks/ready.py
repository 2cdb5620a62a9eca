# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Ready masks from a folder: ``<object>/<view>.png``, or ``<view>.png`` for one object."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from splatcut.cameras.pictures import WorkingView
from splatcut.errors import UserError
from splatcut.masks.loop import compete
from splatcut.masks.prompted import read_mask
from splatcut.messages import check_object_names
from splatcut.progress import Progress
from splatcut.scene.camera import View
from splatcut.scene.masks import MaskSet

MASK_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")


def find_masks(folder: Path, views: Sequence[View]) -> dict[str, dict[str, Path]]:
    """Object name -> view name -> file. A folder without subfolders holds one object, named after the folder.

    Raises ``UserError`` when there is no mask, a file belongs to no view, or names are no file names.
    """
    if not folder.is_dir():
        raise UserError(f"The folder of masks does not exist: {folder}.")
    groups = {
        child.name: child for child in sorted(folder.iterdir()) if child.is_dir() and not child.name.startswith(".")
    }
    if not any(_images(child) for child in groups.values()):
        name = folder.resolve().name
        groups = {"object" if name in ("", "masks") else name: folder}
    check_object_names(list(groups))
    known = {view.name for view in views}
    found: dict[str, dict[str, Path]] = {}
    for name, place in groups.items():
        files = _images(place)
        if not files:
            continue
        strange = sorted(set(files) - known)
        if strange:
            raise UserError(
                f"{len(strange)} of the masks in {place} belong to no view, the first is {files[strange[0]].name!r}. "
                f"Masks are named after the views' photos, such as {min(known)}.png."
            )
        found[name] = files
    if not found:
        raise UserError(
            f"There are no masks in {folder}. It must hold <object>/<view>.png, or <view>.png for one object."
        )
    return found


def _images(folder: Path) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in MASK_SUFFIXES and path.is_file() and not path.name.startswith("."):
            if path.stem in files:
                raise UserError(f"There are two masks for view {path.stem!r}: {files[path.stem]} and {path}. Keep one.")
            files[path.stem] = path
    return files


def read_ready_masks(folder: Path, views: Sequence[View], kept: Sequence[View], progress: Progress) -> MaskSet:
    """The masks of the ``kept`` views; those of other views (held out) are not opened.

    A view without a mask of an object has no say about that object.

    Raises ``UserError``: see ``find_masks``; also unreadable files, sizes that are not the photo's, empty objects.
    """
    found = find_masks(folder, views)
    names = tuple(found)
    used = [view for view in kept if any(view.name in files for files in found.values())]
    progress.stage("masks", len(used))
    confidence = np.zeros((len(used), len(names)), np.float32)
    probability = []
    for number, view in enumerate(used):
        working = WorkingView(view, view)
        masks = np.zeros((len(names), view.camera.height, view.camera.width), np.uint8)
        for k, name in enumerate(names):
            if view.name in found[name]:
                masks[k] = read_mask(found[name][view.name], working, f"The mask of {name!r}")
                confidence[number, k] = 1.0
        if (masks > 127).sum(axis=0).max() > 1:
            masks = np.rint(compete(masks.astype(np.float32) / np.float32(255)) * 255).astype(np.uint8)
        probability.append(masks)
        progress.step()
    for k, name in enumerate(names):
        if not any((masks[k] > 127).any() for masks in probability):
            raise UserError(
                f"The masks of the object {name!r} in {folder} are black in every view that is not held out."
            )
    return MaskSet(names, tuple(view.name for view in used), probability, confidence)
