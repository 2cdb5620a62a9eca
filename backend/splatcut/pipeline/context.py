# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What all stages of one run share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from splatcut import raster
from splatcut.folders import embeddings_folder
from splatcut.messages import Job
from splatcut.pipeline.checkpoints import Checkpoints
from splatcut.pipeline.inputs import Inputs
from splatcut.progress import Progress
from splatcut.scene.gaussians import Gaussians
from splatcut.segmenter import DEFAULT_MAX_BYTES, Segmenter


@dataclass(frozen=True)
class RunSettings:
    """Where and how a run works; apart from ``max_side`` nothing here changes its result.

    Attributes:
        cache: folder of the image embeddings; cache_bytes: what it may hold.
        force: replace the results of another job in the output folder.
        max_side: masks are made at this size at most, pixels; the 2D models see no more.
        after_stage: called with a stage's name when its results are on disk.
    """

    cache: Path = field(default_factory=embeddings_folder)
    cache_bytes: int = DEFAULT_MAX_BYTES
    force: bool = False
    max_side: int = 1024
    after_stage: Callable[[str], None] = lambda name: None


@dataclass(frozen=True, eq=False)
class Run:
    """One run of a job.

    Attributes:
        inputs: as they were read, floaters included.
        segmenter: the 2D model, None for a job from ready masks.
        warnings: full sentences for the user, to which the stages add.
    """

    job: Job
    settings: RunSettings
    progress: Progress
    inputs: Inputs
    segmenter: Segmenter | None
    checkpoints: Checkpoints
    warnings: list[str] = field(default_factory=list)

    @property
    def gaussians(self) -> Gaussians:
        """The input scene."""
        return self.inputs.splats.gaussians

    @property
    def device(self) -> raster.Device:
        """That the work is done on."""
        return self.inputs.device
