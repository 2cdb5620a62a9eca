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
from splatcut.masks.loop import MaskLoop
from splatcut.masks.prompted import prompts_in_views
from splatcut.masks.scene_segmenter import SceneSegmenter
from splatcut.masks.snap import snap
from splatcut.messages import ObjectPrompt
from splatcut.progress import Progress
from splatcut.scene.gaussians import F32
from splatcut.scene.masks import MaskSet


def from_prompts(
    model: SceneSegmenter,
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
        snap_edges: draw the masks' edges to those of the pictures, but for masks that the user gave.

    Raises:
        UserError: a prompt that leads to nothing.
    """
    said = prompts_in_views(objects, views, model.gaussians, model.device)
    names = [item.name for item in objects]
    masks = MaskLoop(model, list(views.values()), names, said, PASSES[quality], progress).propagate()
    if not snap_edges:
        return masks
    working, radii = [views[name] for name in masks.views], SNAP_RADII[quality]
    given = {
        (number, k)
        for k, parts in enumerate(said)
        for number, view in enumerate(working)
        if view.name in parts and parts[view.name].mask is not None
    }

    def look(number: int) -> NDArray[np.uint8]:
        return picture(working[number], model.gaussians, model.device)

    def vote(some: MaskSet) -> Callable[[int], F32]:
        return vote_of(Problem(model.gaussians, [view.view for view in working], some, model.device), progress.step)

    # Every round votes once and filters once.
    progress.stage("mask edges", 2 * len(radii) * len(working))
    return snap(masks, look, vote, radii, given, progress.step)
