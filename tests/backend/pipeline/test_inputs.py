# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What a job names, and what makes it another job."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blob_scene import BlobScene
from PIL import Image

from splatcut.errors import UserError
from splatcut.formats import read_splats, write_splats
from splatcut.messages import InlineView, Job, JobOptions, MaskPrompt, ObjectPrompt, ViewPrompt
from splatcut.pipeline.inputs import fingerprint, read_inputs


def inline(blobs: BlobScene, name: str = "one", photo: Path | None = None) -> InlineView:
    c = blobs.views[2].camera
    rows = tuple(tuple(row) for row in c.camera_from_world.tolist())
    return InlineView(name, c.width, c.height, c.fx, c.fy, c.cx, c.cy, rows, photo)  # type: ignore[arg-type]


def prompted(blobs: BlobScene, name: str = "red") -> tuple[ObjectPrompt, ...]:
    x, y = blobs.click(name)
    return (ObjectPrompt(name, (ViewPrompt("view_2", ((x, y, 1),)),)),)


def key(job: Job, model: str = "") -> str:
    return fingerprint(job, read_inputs(job), model)[0]


def test_views_in_the_job(blobs: BlobScene, tmp_path: Path) -> None:
    job = Job(blobs.scene, tmp_path / "out", (inline(blobs, "b"), inline(blobs, "a")), objects=prompted(blobs))
    inputs = read_inputs(job)
    assert [view.name for view in inputs.views] == ["a", "b"]
    assert np.array_equal(inputs.views[0].camera.camera_from_world, blobs.views[2].camera.camera_from_world)


def test_photos_of_views_in_the_job(blobs: BlobScene, tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    job = Job(blobs.scene, tmp_path / "out", (inline(blobs, photo=photo),), objects=prompted(blobs))
    with pytest.raises(UserError, match="photo.png"):
        read_inputs(job)
    Image.new("RGB", (40, 30)).save(photo)
    with pytest.raises(UserError, match="40 x 30 .* 96 x 80"):
        read_inputs(job)
    Image.new("RGB", (96, 80)).save(photo)
    assert read_inputs(job).views[0].photo == photo


def test_what_makes_another_job(blobs: BlobScene, tmp_path: Path) -> None:
    data = Path(shutil.copytree(blobs.folder, tmp_path / "data"))
    job = Job(data / "scene.ply", tmp_path / "out", data / "cameras.json", objects=prompted(blobs))
    first = key(job)
    others = {
        "model": key(job, "another"),
        "object": key(replace(job, objects=prompted(blobs, "blue"))),
        "name": key(replace(job, objects=(replace(job.objects[0], name="rouge"),))),
        "masks": key(replace(job, objects=(), masks=data / "masks")),
        "no cameras": key(replace(job, cameras=None)),
        "grown": key(replace(job, objects=(replace(job.objects[0], grow=0.5),))),
        "prompt view": key(replace(job, prompt_views=(inline(blobs, "viewport"),))),
    }
    options = [{"tau": 0.5}, {"seed": 1}, {"soft_edges": True}, {"holdout": 2}, {"quality": "fine"}]
    options.append({"experiment": {"edge": 1}})
    for option in options:
        others[str(option)] = key(replace(job, options=JobOptions(**option)))
    splats = read_splats(data / "scene.ply")
    write_splats(data / "scene.ply", splats.take(np.arange(1, 400)))
    others["scene"] = key(job)
    assert len({first, *others.values()}) == 1 + len(others)


def test_what_does_not_make_another_job(blobs: BlobScene, tmp_path: Path) -> None:
    job = Job(blobs.scene, tmp_path / "out", blobs.cameras, objects=prompted(blobs))
    moved = Path(shutil.copytree(blobs.folder, tmp_path / "elsewhere"))
    (moved / "scene.ply").rename(moved / "renamed.ply")
    other = Job(moved / "renamed.ply", tmp_path / "other", moved / "cameras.json", moved / "images", job.objects)
    model = JobOptions(device="cpu", model="somewhere/weights.pth")
    assert key(job) == key(other) == key(replace(other, options=model))


def test_what_late_options_leave_the_same(blobs: BlobScene, tmp_path: Path) -> None:
    def keys(grow: float = 0.0, **options: Any) -> tuple[str, str]:
        objects = (replace(prompted(blobs)[0], grow=grow),)
        job = Job(blobs.scene, tmp_path / "out", blobs.cameras, objects=objects, options=JobOptions(**options))
        return fingerprint(job, read_inputs(job), "")

    late = [keys(), keys(grow=0.5), keys(soft_edges=True), keys(keep_islands=True), keys(heal=not JobOptions().heal)]
    assert len({key for key, _ in late}) == 5
    assert len({shared for _, shared in late}) == 1
    assert keys(seed=1)[1] != keys()[1]


def test_files_of_prompts_and_masks_count_by_content(blobs: BlobScene, tmp_path: Path) -> None:
    data = Path(shutil.copytree(blobs.folder, tmp_path / "data"))
    red, blue = (data / "masks" / name / "view_2.png" for name in ("red", "blue"))

    def of(*files: Path) -> str:
        objects = tuple(ObjectPrompt(name, (MaskPrompt("view_2", f),)) for name, f in zip("ab", files, strict=True))
        return key(Job(data / "scene.ply", tmp_path / "out", data / "cameras.json", objects=objects))

    first = of(red, blue)
    assert of(blue, red) != first
    copy = Path(shutil.copyfile(red, data / "copy.png"))
    assert of(copy, blue) == first
    masks = Job(data / "scene.ply", tmp_path / "out", data / "cameras.json", masks=data / "masks")
    held = replace(masks, options=JobOptions(holdout=2))
    before, before_held = key(masks), key(held)
    (data / "masks" / "notes.txt").write_text("nothing to do with it")
    assert (key(masks), key(held)) == (before, before_held)
    shutil.copyfile(red, blue)
    assert key(masks) != before
    assert key(held) == before_held  # view_2 is held out there, its mask is not even opened
    (data / "masks" / "red").rename(data / "masks" / "crimson")
    assert key(held) != before_held


def test_views_to_prompt_in(blobs: BlobScene, tmp_path: Path) -> None:
    job = Job(blobs.scene, tmp_path / "out", blobs.cameras, objects=prompted(blobs))
    hold = JobOptions(holdout=2)
    inputs = read_inputs(replace(job, prompt_views=(inline(blobs, "b"), inline(blobs, "a")), options=hold))
    assert [view.name for view in inputs.prompt_views] == ["a", "b"]
    assert len(inputs.views) == len(blobs.views)
    assert {view.name for view in [*inputs.kept, *inputs.held_out]} == {view.name for view in blobs.views}
    near = inputs.prompt_views[0].camera.near
    assert 0 < near < blobs.views[2].camera.near  # the viewport may be nearer than a photographer
    with pytest.raises(UserError, match="'view_2' is both a camera and a prompt view"):
        read_inputs(replace(job, prompt_views=(inline(blobs, "view_2"),)))
    few = replace(job, cameras=None, prompt_views=tuple(inline(blobs, name) for name in "abcd"))
    assert read_inputs(few).views == []  # too few cameras, since prompt views may all stand in one place
