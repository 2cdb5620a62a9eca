# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Masks that contradict each other, and edges that are drawn to the pictures', in whole runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from mask_scenes import balls_on_floor, ring
from PIL import Image

from splatcut import raster
from splatcut.cameras import save_cameras
from splatcut.formats import SplatFile, write_splats

Segment = Callable[..., int]
VIEWS = 12


@pytest.fixture
def ball(tmp_path: Path) -> Path:
    """A data set of two balls on a floor, with the ready masks of one; in one view the mask is 4 pixels off."""
    scene, folder = balls_on_floor((-0.5, 0.0, 0.0), (0.6, 0.0, 0.0)), tmp_path / "ball"
    views = ring(VIEWS, width=128, height=96)
    (folder / "images").mkdir(parents=True)
    (folder / "masks").mkdir()
    write_splats(folder / "scene.ply", SplatFile.from_gaussians(scene.gaussians))
    save_cameras(folder / "cameras.json", views)
    for number, view in enumerate(views):
        image = raster.render(scene.gaussians, view.camera).image
        Image.fromarray(np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)).save(
            folder / "images" / f"{view.name}.png"
        )
        mask = np.roll(scene.truth(view.camera, 1), 4 if number == 5 else 0, axis=1)
        Image.fromarray(mask.astype(np.uint8) * 255).save(folder / "masks" / f"{view.name}.png")
    return folder


def job(ball: Path, *more: object) -> list[object]:
    return [ball / "scene.ply", "--cameras", ball / "cameras.json", "--device", "cpu", *more]


def report(out: Path) -> dict[str, object]:
    return json.loads((out / "report.json").read_text(encoding="utf-8"))


def test_a_mask_that_is_off_is_moved_back_said_and_continued_with(ball: Path, tmp_path: Path, segment: Segment) -> None:
    out, again = tmp_path / "out", tmp_path / "again"
    arguments = job(ball, "--masks", ball / "masks")
    assert segment(*arguments, "--out", out) == 0
    (moved,) = report(out)["corrected_masks"]  # type: ignore[misc]
    assert (moved["view"], moved["replaced"]) == ("view_05", 0)
    np.testing.assert_allclose([*moved["shift"], moved["margin"]], [4, 0, 0], atol=0.7)
    assert not [text for text in report(out)["warnings"] if "contradicted" in text]  # type: ignore[attr-defined]
    # What the lift kept is what a run goes on with.
    for name in ("extract.npz", "write.npz"):
        (out / ".splatcut" / name).unlink()
    assert segment(*arguments, "--out", out) == 0
    assert report(out)["corrected_masks"] == [moved]
    assert segment(*arguments, "--out", again) == 0
    for path in (again / "objects").iterdir():
        assert path.read_bytes() == (out / "objects" / path.name).read_bytes()


def test_masks_can_be_trusted(ball: Path, tmp_path: Path, segment: Segment) -> None:
    out = tmp_path / "out"
    assert segment(*job(ball, "--masks", ball / "masks", "--trust-masks"), "--out", out) == 0
    assert report(out)["corrected_masks"] == []
    assert not [text for text in report(out)["warnings"] if "contradicted" in text]  # type: ignore[attr-defined]


def test_many_masks_that_contradict_each_other_are_a_warning(ball: Path, tmp_path: Path, segment: Segment) -> None:
    for number, pixels in ((1, -4), (3, 4), (7, -4), (9, 4)):
        file = ball / "masks" / f"view_{number:02d}.png"
        with Image.open(file) as mask:
            moved = np.roll(np.asarray(mask), pixels, axis=1)
        Image.fromarray(moved).save(file)
    out = tmp_path / "out"
    assert segment(*job(ball, "--masks", ball / "masks"), "--out", out) == 0
    changes = report(out)["corrected_masks"]
    assert [change["view"] for change in changes] == [f"view_{n:02d}" for n in (1, 3, 5, 7, 9)]  # type: ignore[attr-defined]
    (warning,) = [text for text in report(out)["warnings"] if "contradicted" in text]  # type: ignore[attr-defined]
    assert warning.startswith("5 masks contradicted those of the other views: 5 edges were moved by a few pixels.")


def test_a_clicked_objects_masks_are_drawn_to_the_pictures_unless_trusted(
    ball: Path, tmp_path: Path, segment: Segment
) -> None:
    pixels = {}
    for trust in ((), ("--trust-masks",)):
        out = tmp_path / f"out{len(trust)}"
        words = job(ball, "--images", ball / "images", "--at", "view_00:45,45", "--name", "ball", *trust)
        assert segment(*words, "--out", out) == 0
        with np.load(out / ".splatcut" / "masks.npz") as stored:
            pixels[bool(trust)] = [stored[f"view_{number:05d}"][0] for number in range(VIEWS)]
        labels = np.load(out / "labels.npz")["labels"]
        assert 0.05 < (labels == 1).mean() < 0.6
    changed = [(a != b).any() for a, b in zip(pixels[True], pixels[False], strict=True)]
    assert sum(changed) > VIEWS // 2
