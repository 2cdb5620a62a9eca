# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What a job names, read and checked, and the fingerprint that tells jobs apart."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

import splatcut
from splatcut import formats
from splatcut.cameras import Camera, View, check_views_see_scene, holdout, load_views
from splatcut.devices import resolve_device
from splatcut.errors import UserError
from splatcut.files import content_hash
from splatcut.formats import SplatFile
from splatcut.messages import InlineView, Job, MaskPrompt, ScribblePrompt, job_to_json

#: Fewer cameras than this cannot show an object from enough sides; virtual ones are added (method: views).
FEW_VIEWS = 3


@dataclass(frozen=True, eq=False)
class Inputs:
    """A job's inputs.

    Attributes:
        splats: the scene.
        views: all views of the data set, sorted by name; empty when there are none.
        kept, held_out: those the method may use, and those kept out of everything but the final masks.
        device: "cpu" or "cuda".
    """

    splats: SplatFile
    views: list[View]
    kept: list[View]
    held_out: list[View]
    device: Literal["cpu", "cuda"]

    @property
    def needs_virtual_views(self) -> bool:
        """Whether there are too few cameras to carry masks from view to view."""
        return len(self.views) < FEW_VIEWS


def read_inputs(job: Job) -> Inputs:
    """Reads scene and cameras. Raises ``UserError`` for everything that cannot be used."""
    device = resolve_device(job.options.device)
    splats = formats.read_splats(job.scene, drop_invalid=job.options.drop_invalid)
    if job.cameras is None:
        views: list[View] = []
        if job.images is not None:
            raise UserError(
                "Photos were given with --images but no cameras. Give the cameras they belong to with --cameras."
            )
    elif isinstance(job.cameras, Path):
        views = load_views(job.cameras, job.images)
    else:
        views = sorted((_inline(view) for view in job.cameras), key=lambda view: view.name)
    if job.masks is not None and not views:
        raise UserError("Ready masks need the cameras of their views. Give them with --cameras.")
    if views:
        check_views_see_scene(splats.gaussians, views)
    kept, held_out = holdout(views, job.options.holdout) if job.options.holdout else (views, [])
    if views and not kept:
        raise UserError(f"--holdout {job.options.holdout} keeps every view out. Choose a larger number.")
    return Inputs(splats, views, kept, held_out, device)


def _inline(view: InlineView) -> View:
    matrix = np.array(view.camera_from_world, np.float64)
    return View(view.name, Camera(view.width, view.height, view.fx, view.fy, view.cx, view.cy, matrix), view.photo)


def fingerprint(job: Job, inputs: Inputs, model: str) -> str:
    """64 hexadecimal digits that change with anything that changes the result: contents, not paths or times.

    Args:
        model: the 2D model's own fingerprint, or "" when none is used.
    """
    digest = hashlib.sha256(f"{splatcut.__version__}|{model}|{inputs.device}".encode())
    elsewhere = replace(job, out=Path("out"), scene=Path("scene"), cameras=None, images=None)
    document = job_to_json(elsewhere)
    document.pop("masks", None)
    document.get("options", {}).pop("device", None)
    for item in document.get("objects", []):
        for prompt in item["prompts"]:
            for kind in ("mask", "scribble"):
                if kind in prompt:
                    prompt[kind]["file"] = Path(prompt[kind]["file"]).name
    digest.update(json.dumps(document, sort_keys=True, default=str).encode())
    scene = job.scene if job.scene.is_file() else None
    for path in [scene] if scene else sorted(path for path in job.scene.rglob("*") if path.is_file()):
        digest.update(content_hash(path).encode())
    for view in inputs.views:
        c = view.camera
        digest.update(f"{view.name}|{c.width}x{c.height}|{c.fx!r} {c.fy!r} {c.cx!r} {c.cy!r} {c.near!r}".encode())
        digest.update(np.ascontiguousarray(c.camera_from_world).tobytes())
        if view.photo is not None and view.photo.is_file():
            digest.update(content_hash(view.photo).encode())
    for path in _prompt_files(job):
        if path.is_file():
            digest.update(f"{path.name}|{content_hash(path)}".encode())
    return digest.hexdigest()


def _prompt_files(job: Job) -> list[Path]:
    prompts = [prompt for item in job.objects for prompt in item.prompts]
    files = [prompt.file for prompt in prompts if isinstance(prompt, MaskPrompt | ScribblePrompt)]
    if job.masks is not None and job.masks.is_dir():
        files += sorted(path for path in job.masks.rglob("*") if path.is_file())
    return files
