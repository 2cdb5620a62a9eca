# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The figures of runs as Markdown tables."""

from __future__ import annotations

from collections.abc import Sequence

from bench.quality.margins import PARTS
from bench.quality.spread import Figures
from bench.quality.summary import number, pair_table, scene_tables, series, summary_table
from bench.quality.variants import USUAL, VARIANTS
from bench.shared import state, table

#: Scores of a mask, in the order of the tables' cells.
SHOWN = ("iou", "boundary", "boundary_5px", "boundary_2px")
SHOWN_AS = "IoU / 2% / 5 px / 2 px"
#: What the spreads are.
SPREADS = (
    "± is the standard deviation of the folds' means, where several folds were run; a difference has its standard "
    "error. Seeds of one fold are averaged first."
)


def _scores(run: Figures, name: str, kind: str) -> str:
    mean = run["scores"].get(name, {}).get(kind, {}).get("mean")
    return "-" if mean is None else " / ".join(number(mean[key]) for key in SHOWN)


def state_of(runs: Sequence[Figures]) -> str:
    """What the figures were measured with: commit of the engine, folds, seeds, machine and versions."""

    def all_of(key: str) -> str:
        return ", ".join(map(str, sorted({run[key] for run in runs})))

    what = (f"folds {all_of('fold')}", f"seeds {all_of('seed')}")
    return state(*what, commits=all_of("commit"), on=all_of("machine"))


def _legend(runs: Sequence[Figures], without: Sequence[str] = ()) -> str:
    used = {run["variant"] for run in runs} - set(without)
    return "\n".join(f"- {variant.name}: {variant.says}" for variant in VARIANTS.values() if variant.name in used)


def overview(runs: Sequence[Figures], against: str = "plain") -> dict[str, str]:
    """The tables over folds and seeds."""
    pairs = pair_table(runs, against)
    made = {
        "summary": f"{summary_table(runs)}\n\n{SPREADS}\n\n{_legend(runs)}",
        "spreads": scene_tables(runs, every=False),
        "pairs": pairs and f"{pairs}\n\n{_legend(runs, USUAL)}".rstrip(),
    }
    return {name: text for name, text in made.items() if text}


def details(runs: Sequence[Figures]) -> dict[str, str]:
    """The tables of objects and stages. Of several folds and seeds of a variant the first run stands for all."""
    first = {(series(run), run["variant"], run["tau"]): run for run in reversed(runs)}
    mine = [run for run in runs if first[series(run), run["variant"], run["tau"]] is run]
    made = {
        "objects": _objects(mine),
        "silhouettes": _silhouettes(mine),
        "unseen": _unseen(mine),
        "margins": _margins(mine),
        "labels": _labels(mine),
        "boundary": _boundary(mine),
        "masks": _masks_2d(mine),
        "stages": _stages(mine),
        "sheets": "\n".join(
            f"- {run['title']} ({run['model'] or 'no 2D model'}): {run['contact_sheet']}" for run in mine
        ),
    }
    return {name: text for name, text in made.items() if text}


def _stages(runs: Sequence[Figures]) -> str:
    """CPU seconds and peak memory of every stage."""
    names = list(dict.fromkeys(stage["name"] for run in runs for stage in run["stages"]))
    rows = []
    for run in runs:
        known = {s["name"]: f"{s['cpu_seconds']:.1f} / {s['peak_memory_bytes'] / 2**20:,.0f}" for s in run["stages"]}
        rows.append([run["title"], *(known.get(name, "-") for name in names)])
    return table(["CPU seconds / peak MiB", *names], rows)


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
    lifts = {(series(run), run["fold"]): run["unseen_angles"] for run in runs if run["variant"] == "lift"}
    rows = []
    for run in runs:
        base = lifts.get((series(run), run["fold"]), {})
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
            rows.append([run["title"], f"{scores['gaussians']:,}", number(scores["accuracy"], 4), ", ".join(each)])
    header = ["boundary Gaussians", "number", "labelled truly", "precision / recall"]
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
