# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""From what the user said to masks in every view."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from splatcut.cameras.pictures import WorkingView, picture
from splatcut.lift.labelled import vote_of
from splatcut.lift.problem import Problem
from splatcut.masks.effort import PASSES, SNAP_RADII
from splatcut.masks.loop import Eyes, LoopOptions, MaskLoop
from splatcut.masks.prompted import Said, gather
from splatcut.masks.snap import SnapOptions, snap
from splatcut.messages import ObjectPrompt
from splatcut.progress import Progress
from splatcut.scene.gaussians import F32
from splatcut.scene.masks import MaskSet


def from_prompts(
    eyes: Eyes,
    objects: Sequence[ObjectPrompt],
    views: Mapping[str, WorkingView],
    quality: str,
    progress: Progress,
    *,
    snap_edges: bool = True,
) -> MaskSet:
    """The 2D model's masks of all objects in all views.

    Args:
        views: by name.
        quality: "draft", "standard" or "fine".
        snap_edges: draw the masks' edges to those of the pictures.

    Raises:
        UserError: a prompt that leads to nothing.
    """
    said = gather(objects, views, eyes.gaussians, eyes.device)
    names = [item.name for item in objects]
    loop = LoopOptions(passes=PASSES[quality])
    masks = MaskLoop(eyes, list(views.values()), names, said, loop, progress).run()
    if not snap_edges:
        return masks
    return _snapped(
        eyes, masks, [views[name] for name in masks.views], said, SnapOptions(radii=SNAP_RADII[quality]), progress
    )


def _snapped(
    eyes: Eyes,
    masks: MaskSet,
    views: list[WorkingView],
    said: Sequence[Mapping[str, Said]],
    options: SnapOptions,
    progress: Progress,
) -> MaskSet:
    """The masks with their edges drawn to the pictures'; those that the user gave stay."""
    given = {
        (number, k)
        for k, parts in enumerate(said)
        for number, view in enumerate(views)
        if view.name in parts and parts[view.name].mask is not None
    }

    def look(number: int) -> NDArray[np.uint8]:
        return picture(views[number], eyes.gaussians, eyes.device)

    def vote(some: MaskSet) -> Callable[[int], F32]:
        return vote_of(Problem(eyes.gaussians, [view.view for view in views], some, eyes.device), progress.step)

    # Every round votes once and filters once.
    progress.stage("mask edges", 2 * len(options.radii) * len(views))
    return snap(masks, look, vote, options, given, progress.step)
