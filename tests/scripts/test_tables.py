# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The benchmark's tables and command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import bench_quality
from bench.quality.summary import scene_tables
from bench.quality.tables import details, overview, state_of
from bench.quality.variants import TAU
from bench.shared import write_markdown
from splatcut.errors import UserError


def figures(
    variant: str, share: float = 0.1, iou: float | None = 0.9, *, fold: int = 0, seed: int = 0, boundary: float = 0.5
) -> dict[str, Any]:
    mean = {"iou": iou, "accuracy": 1.0, "boundary": boundary, "boundary_5px": 0.25, "boundary_2px": 0.125}
    return {
        "commit": "0123abcd",
        "machine": "2 cores",
        "fold": fold,
        "tau": TAU,
        "draws": variant != "lift",
        "scene": "statue",
        "protocol": "A",
        "variant": variant,
        "damaged": False,
        "seed": seed,
        "title": f"statue, A, {variant}, {fold}, {seed}",
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
    text = "\n".join(details([figures("lift", 0.08, 0.9), figures("full", 0.02, None)]).values())
    assert "| statue, A, lift, 0, 0 | cup | 0.900 / 0.500 / 0.250 / 0.125 |" in text
    assert "| statue, A, full, 0, 0 | cup | - / 0.500 / 0.250 / 0.125 |" in text
    assert "| statue, A, full, 0, 0 | cup | hull | 1 | 0.0200 (0.25) | - |" in text
    assert "| statue, A, full, 0, 0 | cup | -0.05 | +0.00 | +0.21 |" in text
    widths = [line.count("|") for line in text.splitlines() if line.startswith("|")]
    assert all(width > 2 for width in widths)


def series(variant: str, base: float) -> list[dict[str, Any]]:
    """Two folds (0.1 apart) of two seeds (0.02 apart)."""
    return [
        figures(variant, fold=fold, seed=seed, boundary=base + 0.025 * fold + 0.02 * seed)
        for fold in (0, 4)
        for seed in ((0, 1) if variant != "lift" else (0,))
    ]


def test_folds_and_seeds_become_means_spreads_and_paired_differences() -> None:
    runs = [*series("lift", 0.4), *series("plain", 0.5), *series("full", 0.6)]
    assert state_of(runs).startswith("State: commit 0123abcd; folds 0, 4; seeds 0, 1; 2 cores; ")
    sections = overview(runs, "plain")
    text = sections["summary"]
    assert "\n- lift: lifting in closed form, nothing else\n" in text
    # The mean of 0.51 and 0.61; their standard deviation is 0.1 / sqrt(2), that of two seeds 0.02 / sqrt(2).
    assert "| statue | plain | 2 x 2 | 0.560 ± 0.071 | 0.125 ± 0.000 |" in text
    assert "| statue | lift | 2 x 1 | 0.450 ± 0.071 | 0.125 ± 0.000 |" in text
    assert "| 20.50 | 0.50 ± 0.00 | 2 | 1 |" in text
    assert "| plain | fold 4, seed 1 | 0.620 |" in scene_tables(runs)
    text = sections["spreads"]
    assert "fold 4" not in text
    assert "| plain | mean | 0.560 |" in text
    assert "| plain | sd of the folds' means | 0.0707 |" in text
    assert "| plain | sd of seeds within a fold | 0.0141 |" in text
    assert "| lift | sd of seeds" not in text
    text = sections["pairs"]
    # Pair by pair the folds' spread is gone, so the gain stands out; lift's one run is the partner of both seeds.
    assert "| statue | full - plain | 4 | +0.1000 ± 0.0000 * | +0.0000 ± 0.0000 |" in text
    assert "| statue | lift - plain | 2 | -0.1000 ± 0.0000 * | +0.0000 ± 0.0000 |" in text
    assert "- full gains extracted 2%: statue\n" in text
    assert "- lift loses extracted 2%: statue\n" in text
    assert "extracted 2 px: statue" not in text


def test_one_run_has_no_spread_and_no_pair() -> None:
    sections = overview([figures("full")], "plain")
    assert "| statue | full | 1 x 1 | 0.500 | 0.125 |" in sections["summary"]
    assert "±" not in sections["summary"].split("± is the standard deviation")[0]
    assert "pairs" not in sections


def test_tables_come_from_the_files_of_earlier_runs_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [tmp_path / "a.json", tmp_path / "b.json"]
    parts = [*series("plain", 0.5), figures("full", boundary=0.1)], series("full", 0.6)
    for path, runs in zip(files, parts, strict=True):
        path.write_text(json.dumps({"runs": runs}), encoding="utf-8")
    whole = tmp_path / "all.md"
    args = bench_quality.parse(["--read", *map(str, files), "--markdown", str(whole)])
    assert bench_quality.tables_of(args) == 0
    text = capsys.readouterr().out
    assert "| statue | full - plain | 4 | +0.1000 ± 0.0000 * |" in text
    written = whole.read_text(encoding="utf-8")
    assert text.splitlines()[0] == written.splitlines()[0]
    assert "| statue | full - plain | 4 | +0.1000 ± 0.0000 * |" in written
    assert "| CPU seconds / peak MiB | lift |" in written


def test_tables_go_between_the_marks_of_a_document(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("Before.\n\n<!-- a one -->\nold\n<!-- end -->\nBetween.\n\n<!-- b -->\nkept\n<!-- end -->\n")
    sections = {"one": "| new |", "two": "| not wanted |"}
    write_markdown(f"{page}#a", "State: now.", sections)
    made = "Before.\n\n<!-- a one -->\n\nState: now.\n\n| new |\n\n<!-- end -->\n"
    made += "Between.\n\n<!-- b -->\nkept\n<!-- end -->\n"
    assert page.read_text() == made
    write_markdown(f"{page}#a", "State: now.", sections)
    assert page.read_text() == made
    write_markdown(f"{page}#b", "State: later.", {"": "| b |"})
    assert page.read_text() == made.replace("\nkept\n", "\n\nState: later.\n\n| b |\n\n")
    with pytest.raises(UserError, match="no marks <!-- c ... --> for one, two"):
        write_markdown(f"{page}#c", "", sections)


def test_spread_runs_the_folds_that_stand_for_all_and_two_seeds() -> None:
    args = bench_quality.parse(["--spread"])
    assert args.scene == ["demo", "statue", "goldcape", "skull"]
    assert (args.protocol, args.seed) == (["A"], [0, 1])
    assert [len(bench_quality.folds_of(name, args)) for name in args.scene] == [4, 4, 2, 2]
    assert bench_quality.folds_of("demo", bench_quality.parse(["--protocol", "A"])) == (0,)


def test_a_protocol_has_to_be_named() -> None:
    with pytest.raises(SystemExit):
        bench_quality.parse(["--scene", "demo"])


def test_d_runs_all_composed_scenes_by_default_and_others_none() -> None:
    args = bench_quality.parse(["--protocol", "A"])
    with pytest.raises(UserError, match="nothing to run"):
        list(bench_quality.series(args))


def test_an_unknown_scene_is_named() -> None:
    args = bench_quality.parse(["--protocol", "A", "--scene", "nowhere"])
    with pytest.raises(UserError, match="nowhere"):
        list(bench_quality.series(args))
