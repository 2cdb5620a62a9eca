# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Whole runs from one click and a PLY, scored in the run's own views."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from bench.click_cases import bonsai
from bench.click_cases.cases import Case, Meant, bonsai_meant
from bench.quality.cut import read_cut
from bench.quality.scenes import find_scene
from bench.quality.scores import true_labels
from bench.renders import label_mask
from bench.shared import splatcut
from splatcut.cameras import load_views, save_cameras
from splatcut.errors import UserError
from splatcut.scene.camera import View
from splatcut.scene.gaussians import Gaussians


def _meant_in(case: Case, gaussians: Gaussians, view: View, shared: Path) -> dict[str, Meant]:
    """What the click can mean, as seen in any view."""
    if case.scene == "bonsai":
        pot, both = bonsai_meant(gaussians, view)
        return {"pot": pot, "pot and tree": both}
    scene = find_scene(case.scene, shared)
    if scene.labels is None:
        raise UserError(f"In {case.scene} it is not known whose Gaussians are whose, so whole runs cannot be scored.")
    labels, names = true_labels(scene)
    mask = label_mask(gaussians, labels == names.index(case.thing) + 1, view.camera)
    return {case.thing: Meant(mask, np.ones_like(mask))}


def run_click(case: Case, gaussians: Gaussians, args: argparse.Namespace) -> dict[str, Any]:
    """Runs ``splatcut segment`` for the case's first click and scores it by what it is nearest to.

    Precision and recall count the pixels of all of the run's views together.
    """
    shared = args.shared.resolve()
    name = f"{case.scene}-{case.thing}-{case.view.name}-{args.seed}"
    out = args.out.resolve() / name
    if (out / ".splatcut").is_dir():
        shutil.rmtree(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    cameras = out.with_suffix(".json")
    save_cameras(cameras, [case.view.view])
    file = shared / bonsai.FILE if case.scene == "bonsai" else find_scene(case.scene, shared).folder / "scene.ply"
    x, y = case.clicks[0]
    line = ["segment", file, "--cameras", cameras, "--at", f"{case.view.name}:{x:g},{y:g}"]
    line += ["--name", case.thing, "--no-refine", "--no-heal", "--cache", args.cache, "--out", out]
    if args.model is not None:
        line += ["--model", args.model]
    measured = splatcut([str(part) for part in line], out.with_suffix(".log"))
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    cut = read_cut(out)
    counts: dict[str, list[tuple[float, int, int, int]]] = {}
    own = load_views(out / "cameras.json")
    for view in own:
        answer = label_mask(cut.gaussians, cut.labels == 1, view.camera)
        for kind, meant in _meant_in(case, gaussians, view, shared).items():
            said, true = answer & meant.valid, meant.mask & meant.valid
            both = int((said & true).sum())
            counts.setdefault(kind, []).append((meant.score(answer), both, int(said.sum()), int(true.sum())))
    kind = max(counts, key=lambda some: float(np.mean([score for score, *_ in counts[some]])))
    scores, both, said, true = np.array(counts[kind]).T
    return {
        "scene": case.scene,
        "thing": case.thing,
        "view": case.view.name,
        "click": [float(x), float(y)],
        "meant": kind,
        "iou": float(scores.mean()),
        "precision": float(both.sum() / max(1, said.sum())),
        "recall": float(both.sum() / max(1, true.sum())),
        "gaussians": report["objects"][0]["gaussians"],
        "views": len(own),
        "warnings": report["warnings"],
        "process": measured.as_dict(),
        "contact_sheet": str(out / "contact_sheet.png"),
    }
