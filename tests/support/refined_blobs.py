# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The stage ``refine`` on the tiny data set: brief options, a memory for what it keeps, a progress that stops it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatcut.errors import Cancelled
from splatcut.lift.labelled import Labelled
from splatcut.pipeline.refinement import Refined, Saving, refine_scene
from splatcut.progress import Quiet
from splatcut.refine.options import FieldUse, RefineOptions
from splatcut.scene.camera import View
from splatcut.scene.gaussians import Gaussians
from splatcut.scene.masks import MaskSet

#: Scene, views, masks, and the scene lifted.
Lifted = tuple[Gaussians, list[View], MaskSet, Labelled]

#: A few cheap iterations of everything there is, but for views in between.
QUICK = RefineOptions(iterations=7, passes=0, rounds=2, split=True, between=0, field=FieldUse(on=True, rays=256))
PLAIN = replace(QUICK, split=False, hidden=False, field=FieldUse(on=False))


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
    """Raises ``Cancelled`` at the step with this number of all steps of stages called ``stage``; logs the stages."""

    def __init__(self, stage: str = "", at: int = 0) -> None:
        super().__init__()
        self.wanted, self.at, self.count = stage, at, 0
        self.stages: list[tuple[str, int]] = []

    def stage(self, name: str, total: int) -> None:
        self.stages.append((name, total))

    def step(self, count: int = 1) -> None:
        if count and self.stages[-1][0] == self.wanted:
            self.count += count
            if self.count >= self.at:
                raise Cancelled("Enough.")


def refined(
    lifted: Lifted,
    options: RefineOptions,
    progress: Quiet | None = None,
    store: Memory | None = None,
    every: int = 50,
) -> Refined:
    scene, views, masks, labelled = lifted
    saving = Saving(store, iterations=every, seconds=1e9)
    return refine_scene(scene, labelled, views, masks, options, progress or Quiet(), saving=saving)


def bits(labelled: Labelled) -> dict[str, bytes]:
    arrays = {**labelled.arrays(), **{f.name: getattr(labelled.gaussians, f.name) for f in fields(Gaussians)}}
    return {name: np.ascontiguousarray(array).tobytes() for name, array in arrays.items()}
