# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Where a scene lies and in which units makes no difference to what is cut from it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from blob_scene import BlobScene
from placed_scene import UTM, placed

from splatcut.cameras import load_views
from splatcut.formats import read_splats
from splatcut.messages import Job, JobOptions, ObjectPrompt, Points3DPrompt
from splatcut.pipeline import run_job
from splatcut.progress import Quiet

pytestmark = pytest.mark.usefixtures("colours", "one_thread", "small_views")


def labels(out: Path) -> np.ndarray:
    with np.load(out / "labels.npz") as found:
        return found["labels"][np.argsort(found["parent"], kind="stable")]


def ready(blobs: BlobScene, folder: Path, out: Path) -> Job:
    options = JobOptions(refine=False, heal=False, device="cpu")
    return Job(folder / "scene.ply", out, folder / "cameras.json", masks=blobs.folder / "masks", options=options)


@pytest.fixture
def expected(blobs: BlobScene, tmp_path: Path) -> np.ndarray:
    run_job(ready(blobs, blobs.folder, tmp_path / "expected"), Quiet())
    return labels(tmp_path / "expected")


def test_a_georeferenced_scene_is_cut_as_one_about_its_origin(
    blobs: BlobScene, expected: np.ndarray, tmp_path: Path
) -> None:
    folder, out = placed(blobs, tmp_path / "utm", UTM), tmp_path / "out"
    result = run_job(ready(blobs, folder, out), Quiet())
    np.testing.assert_array_equal(labels(out), expected)
    assert not result.warnings
    report = json.loads((out / "report.json").read_text())
    assert np.abs(np.array(report["scene"]["world_offset"]) - UTM).max() < 1
    scene = np.asarray(read_splats(folder / "scene.ply").table.rows)
    for k, name in enumerate(("blue", "red"), start=1):
        rows = np.asarray(read_splats(out / "objects" / f"{name}.ply").table.rows)
        assert rows.tobytes() == scene[labels(out) == k].tobytes()


@pytest.mark.parametrize("scale", [1e-3, 0.02, 1e4])
def test_the_units_of_a_scene_do_not_matter(
    blobs: BlobScene, expected: np.ndarray, tmp_path: Path, scale: float
) -> None:
    """In metres a macro capture's cameras are nearer than 0.2 units."""
    run_job(ready(blobs, placed(blobs, tmp_path / "small", scale=scale), tmp_path / "out"), Quiet())
    np.testing.assert_array_equal(labels(tmp_path / "out"), expected)


def test_points_in_space_and_virtual_views_are_in_the_files_world(blobs: BlobScene, tmp_path: Path) -> None:
    red = np.array([-0.55, 0.0, -0.25])
    found = {}
    for name, place in (("near", None), ("far", UTM)):
        folder = placed(blobs, tmp_path / name, place)
        point = red if place is None else red + place
        objects = (ObjectPrompt("red", (Points3DPrompt(((*point.tolist(), 1),)),)),)
        options = JobOptions(refine=False, heal=False, device="cpu")
        run_job(Job(folder / "scene.ply", tmp_path / f"out {name}", objects=objects, options=options), Quiet())
        places = [view.camera.position for view in load_views(tmp_path / f"out {name}" / "cameras.json")]
        found[name] = labels(tmp_path / f"out {name}"), np.array(places)
    assert (found["far"][0] == found["near"][0]).mean() > 0.99
    np.testing.assert_allclose(found["far"][1] - UTM, found["near"][1], atol=1e-5)


def test_pictures_are_those_of_the_scene_about_its_origin(
    blobs: BlobScene, tmp_path: Path, splatcut_pictures: Callable[..., np.ndarray]
) -> None:
    first = splatcut_pictures(blobs.folder)
    for number, options in enumerate([{"place": UTM}, {"scale": 0.02}, {"place": -10 * UTM, "scale": 0.02}]):
        folder = placed(blobs, tmp_path / str(number), **options)  # type: ignore[arg-type]
        assert np.abs(splatcut_pictures(folder).astype(int) - first).max() <= 1, options


@pytest.fixture
def splatcut_pictures(tmp_path: Path) -> Callable[..., np.ndarray]:
    """What ``splatcut render`` makes of a folder's scene in two views."""
    from PIL import Image

    from splatcut.cli import main

    def render(folder: Path) -> np.ndarray:
        out = tmp_path / f"{folder.name} pictures"
        words = ["render", folder / "scene.ply", "--cameras", folder / "cameras.json", "--out", out]
        assert main([*map(str, words), "--views", "view_0", "view_3", "--device", "cpu"]) == 0
        return np.stack([np.asarray(Image.open(out / f"view_{k}.png")) for k in (0, 3)])

    return render
