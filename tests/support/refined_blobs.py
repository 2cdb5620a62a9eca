# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The refinement on the tiny data set: brief options, a memory for what it keeps, a progress that stops it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, replace
from functools import cache
from typing import Any

import numpy as np
from blob_scene import NAMES, make_gaussians, make_views
from numpy.typing import NDArray

from splatcut.errors import Cancelled
from splatcut.export.matte import object_masks
from splatcut.lift import Labelled, Problem, lift
from splatcut.progress import Quiet
from splatcut.refine.options import RefineOptions
from splatcut.refine.run import Refined, Saving, refine
from splatcut.scene.gaussians import Gaussians
from splatcut.scene.masks import MaskSet

#: A few cheap iterations of everything there is, and of the optimisation alone.
QUICK = RefineOptions(iterations=7, passes=0, field="full")
PLAIN = replace(QUICK, field="off")


@cache
def lifted() -> tuple[Problem, Labelled]:
    """The tiny data set without photos, with hard masks, so that there is something to refine, and the scene lifted."""
    gaussians, labels = make_gaussians()
    views = make_views()
    masks = []
    for view in views:
        shown = object_masks(gaussians, labels, 2, view.camera)
        masks.append(np.stack([255 * (mask > 0.5) for mask in shown]).astype(np.uint8))
    found = MaskSet(NAMES, tuple(view.name for view in views), masks, np.ones((len(views), 2), np.float32))
    problem = Problem(gaussians, views, found)
    return problem, lift(problem, 0.6, Quiet())


class Memory:
    """Keeps what is saved, as files would."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[dict[str, NDArray[Any]], dict[str, Any]]] = {}
        self.saved: list[str] = []

    def load(self, stage: str) -> tuple[dict[str, NDArray[Any]], dict[str, Any]] | None:
        return self.kept.get(stage)

    def save(
        self, stage: str, arrays: Mapping[str, NDArray[Any]], notes: Mapping[str, Any], compress: bool = True
    ) -> None:
        copies = {name: np.array(array) for name, array in arrays.items()}
        self.kept[stage] = copies, json.loads(json.dumps(notes))
        self.saved.append(stage)


class Stopping(Quiet):
    """Raises ``Cancelled`` at the step with this number of the stage called ``stage``; logs the stages."""

    def __init__(self, stage: str = "", at: int = 0) -> None:
        super().__init__()
        self.wanted, self.at, self.count = stage, at, 0
        self.stages: list[str] = []

    def stage(self, name: str, total: int) -> None:
        self.stages.append(name)

    def step(self, count: int = 1) -> None:
        if count and self.stages[-1] == self.wanted:
            self.count += count
            if self.count >= self.at:
                raise Cancelled("Enough.")


def refined(
    options: RefineOptions, progress: Quiet | None = None, store: Memory | None = None, every: int = 50
) -> Refined:
    saving = Saving(store, iterations=every, seconds=1e9)
    return refine(*lifted(), options, progress or Quiet(), saving=saving)


def bits(labelled: Labelled) -> dict[str, bytes]:
    arrays = {**labelled.arrays(), **{f.name: getattr(labelled.gaussians, f.name) for f in fields(Gaussians)}}
    return {name: np.ascontiguousarray(array).tobytes() for name, array in arrays.items()}
