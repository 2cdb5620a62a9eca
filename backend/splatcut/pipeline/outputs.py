# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The last stage: everything that a run writes for the user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from splatcut import raster
from splatcut.cameras.pictures import picture, working_view
from splatcut.errors import UserError
from splatcut.export.contact_sheet import SheetPrompt, SheetRow, choose_views, contact_sheet
from splatcut.export.matte import object_masks, write_masks
from splatcut.files import atomic_path
from splatcut.messages import Job, Points3DPrompt, ViewPrompt
from splatcut.progress import Progress
from splatcut.scene.camera import View
from splatcut.scene.gaussians import F32, Gaussians
from splatcut.scene.masks import MaskSet

#: Rows of the contact sheet, and the longer side of its renders in pixels.
SHEET_ROWS = 6
SHEET_SIDE = 640


def write_final_masks(
    gaussians: Gaussians,
    labels: NDArray[np.int32],
    names: Sequence[str],
    views: Sequence[View],
    folder: Path,
    progress: Progress,
    device: raster.Device,
) -> None:
    """``folder/masks/<name>/<view>.png``: the label image of every view (held-out ones too), occlusion included."""
    progress.stage("final masks", len(views))
    for view in views:
        if not all((folder / "masks" / name / f"{view.name}.png").is_file() for name in names):
            coverage = object_masks(gaussians, labels, len(names), view.camera, device=device)
            write_masks(folder / "masks", names, view.name, coverage)
        progress.step()


def write_contact_sheet(
    job: Job,
    gaussians: Gaussians,
    labels: NDArray[np.int32],
    masks: MaskSet,
    views: Sequence[View],
    folder: Path,
    progress: Progress,
    device: raster.Device,
) -> list[str]:
    """``folder/contact_sheet.png``: photo, masks, every object alone and the background, in a few views.

    Returns sentences about photos that could not be shown; the scene's render stands in for them.
    """
    prompted = {
        prompt.view for item in job.objects for prompt in item.prompts if not isinstance(prompt, Points3DPrompt)
    }
    chosen = choose_views([view.name for view in views], sorted(prompted), SHEET_ROWS)
    by_name = {view.name: view for view in views}
    progress.stage("sheet", len(chosen))
    rows = []
    problems: list[str] = []
    for name in chosen:
        view = by_name[name]
        try:
            row = _row(job, gaussians, labels, masks, view, device)
        except UserError as error:  # a photo that is damaged behind its header
            problems.append(f"The contact sheet shows a render instead of a photo. {error}")
            row = _row(job, gaussians, labels, masks, replace(view, photo=None), device)
        rows.append(row)
        progress.step()
    count = sum(int((labels == k + 1).sum()) for k in range(len(masks.objects)))
    title = f"{job.scene.name}: {len(masks.objects)} object(s), {count:,} of {len(labels):,} Gaussians"
    sheet = contact_sheet(title, masks.objects, rows)
    with atomic_path(folder / "contact_sheet.png") as temporary:
        sheet.save(temporary, format="PNG")
    return problems


def _row(
    job: Job, gaussians: Gaussians, labels: NDArray[np.int32], masks: MaskSet, view: View, device: raster.Device
) -> SheetRow:
    working = working_view(view, SHEET_SIDE)
    camera = working.view.camera
    kinds = len(masks.objects)

    def alone(keep: NDArray[np.bool_]) -> F32:
        if not keep.any():
            return np.zeros((camera.height, camera.width, 4), np.float32)
        rendered = raster.render(gaussians.take(keep), camera, device=device)
        assert rendered.image is not None
        return np.concatenate([rendered.image, 1.0 - rendered.transmittance[..., None]], axis=2)

    return SheetRow(
        view=view.name,
        photo=picture(working, gaussians, device),
        masks=object_masks(gaussians, labels, kinds, camera, device=device),
        objects=[alone(labels == k + 1) for k in range(min(kinds, 4))],
        background=alone(labels == 0)[..., :3],
        prompts=[
            SheetPrompt(
                k,
                working.points(np.array([point[:2] for point in prompt.points], np.float64)),
                np.array([point[2] for point in prompt.points], np.int32),
                _box(prompt, working.points),
            )
            for k, item in enumerate(job.objects)
            for prompt in item.prompts
            if isinstance(prompt, ViewPrompt) and prompt.view == view.name
        ],
        note=masks.notes.get(view.name, ""),
    )


def _box(prompt: ViewPrompt, to_working: object) -> tuple[float, float, float, float] | None:
    if prompt.box is None or not callable(to_working):
        return None
    x0, y0, x1, y1 = prompt.box
    corners = np.asarray(to_working(np.array([[x0, y0], [x1, y1]])), np.float64)
    return (float(corners[0, 0]), float(corners[0, 1]), float(corners[1, 0]), float(corners[1, 1]))
