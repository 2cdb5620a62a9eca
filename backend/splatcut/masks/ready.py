# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Ready masks from a folder: ``<object>/<view>.png``, or ``<view>.png`` for one object."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from splatcut.cameras.pictures import WorkingView
from splatcut.errors import UserError
from splatcut.images import UNNAMED, find_masks
from splatcut.masks.prompted import read_mask
from splatcut.messages import check_object_names
from splatcut.progress import Progress
from splatcut.scene.camera import View
from splatcut.scene.masks import MaskSet, share_bytes


def masks_of_views(folder: Path, views: Sequence[View]) -> dict[str, dict[str, Path]]:
    """Object name -> view name -> file. A folder without subfolders holds one object, named after the folder.

    Raises ``UserError``: see ``find_masks``; also masks that belong to no view, and objects' names that are no file
    names.
    """
    found = find_masks(folder)
    name = folder.resolve().name
    if list(found) == [UNNAMED] and name not in ("", "masks") and not (folder / UNNAMED).is_dir():
        found = {name: found[UNNAMED]}
    check_object_names(list(found))
    known = {view.name for view in views}
    for files in found.values():
        strange = sorted(set(files) - known)
        if strange:
            path = files[strange[0]]
            raise UserError(
                f"{len(strange)} of the masks in {path.parent} belong to no view; the first is {path.name!r}. Name "
                f"masks after their photos, for example {min(known)}.png."
            )
    return found


def from_folder(folder: Path, views: Sequence[View], kept: Sequence[View], progress: Progress) -> MaskSet:
    """The masks of the ``kept`` views; those of other views (held out) are not opened.

    A view without a mask of an object has no say about that object.

    Raises ``UserError``: see ``masks_of_views``; also unreadable files, sizes that are not the photo's, empty objects.
    """
    found = masks_of_views(folder, views)
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
        probability.append(share_bytes(masks))
        progress.step()
    for k, name in enumerate(names):
        if not any((masks[k] > 127).any() for masks in probability):
            raise UserError(
                f"The masks of the object {name!r} in {folder} are black in every view that is not held out."
            )
    return MaskSet(names, tuple(view.name for view in used), probability, confidence)
