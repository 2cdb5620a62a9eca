# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The stages of a run, in order: what each needs, what it works out and keeps, and its share of the work.

Every stage hands on what it *keeps*, read back from arrays and notes, whether it has just worked them out or an earlier
run has; so a run that was interrupted ends with the same bits as one that was not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from splatcut import export, lift, masks, refine
from splatcut.cameras import camera_findings, compared, save_cameras, without_floaters
from splatcut.cameras.pictures import MASK_SIDE, WorkingView, photo_of, working_view
from splatcut.cameras.virtual import MIN_CAMERAS
from splatcut.errors import UserError
from splatcut.masks.effort import PASSES, SNAP_RADII
from splatcut.messages import Job
from splatcut.messages.findings import refuse, warnings
from splatcut.pipeline import healing
from splatcut.pipeline.inputs import Inputs
from splatcut.pipeline.stage import Notes, Run, Stage, Stored
from splatcut.progress import Part
from splatcut.refine import RefineOptions
from splatcut.scene.camera import Camera, View
from splatcut.scene.masks import MaskSet

if TYPE_CHECKING:
    from splatcut.heal import Healed

#: Names of the corrected masks among the lift's arrays begin so.
MASK = "mask_"
#: Views of a usual data set, for weights that depend on them.
USUAL_VIEWS = 60
#: Reading the inputs, which comes before all stages and is not kept.
LOAD = Part("load", 3)


# What takes scipy, numba or torch is loaded by the stages that use it: bad input is refused before.

# --------------------------------------------------------------------------------------------------------- floaters


def _clear_floaters(run: Run) -> Stored:
    """Near planes behind floaters. Where the photos do not show what the cameras see, the run ends here."""
    views, device = run.inputs.views, run.inputs.device
    run.progress.stage("photos", len(compared(views)))
    found = camera_findings(run.gaussians, views, device, run.progress.step, trusted=run.job.options.trust_cameras)
    refuse(found)
    cleared = without_floaters(run.gaussians, views, run.progress, device)
    return {"near": np.array([view.camera.near for view in cleared])}, {"warnings": warnings(found)}


def _cleared(run: Run, stored: Stored | None) -> Inputs:
    """The inputs, near planes of views that have floaters moved before the camera."""
    inputs = run.inputs
    if stored is None:
        return inputs
    run.warnings.extend(stored[1]["warnings"])
    cleared = {
        view.name: replace(view, camera=replace(view.camera, near=float(near)))
        for view, near in zip(inputs.views, stored[0]["near"], strict=True)
    }
    moved = [view.name for view in inputs.views if cleared[view.name].camera.near != view.camera.near]
    if moved:
        run.warnings.append(
            f"Floaters cover the camera in {len(moved)} view{'' if len(moved) == 1 else 's'} "
            f"({', '.join(moved[:4])}{', ...' if len(moved) > 4 else ''}); they are ignored there."
        )
    return replace(
        inputs,
        views=[cleared[view.name] for view in inputs.views],
        kept=[cleared[view.name] for view in inputs.kept],
        held_out=[cleared[view.name] for view in inputs.held_out],
    )


def _floater_parts(job: Job) -> list[Part]:
    given = job.cameras
    photos = any(view.photo is not None for view in given) if isinstance(given, tuple) else given is not None
    return [Part("photos", 1), Part("floaters", 4)] if photos else []


# ------------------------------------------------------------------------------------------------------------ views


def needs_virtual_views(run: Run) -> bool:
    """Whether there are too few cameras."""
    return len(run.inputs.views) < MIN_CAMERAS and run.job.masks is None


def _given(inputs: Inputs) -> list[View]:
    return sorted([*inputs.kept, *inputs.prompt_views], key=lambda view: view.name)


def _add_views(run: Run, inputs: Inputs) -> Stored:
    made = masks.views_about_prompts(run.gaussians, run.job.objects, _given(inputs), run.progress, run.inputs.device)
    cameras = [view.camera for view in made]
    numbers = np.array([[c.width, c.height, c.fx, c.fy, c.cx, c.cy, c.near] for c in cameras])
    poses = np.stack([camera.camera_from_world for camera in cameras])
    return {"intrinsics": numbers, "poses": poses}, {"names": [view.name for view in made]}


def _added(run: Run, stored: Stored | None, inputs: Inputs) -> list[View]:
    """The views that masks are made in: the data set's or virtual ones about what was prompted; prompt views."""
    given = _given(inputs)
    if stored is None:
        return given
    arrays, notes = stored
    known = {view.name: view for view in given}
    views = []
    for name, (w, h, *rest), pose in zip(notes["names"], arrays["intrinsics"], arrays["poses"], strict=True):
        fx, fy, cx, cy, near = (float(value) for value in rest)
        camera = Camera(int(w), int(h), fx, fy, cx, cy, pose, near)
        views.append(known[name] if name in known else View(name, camera))
    run.warnings.append(
        f"{'Only ' if known else ''}{len(known) or 'No'} camera{'' if len(known) == 1 else 's'} "
        f"{'was' if len(known) == 1 else 'were'} given; {len(views) - len(known)} virtual views around the object "
        "were added."
    )
    return sorted(views, key=lambda view: view.name)


def _view_parts(job: Job) -> list[Part]:
    inline = job.cameras if isinstance(job.cameras, tuple) else ()
    virtual = job.masks is None and not isinstance(job.cameras, Path) and len(inline) < MIN_CAMERAS
    return [Part("views", 3)] if virtual else []


# ------------------------------------------------------------------------------------------------------------ masks


def _working(views: Sequence[View]) -> dict[str, WorkingView]:
    return {view.name: working_view(view, MASK_SIDE) for view in views}


def _make_masks(run: Run, inputs: Inputs, views: list[View]) -> Stored:
    job = run.job
    if job.masks is not None:
        return masks.read_checked(
            job.masks, inputs.masks, views, run.gaussians, run.progress, inputs.device, trusted=job.options.trust_masks
        )
    assert run.segmenter is not None
    made = masks.from_prompts(
        masks.SceneSegmenter(run.segmenter, run.cache, run.gaussians, run.inputs.device), job.objects, _working(views),
        job.options.quality, run.progress, snap_edges=not job.options.trust_masks,
    )  # fmt: skip
    if run.cache.problem:
        run.warnings.append(run.cache.problem)
    return made.arrays()


def _masked(run: Run, stored: Stored, inputs: Inputs, views: list[View]) -> lift.Problem:
    """Masks of all objects, with the views (those from prompts at working size) that they are masks of."""
    found = MaskSet.from_arrays(*stored)
    run.warnings.extend(stored[1].get("warnings", []))
    if run.job.masks is None:
        views = [working.view for working in _working(views).values()]
    by_name = {view.name: view for view in views}
    return lift.Problem(run.gaussians, [by_name[name] for name in found.views], found, run.inputs.device)


def _mask_parts(job: Job) -> list[Part]:
    if job.masks is not None:
        return [Part("masks", 2), Part("agreement", 4)]
    parts = [Part("masks", 80 + 50 * PASSES[job.options.quality])]
    if not job.options.trust_masks:
        parts.append(Part("mask edges", 20 * len(SNAP_RADII[job.options.quality])))
    return parts


# ------------------------------------------------------------------------------------------------------------- lift


@dataclass(frozen=True, eq=False)
class Lifted:
    """The labelled scene, what it was lifted from, and JSON-ready what was done, for the report."""

    labelled: lift.Labelled
    problem: lift.Problem
    told: Notes


def _lift(run: Run, problem: lift.Problem) -> Stored:
    """Probabilities and boundary; masks that the others contradict corrected."""
    options = run.job.options
    found = masks.Consensus(problem.masks)
    if options.trust_masks:
        result = lift.lift(problem, options.tau, run.progress)
    else:
        result, found = masks.lift_agreeing(problem, options.tau, run.progress)
    arrays = result.arrays()
    arrays.update({f"{MASK}{n:05d}": found.masks.probability[n] for n in {view for view, _ in found.changes}})
    return arrays, {"boundary": list(result.boundary), "changes": found.told()}


def _lifted(run: Run, stored: Stored, problem: lift.Problem) -> Lifted:
    arrays, notes = stored
    right = [arrays.pop(f"{MASK}{n:05d}", mask) for n, mask in enumerate(problem.masks.probability)]
    changes = notes["changes"]
    run.warnings.extend(masks.contradictions(changes, problem.masks))
    return Lifted(
        lift.Labelled.from_arrays(run.gaussians, arrays, tuple(notes["boundary"])),
        replace(problem, masks=replace(problem.masks, probability=right)),
        {"corrected_masks": changes, "refine": None},
    )


# ----------------------------------------------------------------------------------------------------------- refine


def _refine(run: Run, views: list[View], lifted: Lifted) -> Stored:
    """The joint optimisation, which goes on inside when it was stopped."""
    options, problem = run.job.options, lifted.problem
    refining = RefineOptions.of(options.quality, options.tau, options.seed, options.experiment)
    sources = {view.name: view for view in views}
    problems: list[str] = []

    def photo(view: View) -> NDArray[np.uint8] | None:
        try:
            return photo_of(WorkingView(sources[view.name], view))
        except UserError as error:
            problems.append(f"{error} The edges were refined against the scene's own render of that view.")
            return None

    made = refine.refine(
        problem, lifted.labelled, refining, run.progress, saving=refine.Saving(run.checkpoints), read_photo=photo
    )
    notes = {"boundary": list(made.labelled.boundary), "summary": made.summary, "warnings": sorted(set(problems))}
    return made.labelled.arrays(), notes


def _refined(run: Run, stored: Stored | None, views: list[View], lifted: Lifted) -> Lifted:
    if stored is None:
        return lifted
    arrays, notes = stored
    run.warnings.extend(notes["warnings"])
    run.checkpoints.forget(refine.START, refine.STATE)
    labelled = lift.Labelled.from_arrays(run.gaussians, arrays, tuple(notes["boundary"]))
    return replace(lifted, labelled=labelled, told={**lifted.told, "refine": notes["summary"]})


def _refine_parts(job: Job) -> list[Part]:
    if not job.options.refine:
        return []
    optimising = 0.2 * RefineOptions.of(job.options.quality).steps(USUAL_VIEWS)
    return [Part("movers", 6), Part("bands", 10), Part("refine", optimising)]


# ---------------------------------------------------------------------------------------------------------- extract


@dataclass(frozen=True, eq=False)
class Cut:
    """The scene cut: probabilities of all Gaussians, labels after stray islands; ``told`` as in ``Lifted``."""

    labelled: lift.Labelled
    islands: lift.Islands
    told: Notes


def _grown(run: Run, lifted: Lifted) -> lift.Labelled:
    """With what the user asked to take in more or less of."""
    grow = [item.grow for item in run.job.objects]
    if not grow:
        return lifted.labelled
    return replace(lifted.labelled, probability=lift.grown(lifted.labelled.probability, grow))


def _extract(run: Run, problem: lift.Problem, lifted: Lifted) -> Stored:
    keep = run.job.options.keep_islands
    return lift.find_labels(_grown(run, lifted), run.progress, keep, run.inputs.device).arrays()


def _cut(run: Run, stored: Stored, problem: lift.Problem, lifted: Lifted) -> Cut:
    cut = Cut(_grown(run, lifted), lift.Islands.from_arrays(*stored), lifted.told)
    run.warnings.extend(cut.islands.told(problem.masks.objects))
    if run.job.masks is None:
        run.warnings.extend(
            masks.click_warnings(run.job.objects, problem.masks, cut.islands.labels, cut.labelled.weight)
        )
    return cut


# ------------------------------------------------------------------------------------------------------------- heal


def _objects(run: Run, cut: Cut) -> lift.Extracted:
    return lift.extract(cut.labelled, cut.islands, run.job.options.soft_edges)


def _virtual(inputs: Inputs, views: list[View]) -> list[View]:
    """The virtual views, and the cameras among them; those that were only prompted in where there are no others."""
    only_prompted = {view.name for view in inputs.prompt_views}
    return [view for view in views if view.name not in only_prompted] or views


def _heal(run: Run, inputs: Inputs, views: list[View], cut: Cut) -> Stored:
    """The background without what the objects left behind, and what they hid filled."""
    made = _objects(run, cut)
    seen = _virtual(inputs, views) if needs_virtual_views(run) else inputs.kept
    return healing.heal(made.gaussians, made.labels, made.labels > 0, seen, run.progress, inputs.device,
                        run.job.options.seed)  # fmt: skip


def _healed(run: Run, stored: Stored | None, inputs: Inputs, views: list[View], cut: Cut) -> Healed | None:
    if stored is None:
        return None
    run.warnings.extend(stored[1]["told"])
    removed = cut.islands.labels > 0
    return healing.healed(stored, run.gaussians.pixel_filter) if removed.any() and not removed.all() else None


# ------------------------------------------------------------------------------------------------------------ write


def _write(
    run: Run, inputs: Inputs, views: list[View], problem: lift.Problem, cut: Cut, healed: Healed | None
) -> Stored:
    virtual = needs_virtual_views(run)
    shown = _virtual(inputs, views) if virtual else inputs.views or views
    what = export.Results(
        scene=run.job.scene.name,
        splats=inputs.splats,
        extracted=_objects(run, cut),
        objects=run.job.objects,
        masks=problem.masks,
        views=shown,
        further_views=[view for view in inputs.prompt_views if view not in shown],
        healed=healed,
    )
    problems = export.write(what, run.job.out, run.progress, run.inputs.device)
    if virtual:
        save_cameras(run.job.out / "cameras.json", views, inputs.splats.offset)
    return {}, {"sizes": run.checkpoints.sizes(), "warnings": problems}


@dataclass(frozen=True)
class Written:
    """The files of the cut, and those of its background healed, or None where that was not."""

    cut: export.ObjectFiles
    healed: export.HealedFiles | None


def _written(
    run: Run, stored: Stored, inputs: Inputs, views: list[View], problem: lift.Problem, cut: Cut, healed: Healed | None
) -> Written:
    labels = _objects(run, cut).labels
    files = export.object_files(labels, problem.masks.objects, run.job.out)
    run.warnings.extend(stored[1]["warnings"])
    run.warnings.extend(
        f"The object {name!r} contains no Gaussians. Its masks are empty, or other objects claim all of it."
        for name in files.empty
    )
    if healed is None:
        return Written(files, None)
    return Written(files, export.healed_files(healed, labels > 0, run.job.out / export.HEALED, export.BACKGROUND))


def _heal_parts(job: Job) -> list[Part]:
    return [Part("sights", 30), Part("holes", 20)] if job.options.heal else []


def _write_parts(job: Job) -> list[Part]:
    healed = [Part("healed", 6)] if job.options.heal else []
    return [Part("objects", 1), Part("final masks", 6), *healed, Part("sheet", 3)]


#: All stages, in the order in which they come.
STAGES = (
    Stage("floaters", (), _clear_floaters, _cleared, _floater_parts, lambda run: bool(compared(run.inputs.views))),
    Stage("views", ("floaters",), _add_views, _added, _view_parts, applies=needs_virtual_views),
    Stage("masks", ("floaters", "views"), _make_masks, _masked, _mask_parts),
    Stage("lift", ("masks",), _lift, _lifted,
          lambda job: [Part("lift", 12), *([] if job.options.trust_masks else [Part("reconcile", 10)])]),
    Stage("refine", ("views", "lift"), _refine, _refined, _refine_parts, lambda run: run.job.options.refine),
    Stage("extract", ("masks", "refine"), _extract, _cut, lambda job: [Part("islands", 1)]),
    Stage("heal", ("floaters", "views", "extract"), _heal, _healed, _heal_parts, lambda run: run.job.options.heal),
    Stage(
        "write", ("floaters", "views", "masks", "extract", "heal"), _write, _written, _write_parts,
        holds=lambda run, notes: run.checkpoints.holds(notes["sizes"]),
    ),
)  # fmt: skip


def parts_of(job: Job) -> list[Part]:
    """What a run of the job reports as its progress, in order. A part that does not come is skipped."""
    return [LOAD, *(part for stage in STAGES for part in stage.parts(job))]
