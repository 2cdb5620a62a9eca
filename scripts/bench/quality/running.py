# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""One run of ``splatcut segment`` and its scores."""

from __future__ import annotations

import functools
import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.quality.cut import read_cut
from bench.quality.damage import write_damaged_masks
from bench.quality.exact import score_boundary
from bench.quality.margins import score_margins
from bench.quality.scenes import Scene, prompted_camera
from bench.quality.scores import render_psnr, score_2d_masks, score_cut, score_labels
from bench.quality.unseen import score_unseen
from bench.quality.variants import TAU, Run
from bench.shared import Measured, commit, machine, splatcut
from splatcut import formats


@dataclass(frozen=True)
class Settings:
    """What holds for all runs.

    Attributes:
        out: folder of the runs' folders.
        fresh: begin anew instead of continuing.
        model: weights of another 2D model, or None.
        cache: folder of the image embeddings, or None for the usual one.
        more: further options of ``splatcut segment``.
    """

    out: Path
    fresh: bool = False
    model: str | None = None
    cache: Path | None = None
    more: tuple[str, ...] = ()


def folder(scene: Scene, run: Run, settings: Settings) -> Path:
    """Where the run writes."""
    prompted = run.protocol in ("B", "C")
    model = f"-{Path(settings.model).stem}" if settings.model is not None and prompted else ""
    return settings.out / f"{scene.run_name}-{run.protocol}{model}{run.folder}"


def ready_masks(scene: Scene, run: Run, settings: Settings) -> Path:
    """The folder of the masks that the run is given; damaged ones are made first."""
    if not run.damaged:
        return scene.folder / "masks"
    place = settings.out / f"{scene.run_name}-damaged-masks"
    if settings.fresh or not place.with_name(f"{place.name}.json").is_file():
        write_damaged_masks(scene, place)
    return place


def command(scene: Scene, run: Run, out: Path, settings: Settings) -> list[str | Path]:
    """Arguments of ``splatcut`` for a run that writes to ``out``."""
    line: list[str | Path] = ["segment", scene.folder / "scene.ply", "--no-heal", "--out", out, "--device", "cpu"]
    line += run.variant.options
    if run.tau != TAU:
        line += ["--tau", f"{run.tau:g}"]
    if run.seed:
        line += ["--seed", str(run.seed)]
    if run.protocol == "C":
        cameras = out.with_name(f"{scene.name}-C-cameras") / "cameras.json"
        prompted_camera(scene, cameras)
        line += ["--cameras", cameras]
    else:
        line += ["--cameras", scene.cameras, "--holdout", str(scene.holdout)]
        if scene.images is not None:
            line += ["--images", scene.images]
    if run.protocol in ("A", "D"):
        line += ["--masks", ready_masks(scene, run, settings)]
    else:
        line += ["--prompts", scene.folder / "prompts.json"]
        if settings.model is not None:
            line += ["--model", settings.model]
    if settings.cache is not None:
        line += ["--cache", settings.cache]
    return [*line, *settings.more]


@functools.cache
def _psnr_before(scene: Scene) -> dict[str, float | None]:
    return render_psnr(formats.read_splats(scene.folder / "scene.ply").gaussians, scene, scene.views[1])


def bench(scene: Scene, run: Run, settings: Settings) -> dict[str, Any]:
    """One run and its scores, as they stand in the JSON file."""
    out = folder(scene, run, settings)
    if settings.fresh and (out / ".splatcut").is_dir():
        shutil.rmtree(out)
    line = command(scene, run, out, settings)
    print(f"splatcut {' '.join(map(str, line))}", file=sys.stderr)
    measured: Measured = splatcut(line, out.with_name(f"{out.name}.log"))
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    cut = read_cut(out)
    _, test = scene.views
    return {
        "commit": commit(),
        "machine": machine(),
        "scene": scene.name,
        "fold": scene.fold,
        "protocol": run.protocol,
        "variant": run.variant.name,
        "draws": run.variant.draws,
        "tau": run.tau,
        "damaged": run.damaged,
        "title": ", ".join([scene.name, run.title] + ([f"fold {scene.fold}"] if scene.fold else [])),
        "model": report["model"],
        "command": ["splatcut", *map(str, line)],
        "seed": report["options"]["seed"],
        "test_views": len(test),
        "scores": score_cut(cut, scene, test, out / "masks"),
        "psnr_before": _psnr_before(scene),
        "psnr_after": render_psnr(cut.gaussians, scene, test),
        "unseen_angles": score_unseen(cut, scene, out.with_name(f"{out.name}-unseen.png")),
        "margins": score_margins(cut, scene, test),
        "masks_2d": score_2d_masks(out, scene) if run.protocol == "B" else {},
        "gaussian_labels": score_labels(cut, scene),
        "boundary_labels": score_boundary(cut, scene),
        "scene_gaussians": report["scene"]["gaussians"],
        "objects": report["objects"],
        "background": report["background"]["gaussians"],
        "unseen": report["unseen"],
        "stages": report["stages"],
        "process": measured.as_dict(),
        "contact_sheet": str(out / "contact_sheet.png"),
        "warnings": report["warnings"],
    }
