# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The stage ``refine`` of a run: a process that dies in it, and odd inputs."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from blob_scene import BlobScene
from segment_runs import leftovers, results, resumed, stop

import splatcut.refine.options
from splatcut.cameras import save_cameras, virtual
from splatcut.formats import SplatFile, read_splats, write_splats
from splatcut.masks import viewpoints
from splatcut.messages import Job, JobOptions, ObjectPrompt, ViewPrompt
from splatcut.pipeline import run_job
from splatcut.progress import Quiet
from splatcut.refine.options import BUDGETS
from splatcut.refine.run import START, STATE
from splatcut.scene.gaussians import Gaussians
from splatcut.segmenter import EmbeddingCache

Segment = Callable[..., int]


@pytest.fixture(autouse=True)
def _one_thread(one_thread: None) -> None:
    """On pictures this small threads cost more than they give."""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no kill -9")
def test_killed_inside_the_stage(
    tmp_path: Path, blobs: BlobScene, segment: Segment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real thing: a process that dies, a checkpoint on disk, and the same command again."""
    monkeypatch.setattr(splatcut.refine.options, "BUDGETS", {"draft": (60, 0)})
    job: list[object] = [blobs.scene, "--cameras", blobs.cameras, "--masks", blobs.folder / "masks", "--device", "cpu"]
    job += ["--quality", "draft"]
    undisturbed, out = tmp_path / "undisturbed", tmp_path / "out"
    assert segment(*job, "--out", undisturbed, refine=True) == 0
    ended = stop("kill", "refine:56", [*job, "--out", out], budget=60)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert {f"{START}.npz", f"{STATE}.npz", "lift.npz"} <= {path.name for path in (out / ".splatcut").iterdir()}
    assert segment(*job, "--out", out, refine=True) == 0
    assert results(out) == results(undisturbed)
    assert resumed(out) == {name: name in ("floaters", "masks", "lift") for name in resumed(undisturbed)}
    assert leftovers(out) == []
    assert not list((out / ".splatcut").glob("refine-*"))
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert report["refine"]["iterations"] == 60


# -------------------------------------------------------------------------------------------------------- odd inputs


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """The refinement takes a few iterations, whatever the quality."""
    monkeypatch.setattr(splatcut.refine.options, "BUDGETS", dict.fromkeys(BUDGETS, (4, 0)))


@pytest.mark.usefixtures("brief")
def test_damaged_photo(tmp_path: Path, blobs: BlobScene, segment: Segment) -> None:
    """The scene's own render stands in, and the user is told."""
    images, out = Path(shutil.copytree(blobs.folder / "images", tmp_path / "images")), tmp_path / "out"
    photo = images / "view_3.png"
    photo.write_bytes(photo.read_bytes()[:-1500])
    job = [blobs.scene, "--cameras", blobs.cameras, "--images", images, "--masks", blobs.folder / "masks"]
    for _ in range(2):  # the second time from the checkpoint
        assert segment(*job, "--out", out, refine=True) == 0
        report = json.loads((out / "report.json").read_text(encoding="utf-8"))
        assert any("view_3.png" in text and "own render" in text for text in report["warnings"])


@pytest.mark.usefixtures("brief")
@pytest.mark.parametrize("suffix", [".ply", ".splat"])
def test_gaussians_beyond_every_camera_stay(tmp_path: Path, blobs: BlobScene, segment: Segment, suffix: str) -> None:
    far = replace(blobs.gaussians, means=blobs.gaussians.means.copy())
    far.means[:20] = (0.0, -1.0, -60.0)
    far.means[20:25] = (1e18, 0.0, 0.0)
    scene, out = tmp_path / f"scene{suffix}", tmp_path / "out"
    write_splats(scene, SplatFile.from_gaussians(far if suffix == ".ply" else without_harmonics(far)))
    job = [scene, "--cameras", blobs.cameras, "--masks", blobs.folder / "masks", "--soft-edges"]
    assert segment(*job, "--out", out, refine=True) == 0
    source = read_splats(scene).gaussians
    parts = [read_splats(path).gaussians for path in [*(out / "objects").glob("*.ply"), out / "background.ply"]]
    means = np.concatenate([part.means for part in parts])
    for place in np.unique(source.means[:25], axis=0):
        expected = int((source.means == place).all(axis=1).sum())
        assert int((means == place).all(axis=1).sum()) == expected
    assert not any(part.invalid().any() for part in parts)


def without_harmonics(gaussians: Gaussians) -> Gaussians:
    return replace(gaussians, sh=np.ascontiguousarray(gaussians.sh[:, :1]))


@pytest.mark.usefixtures("brief")
def test_virtual_views_and_photos_larger_than_the_masks(
    tmp_path: Path, blobs: BlobScene, colours: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prompted jobs work on smaller pictures than the photos, and without photos."""
    x, y = blobs.click("red")
    objects = (ObjectPrompt("red", (ViewPrompt("view_2", ((x, y, 1),)),)),)
    options = JobOptions(device="cpu", quality="draft")
    monkeypatch.setattr("splatcut.pipeline.stages.MASK_SIDE", 64)
    cache = EmbeddingCache(tmp_path / "cache")
    images = blobs.folder / "images"
    job = Job(blobs.scene, tmp_path / "out", blobs.cameras, images=images, objects=objects, options=options)
    run_job(job, Quiet(), cache)
    with np.load(tmp_path / "out" / "labels.npz") as stored:
        labels, parent = stored["labels"], stored["parent"]
    whole = np.bincount(parent)[parent] == 1  # what was split has parts on both sides
    assert ((labels == 1) == (blobs.labels[parent] == 2))[whole].mean() > 0.9
    monkeypatch.setattr(viewpoints, "COUNT", 8)
    monkeypatch.setattr(virtual, "PROBE_WIDTH", 64)
    save_cameras(tmp_path / "one.json", blobs.views[2:3])
    run_job(replace(job, cameras=tmp_path / "one.json", images=None, out=tmp_path / "virtual"), Quiet(), cache)
    report = json.loads((tmp_path / "virtual" / "report.json").read_text(encoding="utf-8"))
    assert report["refine"]["iterations"] == 4
