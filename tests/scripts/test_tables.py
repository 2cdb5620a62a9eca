# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The benchmark's tables and command line."""

from __future__ import annotations

from typing import Any

import pytest

import bench_quality
from quality.tables import markdown
from splatcut.errors import UserError


def figures(variant: str, share: float, iou: float | None) -> dict[str, Any]:
    mean = {"iou": iou, "accuracy": 1.0, "boundary": 0.5, "boundary_5px": 0.25, "boundary_2px": 0.125}
    return {
        "scene": "statue",
        "protocol": "A",
        "variant": variant,
        "damaged": False,
        "seed": 0,
        "title": f"statue, A, {variant}",
        "model": None,
        "scores": {"cup": {kind: {"mean": mean, "views": {}} for kind in ("visible", "extracted")}},
        "unseen_angles": {"cup": {"share": share, "sticking_out": None, "against": "hull", "views": {"a": {}}}},
        "psnr_before": {"overall": 20.0, "edge": None},
        "psnr_after": {"overall": 20.5, "edge": None},
        "margins": {"cup": {"nearest": -0.051, "middle": 0.0, "farthest": 0.2149}},
        "masks_2d": {},
        "gaussian_labels": {},
        "boundary_labels": {},
        "scene_gaussians": 1000,
        "objects": [{"name": "cup", "gaussians": 300, "boundary": 7}],
        "background": 701,
        "stages": [{"name": "lift", "wall_seconds": 1.0, "cpu_seconds": 2.0, "peak_memory_bytes": 2**20}],
        "contact_sheet": "sheet.png",
    }


def test_every_run_has_its_rows_and_unseen_angles_stand_beside_liftings() -> None:
    text = markdown([figures("lift", 0.08, 0.9), figures("full", 0.02, None)])
    assert "; seed 0\n\n- lift: lifting in closed form, nothing else\n- full: the whole method\n" in text
    assert "| statue, A, lift | 0.900 / 0.500 / 0.250 / 0.125 |" in text
    assert "| statue, A, full | - / 0.500 / 0.250 / 0.125 |" in text
    assert "20.00 to 20.50 | - to - | 1,000 to 1,001 |" in text
    assert "| statue, A, full | cup | hull | 1 | 0.0200 (0.25) | - |" in text
    assert "| statue, A, full | cup | -0.05 | +0.00 | +0.21 |" in text
    widths = [line.count("|") for line in text.splitlines() if line.startswith("|")]
    assert all(width > 3 for width in widths)


def test_d_runs_all_composed_scenes_by_default_and_others_none() -> None:
    args = bench_quality.parse(["--protocol", "A"])
    with pytest.raises(UserError, match="nothing to run"):
        list(bench_quality.series(args))


def test_an_unknown_scene_is_named() -> None:
    args = bench_quality.parse(["--protocol", "A", "--scene", "nowhere"])
    with pytest.raises(UserError, match="nowhere"):
        list(bench_quality.series(args))
