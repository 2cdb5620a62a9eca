# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""A healed scene as files: what stays with what fills the holes, what was dropped, and where the filling shows.

Rows of the input come back bit by bit, in the input's order; what stays of them, what was dropped and what was taken
out are the input.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from splatcut import raster
from splatcut.errors import UserError
from splatcut.formats import SplatFile, write_splats
from splatcut.formats.ply_header import read_header
from splatcut.progress import Progress
from splatcut.scene.camera import View
from splatcut.scene.gaussians import Gaussians, concatenate

if TYPE_CHECKING:
    from splatcut.heal import Healed

Bools = NDArray[np.bool_]

#: The property that tells where a Gaussian is from: the input has 0 (or what it said itself).
FILLED = "splatcut_filled"
#: A copy of one of the input's in another colour; one that was made up.
RECOLOURED, MADE_UP = 1, 2
#: Folder of healed scenes in an output folder.
HEALED = "healed"
#: The scene without any of its objects; the end of the name of the file of what was dropped.
BACKGROUND, DROPPED = "background", "_dropped"
#: Longest name in UTF-8 bytes: file systems take 255, endings have to fit too.
_MOST_BYTES = 180


@dataclass(frozen=True)
class HealedFiles:
    """What ``write_healed`` wrote.

    Attributes:
        scene: the healed scene's PLY, or None where nothing stays.
        dropped: the PLY of what was dropped, or None where nothing was.
        masks: folder with a mask for each view.
        dropped_count, recoloured, made_up: numbers of Gaussians.
    """

    scene: Path | None
    dropped: Path | None
    masks: Path
    dropped_count: int
    recoloured: int
    made_up: int


def healed_name(chosen: Sequence[str], objects: Sequence[str]) -> str:
    """The name of the scene without the ``chosen`` of its ``objects``; other choices never get the same.

    "background" without any, else "without_vase" or "without_vase_and_book". Names that could also be another choice's,
    or that are too long, end in digits that tell them apart.
    """
    chosen = [name for name in objects if name in set(chosen)]
    if len(chosen) == len(objects):
        return BACKGROUND
    name = f"without_{'_and_'.join(chosen)}"
    unclear = len(chosen) > 1 and any("_and" in other or "and_" in other for other in map(str.casefold, objects))
    if unclear or name.casefold().endswith(DROPPED) or len(name.encode()) > _MOST_BYTES:
        digits = hashlib.sha256("\0".join(chosen).encode()).hexdigest()[:8]
        name = f"{name.encode()[:_MOST_BYTES].decode(errors='ignore')}-{digits}"
    return name


def healed_scene(scene: Gaussians, removed: Bools, healed: Healed) -> Gaussians:
    """What stays, and after it the filling."""
    return concatenate([scene.take(~removed & ~healed.dropped), healed.filling])


def healed_files(healed: Healed, removed: Bools, folder: Path, name: str) -> HealedFiles:
    """What ``write_healed`` writes, without writing it."""
    scene, dropped = folder / f"{name}.ply", folder / f"{name}{DROPPED}.ply"
    copies, count = int((healed.parent >= 0).sum()), int(healed.dropped.sum())
    stays = bool((~removed & ~healed.dropped).any()) or len(healed.parent) > 0
    masks, new = folder / "masks" / name, len(healed.parent) - copies
    return HealedFiles(scene if stays else None, dropped if count else None, masks, count, copies, new)


def check_replaceable(path: Path) -> None:
    """Raises ``UserError`` where a file is in the place of a healed scene that is none, which writing would lose."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        try:
            with path.open("rb") as stream:
                elements = read_header(stream, path.name).elements
            if any(prop.name == FILLED for element in elements for prop in element.properties):
                return
        except (UserError, PermissionError, IsADirectoryError):
            pass
        raise UserError(
            f"{path} would be replaced, but it is not a healed scene of SplatCut's. Move it away, or choose another "
            "folder with --out."
        )


def write_healed(
    splats: SplatFile,
    removed: Bools,
    healed: Healed,
    views: Sequence[View],
    folder: Path,
    name: str,
    progress: Progress,
    device: raster.Device = "cpu",
) -> HealedFiles:
    """Writes ``<name>.ply``, ``<name>_dropped.ply`` and ``masks/<name>/<view>.png`` into a folder.

    The first has the input's properties and ``splatcut_filled``. The masks are the coverage of the filling, occlusion
    included. Files of an earlier call that this one does not write are removed.

    Args:
        splats: the scene that was healed, N Gaussians; removed: [N] bool, those that were taken out.
        views: all that get masks.

    Raises:
        UserError: a place that cannot be written, a full disk.
    """
    from splatcut.export.matte import object_masks, write_masks  # what else is here is wanted where no image is made

    made = healed_files(healed, removed, folder, name)
    progress.stage("healed", len(views) + 2)
    added = len(healed.parent)
    filled = np.zeros(len(splats), np.uint8)
    if FILLED in splats.table.property_names:
        filled = splats.table.rows[FILLED]
    filled = np.concatenate([filled, np.where(healed.parent < 0, MADE_UP, RECOLOURED)])
    keep = np.concatenate([~removed & ~healed.dropped, np.ones(added, bool)])
    whole = splats.with_added(healed.filling, healed.parent).take(keep)
    is_new = np.arange(len(whole)) >= len(whole) - added
    for view in views:
        if added:
            cover = object_masks(whole.gaussians, is_new.astype(np.int32), 1, view.camera, device=device)
        else:
            cover = np.zeros((1, view.camera.height, view.camera.width), np.float32)
        write_masks(folder / "masks", [name], view.name, cover)
        progress.step()
    for path, file in (
        (folder / f"{name}{DROPPED}.ply", splats.take(healed.dropped)),
        (folder / f"{name}.ply", whole.with_property(FILLED, filled[keep])),
    ):
        if len(file):
            write_splats(path, file)
        else:
            path.unlink(missing_ok=True)
        progress.step()
    names = {f"{view.name}.png" for view in views}
    for path in made.masks.glob("*.png"):
        if path.name not in names:
            path.unlink(missing_ok=True)
    return made
