# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What a stage of a run is, and what it is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from splatcut.messages import Job
from splatcut.pipeline.checkpoints import Arrays, Checkpoints
from splatcut.pipeline.inputs import Inputs
from splatcut.progress import Part, Progress
from splatcut.scene.gaussians import Gaussians
from splatcut.segmenter import EmbeddingCache, Segmenter

Notes = dict[str, Any]
#: What a stage keeps on disk: arrays, and notes that are JSON-ready. None for a stage that does not come.
Stored = tuple[Arrays, Notes]


@dataclass(frozen=True, eq=False)
class Run:
    """One run of a job.

    Attributes:
        job: with points in space relative to the scene's world offset.
        inputs: as they were read, floaters included.
        segmenter: the 2D model, None for a job from ready masks; cache: its embeddings on disk.
        warnings: full sentences for the user, to which the stages add.
    """

    job: Job
    progress: Progress
    inputs: Inputs
    segmenter: Segmenter | None
    cache: EmbeddingCache
    checkpoints: Checkpoints
    warnings: list[str] = field(default_factory=list)

    @property
    def gaussians(self) -> Gaussians:
        """The input scene."""
        return self.inputs.splats.gaussians


@dataclass(frozen=True)
class Stage:
    """One stage of a run.

    Attributes:
        name: also that of the file that keeps its results.
        inputs: names of the stages whose results it takes, after the run, in this order.
        compute: works out what is kept.
        result: what later stages take, from what is kept.
        parts: what it reports as progress for a job, in order, with the usual shares of the work on a CPU.
        applies: whether it comes in a run.
        holds: whether what stands in the notes is still so.
    """

    name: str
    inputs: tuple[str, ...]
    compute: Callable[..., Stored]
    result: Callable[..., Any]
    parts: Callable[[Job], Sequence[Part]]
    applies: Callable[[Run], bool] = lambda run: True
    holds: Callable[[Run, Notes], bool] = lambda run, notes: True
