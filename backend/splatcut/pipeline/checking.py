# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Everything that a run would use, looked at before anything is computed.

The readers and checks are those of the runs; where a run stops at the first problem, this goes on and collects.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from splatcut import raster
from splatcut.cameras import compare_with_photos, holdout, place_views
from splatcut.cameras.likeness import Likeness
from splatcut.cameras.photos import check_photo
from splatcut.cameras.spz_axes import with_fitting_axes
from splatcut.formats import SplatFile
from splatcut.formats.findings import scene_findings
from splatcut.messages import InlineView, JobOptions
from splatcut.messages.findings import Finding, attempt
from splatcut.pipeline.applied import applied_findings
from splatcut.pipeline.inputs import need_cameras, read_scene, read_views, view_findings
from splatcut.pipeline.summary import mask_lines, scene_line, view_lines
from splatcut.scene.camera import View
from splatcut.scene.gaussians import Gaussians


@dataclass(frozen=True)
class Subject:
    """What is checked; as in ``Job``, but that all except the scene may be left out."""

    scene: Path
    cameras: Path | tuple[InlineView, ...] | None = None
    images: Path | None = None
    masks: Path | None = None
    options: JobOptions = field(default_factory=JobOptions)


@dataclass(frozen=True)
class Checked:
    """The ``findings`` about everything that a run would use, in the order in which it would use them; before them,
    what was looked at, as lines of text."""

    looked_at: tuple[str, ...]
    findings: tuple[Finding, ...]


def check(subject: Subject) -> Checked:
    """Looks at everything that a run would use."""
    found: list[Finding] = []
    looked_at: list[str] = []
    splats = _scene(subject, found)
    told: list[Finding] = []
    cameras, images = subject.cameras, subject.images
    views = attempt(found, cameras or "cameras", lambda: read_views(cameras, images, told))
    photographed = views is not None
    if not photographed:
        # What is wrong may be the photos alone; then there is more to look at.
        views = attempt([], cameras or "cameras", lambda: read_views(cameras, None, photos_too=False))
    views = views or []
    found += [*told, *_damaged_photos(views, needed=subject.masks is None)]
    compared = None
    if splats is not None:
        splats = with_fitting_axes(splats, subject.scene, views)
        looked_at.append(scene_line(splats.gaussians, splats.source_format))
        found += [*scene_findings(splats), *applied_findings(splats.gaussians)]
        views = place_views(views, splats.gaussians, splats.offset)
        compared, seen = seen_findings(splats.gaussians, views, splats.offset, trusted=subject.options.trust_cameras)
        found += seen
        if views and photographed and all(view.photo is None for view in views):
            what = "There are no photos, so nothing tells whether these are the scene's cameras."
            found.append(Finding("note", what, remedy="Give the photos' folder with --images."))
    if views or subject.cameras is None:
        looked_at += view_lines(views, compared)[: None if photographed else 1]
    kept = views
    if subject.options.holdout and views:
        kept, held = attempt(found, "holdout", lambda: holdout(views, subject.options.holdout)) or (views, [])
        looked_at.append(f"A run would use {len(kept)} of these views and hold out {len(held)}.")
    if subject.masks is not None and views:
        fit = not any(finding.severity == "problem" for finding in found)
        lines, more = _masks(subject, splats.gaussians if splats is not None and fit else None, views, kept)
        looked_at += lines
        found += more
    elif subject.masks is not None and subject.cameras is None:
        attempt(found, subject.masks, need_cameras)
    return Checked(tuple(looked_at), tuple(found))


def _damaged_photos(views: Sequence[View], *, needed: bool) -> list[Finding]:
    """The photos that cannot be read; ``needed``: by the 2D model, without which renders stand in for them."""
    damaged: list[Finding] = []
    for path in sorted({view.photo for view in views if view.photo is not None}):
        attempt(damaged, path, lambda path=path: check_photo(path))
    return damaged if needed else [replace(finding, severity="warning") for finding in damaged]


def _scene(subject: Subject, found: list[Finding]) -> SplatFile | None:
    """The scene; one with invalid values is told, and looked at without them."""
    for drop_invalid in (subject.options.drop_invalid, True):
        problems: list[Finding] = []
        splats = attempt(
            problems,
            subject.scene,
            lambda drop=drop_invalid: read_scene(subject.scene, replace(subject.options, drop_invalid=drop)),
        )
        found += problems if drop_invalid == subject.options.drop_invalid else []
        if splats is not None:
            return splats if not found else replace(splats, dropped=0)
    return None


def seen_findings(
    gaussians: Gaussians,
    views: Sequence[View],
    offset: NDArray[np.float64],
    device: raster.Device = "cpu",
    step: Callable[[], object] = lambda: None,
    *,
    trusted: bool = False,
) -> tuple[Likeness | None, list[Finding]]:
    """What is found about views, scene and photos together, and how much renders look like photos, where that could be
    told; arguments as of ``view_findings``, ``camera_findings``."""
    found, compared = view_findings(gaussians, views, offset), None
    if views and not any(finding.severity == "problem" for finding in found):
        made = attempt(found, "photos", lambda: compare_with_photos(gaussians, views, device, step, trusted=trusted))
        compared, seen = made or (None, [])
        found += seen
    return compared, found


def _masks(
    subject: Subject, gaussians: Gaussians | None, views: Sequence[View], kept: Sequence[View]
) -> tuple[list[str], list[Finding]]:
    """What there is, and what is found, in a folder of ready masks, all of which are read.

    Args:
        gaussians: None where nothing can be told about masks and scene together.
    """
    from splatcut.masks.findings import inverted_findings, mask_findings
    from splatcut.masks.ready import from_folder, masks_of_views
    from splatcut.progress import Quiet

    folder = subject.masks
    assert folder is not None
    found: list[Finding] = []
    made = attempt(found, folder, lambda: from_folder(folder, masks_of_views(folder, views), kept, Quiet()))
    if made is None:
        return [], found
    trusted = subject.options.trust_masks
    if gaussians is None:
        return mask_lines(made), inverted_findings(made, trusted=trusted)
    return mask_lines(made), mask_findings(gaussians, views, made, trusted=trusted)
