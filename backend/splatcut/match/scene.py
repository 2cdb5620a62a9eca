# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Splat files that make up one scene, matched together: read, views chosen, fitted, and written."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from splatcut.cameras.check import check_views_see_scene
from splatcut.cameras.placing import place_views
from splatcut.cameras.virtual import first_view_of, virtual_views
from splatcut.errors import UserError
from splatcut.files import write_problem
from splatcut.formats import SplatFile, read_splats, write_splats
from splatcut.formats.matched import as_trained, is_matched, with_matched
from splatcut.formats.parts import with_coefficients
from splatcut.match.fit import Fitted, fit
from splatcut.progress import Progress
from splatcut.raster import Device
from splatcut.scene.camera import Camera, View
from splatcut.scene.gaussians import Gaussians, concatenate

#: Longer side of the pictures that are fitted, pixels, and how many views at most, evenly from all.
SIDE, VIEWS = 640, 40
#: Virtual views where there are no cameras: how many are proposed, and the angle of their cone, degrees.
COUNT, ANGLE = 32, 100.0


def files_of(scene: Path) -> list[Path]:
    """The files that make up a scene: itself, or the objects and the background of a cut. Raises ``UserError``."""
    if not scene.is_dir() or (scene / "meta.json").is_file():
        return [scene]
    files = sorted((scene / "objects").glob("*.ply"))
    if (scene / "background.ply").is_file():
        files.insert(0, scene / "background.ply")
    if not files:
        raise UserError(f"{scene} is a folder without objects or background.ply. Give a splat file or a cut's folder.")
    return files


def read(files: Sequence[Path], *, drop_invalid: bool = False, antialiased: str = "auto") -> list[SplatFile]:
    """The files in one frame. Raises ``UserError`` where they cannot be one scene."""
    splats = [read_splats(path, drop_invalid=drop_invalid, antialiased=antialiased) for path in files]
    splats = [file.with_offset(splats[0].offset) for file in splats]
    if len({file.gaussians.pixel_filter for file in splats}) > 1:
        raise UserError(
            "Some of the files were trained antialiased and some were not, so they cannot be matched as one scene. Say "
            "how to draw all of them with --antialiased on or off."
        )
    return splats


def match(
    files: Sequence[SplatFile], views: Sequence[View], progress: Progress, device: Device = "cpu"
) -> tuple[list[SplatFile], Fitted]:
    """The files with colours that look as trained once they are blended in linear light, all fitted as one scene.

    Args:
        files: of ``read``; those that are matched already begin with their trained colours.
        views: in the files' frame before the world offset; virtual ones are made where there are none.

    Raises:
        UserError: no view sees the scene, or no virtual view can be found.
    """
    given = [as_trained(file) for file in files]
    most = max(file.gaussians.sh.shape[1] for file in given)
    whole = concatenate([with_coefficients(file.gaussians, most) for file in given])
    if views:
        views = place_views(views, whole, given[0].offset)
        check_views_see_scene(whole, views, given[0].offset)
        cameras = [view.camera for view in sorted(views, key=lambda view: view.name)]
    else:
        cameras = _virtual(whole, progress, device)
    some = np.unique(np.linspace(0, len(cameras) - 1, min(VIEWS, len(cameras))).round().astype(int))
    found = fit(whole, [cameras[i].within(SIDE) for i in some], progress, device)
    made, start = [], 0
    for file in given:
        count, end = file.gaussians.sh.shape[1], start + len(file)
        # A file of a lower SH degree than the others has no room for more.
        made.append(with_matched(file, found.sh[start:end, :count]))
        start = end
    return made, found


def _virtual(gaussians: Gaussians, progress: Progress, device: Device) -> list[Camera]:
    solid = gaussians.opacities() > 0.5
    middle = np.median(gaussians.means[solid] if solid.any() else gaussians.means, axis=0).astype(np.float64)
    nearest = np.argsort(((gaussians.means - middle) ** 2).sum(axis=1))[:1]
    try:
        first = first_view_of(gaussians, gaussians.means[nearest], device)
        views = virtual_views(gaussians, first, middle, progress, device, COUNT, ANGLE)
    except UserError as error:
        raise UserError(
            "The scene has no cameras, and no virtual ones that see it clearly were found. Give the capture's with "
            "--cameras."
        ) from error
    return [view.camera for view in views]


def undo(files: Sequence[SplatFile], names: Sequence[Path]) -> list[SplatFile]:
    """The files as they were trained. Raises ``UserError`` when none of them is matched."""
    if not any(map(is_matched, files)):
        raise UserError(f"{names[0]} is not matched to linear blending: its colours are as trained already.")
    return [as_trained(file) for file in files]


def check_place(scene: Path, out: Path, force: bool) -> None:
    """Raises ``UserError`` for a place where the result of matching ``scene`` cannot go."""
    several = files_of(scene) != [scene]
    name = out.name.lower()
    if not several and (not name.endswith(".ply") or name.endswith(".compressed.ply")):
        raise UserError(
            f"{out} cannot hold a matched scene: only a plain .ply keeps the trained colours beside the new ones. Give "
            "a name that ends in .ply; 'splatcut convert' makes other formats of it."
        )
    if out.exists():
        if out.samefile(scene):
            raise UserError(f"{out} is the input itself. Choose another name for the output.")
        if out.is_dir() != several:
            raise UserError(f"{out} is {'a file' if several else 'a folder'}. Choose another name for the output.")
        if not force and not (several and not any(out.iterdir())):
            raise UserError(f"{out} already exists. Choose another name, or use --force to overwrite it.")
        if several and any(path.name not in ("objects", "background.ply") for path in out.iterdir()):
            raise UserError(f"{out} holds other files besides objects. Choose another folder.")
    # Said before the fit, which takes minutes; what changes meanwhile is said when it is written.
    place = next(folder for folder in out.absolute().parents if folder.exists())
    if not place.is_dir() or not os.access(place, os.W_OK):
        raise UserError(f"{out} cannot be written: {place} is no folder that can be written to. Choose another place.")


def write(scene: Path, names: Sequence[Path], files: Sequence[SplatFile], out: Path) -> None:
    """Writes the files as they lie in ``scene``, all or none. Raises ``UserError``."""
    if list(names) == [scene]:
        write_splats(out, files[0])
        return
    new: Path | None = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(prefix=f".{out.name[:40]}.", dir=out.parent))
        new.chmod(0o755)
        for path, file in zip(names, files, strict=True):
            write_splats(new / path.relative_to(scene), file)
        if out.exists():
            shutil.rmtree(out)
        new.rename(out)
    except OSError as error:
        raise write_problem(error, out) or error from error
    finally:
        if new is not None and new.exists():
            shutil.rmtree(new, ignore_errors=True)
