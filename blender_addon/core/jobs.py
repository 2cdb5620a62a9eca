# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what the panel says to a job for the engine, where the job's files lie, and progress in words."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from splatcut.errors import UserError
from splatcut.messages import SCENE_OPTIONS, InlineView, Job, JobOptions, ObjectPrompt, to_json
from splatcut.messages.worker import ProgressEvent, SetViews

#: The engine's stages in the words of the panel.
STAGES = {
    "load": "Reading the scene",
    "photos": "Comparing with the photos",
    "floaters": "Finding floaters",
    "views": "Choosing views",
    "encode": "Analysing the views",
    "masks": "Finding the objects in the views",
    "agreement": "Comparing the masks",
    "mask edges": "Snapping the masks to the photos' edges",
    "reconcile": "Reconciling the masks",
    "lift": "Labelling the Gaussians",
    "movers": "Choosing the Gaussians to refine",
    "bands": "Preparing the edges",
    "refine": "Refining the edges",
    "islands": "Removing stray parts",
    "sights": "Finding what was behind the objects",
    "holes": "Filling the holes",
    "healed": "Writing the healed background",
    "objects": "Writing the objects",
    "match": "Matching the colours",
    "final masks": "Rendering the final masks",
    "sheet": "Rendering the contact sheet",
}
#: Runs whose files are kept for each splat object.
KEPT_RUNS = 3
#: A Gaussian on the disk, at most: all of its numbers in the scene's file, the objects and the checkpoints.
_BYTES_PER_GAUSSIAN = 1500
_BYTES_OF_A_RUN = 200 << 20


@dataclass(frozen=True)
class Sources:
    """The views of a job: a data set, Blender's cameras, or nothing (virtual views)."""

    cameras: Path | tuple[InlineView, ...] | None = None
    images: Path | None = None


def options_of(settings: object, device: str, model: str | None) -> JobOptions:
    """The engine's options, from a splat object's properties and the preferences. Raises ``UserError``."""
    values: dict[str, Any] = {name: getattr(settings, name) for name in SCENE_OPTIONS}
    # Blender's numbers have single precision, in which 0.1 is 0.10000000149.
    values.update({name: round(value, 6) for name, value in values.items() if isinstance(value, float)})
    return JobOptions(**values, device=device, model=model or None)


def set_views(sources: Sources, prompt_views: Sequence[InlineView]) -> SetViews:
    """The request that makes the worker know the views."""
    return SetViews(sources.cameras, sources.images, tuple(prompt_views))


def build_job(
    scene: Path,
    runs: Path,
    objects: Sequence[ObjectPrompt],
    sources: Sources,
    prompt_views: Sequence[InlineView],
    options: JobOptions,
) -> Job:
    """The job, with a folder of its own in ``runs`` that the same job always gets, so that it goes on where it stopped.

    Raises:
        UserError: there is nothing to cut out, or the engine would refuse the job.
    """
    if not objects:
        raise UserError("There is nothing to cut out yet. Add an object and click on it in the viewport.")
    job = Job(
        scene=scene,
        out=runs,
        cameras=sources.cameras,
        images=sources.images,
        objects=tuple(objects),
        options=options,
        prompt_views=tuple(prompt_views),
    )
    return replace(job, out=runs / job_key(job))


def job_key(job: Job) -> str:
    """Equal for jobs that ask for the same; where scene and results lie, and the device, do not matter.

    Soft edges, stray parts, healing and what an object takes in more or less of are settled last: jobs that differ in
    no more share a folder, where the engine goes on from what was worked out before that.
    """
    options = replace(job.options, device="auto", soft_edges=False, keep_islands=False, heal=False)
    objects = tuple(replace(item, grow=0.0) for item in job.objects)
    anywhere = replace(job, scene=Path("scene"), out=Path("out"), options=options, objects=objects)
    return hashlib.sha256(json.dumps(to_json(anywhere), sort_keys=True).encode()).hexdigest()[:16]


def remove_old_runs(runs: Path, keep: Path) -> None:
    """Leaves ``keep`` and the latest others, ``KEPT_RUNS`` in all."""
    folders: list[tuple[float, Path]] = []
    with contextlib.suppress(OSError):
        folders = [(path.stat().st_mtime, path) for path in runs.iterdir() if path.is_dir() and path != keep]
    for _, path in sorted(folders, reverse=True)[KEPT_RUNS - 1 :]:
        shutil.rmtree(path, ignore_errors=True)


def remove(folder: Path) -> None:
    """Removes a run's folder. Raises ``UserError`` when it cannot be removed."""
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise UserError(f"{folder} cannot be removed ({error.strerror}). Close any program that uses it.") from error


def working_folder(scene: Path, process: int | None = None) -> Path:
    """The folder for this Blender's data of a splat object: two Blenders with the same .blend must not mix theirs."""
    return scene / f"session-{os.getpid() if process is None else process}"


def remove_dead_sessions(scenes: Path, days: float = 2.0) -> None:
    """Removes what Blenders that did not end properly left in the folders of scenes."""
    with contextlib.suppress(OSError):
        for folder in scenes.glob("*/session-*"):
            old = time.time() - folder.stat().st_mtime > days * 86400 and folder != working_folder(folder.parent)
            if old or not _lives(folder.name.rpartition("-")[2]):
                shutil.rmtree(folder, ignore_errors=True)


def check_space(folder: Path, gaussians: int, *, run: bool) -> None:
    """Raises ``UserError`` when the disk has no room for a scene of this size, and for a run of it."""
    needed = gaussians * _BYTES_PER_GAUSSIAN * (3 if run else 1) + (_BYTES_OF_A_RUN if run else 0)
    free = free_space(folder)
    if free is not None and free < needed:
        raise UserError(
            f"The disk that holds {folder} has only {bytes_text(free)} left, but this needs about "
            f"{bytes_text(needed)}. Free up some space, or choose another cache folder in the extension's preferences."
        )


def free_space(folder: Path) -> int | None:
    """Bytes left on the disk that holds ``folder`` or will hold it, or None when that cannot be told."""
    for place in (folder, *folder.parents):
        if place.is_dir():
            try:
                return shutil.disk_usage(place).free
            except OSError:
                return None
    return None


def bytes_text(count: float) -> str:
    """ "1.5 GB", "230 MB"."""
    if count >= 1e9:
        return f"{count / 1e9:.1f} GB"
    if count >= 1e6:
        return f"{count / 1e6:.0f} MB"
    return f"{max(count, 0) / 1e3:.0f} kB"


def eta_text(seconds: float | None) -> str:
    """How long it still takes, as people say it; "" when that is not known."""
    if seconds is None or seconds != seconds or seconds < 0:
        return ""
    if seconds < 10:
        return "a few seconds left"
    if seconds < 55:
        return f"about {round(seconds / 5) * 5:.0f} s left"
    minutes = seconds / 60
    if minutes < 59.5:
        return f"about {max(1, round(minutes)):.0f} min left"
    hours, rest = divmod(round(minutes / 5) * 5, 60)
    return f"about {hours:.0f} h {rest:.0f} min left" if rest else f"about {hours:.0f} h left"


def stage_text(stage: str) -> str:
    """A stage's name for people."""
    if stage in STAGES:
        return STAGES[stage]
    return stage[:1].upper() + stage[1:].replace("_", " ")


def progress_text(event: ProgressEvent) -> str:
    """One line: stage, and how long it still takes."""
    eta = eta_text(event.eta)
    return f"{stage_text(event.stage)}, {eta}" if eta else stage_text(event.stage)


def _lives(process: str) -> bool:
    """Whether a process of this number runs; True when that cannot be told."""
    if not process.isdigit() or os.name == "nt":
        return True
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
