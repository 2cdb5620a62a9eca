# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""A job from start to end, continuing after what an earlier run of it has finished."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from splatcut import raster
from splatcut.cameras import save_cameras
from splatcut.cameras.floaters import without_floaters
from splatcut.cameras.pictures import WorkingView, photo_of, working_view
from splatcut.errors import UserError
from splatcut.export.plys import ObjectFiles, object_files, write_labels, write_objects
from splatcut.export.report import ObjectEntry, Report, write_report
from splatcut.folders import embeddings_folder
from splatcut.lift.labelled import Labelled, lift_scene
from splatcut.lift.labels import grown
from splatcut.masks.click_warnings import doubts
from splatcut.messages import Job, options_to_json
from splatcut.pipeline.checkpoints import Arrays, Checkpoints
from splatcut.pipeline.experiment import with_settings
from splatcut.pipeline.inputs import Inputs, fingerprint, read_inputs
from splatcut.progress import Progress
from splatcut.scene.camera import Camera, View
from splatcut.scene.gaussians import Gaussians
from splatcut.scene.masks import MaskSet
from splatcut.segmenter import DEFAULT_MAX_BYTES, EmbeddingCache, Segmenter, load_segmenter
from splatcut.timing import StageTimer, record_as_dict

# Stages that take scipy, numba or torch import them: bad input is refused before they are loaded.
if TYPE_CHECKING:
    from splatcut.lift.islands import Islands

#: Names of the masks put right among the lift's arrays begin so.
MASK = "mask_"
#: Share of the masks above which the user is told that they contradict each other.
MANY = 0.25


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
class Result:
    """What a run gave.

    Attributes:
        files: the splat files; labels: [M] int32; names: of the objects.
        warnings: full sentences for the user.
    """

    files: ObjectFiles
    labels: NDArray[np.int32]
    names: tuple[str, ...]
    warnings: tuple[str, ...]


class _Run:
    """One run: inputs, checkpoints, timer and progress that all stages share."""

    def __init__(self, job: Job, settings: RunSettings, progress: Progress) -> None:
        self.job, self.settings, self.progress = job, settings, progress
        self.timer = StageTimer()
        with self.timer.stage("load"):
            progress.stage("load", 1)
            self.inputs: Inputs = read_inputs(job)
            self.segmenter: Segmenter | None = None
            if job.masks is None:
                self.segmenter = load_segmenter(job.options.model, self.inputs.device)
            progress.step()
        model = self.segmenter.fingerprint if self.segmenter is not None else ""
        key = fingerprint(job, self.inputs, f"{model}|{settings.max_side}")
        self.checkpoints = Checkpoints.open(job.out, key, settings.force)
        self.device: raster.Device = self.inputs.device
        self.warnings: list[str] = []
        if self.inputs.splats.dropped:
            self.warnings.append(
                f"{self.inputs.splats.dropped} Gaussians with values that are not finite were left out "
                "(--drop-invalid)."
            )
        if blind := self.inputs.blind:
            self.warnings.append(
                f"{len(blind)} of {len(self.inputs.views)} views see nothing of the scene, the first is {blind[0]!r}."
            )

    @property
    def gaussians(self) -> Gaussians:
        return self.inputs.splats.gaussians

    def stage(
        self,
        name: str,
        compute: Callable[[], tuple[Arrays, dict[str, Any]]],
        holds: Callable[[dict[str, Any]], bool] = lambda notes: True,
    ) -> tuple[Arrays, dict[str, Any]]:
        """The stage's result, from disk if it is finished, else computed and recorded.

        Args:
            holds: whether what stands in the notes is still so.
        """
        stored = self.checkpoints.load(name)
        if stored is not None and holds(stored[1]):
            arrays, notes = stored
            self.timer.resumed(notes.pop("record"))
            self.progress.stage(name, 1)
            self.progress.step()
            return arrays, notes
        with self.timer.stage(name):
            arrays, notes = compute()
        self.checkpoints.save(name, arrays, {**notes, "record": record_as_dict(self.timer.records[-1])})
        self.settings.after_stage(name)
        return arrays, notes


def run_job(job: Job, progress: Progress, settings: RunSettings | None = None) -> Result:
    """Runs a job and writes its results to ``job.out`` (design: CLI).

    Raises:
        UserError: input that cannot be used; nothing half-written remains.
        Cancelled: through ``progress``; finished stages are kept.
    """
    run = _Run(job, settings or RunSettings(), progress)
    with run.checkpoints:
        _clear_floaters(run)
        views = _views(run)
        masks, mask_views = _masks(run, views)
        labelled, agreed, changes = _labels(run, masks, mask_views)
        labelled, refined = _refine(run, views, agreed, mask_views, labelled)
        if grow := [item.grow for item in job.objects]:
            labelled = replace(labelled, probability=grown(labelled.probability, grow))
        found = _islands(run, labelled)
        if job.masks is None:
            run.warnings += doubts(job.objects, masks, found.labels, labelled.weight)
        return _write(run, views, masks, labelled, found, {"refine": refined, "masks_put_right": changes})


def _clear_floaters(run: _Run) -> None:
    """Moves the near planes of views that have floaters before the camera (stage ``floaters``)."""
    inputs = run.inputs
    if not any(view.photo is not None for view in inputs.views):
        return

    def compute() -> tuple[Arrays, dict[str, Any]]:
        views = without_floaters(run.gaussians, inputs.views, run.progress, run.device)
        return {"near": np.array([view.camera.near for view in views])}, {}

    arrays, _ = run.stage("floaters", compute)
    cleared = {
        view.name: replace(view, camera=replace(view.camera, near=float(near)))
        for view, near in zip(inputs.views, arrays["near"], strict=True)
    }
    moved = [view.name for view in inputs.views if cleared[view.name].camera.near != view.camera.near]
    if moved:
        run.warnings.append(
            f"Floaters that the photo does not show cover the camera in {len(moved)} view(s), {', '.join(moved[:4])}"
            f"{', ...' if len(moved) > 4 else ''}; they are left out of these views' masks and votes."
        )
    run.inputs = replace(
        inputs,
        views=[cleared[view.name] for view in inputs.views],
        kept=[cleared[view.name] for view in inputs.kept],
        held_out=[cleared[view.name] for view in inputs.held_out],
    )


def _views(run: _Run) -> list[View]:
    """The views that masks are made in: the data set's or virtual ones about what was prompted; prompt views."""
    from splatcut.pipeline.viewpoints import views_about_prompts

    inputs = run.inputs
    given = sorted([*inputs.kept, *inputs.prompt_views], key=lambda view: view.name)
    if not inputs.needs_virtual_views or run.job.masks is not None:
        return given

    def compute() -> tuple[Arrays, dict[str, Any]]:
        made = views_about_prompts(run.gaussians, run.job.objects, given, run.progress, run.device)
        cameras = [view.camera for view in made]
        numbers = np.array([[c.width, c.height, c.fx, c.fy, c.cx, c.cy, c.near] for c in cameras])
        poses = np.stack([camera.camera_from_world for camera in cameras])
        return {"intrinsics": numbers, "poses": poses}, {"names": [view.name for view in made]}

    arrays, notes = run.stage("views", compute)
    known = {view.name: view for view in given}
    views = []
    for name, (w, h, *rest), pose in zip(notes["names"], arrays["intrinsics"], arrays["poses"], strict=True):
        fx, fy, cx, cy, near = (float(value) for value in rest)
        camera = Camera(int(w), int(h), fx, fy, cx, cy, pose, near)
        views.append(known[name] if name in known else View(name, camera))
    run.warnings.append(
        f"There were too few cameras, so {len(views)} views were used of which {len(views) - len(known)} are virtual."
    )
    return sorted(views, key=lambda view: view.name)


def _masks(run: _Run, views: list[View]) -> tuple[MaskSet, list[View]]:
    """Masks of all objects, and the views (at working size) that they are masks of."""
    from splatcut.masks.loop import Eyes
    from splatcut.masks.ready import read_ready_masks
    from splatcut.pipeline.masking import prompted_masks

    job = run.job
    working = {view.name: working_view(view, run.settings.max_side) for view in views}

    def compute() -> tuple[Arrays, dict[str, Any]]:
        if job.masks is not None:
            masks = read_ready_masks(job.masks, run.inputs.views, views, run.progress)
        else:
            assert run.segmenter is not None
            cache = EmbeddingCache(run.settings.cache, run.settings.cache_bytes)
            eyes = Eyes(run.segmenter, cache, run.gaussians, run.device)
            masks = prompted_masks(eyes, job.objects, working, job.options, run.progress)
            if cache.problem:
                run.warnings.append(cache.problem)
        arrays: Arrays = {"confidence": masks.confidence}
        arrays.update({f"view_{number:05d}": mask for number, mask in enumerate(masks.probability)})
        return arrays, {"objects": list(masks.objects), "views": list(masks.views), "notes": masks.notes}

    arrays, notes = run.stage("masks", compute)
    masks = MaskSet(
        tuple(notes["objects"]),
        tuple(notes["views"]),
        [arrays[f"view_{number:05d}"] for number in range(len(notes["views"]))],
        arrays["confidence"],
        notes["notes"],
    )
    by_name = {view.name: view for view in views}
    return masks, [by_name[name] if job.masks is not None else working[name].view for name in masks.views]


def _labels(run: _Run, masks: MaskSet, views: list[View]) -> tuple[Labelled, MaskSet, list[dict[str, Any]]]:
    """Probabilities and boundary (stage ``lift``); the masks, put right where the others contradict them, and
    JSON-ready what was done to which."""
    from splatcut.masks.consensus import Consensus, lift_agreeing

    options = run.job.options

    def compute() -> tuple[Arrays, dict[str, Any]]:
        found = Consensus(masks)
        if options.trust_masks:
            result = lift_scene(run.gaussians, views, masks, options.tau, run.progress, run.device)
        else:
            result, found = lift_agreeing(run.gaussians, views, masks, options.tau, run.progress, run.device)
        arrays = result.arrays()
        arrays.update({f"{MASK}{n:05d}": found.masks.probability[n] for n in {view for view, _ in found.changes}})
        return arrays, {"boundary": list(result.boundary), "changes": found.told()}

    arrays, notes = run.stage("lift", compute)
    right = [arrays.pop(f"{MASK}{number:05d}", mask) for number, mask in enumerate(masks.probability)]
    changes = notes["changes"]
    if len(changes) > MANY * max(1, int((masks.confidence > 0).sum())):
        run.warnings.append(_contradictions(changes))
    return (
        Labelled.from_arrays(run.gaussians, arrays, tuple(notes["boundary"])),
        replace(masks, probability=right),
        changes,
    )


def _contradictions(changes: list[dict[str, Any]]) -> str:
    """What was done to masks that others contradict, as a sentence."""
    moved = sum(1 for change in changes if change["margin"] or any(change["shift"]))
    replaced = sum(1 for change in changes if change["replaced"])
    done = [
        f"{moved} edge{' was' if moved == 1 else 's were'} moved by a few pixels" if moved else "",
        f"wrong parts of {replaced} mask{'' if replaced == 1 else 's'} were replaced" if replaced else "",
    ]
    return (
        f"{len(changes)} masks contradicted those of the other views: {' and '.join(part for part in done if part)}. "
        "Look at the contact sheet, and whether masks and views belong together."
    )


def _refine(
    run: _Run, views: list[View], masks: MaskSet, mask_views: list[View], labelled: Labelled
) -> tuple[Labelled, dict[str, Any] | None]:
    """The joint optimisation (stage ``refine``), which goes on inside when it was stopped, and what it did."""
    options = run.job.options
    if not options.refine:
        return labelled, None
    from splatcut.pipeline import refinement
    from splatcut.refine.options import RefineOptions

    usual = replace(RefineOptions.of(options.quality, options.tau, options.seed), tau_move=options.tau)
    refining = with_settings(usual, options.experiment)
    sources = {view.name: view for view in views}

    problems: list[str] = []

    def photo(view: View) -> NDArray[np.uint8] | None:
        try:
            return photo_of(WorkingView(sources[view.name], view))
        except UserError as error:
            problems.append(f"{error} The edges were refined against the scene's own picture of that view.")
            return None

    def compute() -> tuple[Arrays, dict[str, Any]]:
        made = refinement.refine_scene(
            run.gaussians, labelled, mask_views, masks, refining, run.progress, run.device,
            saving=refinement.Saving(run.checkpoints), photo=photo,
        )  # fmt: skip
        notes = {"boundary": list(made.labelled.boundary), "summary": made.summary, "warnings": sorted(set(problems))}
        return made.labelled.arrays(), notes

    arrays, notes = run.stage("refine", compute)
    run.warnings += notes["warnings"]
    run.checkpoints.forget(refinement.ROUND, refinement.STATE, refinement.PICTURE)
    return Labelled.from_arrays(run.gaussians, arrays, tuple(notes["boundary"])), notes["summary"]


def _islands(run: _Run, labelled: Labelled) -> Islands:
    """Labels of all Gaussians, stray islands cleared (stage ``extract``)."""
    from splatcut.pipeline.extraction import find_labels, islands_from_arrays, islands_to_arrays

    arrays, notes = run.stage("extract", lambda: islands_to_arrays(find_labels(labelled, run.progress)))
    return islands_from_arrays(arrays, notes)


def _write(
    run: _Run,
    views: list[View],
    masks: MaskSet,
    labelled: Labelled,
    found: Islands,
    told: dict[str, Any],
) -> Result:
    from splatcut.pipeline.extraction import extract
    from splatcut.pipeline.outputs import write_contact_sheet, write_final_masks

    job, out, names = run.job, run.job.out, masks.objects
    made = extract(labelled, found.labels, job.options.soft_edges)
    files = object_files(made.labels, names, out)

    def compute() -> tuple[Arrays, dict[str, Any]]:
        splats = run.inputs.splats
        if len(made.parent) != len(splats) or made.changed.any():
            splats = splats.with_gaussians(made.gaussians, made.parent, made.changed)
        write_objects(splats, made.labels, names, out, progress=run.progress)
        write_labels(out / "labels.npz", made.labels, names, made.probability, made.parent)
        virtual = run.inputs.needs_virtual_views and job.masks is None
        only_prompted = {view.name for view in run.inputs.prompt_views}
        shown = [view for view in views if view.name not in only_prompted] if virtual else run.inputs.views
        shown = shown or views
        write_final_masks(made.gaussians, made.labels, names, shown, out, run.progress, run.device)
        if virtual:
            save_cameras(out / "cameras.json", views)
        sheet = [*shown, *(view for view in run.inputs.prompt_views if view not in shown)]
        problems = write_contact_sheet(job, made.gaussians, made.labels, masks, sheet, out, run.progress, run.device)
        return {}, {"sizes": run.checkpoints.sizes(), "warnings": problems}

    _, notes = run.stage("write", compute, lambda notes: run.checkpoints.holds(notes["sizes"]))
    run.warnings += notes["warnings"]
    run.warnings += [
        f"The object {name!r} got no Gaussians. Its masks are empty or other objects hold all it has."
        for name in files.empty
    ]
    write_report(out / "report.json", _report(run, masks, labelled, found, files, told))
    return Result(files, made.labels, tuple(names), tuple(run.warnings))


def _report(
    run: _Run,
    masks: MaskSet,
    labelled: Labelled,
    found: Islands,
    files: ObjectFiles,
    told: dict[str, Any],
) -> Report:
    splats, job = run.inputs.splats, run.job
    return Report(
        scene={
            "path": os.fspath(job.scene),
            "format": splats.source_format,
            "gaussians": len(splats),
            "sh_degree": splats.gaussians.sh_degree,
            "dropped": splats.dropped,
        },
        options=options_to_json(job.options),
        objects=[
            ObjectEntry(
                name, files.counts[name], labelled.boundary[k], f"objects/{name}.ply" if files.counts[name] else None
            )
            for k, name in enumerate(masks.objects)
        ],
        background=files.background_count,
        stages=run.timer.records,
        masks=masks,
        islands=found,
        device=run.inputs.device,
        model=run.segmenter.name if run.segmenter is not None else None,
        holdout=[view.name for view in run.inputs.held_out],
        warnings=run.warnings,
        extra={
            "split": int(labelled.split.sum()),
            "unseen": int((labelled.weight <= 0).sum()),
            **told,
        },
    )
