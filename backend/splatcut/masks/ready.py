# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Ready masks from a folder: ``<object>/<view>.png``, or ``<view>.png`` for one object."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from splatcut.cameras.pictures import WorkingView
from splatcut.errors import UserError
from splatcut.mask_files import UNNAMED, Masks, find_masks, of_views
from splatcut.masks.prompted import read_mask
from splatcut.messages import check_object_names
from splatcut.progress import Progress
from splatcut.scene.camera import View
from splatcut.scene.masks import MaskSet, share_bytes


def masks_of_views(folder: Path, views: Sequence[View]) -> Masks:
    """Object name -> view name -> mask. A folder without objects' folders holds one object, named after the folder,
    or one for each id in its images.

    Raises ``UserError``: see ``find_masks``; also masks that belong to no view, and objects' names that are no file
    names.
    """
    found = find_masks(folder, [view.photo for view in views if view.photo is not None])
    name = folder.resolve().name
    if list(found) == [UNNAMED] and name not in ("", "masks") and not (folder / UNNAMED).is_dir():
        found = {name: found[UNNAMED]}
    check_object_names(list(found))
    known = {view.name for view in views}
    result: Masks = {}
    for item, files in found.items():
        result[item], strange = of_views(files.values(), known)
        if strange:
            path = strange[0].path
            raise UserError(
                f"{len(strange)} of the masks in {path.parent} belong to no view; the first is {path.name!r}. Name "
                f"masks after their photos, for example {min(known)}.png, and remove masks of photos that have no "
                "camera."
            )
    return result


def from_folder(folder: Path, found: Masks, kept: Sequence[View], progress: Progress) -> MaskSet:
    """The masks that were ``found`` in a folder (``masks_of_views``), read for the ``kept`` views alone.

    A view without a mask of an object has no say about that object.

    Raises ``UserError``: unreadable files, sizes that do not fit the photo, empty objects.
    """
    names = tuple(found)
    used = [view for view in kept if any(view.name in files for files in found.values())]
    progress.stage("masks", len(used))
    confidence = np.zeros((len(used), len(names)), np.float32)
    probability, brightest = [], np.zeros(len(names), np.uint8)
    for number, view in enumerate(used):
        working = WorkingView(view, view)
        masks = np.zeros((len(names), view.camera.height, view.camera.width), np.uint8)
        for k, name in enumerate(names):
            if view.name in found[name]:
                masks[k] = read_mask(found[name][view.name], working, f"The mask of {name!r}")
                confidence[number, k] = 1.0
        brightest = np.maximum(brightest, masks.reshape(len(names), -1).max(axis=1))
        probability.append(share_bytes(masks))
        progress.step()
    for k, name in enumerate(names):
        # What another object claims as well is half this one's, 128.
        if brightest[k] > 127 and any((masks[k] > min(128, brightest[k] - 1)).any() for masks in probability):
            continue
        what = f"The masks of the object {name!r} in {folder} are black in all views that are used"
        if brightest[k] > 127:
            raise UserError(
                f"All of the object {name!r} in {folder} lies in the masks of other objects as well. Each pixel can "
                "belong to only one object: remove it from the others' masks, or invert masks that are black on white."
            )
        dark = f": the brightest pixel has {brightest[k]} of 255, but the object must be white" if brightest[k] else ""
        raise UserError(f"{what}{dark}. Paint the object white, or leave it out.")
    return MaskSet(names, tuple(view.name for view in used), probability, confidence)
