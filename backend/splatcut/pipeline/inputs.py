# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What a job names, read and checked, and the fingerprint that tells jobs apart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

import splatcut
from splatcut import formats
from splatcut.cameras import check_views_see_scene, holdout, load_views, place_views
from splatcut.cameras.photos import photo_sizes
from splatcut.cameras.spz_axes import with_fitting_axes
from splatcut.devices import resolve_device
from splatcut.errors import UserError
from splatcut.files import content_hash
from splatcut.formats import SplatFile
from splatcut.formats.findings import scene_findings
from splatcut.mask_files import Masks
from splatcut.messages import (
    InlineView,
    Job,
    JobOptions,
    MaskPrompt,
    ObjectPrompt,
    Points3DPrompt,
    Prompt,
    ScribblePrompt,
    to_json,
)
from splatcut.messages.findings import Finding, attempt, refuse, warnings
from splatcut.pipeline.applied import applied_findings
from splatcut.pipeline.checkpoints import RESULTS, STATE
from splatcut.scene.camera import Camera, View
from splatcut.scene.gaussians import Gaussians

#: Options that only the stages of ``checkpoints.LATE`` read, as they do the objects' ``grow``.
LATE_OPTIONS = ("soft_edges", "keep_islands", "heal")


@dataclass(frozen=True, eq=False)
class Inputs:
    """A job's inputs.

    Attributes:
        splats: the scene; views are relative to its world offset.
        views: all views of the data set, sorted by name; empty when there are none.
        kept, held_out: those the method may use, and those kept out of everything but the final masks.
        device: "cpu" or "cuda".
        masks: ready masks: object name -> view name -> mask; empty when the job has prompts.
        findings: what its user should know about them; no problems among them.
        prompt_views: views that hold prompts besides those of the data set, sorted by name.
    """

    splats: SplatFile
    views: list[View]
    kept: list[View]
    held_out: list[View]
    device: Literal["cpu", "cuda"]
    masks: Masks = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    prompt_views: tuple[View, ...] = ()


def read_inputs(job: Job) -> Inputs:
    """Reads scene and cameras. Raises ``UserError`` for everything that cannot be used."""
    _check_places(job)
    splats = read_scene(job.scene, job.options)
    told: list[Finding] = []
    views = read_views(job.cameras, job.images, told)
    splats = with_fitting_axes(splats, job.scene, views)
    views = place_views(views, splats.gaussians, splats.offset)
    prompt_views = read_prompt_views(job.prompt_views, views, splats.gaussians, splats.offset)
    if job.masks is not None and not views:
        need_cameras()
    seen = view_findings(splats.gaussians, views, splats.offset)
    findings = [*scene_findings(splats), *applied_findings(splats.gaussians), *told, *seen]
    refuse(findings)
    kept, held_out = holdout(views, job.options.holdout) if job.options.holdout else (views, [])
    if views and not kept:
        raise UserError(f"--holdout {job.options.holdout} holds out every view. Choose a larger number.")
    masks = {}
    if job.masks is not None:
        from splatcut.masks.ready import masks_of_views

        try:
            masks = masks_of_views(job.masks, views)
        except UserError as error:  # what is special about the cameras may be why masks do not fit
            raise UserError(" ".join([str(error), *warnings(told)])) from error
    # Last, because it may have to load torch, which takes seconds.
    device = resolve_device(job.options.device)
    return Inputs(splats, views, kept, held_out, device, masks, tuple(findings), prompt_views)


def read_scene(path: Path, options: JobOptions) -> SplatFile:
    """The scene as the options say. Raises ``UserError``."""
    return formats.read_splats(
        path,
        drop_invalid=options.drop_invalid,
        antialiased=options.antialiased,
        spz_axes=options.spz_axes,
    )


def need_cameras() -> None:
    """Says that ready masks cannot be used without cameras."""
    raise UserError("Ready masks need the cameras of their views. Give them with --cameras.")


def _check_places(job: Job) -> None:
    """Inputs must not lie among the results, which a run replaces, nor results among masks, which a run reads."""
    given = [("scene", job.scene), ("folder of masks", job.masks), ("folder of photos", job.images)]
    given += [("file of cameras", job.cameras)] if isinstance(job.cameras, Path) else []
    given += [(f"{item.name!r}'s prompt", file) for item in job.objects for file in _files_of(item)]
    out = job.out.resolve()
    for what, path in given:
        if path is None:
            continue
        place = path.resolve()
        if out == place or (out in place.parents and place.relative_to(out).parts[0] in (*RESULTS, STATE)):
            raise UserError(
                f"The {what}, {path}, lies in the output folder {job.out}, whose contents are replaced. Choose another "
                "folder with --out."
            )
        if what == "folder of masks" and place in out.parents:
            raise UserError(
                f"The output folder {job.out} lies in the folder of masks {path}, where every subfolder is an object. "
                "Choose another folder with --out."
            )


def _files_of(item: ObjectPrompt) -> list[Path]:
    return [prompt.file for prompt in item.prompts if isinstance(prompt, (MaskPrompt, ScribblePrompt))]


def read_views(
    cameras: Path | tuple[InlineView, ...] | None,
    images: Path | None,
    findings: list[Finding] | None = None,
    *,
    photos_too: bool = True,
) -> list[View]:
    """All views of a job's cameras, sorted by name; arguments as of ``load_views``. Raises ``UserError``."""
    if cameras is None:
        if images is not None:
            raise UserError(
                "Photos were given with --images but no cameras. Give the cameras they belong to with --cameras."
            )
        return []
    if isinstance(cameras, Path):
        return load_views(cameras, images, findings, photos_too=photos_too)
    return sorted((inline_view(view) for view in cameras), key=lambda view: view.name)


def view_findings(gaussians: Gaussians, views: Sequence[View], offset: NDArray[np.float64]) -> list[Finding]:
    """What is found about the scene and its views, both relative to the world offset [3]."""
    if not views:
        return []
    found: list[Finding] = []
    blind = attempt(found, "cameras", lambda: check_views_see_scene(gaussians, list(views), offset))
    if blind:
        found.append(
            Finding("warning", f"{len(blind)} of {len(views)} views do not see the scene; the first is {blind[0]!r}.")
        )
    missing = [view.name for view in views if view.photo is None]
    if missing and len(missing) < len(views):
        found.append(
            Finding(
                "warning",
                f"{len(missing)} of {len(views)} views have no photo; the first is {missing[0]!r}.",
                "photos",
                "Renders of the scene stand in for them. If the photos still exist, put them where the others are.",
            )
        )
    return found


def place_prompts(objects: Sequence[ObjectPrompt], offset: NDArray[np.float64]) -> tuple[ObjectPrompt, ...]:
    """The objects with their points in space relative to a world offset [3]."""
    if not offset.any():
        return tuple(objects)
    return tuple(replace(item, prompts=tuple(_placed(prompt, offset) for prompt in item.prompts)) for item in objects)


def _placed(prompt: Prompt, offset: NDArray[np.float64]) -> Prompt:
    if not isinstance(prompt, Points3DPrompt):
        return prompt
    dx, dy, dz = offset.tolist()
    return Points3DPrompt(tuple((x - dx, y - dy, z - dz, label) for x, y, z, label in prompt.points))


def read_prompt_views(
    given: Sequence[InlineView], views: Sequence[View], gaussians: Gaussians, offset: NDArray[np.float64]
) -> tuple[View, ...]:
    """The views that only hold prompts, sorted by name. Raises ``UserError`` when they cannot stand beside ``views``.

    Those given are in the scene file's world, the result is relative to its world offset [3], as the Gaussians are.

    Whoever clicked may have been nearer to the scene than any photographer, so their near planes are nearer too.
    """
    taken = {view.name for view in views}
    centre = np.median(gaussians.means, axis=0)
    result = []
    for item in sorted(given, key=lambda item: item.name):
        if item.name in taken:
            raise UserError(f"The view {item.name!r} is both a camera and a prompt view. Give it another name.")
        (view,) = place_views([inline_view(item)], gaussians, offset)
        distance = float(np.linalg.norm(view.camera.position - centre))
        result.append(replace(view, camera=replace(view.camera, near=min(view.camera.near, 0.05 * distance))))
    return tuple(result)


def inline_view(view: InlineView) -> View:
    """A view that stands in a job. Raises ``UserError`` for a photo of another size."""
    if view.photo is not None and (view.width, view.height) not in photo_sizes(view.photo):
        width, height = photo_sizes(view.photo)[0]
        raise UserError(
            f"The photo {view.photo} has {width} x {height} pixels, but the camera of view {view.name!r} has "
            f"{view.width} x {view.height}. Give the photo from which the camera was computed."
        )
    matrix = np.array(view.camera_from_world, np.float64)
    return View(view.name, Camera(view.width, view.height, view.fx, view.fy, view.cx, view.cy, matrix), view.photo)


def fingerprint(job: Job, inputs: Inputs, model: str) -> tuple[str, str]:
    """64 hexadecimal digits that change with anything that changes the result: contents, not paths or times; and 64
    that stay the same where nothing but ``LATE_OPTIONS`` and the objects' ``grow`` do.

    Args:
        model: what tells the 2D model and its use apart.
    """
    digest = hashlib.sha256(f"{splatcut.__version__}|{model}|{inputs.device}".encode())
    # What has no part in the result; cameras are trusted or refused.
    options = asdict(replace(job.options, device="auto", model=None, trust_cameras=False))
    objects = to_json(job.objects)
    late = [[options.pop(name) for name in LATE_OPTIONS], [item.pop("grow", None) for item in objects]]
    for item in objects:
        for prompt in item["prompts"]:
            for kind in prompt.keys() & {"mask", "scribble"}:
                del prompt[kind]["file"]
    digest.update(json.dumps([options, objects], sort_keys=True).encode())
    for path in scene_files(job.scene):
        digest.update(content_hash(path).encode())
    for view in [*inputs.views, *inputs.prompt_views]:
        digest.update(f"{'prompt view' if view in inputs.prompt_views else 'view'}|{view.name}|".encode())
        digest.update(view_content(view))
        if view.photo is not None:
            digest.update(content_hash(view.photo).encode())
    for item in job.objects:
        for path in _files_of(item):
            # One that does not exist gets its sentence when the prompts are read.
            digest.update(content_hash(path).encode() if path.is_file() else b"missing")
    for name, files in inputs.masks.items():
        for view in inputs.kept:
            if view.name in files:
                file = files[view.name]
                value = "" if file.value is None else f"|{file.value}"
                digest.update(f"{name}|{view.name}|{content_hash(file.path)}{value}".encode())
    shared = digest.hexdigest()
    digest.update(json.dumps(late).encode())
    return digest.hexdigest(), shared


def view_content(view: View) -> bytes:
    """What tells a view's camera and lens from others; its name and photo are left out."""
    c = view.camera
    numbers = [c.width, c.height, c.fx, c.fy, c.cx, c.cy, c.near, *c.camera_from_world.ravel()]
    lens = "" if view.undistortion is None else repr(view.undistortion.lens)
    return np.array(numbers, np.float64).tobytes() + lens.encode()


def scene_files(scene: Path) -> list[Path]:
    """The scene's file, or all files of the folder that it stands for (a SOG, a cut)."""
    folder = scene if scene.is_dir() else scene.parent if scene.name.lower() == "meta.json" else None
    if folder is None:
        return [scene]
    return sorted(path for path in (*folder.iterdir(), *folder.glob("objects/*.ply")) if path.is_file())
