# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The figures of runs as Markdown tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from _bench import machine, stage_table, table
from quality.margins import PARTS
from quality.variants import VARIANTS

Figures = dict[str, Any]

#: Scores of a mask, in the order of the tables' cells.
SHOWN = ("iou", "boundary", "boundary_5px", "boundary_2px")
SHOWN_AS = "IoU / 2% / 5 px / 2 px"


def number(value: float | None, digits: int = 3) -> str:
    """A figure, or a dash where there is none."""
    return "-" if value is None else f"{value:.{digits}f}"


def _scores(run: Figures, name: str, kind: str) -> str:
    mean = run["scores"].get(name, {}).get(kind, {}).get("mean")
    return "-" if mean is None else " / ".join(number(mean[key]) for key in SHOWN)


def _of_objects(run: Figures, kind: str) -> str:
    """Means over the objects that have such scores."""
    means = [scores[kind]["mean"] for scores in run["scores"].values() if kind in scores]
    cells = []
    for key in SHOWN:
        known = [mean[key] for mean in means if mean[key] is not None]
        cells.append(number(sum(known) / len(known) if known else None))
    return " / ".join(cells)


def markdown(runs: Sequence[Figures]) -> str:
    """All tables."""
    seeds = ", ".join(sorted({str(run["seed"]) for run in runs}))
    parts = [f"{machine()}; seed {seeds}", "", *_legend(runs)]
    parts += ["", _summary(runs), "", _objects(runs)]
    further = (_silhouettes(runs), _unseen(runs), _margins(runs), _labels(runs), _boundary(runs), _masks_2d(runs))
    parts += [text for made in further if made for text in ("", made)]
    for run in runs:
        parts += ["", f"{run['title']} ({run['model'] or 'no 2D model'}), contact sheet: {run['contact_sheet']}", ""]
        parts.append(stage_table(run["stages"]))
    return "\n".join(parts) + "\n"


def _legend(runs: Sequence[Figures]) -> list[str]:
    used = {run["variant"] for run in runs}
    return [f"- {variant.name}: {variant.says}" for variant in VARIANTS.values() if variant.name in used]


def _summary(runs: Sequence[Figures]) -> str:
    """One row a run: scores over its objects, pictures, cost."""
    rows = []
    for run in runs:
        before, after = run["psnr_before"], run["psnr_after"]
        pictures = [f"{number(before[key], 2)} to {number(after[key], 2)}" for key in ("overall", "edge")]
        wall, cpu = (sum(stage[key] for stage in run["stages"]) for key in ("wall_seconds", "cpu_seconds"))
        peak = max(stage["peak_memory_bytes"] for stage in run["stages"])
        count = run["background"] + sum(item["gaussians"] for item in run["objects"])
        cost = [f"{run['scene_gaussians']:,} to {count:,}", f"{wall:.0f}", f"{cpu:.0f}", f"{peak / 2**20:,.0f}"]
        rows.append([run["title"], _of_objects(run, "visible"), _of_objects(run, "extracted"), *pictures, *cost])
    header = ["scene, protocol, variant", f"visible: {SHOWN_AS}", "extracted: the same", "PSNR of test views, dB"]
    header += ["along the edge, dB", "Gaussians", "seconds", "CPU seconds", "peak, MiB"]
    return table(header, rows)


def _objects(runs: Sequence[Figures]) -> str:
    rows = []
    for run in runs:
        for item in run["objects"]:
            kinds = [_scores(run, item["name"], kind) for kind in ("visible", "final", "extracted")]
            rows.append([run["title"], item["name"], *kinds, f"{item['gaussians']:,}", f"{item['boundary']:,}"])
    header = ["", "object", f"visible: {SHOWN_AS}", "final masks: the same", "extracted: the same"]
    return table([*header, "Gaussians", "boundary"], rows)


def _silhouettes(runs: Sequence[Figures]) -> str:
    rows = [
        [run["title"], name, _scores(run, name, "silhouette")]
        for run in runs
        for name, scores in run["scores"].items()
        if "silhouette" in scores
    ]
    return table(["", "object", f"extracted against the whole silhouette: {SHOWN_AS}"], rows) if rows else ""


def _unseen(runs: Sequence[Figures]) -> str:
    """Runs side by side: how much of the objects falls outside, and that as a share of what lifting leaves."""
    lifts = {_series(run): run["unseen_angles"] for run in runs if run["variant"] == "lift"}
    rows = []
    for run in runs:
        base = lifts.get(_series(run), {})
        for name, scores in run["unseen_angles"].items():
            cells = [_against(scores[key], base.get(name, {}).get(key)) for key in ("share", "sticking_out")]
            rows.append([run["title"], name, scores["against"], len(scores["views"]), *cells])
    header = ["coverage outside, from unseen angles", "object", "of", "views", "share (of lifting's)"]
    return table([*header, "sticking out by more than 2 px"], rows) if rows else ""


def _margins(runs: Sequence[Figures]) -> str:
    rows = [
        [run["title"], name, *(f"{margins[part]:+.2f}" for part in PARTS)]
        for run in runs
        for name, margins in run["margins"].items()
    ]
    header = ["extracted, px too large along the outline", "object", *(f"{part} third of the views" for part in PARTS)]
    return table(header, rows) if rows else ""


def _series(run: Figures) -> tuple[str, str, bool, str | None]:
    """What runs that differ only in the variant have in common."""
    return run["scene"], run["protocol"], run["damaged"], run["model"]


def _against(value: float | None, base: float | None) -> str:
    ratio = f" ({value / base:.2f})" if value is not None and base else ""
    return number(value, 4) + ratio


def _labels(runs: Sequence[Figures]) -> str:
    rows = [
        [
            run["title"],
            name,
            number(s["precision"], 4),
            number(s["recall"], 4),
            f"{s['gaussians']:,}",
            f"{s['true_gaussians']:,}",
        ]
        for run in runs
        for name, s in run["gaussian_labels"].items()
    ]
    return table(["labels of the Gaussians", "object", "precision", "recall", "labelled", "true"], rows) if rows else ""


def _boundary(runs: Sequence[Figures]) -> str:
    rows = []
    for run in runs:
        scores = run["boundary_labels"]
        if scores:
            each = [f"{name} {s['precision']:.3f} / {s['recall']:.3f}" for name, s in scores["objects"].items()]
            parted = f"{scores['parted']:,} of {scores['split']:,}"
            rows.append(
                [run["title"], f"{scores['gaussians']:,}", number(scores["accuracy"], 4), parted, ", ".join(each)]
            )
    header = ["boundary Gaussians", "number", "labelled truly", "split ones parted", "precision / recall"]
    return table(header, rows) if rows else ""


def _masks_2d(runs: Sequence[Figures]) -> str:
    rows = [
        [
            run["title"],
            name,
            number(s["all"]),
            number(s["trusted"]),
            f"{number(s['boundary'])} / {number(s['boundary_2px'])}",
            s["views"],
            s["left_out"],
        ]
        for run in runs
        for name, s in run["masks_2d"].items()
    ]
    header = [
        "2D masks of the training views",
        "object",
        "IoU",
        "IoU of trusted",
        "their edges: 2% / 2 px",
        "views",
        "left out",
    ]
    return table(header, rows) if rows else ""
