# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The report and the figures of its stages."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest

import splatcut
from splatcut.export.report import ObjectEntry, Report, report_as_dict, write_report
from splatcut.lift.islands import Island, Islands
from splatcut.scene.masks import MaskSet
from splatcut.timing import StageRecord, peak_memory_bytes, timed


def test_stages_are_timed() -> None:
    records: list[StageRecord] = []
    with timed("waiting", records):
        time.sleep(0.05)
    with timed("large", records):
        block = np.ones(30_000_000)
        del block
    with timed("small", records):
        pass
    with pytest.raises(RuntimeError), timed("broken", records):
        raise RuntimeError
    waiting, large, small = records
    assert (waiting.name, large.name, small.name) == ("waiting", "large", "small")
    assert waiting.wall_seconds > 0.04 > waiting.cpu_seconds
    assert large.peak_memory_bytes > 200e6
    # Where the system can forget its peak (Linux), the next stage does not inherit it.
    if Path("/proc/self/clear_refs").exists() and small.peak_memory_bytes < large.peak_memory_bytes:
        assert small.peak_memory_bytes < large.peak_memory_bytes - 150e6
    assert peak_memory_bytes() > 10e6


def test_the_report_holds_what_happened(tmp_path: Path) -> None:
    kept = Island(1, 2, 0.2, [1.0, 2.0, 3.0], False)
    removed = (Island(1, 2, 0.001, [0.0] * 3, True), Island(1, 1, 0.0005, [0.0] * 3, True))
    none = np.zeros(9, np.int32)
    islands = Islands(none, none, none, (kept, *removed))
    confidence, notes = np.array([[1.0], [0.3]], np.float32), {"b": "The mask disagrees with the render."}
    masks = MaskSet(("pot",), ("a", "b"), [np.zeros((1, 2, 2), np.uint8)] * 2, confidence, notes)
    report = Report(
        scene={"path": Path("some") / "scene.ply", "gaussians": np.int64(9)},
        options={"tau": 0.6, "bad": float("nan")},
        objects=[ObjectEntry("pot", 4, 1, 2, "objects/pot.ply")],
        background=5,
        masks=masks,
        islands=islands,
        holdout=["a"],
        warnings=["One view was left out."],
        extra={"psnr": np.float32(22.3)},
    )
    write_report(tmp_path / "report.json", report)
    document = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert document["versions"]["splatcut"] == splatcut.__version__
    assert {"python", "platform", "numpy", "numba"} <= set(document["versions"])
    assert document["scene"] == {"path": "some/scene.ply", "gaussians": 9}
    assert document["options"] == {"tau": 0.6, "bad": None}
    entry = {"name": "pot", "gaussians": 4, "boundary": 1, "enclosed": 2, "file": "objects/pot.ply"}
    assert document["objects"] == [entry]
    assert document["views"][0]["held_out"]
    assert document["views"][1] == {"view": "b", "held_out": False, "confidence": {"pot": 0.3}, "note": notes["b"]}
    (entry,) = document["islands"]
    assert (entry["removed"], entry["removed_gaussians"], entry["kept"]) == (2, 3, 1)
    assert entry["largest"][0]["centre"] == [1.0, 2.0, 3.0]
    assert document["psnr"] == 22.3


def test_extra_values_never_replace_the_reports_own() -> None:
    report = Report(scene={}, options={}, objects=[], background=0, extra={"objects": 1})
    with pytest.raises(ValueError, match="objects"):
        report_as_dict(report)
