# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Healing a scene without some of its objects: as a stage of a run, and of a cut that is there already."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from splatcut import export, formats, raster
from splatcut.cameras import camera_findings, compared, holdout, place_views, without_floaters
from splatcut.devices import resolve_device
from splatcut.errors import UserError
from splatcut.formats import SplatFile
from splatcut.messages.findings import Finding, refuse, warnings
from splatcut.messages.results import HealResult
from splatcut.messages.worker import Heal
from splatcut.pipeline.checkpoints import RESULTS, STATE
from splatcut.pipeline.inputs import read_views, view_findings
from splatcut.pipeline.lock import locked
from splatcut.pipeline.stage import Stored
from splatcut.progress import Part, Progress
from splatcut.scene.camera import View
from splatcut.scene.gaussians import ARRAYS, Gaussians, PixelFilter

if TYPE_CHECKING:
    from splatcut.heal import Healed

#: What ``heal_cut`` reports as its progress, with the usual shares of the work.
PARTS = (
    *(Part("load", 3), Part("photos", 1), Part("floaters", 4)),
    *(Part("sights", 30), Part("holes", 20), Part("healed", 6)),
)


# ------------------------------------------------------------------------------------------------- a stage of a run


def heal(
    scene: Gaussians,
    labels: NDArray[np.integer],
    removed: NDArray[np.bool_],
    views: Sequence[View],
    progress: Progress,
    device: raster.Device,
    seed: int,
) -> Stored:
    """``splatcut.heal.heal`` of what the views see, as it is kept."""
    from splatcut.heal import heal

    made = heal(scene, labels, removed, [view.camera for view in views], progress, device, seed)
    arrays = {name: getattr(made.filling, name) for name in ARRAYS}
    told = list(made.told) if removed.any() else ["Nothing was taken out of the scene, so there is nothing to heal."]
    return {**arrays, "dropped": made.dropped, "parent": made.parent}, {"told": told}


def healed(stored: Stored, pixel_filter: PixelFilter) -> Healed:
    """From what is kept of it; ``pixel_filter``: the scene's."""
    from splatcut.heal import Healed

    arrays, notes = stored
    filling = Gaussians(**{name: arrays[name] for name in ARRAYS}, pixel_filter=pixel_filter)
    return Healed(arrays["dropped"], filling, arrays["parent"], tuple(notes["told"]))


# ---------------------------------------------------------------------------------------------- a cut that is there


@dataclass(frozen=True, eq=False)
class _Recorded:
    """What a cut's folder tells of its views; as in ``Job``."""

    cameras: Path | None = None
    images: Path | None = None
    holdout: int = 0


def heal_cut(request: Heal, progress: Progress) -> HealResult:
    """Writes what stays of a cut without some objects, healed (design: output folder).

    Raises:
        UserError: a folder that is no cut or cannot be written, an object that it does not have, cameras that are
            missing or of another world. Nothing half-written remains.
        Cancelled: through ``progress``.
    """
    progress.stage("load", 3)
    out = _place(request)
    with locked(request.cut if request.out is None else out, _lock(request)):
        closing = () if request.close is None else (request.close,)
        splats, chosen = _read_cut(request.cut, closing or request.without)
        objects = splats.objects
        assert objects is not None
        name = f"closed_{request.close}" if closing else export.healed_name(chosen, objects.names)
        export.check_replaceable(out / f"{name}.ply")
        progress.step()
        told: list[Finding] = []
        views = _read_views(request, told)
        progress.step()
        device = resolve_device(request.device)
        progress.step()
        removed = np.isin(objects.labels, [objects.names.index(item) + 1 for item in chosen])
        used = _checked(request, splats, views, told, progress, device)
        if closing:
            removed = ~removed
            made = _closed(splats.gaussians, removed, used, progress, device, request.seed)
        else:
            made = healed(
                heal(splats.gaussians, objects.labels, removed, used, progress, device, request.seed),
                splats.gaussians.pixel_filter,
            )
        files = export.write_healed(splats, removed, made, used, out.absolute(), name, progress, device)
    assert files.scene is not None
    counts = {"dropped": files.dropped_count, "recoloured": files.recoloured, "made_up": files.made_up}
    return HealResult(name, files.scene, files.dropped, files.masks, counts, (*warnings(told), *made.told))


def _closed(
    scene: Gaussians,
    removed: NDArray[np.bool_],
    views: Sequence[View],
    progress: Progress,
    device: raster.Device,
    seed: int,
) -> Healed:
    """What is not removed, closed where it touched planes."""
    from splatcut.heal import Healed, close

    made = close(scene, ~removed, [view.camera for view in views], progress, device, seed)
    told = () if len(made) else ("Nothing was closed: the object touches no plane on a side that no view sees.",)
    return Healed(np.zeros(len(scene), bool), made, np.full(len(made), -1, np.int64), told)


def _place(request: Heal) -> Path:
    """Where the results go: not among those of the run."""
    cut = request.cut
    if not cut.is_dir():
        what = "is a file" if cut.exists() else "does not exist"
        raise UserError(f"The cut {cut} {what}. Give a folder that splatcut segment wrote.")
    if request.out is None:
        return cut / export.HEALED
    out = request.out
    if out.exists() and not out.is_dir():
        raise UserError(f"The output folder {out} is a file. Choose a folder with --out.")
    place, home = out.resolve(), cut.resolve()
    others = {*RESULTS, STATE} - {export.HEALED}
    if place == home or (home in place.parents and place.relative_to(home).parts[0] in others):
        raise UserError(f"The output folder {out} holds what the run wrote. Choose another folder with --out.")
    return out


def _lock(request: Heal) -> Path:
    """Held by runs that write to the folder, too."""
    return (request.cut if request.out is None else request.out) / STATE / "lock"


def _read_cut(folder: Path, without: Sequence[str]) -> tuple[SplatFile, tuple[str, ...]]:
    """The cut as one scene whose rows have the scene's order where that is known, and the objects to take out."""
    names = sorted(path.stem for path in (folder / "objects").glob("*.ply"))
    if not names:
        raise UserError(
            f"{folder} is no cut: it has no objects/*.ply, so there is nothing to take out. Give a folder that "
            "splatcut segment wrote, with Gaussians in its objects."
        )
    for name in without:
        if name not in names:
            raise UserError(f"{folder} has no object {name!r}. Its objects are {', '.join(map(repr, names))}.")
    chosen = tuple(name for name in names if name in without or not without)
    if len(chosen) == len(names) and not (folder / "background.ply").is_file():
        raise UserError(
            f"{folder} has no background.ply: without the objects nothing is left that could be healed. If it was "
            "moved away, put it back, or cut the scene again."
        )
    try:
        splats = formats.read_splats(folder)
    except UserError as error:  # an option that this command has not got
        raise UserError(
            str(error).replace("Use --drop-invalid to leave them out.", "Cut the scene again with --drop-invalid.")
        ) from error
    if splats.objects is None:  # a folder with the files of a SOG as well
        raise UserError(f"{folder} holds a SOG scene besides the cut. Move one of them to another folder.")
    return _in_order(splats, folder / "labels.npz"), chosen


def _in_order(splats: SplatFile, file: Path) -> SplatFile:
    """The rows as ``labels.npz`` has them, so that the result is a run's bit for bit; as they are, where it does not
    fit."""
    objects = splats.objects
    assert objects is not None
    try:
        with np.load(file, allow_pickle=False) as stored:
            labels, names = stored["labels"], ["", *map(str, stored["names"])]
        numbers = {name: number for number, name in enumerate(("", *objects.names))}
        own = np.array([numbers.get(name, -1) for name in names])[labels]
    except Exception:  # missing, damaged in one of many ways, or somebody else's
        return splats
    rows = np.argsort(objects.labels, kind="stable")
    place = np.argsort(own, kind="stable")
    if len(own) != len(rows) or not np.array_equal(own[place], objects.labels[rows]):
        return splats
    order = np.empty(len(rows), np.int64)
    order[place] = rows
    return splats.take(order)


def _read_views(request: Heal, told: list[Finding]) -> list[View]:
    """The views that the run used, or those that were asked for."""
    if request.cameras is not None:
        return read_views(request.cameras, request.images, told)
    known = _recorded(request.cut)
    if known.cameras is None and (request.cut / "cameras.json").is_file():
        known = replace(known, cameras=request.cut / "cameras.json", holdout=0)
    if known.cameras is None:
        raise UserError(
            f"Nothing in {request.cut} says which cameras the scene was cut with. Give them with --cameras."
        )
    if not known.cameras.exists():
        raise UserError(
            f"The cameras that the scene was cut with, {known.cameras}, are not there any more. Give them with "
            "--cameras."
        )
    views = read_views(known.cameras, request.images or known.images, told)
    return holdout(views, known.holdout)[0] if known.holdout else views


def recorded(cameras: object, images: Path | None) -> dict[str, str | None]:
    """Where a run's views came from, for its report; ``cameras``: a path, or anything else, which is not told."""
    paths = {"cameras": cameras if isinstance(cameras, Path) else None, "images": images}
    return {name: None if path is None else os.path.abspath(path) for name, path in paths.items()}


def _recorded(cut: Path) -> _Recorded:
    try:
        report: Any = json.loads((cut / "report.json").read_text(encoding="utf-8"))
        data, hold = report["data_set"], report["options"]["holdout"]
        paths = [None if data[name] is None else Path(data[name]) for name in ("cameras", "images")]
        images = paths[1] if paths[1] is not None and paths[1].is_dir() else None
        return _Recorded(paths[0], images, int(hold))
    except (OSError, ValueError, KeyError, TypeError):  # none, or an older one, or somebody else's
        return _Recorded()


def _checked(
    request: Heal, splats: SplatFile, views: list[View], told: list[Finding], progress: Progress, device: raster.Device
) -> list[View]:
    """The views placed in the scene's world, near planes behind floaters. Refuses those of another world."""
    gaussians = splats.gaussians
    views = place_views(views, gaussians, splats.offset)
    told += view_findings(gaussians, views, splats.offset)
    refuse(told)
    photographed = compared(views)
    if not photographed:
        return views
    progress.stage("photos", len(photographed))
    found = camera_findings(gaussians, views, device, progress.step, trusted=request.trust_cameras)
    refuse(found)
    told += found
    return without_floaters(gaussians, views, progress, device)
