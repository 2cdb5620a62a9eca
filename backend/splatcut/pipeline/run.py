# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""A job from start to end, continuing after what an earlier run of it has finished."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from splatcut import export
from splatcut.export import ObjectEntry, ObjectFiles, Report, write_report
from splatcut.folders import embeddings_folder
from splatcut.messages import Job
from splatcut.messages.findings import warnings
from splatcut.pipeline.checkpoints import Arrays, Checkpoints
from splatcut.pipeline.healing import recorded
from splatcut.pipeline.inputs import fingerprint, place_prompts, read_inputs
from splatcut.pipeline.stage import Run, Stage
from splatcut.pipeline.stages import LOAD, STAGES, Cut, Written, needs_virtual_views
from splatcut.progress import Progress
from splatcut.scene.masks import MaskSet
from splatcut.segmenter import EmbeddingCache, load_segmenter
from splatcut.timing import StageRecord, timed

if TYPE_CHECKING:
    from splatcut.export import HealedFiles


@dataclass(frozen=True, eq=False)
class Result:
    """What a run gave: the splat files, those of the healed background or None, and full sentences for the user."""

    files: ObjectFiles
    healed: HealedFiles | None
    warnings: tuple[str, ...]


def run_job(job: Job, progress: Progress, cache: EmbeddingCache | None = None, *, force: bool = False) -> Result:
    """Runs a job and writes its results to ``job.out`` (design: output folder).

    Args:
        cache: of image embeddings, by default the user's.
        force: replace the results of another job in the output folder.

    Raises:
        UserError: input that cannot be used; nothing half-written remains.
        Cancelled: through ``progress``; finished stages are kept.
    """
    records: list[StageRecord] = []
    with timed(LOAD.name, records):
        progress.stage(LOAD.name, 1)
        inputs = read_inputs(job)
        segmenter = load_segmenter(job.options.model, inputs.device) if job.masks is None else None
        progress.step()
        key, shared = fingerprint(job, inputs, segmenter.fingerprint if segmenter is not None else "")
    with Checkpoints.open(job.out, key, force, shared) as checkpoints:
        cache = cache or EmbeddingCache(embeddings_folder())
        placed = replace(job, objects=place_prompts(job.objects, inputs.splats.offset))
        run = Run(placed, progress, inputs, segmenter, cache, checkpoints, warnings=warnings(inputs.findings))
        results: dict[str, Any] = {}
        for stage in STAGES:
            given = [results[name] for name in stage.inputs]
            stored = _stored(run, records, stage, given) if stage.applies(run) else None
            results[stage.name] = stage.result(run, stored, *given)
        written = results["write"]
        report = _report(run, results["masks"].masks, results["extract"], written, records)
        write_report(job.out / "report.json", report)
        return Result(written.cut, written.healed, tuple(run.warnings))


def _stored(run: Run, records: list[StageRecord], stage: Stage, given: list[Any]) -> tuple[Arrays, dict[str, Any]]:
    """What the stage keeps: from disk if it is finished, else computed and recorded."""
    stored = run.checkpoints.load(stage.name)
    if stored is not None and stage.holds(run, stored[1]):
        arrays, notes = stored
        records.append(StageRecord(**{**notes.pop("record"), "resumed": True}))
        parts = stage.parts(run.job)
        run.progress.stage(parts[-1].name if parts else stage.name, 1)
        run.progress.step()
        return arrays, notes
    with timed(stage.name, records):
        arrays, notes = stage.compute(run, *given)
    run.checkpoints.save(stage.name, arrays, {**notes, "record": asdict(records[-1])})
    return arrays, notes


def _report(run: Run, masks: MaskSet, cut: Cut, written: Written, records: list[StageRecord]) -> Report:
    splats, job, labelled, files = run.inputs.splats, run.job, cut.labelled, written.cut
    return Report(
        scene={
            "path": os.fspath(job.scene),
            "format": splats.source_format,
            "gaussians": len(splats),
            "sh_degree": splats.gaussians.sh_degree,
            "antialiased": splats.gaussians.antialiased,
            "pixel_filter": splats.gaussians.pixel_filter.variance,
            "dropped": splats.dropped,
            "world_offset": splats.offset,
        },
        options={name: value for name, value in asdict(job.options).items() if name != "experiment" or value},
        objects=[
            ObjectEntry(
                name,
                files.counts[name],
                labelled.boundary[k],
                int((cut.islands.taken == k + 1).sum()),
                f"objects/{name}.ply" if files.counts[name] else None,
            )
            for k, name in enumerate(masks.objects)
        ],
        background=files.background_count,
        stages=records,
        masks=masks,
        islands=cut.islands,
        offset=splats.offset,
        device=run.inputs.device,
        model=run.segmenter.name if run.segmenter is not None else None,
        holdout=[view.name for view in run.inputs.held_out],
        warnings=run.warnings,
        extra={
            "unseen": int((labelled.weight <= 0).sum()),
            **cut.told,
            "healed": _healed(written.healed),
            "data_set": recorded(None if needs_virtual_views(run) else job.cameras, job.images),
        },
    )


def _healed(files: HealedFiles | None) -> dict[str, Any] | None:
    """The healed background; None where there is none."""
    if files is None or files.scene is None:
        return None
    return {
        "file": f"{export.HEALED}/{files.scene.name}",
        "dropped": files.dropped_count,
        "recoloured": files.recoloured,
        "made_up": files.made_up,
    }
