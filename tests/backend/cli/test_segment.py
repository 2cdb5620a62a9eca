# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""``splatcut segment`` from files to files."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import plyfile
import pytest
from blob_scene import BlobScene, make_gaussians
from mask_scenes import iou
from numpy.typing import NDArray
from PIL import Image
from segment_runs import ENVIRONMENT, resumed

from splatcut.cameras import load_views, save_cameras
from splatcut.formats import SplatFile, read_splats, write_splats
from splatcut.messages import JobOptions
from splatcut.scene.camera import View

Segment = Callable[..., int]


def put_together(out: Path) -> tuple[NDArray[Any], list[plyfile.PlyData]]:
    """All rows of background and objects in the scene's order, as plyfile (not our reader) reads them."""
    labels = np.load(out / "labels.npz")
    names = [str(name) for name in labels["names"]]
    files = [out / "background.ply", *(out / "objects" / f"{name}.ply" for name in names)]
    read = [plyfile.PlyData.read(path) for path in files]
    rows = np.empty(len(labels["labels"]), read[0]["vertex"].data.dtype)
    for number, part in enumerate(read):
        rows[labels["labels"] == number] = part["vertex"].data
    return rows, read


@pytest.mark.parametrize("kind", ["standard", "odd", "ascii", "big", "double"])
def test_put_together_the_outputs_are_the_input(tmp_path: Path, blobs: BlobScene, segment: Segment, kind: str) -> None:
    """Gaussian by Gaussian and bit by bit, whatever the file's layout."""
    scene, out = tmp_path / "scene.ply", tmp_path / "out"
    table = plyfile.PlyData.read(blobs.scene)["vertex"].data
    rng = np.random.default_rng(2)
    if kind == "odd":  # other order, properties nobody knows, odd bits in what is not looked at
        names = [str(name) for name in rng.permutation([*table.dtype.names, "segment_id", "confidence"])]
        code = {"segment_id": "<i2", "confidence": "<f8"}
        odd = np.zeros(len(table), [(name, code.get(name, "<f4")) for name in names])
        for name in table.dtype.names:
            odd[name] = table[name]
        odd["segment_id"] = rng.integers(-300, 300, len(odd))
        odd["confidence"] = rng.normal(size=len(odd))
        odd["nx"] = -0.0
        table = odd
    if kind == "double":
        table = table.astype([(name, "<f8") for name in table.dtype.names])
        for name in ("x", "opacity", "f_dc_0"):
            table[name] += rng.normal(scale=1e-12, size=len(table))
    element = plyfile.PlyElement.describe(table, "vertex")
    byte_order = {"big": ">"}.get(kind, "<")
    plyfile.PlyData([element], text=kind == "ascii", byte_order=byte_order, comments=["made by hand"]).write(scene)
    job = [scene, "--cameras", blobs.cameras, "--masks", blobs.folder / "masks", "--no-refine"]
    assert segment(*job, "--out", out) == 0
    rows, parts = put_together(out)
    whole = plyfile.PlyData.read(scene)
    assert rows.dtype == whole["vertex"].data.dtype
    assert rows.tobytes() == whole["vertex"].data.tobytes()
    for part in parts:
        assert part.comments == ["made by hand"]
        assert part.text == (kind == "ascii")
        assert part.byte_order == whole.byte_order
    assert np.load(out / "labels.npz")["parent"].tolist() == list(range(len(table)))


def test_what_is_written(tmp_path: Path, blobs: BlobScene, segment: Segment) -> None:
    out = tmp_path / "out"
    job = [blobs.scene, "--cameras", blobs.cameras, "--masks", blobs.folder / "masks", "--out", out]
    assert segment(*job, "--holdout", "3") == 0
    labels = np.load(out / "labels.npz")["labels"]
    assert (labels == blobs.labels).mean() > 0.97
    for name in ("red", "blue"):
        for view in blobs.views:  # held-out ones too
            truth = np.asarray(Image.open(blobs.folder / "masks" / name / f"{view.name}.png")) > 127
            mask = np.asarray(Image.open(out / "masks" / name / f"{view.name}.png")) > 127
            assert (truth & mask).sum() / (truth | mask).sum() > 0.9
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert {item["view"] for item in report["views"]} == {"view_1", "view_2", "view_4", "view_5"}
    with Image.open(out / "contact_sheet.png") as sheet:
        assert min(sheet.size) > 300


def test_rows_of_soft_edges_know_their_parents(tmp_path: Path, blobs: BlobScene, segment: Segment) -> None:
    out = tmp_path / "out"
    job = [blobs.scene, "--cameras", blobs.cameras, "--masks", blobs.folder / "masks", "--soft-edges"]
    assert segment(*job, "--no-refine", "--out", out) == 0
    rows, _ = put_together(out)
    with np.load(out / "labels.npz") as written:
        parent, variance = written["parent"], written["variance"]
    source = plyfile.PlyData.read(blobs.scene)["vertex"].data
    assert len(rows) > len(source)
    assert variance.tolist() == variance[: len(source)][parent].tolist()
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    of_each = [item["boundary"] for item in report["objects"]]
    above = int((variance[: len(source)] > JobOptions().tau).sum())
    assert 0 < max(of_each) <= above <= sum(of_each)
    for name in ("f_dc_0", "f_rest_3", "rot_0", "nx"):
        assert (rows[name] == source[name][parent]).all()
    once = np.bincount(parent) == 1
    kept = once[parent]
    assert rows[kept].tobytes() == source[parent[kept]].tobytes()


def prompts(folder: Path, **objects: dict[str, Any]) -> Path:
    """A file of one prompt for each object."""
    document = {"version": 1, "objects": [{"name": name, "prompts": [prompt]} for name, prompt in objects.items()]}
    (folder / "prompts.json").write_text(json.dumps(document), encoding="utf-8")
    return folder / "prompts.json"


def test_clicks_boxes_and_points_in_space(tmp_path: Path, blobs: BlobScene, segment: Segment) -> None:
    x, y = blobs.click("blue", 3)
    box = {"view": "view_3", "box": [x - 13, y - 13, x + 13, y + 13]}
    file = prompts(tmp_path, **{"ball r": {"points3d": [[-0.55, 0.0, -0.3, 1]]}, "ball b": box})
    out = tmp_path / "out"
    job = [blobs.scene, "--cameras", blobs.cameras, "--images", blobs.folder / "images"]
    assert segment(*job, "--prompts", file, "--out", out, "--quality", "draft") == 0
    labels = np.load(out / "labels.npz")["labels"]
    truth = np.array([0, 2, 1])[blobs.labels]  # blue is the second object here
    assert (labels == truth).mean() > 0.9


@pytest.mark.usefixtures("small_views")
def test_without_cameras(tmp_path: Path, blobs: BlobScene, segment: Segment) -> None:
    """Virtual views about a point in space."""
    file, out = prompts(tmp_path, ball={"points3d": [[0.55, 0.0, -0.2, 1]]}), tmp_path / "out"
    job = [blobs.scene, "--quality", "draft", "--prompts", file, "--out", out]
    assert segment(*job) == 0
    labels = np.load(out / "labels.npz")["labels"]
    assert (labels[blobs.labels == 1] == 1).all()
    # The floor under the ball is in no virtual view and goes with its neighbours.
    assert iou(labels == 1, blobs.labels == 1) > 0.6
    views = load_views(out / "cameras.json")
    assert {path.stem for path in (out / "masks" / "ball").iterdir()} == {view.name for view in views}
    assert segment(*job) == 0
    assert all(resumed(out).values())


@pytest.mark.usefixtures("small_views")
def test_with_one_camera(tmp_path: Path, blobs: BlobScene, segment: Segment) -> None:
    """Virtual views stand in, here about what a box and a mask say."""
    save_cameras(tmp_path / "one.json", [View("only", blobs.views[2].camera)])
    x, y = blobs.click("blue")
    box = {"view": "only", "box": [x - 12, y - 12, x + 12, y + 12]}
    mask = {"mask": {"view": "only", "file": str(blobs.folder / "masks" / "red" / "view_2.png")}}
    file, out = prompts(tmp_path, b=box, r=mask), tmp_path / "out"
    job = [blobs.scene, "--cameras", tmp_path / "one.json", "--quality", "draft", "--prompts", file]
    assert segment(*job, "--out", out) == 0
    labels = np.load(out / "labels.npz")["labels"]
    assert iou(labels == 1, blobs.labels == 1) > 0.8
    assert iou(labels == 2, blobs.labels == 2) > 0.8


def test_formats_that_round_are_written_as_ply(tmp_path: Path, blobs: BlobScene, segment: Segment) -> None:
    scene, out = tmp_path / "scene.splat", tmp_path / "out"
    write_splats(scene, SplatFile.from_gaussians(make_gaussians()[0]))
    assert segment(scene, "--cameras", blobs.cameras, "--masks", blobs.folder / "masks", "--out", out) == 0
    rows, _ = put_together(out)
    assert (rows["x"] == read_splats(scene).gaussians.means[:, 0]).all()


@pytest.mark.slow
def test_the_embedded_model(tmp_path: Path, blobs: BlobScene) -> None:
    """One real run of the command in a process of its own."""
    out = tmp_path / "out"
    words = f"--name ball --quality draft --holdout 2 --device cpu --no-refine --at {blobs.at('red', 3)}".split()
    job = ["segment", blobs.scene, "--cameras", blobs.cameras, *words, "--out", out, "--cache", tmp_path / "cache"]
    command = [sys.executable, "-m", "splatcut", *map(str, job)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300, env=ENVIRONMENT, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "contact_sheet.png" in ended.stdout
    labels = np.load(out / "labels.npz")["labels"]
    assert iou(labels == 1, blobs.labels == 2) > 0.8
