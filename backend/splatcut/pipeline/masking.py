# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""From what the user said to masks in every view (stage ``masks``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from splatcut.cameras.pictures import WorkingView, picture
from splatcut.lift.labelled import vote_of
from splatcut.masks.loop import Eyes, LoopOptions, MaskLoop
from splatcut.masks.prompted import Said, gather
from splatcut.masks.snap import SnapOptions, snap
from splatcut.messages import JobOptions, ObjectPrompt
from splatcut.progress import Progress
from splatcut.scene.gaussians import F32
from splatcut.scene.masks import MaskSet

#: Passes of the mask loop for each quality.
MASK_PASSES = {"draft": 1, "standard": 2, "fine": 3}
#: How the edges of the masks are drawn to the pictures', for each quality.
SNAP = {"draft": SnapOptions(radii=(2.0,)), "standard": SnapOptions(), "fine": SnapOptions()}


def prompted_masks(
    eyes: Eyes,
    objects: Sequence[ObjectPrompt],
    views: Mapping[str, WorkingView],
    options: JobOptions,
    progress: Progress,
) -> MaskSet:
    """The 2D model's masks of all objects in all views.

    Args:
        views: by name.

    Raises:
        UserError: a prompt that leads to nothing.
    """
    said = gather(objects, views, eyes.gaussians, eyes.device)
    names = [item.name for item in objects]
    loop = LoopOptions(passes=MASK_PASSES[options.quality])
    masks = MaskLoop(eyes, list(views.values()), names, said, loop, progress).run()
    if options.trust_masks:
        return masks
    return _snapped(eyes, masks, [views[name] for name in masks.views], said, options.quality, progress)


def _snapped(
    eyes: Eyes,
    masks: MaskSet,
    views: list[WorkingView],
    said: Sequence[Mapping[str, Said]],
    quality: str,
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
        return vote_of(eyes.gaussians, [view.view for view in views], some, steps, eyes.device)

    options, steps = SNAP[quality], _OneStage(progress)
    progress.stage("mask edges", 2 * len(options.radii) * len(views))
    return snap(masks, look, vote, options, given, progress.step)


class _OneStage:
    """A ``Progress`` whose stages are steps of the one that runs."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def stage(self, name: str, total: int) -> None:
        del name, total

    def step(self, count: int = 1) -> None:
        self._progress.step(count)

    def log(self, message: str) -> None:
        self._progress.log(message)
