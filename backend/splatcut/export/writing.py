# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Everything that a run writes for the user: objects, labels, masks and the contact sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from splatcut import raster
from splatcut.cameras.pictures import WorkingView, picture, working_view
from splatcut.errors import UserError
from splatcut.export.contact_sheet import MAX_OBJECTS, SheetPrompt, SheetRow, choose_views, contact_sheet
from splatcut.export.healed import BACKGROUND, HEALED, healed_scene, write_healed
from splatcut.export.matte import object_masks, write_masks
from splatcut.export.plys import write_labels, write_objects
from splatcut.files import atomic_path
from splatcut.formats import SplatFile
from splatcut.lift import Extracted
from splatcut.messages import ObjectPrompt, Points3DPrompt, ViewPrompt
from splatcut.progress import Progress
from splatcut.scene.camera import View
from splatcut.scene.gaussians import F32
from splatcut.scene.masks import MaskSet

if TYPE_CHECKING:
    from splatcut.heal import Healed

#: Rows of the contact sheet, and the longer side of its renders in pixels.
SHEET_ROWS = 6
SHEET_SIDE = 640


@dataclass(frozen=True, eq=False)
class Results:
    """What there is to write.

    Attributes:
        scene: name of the scene's file; splats: the scene as it was read.
        extracted: the labelled scene.
        objects: what the user said; empty for ready masks.
        masks: what the objects were cut by; its object names are the files'.
        healed: what heals the scene without the objects, or None.
        views: all views that get final masks; further_views: others that the contact sheet may show.
    """

    scene: str
    splats: SplatFile
    extracted: Extracted
    objects: Sequence[ObjectPrompt]
    masks: MaskSet
    views: Sequence[View]
    further_views: Sequence[View] = ()
    healed: Healed | None = None


def write(results: Results, folder: Path, progress: Progress, device: raster.Device = "cpu") -> list[str]:
    """Writes ``objects/``, ``background.ply``, ``labels.npz``, ``masks/``, ``healed/`` where there is something healed,
    and ``contact_sheet.png`` into a folder.

    Returns:
        Sentences for the user about photos that could not be shown.

    Raises:
        UserError: a place that cannot be written, a full disk.
    """
    splats, made, names = results.splats, results.extracted, results.masks.objects
    if len(made.parent) != len(splats) or made.changed.any():
        splats = splats.with_gaussians(made.gaussians, made.parent, made.changed)
    write_objects(splats, made.labels, names, folder, progress=progress)
    write_labels(folder / "labels.npz", made.labels, names, made.probability, made.parent, made.variance, made.island)
    _write_masks(results, folder / "masks", progress, device)
    if results.healed is not None:
        removed, place = made.labels > 0, folder / HEALED
        write_healed(splats, removed, results.healed, results.views, place, BACKGROUND, progress, device)
    return _write_sheet(results, folder / "contact_sheet.png", progress, device)


def _write_masks(results: Results, folder: Path, progress: Progress, device: raster.Device) -> None:
    """``folder/<name>/<view>.png``: the label image of every view (held-out ones too), occlusion included."""
    names, made = results.masks.objects, results.extracted
    progress.stage("final masks", len(results.views))
    for view in results.views:
        if not all((folder / name / f"{view.name}.png").is_file() for name in names):
            coverage = object_masks(made.gaussians, made.labels, len(names), view.camera, device=device)
            write_masks(folder, names, view.name, coverage)
        progress.step()


def _write_sheet(results: Results, path: Path, progress: Progress, device: raster.Device) -> list[str]:
    """Photo, masks, every object alone and the background, in a few views.

    Returns sentences about photos that could not be shown; the scene's render stands in for them.
    """
    prompted = {
        prompt.view for item in results.objects for prompt in item.prompts if not isinstance(prompt, Points3DPrompt)
    }
    by_name = {view.name: view for view in [*results.views, *results.further_views]}
    chosen = choose_views(list(by_name), sorted(prompted), SHEET_ROWS)
    progress.stage("sheet", len(chosen))
    rows = []
    problems: list[str] = []
    for name in chosen:
        view = by_name[name]
        try:
            row = _row(results, view, device)
        except UserError as error:  # a photo that is damaged behind its header
            problems.append(f"The contact sheet shows a render instead of a photo. {error}")
            row = _row(results, replace(view, photo=None), device)
        rows.append(row)
        progress.step()
    labels, names = results.extracted.labels, results.masks.objects
    count = sum(int((labels == k + 1).sum()) for k in range(len(names)))
    title = f"{results.scene}: {len(names)} object(s), {count:,} of {len(labels):,} Gaussians"
    sheet = contact_sheet(title, names, rows)
    with atomic_path(path) as temporary:
        sheet.save(temporary, format="PNG")
    return problems


def _row(results: Results, view: View, device: raster.Device) -> SheetRow:
    gaussians, labels = results.extracted.gaussians, results.extracted.labels
    working = working_view(view, SHEET_SIDE)
    camera = working.view.camera
    kinds = len(results.masks.objects)

    def alone(keep: NDArray[np.bool_]) -> F32:
        if not keep.any():
            return np.zeros((camera.height, camera.width, 4), np.float32)
        rendered = raster.render(gaussians.take(keep), camera, device=device)
        return np.concatenate([rendered.image, rendered.alpha[..., None]], axis=2)

    healed = None
    if results.healed is not None:
        healed = raster.render(healed_scene(gaussians, labels > 0, results.healed), camera, device=device).image

    return SheetRow(
        view=view.name,
        photo=picture(working, gaussians, device),
        masks=object_masks(gaussians, labels, kinds, camera, device=device),
        objects=[alone(labels == k + 1) for k in range(min(kinds, MAX_OBJECTS))],
        background=alone(labels == 0)[..., :3],
        prompts=[prompt for k, item in enumerate(results.objects) for prompt in _prompts(k, item, working)],
        note=results.masks.notes.get(view.name, ""),
        healed=healed,
    )


def _prompts(k: int, item: ObjectPrompt, working: WorkingView) -> list[SheetPrompt]:
    """What was said about object ``k`` in this view, in the working size's pixels."""
    found = []
    for prompt in item.prompts:
        if isinstance(prompt, ViewPrompt) and prompt.view == working.view.name:
            points = np.array([point[:2] for point in prompt.points], np.float64)
            box = None
            if prompt.box is not None:
                x0, y0, x1, y1 = working.points(np.array(prompt.box, np.float64).reshape(2, 2)).ravel().tolist()
                box = (x0, y0, x1, y1)
            found.append(SheetPrompt(k, working.points(points), np.array([p[2] for p in prompt.points], np.int32), box))
    return found
