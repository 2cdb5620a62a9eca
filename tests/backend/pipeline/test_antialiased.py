# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Objects that are cut from an antialiased scene are antialiased, and the report says so."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from blob_scene import BlobScene
from odd_plys import columns, ply

from splatcut.formats import read_splats
from splatcut.messages import Job, JobOptions
from splatcut.pipeline import run_job
from splatcut.progress import Quiet
from splatcut.scene.gaussians import ANTIALIASED, CLASSIC, MIP, PixelFilter

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize(
    ("comment", "smooth", "choice", "expected"),
    [
        ("SplatRenderMode: mip", 0.0, "auto", ANTIALIASED),
        ("nothing", 0.01, "auto", MIP),
        ("nothing", 0.0, "on", ANTIALIASED),
        ("antialiased 1", 0.0, "off", CLASSIC),
    ],
)
def test_the_mark_goes_along(
    comment: str, smooth: float, choice: str, expected: PixelFilter, blobs: BlobScene, tmp_path: Path
) -> None:
    content = columns(blobs.gaussians)
    if smooth:
        content["filter_3D"] = ("float", np.full(len(blobs.gaussians), smooth))
    scene, out = tmp_path / "scene.ply", tmp_path / "out"
    scene.write_bytes(ply(content, head=(f"comment {comment}",)))
    options = JobOptions(refine=False, device="cpu", antialiased=choice)
    run_job(Job(scene, out, blobs.cameras, masks=blobs.folder / "masks", options=options), Quiet())
    told = json.loads((out / "report.json").read_text(encoding="utf-8"))["scene"]
    assert (told["antialiased"], told["pixel_filter"]) == (expected.compensated, pytest.approx(expected.variance))
    with np.load(out / "labels.npz") as found:
        labels, rows = found["labels"], np.asarray(read_splats(scene).table.rows)
    for label, path in enumerate((out / "background.ply", out / "objects/blue.ply", out / "objects/red.ply")):
        cut = read_splats(path)
        assert cut.gaussians.pixel_filter == expected
        assert np.asarray(cut.table.rows).tobytes() == rows[labels == label].tobytes()
