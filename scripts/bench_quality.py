# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Quality of the cut on real scenes and on the demo scene, scored in views that the method never sees.

    python scripts/bench_quality.py --protocol A --scene statue goldcape
    python scripts/bench_quality.py --protocol B C --scene statue [--model CHECKPOINT]
    python scripts/bench_quality.py --protocol A --scene demo

- A, ready masks: the masks of the training views in. Measures the 3D part alone.
- B, one prompt: the scene's prompts.json and its photos in, a 2D model makes the masks. Measures the whole product.
- C, PLY only: as B, without photos and with no camera but that of the prompted view.

Every run is the command ``splatcut segment`` in a process of its own, with the test views held out; it continues where
an earlier run with the same --out stopped, and its stages then keep the times of that run (--fresh begins anew). Scored
is what was written: the label image against the visible mask, and the extracted object rendered alone, each by IoU and
boundary IoU with bands of 2% of the diagonal, 5 px and 2 px. The final masks that the run itself writes are scored,
too: where a view's photo shows that floaters cover the camera, test views included, they are made without what is that
near, while the label image is rendered with everything. Where the true silhouettes are known (demo), the extracted
object is scored where nothing of the rest lies in front of it; elsewhere over the whole image. A scene without masks is
run for its contact sheet.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from _bench import REPOSITORY, SHARED, CommandFailed, Measured, machine, splatcut, stage_table, table
from splatcut import evaluate, formats, raster
from splatcut.cameras import View, holdout, load_photo, load_views, save_cameras
from splatcut.errors import UserError
from splatcut.evaluate import MaskScore
from splatcut.evaluate_folders import find_masks, read_mask
from splatcut.export.plys import LabelFile, read_labels
from splatcut.gaussians import Gaussians, concatenate
from splatcut.messages import ViewPrompt, load_prompts

Masks = Mapping[str, Mapping[str, Path]]

#: Options of each variant.
VARIANTS = {"lift": ["--no-refine"], "split": ["--split", "--no-refine"]}


@dataclass(frozen=True)
class Scene:
    """A scene to run.

    Attributes:
        name: of the scene; folder: where it lies.
        cameras: what --cameras takes; holdout: what --holdout takes.
        masks: object -> view -> file of the visible masks; None when there are none.
        alone: object -> view -> file of the silhouettes without the rest; None when they are not known.
        labels: file of every Gaussian's true label, or None.
    """

    name: str
    folder: Path
    cameras: Path
    holdout: int
    masks: Masks | None
    alone: Masks | None
    labels: Path | None

    def views(self) -> tuple[list[View], list[View]]:
        """Training views, test views."""
        return holdout(load_views(self.cameras, self.folder / "images"), self.holdout)


def find_scene(name: str, shared: Path) -> Scene:
    """The scene of that name. Raises ``UserError`` when it is not there."""
    demo = name == "demo"
    folder = REPOSITORY / "demo" if demo else shared / "scenes" / name
    if not (folder / "scene.ply").is_file():
        raise UserError(f"The scene {name} is not at {folder}.")
    cameras = folder / ("cameras.json" if demo else "sparse/0")
    labels = folder / "labels.npz"

    def masks(kind: str) -> Masks | None:
        return find_masks(folder / kind) if (folder / kind).is_dir() else None

    every = 4 if demo else 8
    return Scene(name, folder, cameras, every, masks("masks"), masks("alone"), labels if labels.is_file() else None)


def prompted_camera(scene: Scene, path: Path) -> None:
    """Writes a cameras.json with the prompted views' cameras and nothing else."""
    objects = load_prompts(scene.folder / "prompts.json")
    names = {prompt.view for item in objects for prompt in item.prompts if isinstance(prompt, ViewPrompt)}
    training, _ = scene.views()
    save_cameras(path, [view for view in training if view.name in names])


def command(scene: Scene, protocol: str, variant: str, out: Path, args: argparse.Namespace) -> list[str | Path]:
    """Arguments of ``splatcut`` for a run."""
    line: list[str | Path] = [
        "segment",
        scene.folder / "scene.ply",
        "--out",
        out,
        "--device",
        "cpu",
        *VARIANTS[variant],
    ]
    if protocol == "C":
        cameras = out.with_name(f"{scene.name}-C-cameras") / "cameras.json"
        prompted_camera(scene, cameras)
        line += ["--cameras", cameras]
    else:
        line += ["--cameras", scene.cameras, "--images", scene.folder / "images", "--holdout", str(scene.holdout)]
    if protocol == "A":
        line += ["--masks", scene.folder / "masks"]
    else:
        line += ["--prompts", scene.folder / "prompts.json"]
        if args.model is not None:
            line += ["--model", args.model]
    if args.cache is not None:
        line += ["--cache", args.cache]
    return line


@dataclass(frozen=True, eq=False)
class Cut:
    """What a run wrote: the Gaussians of the background and then of every object, and whose each is."""

    gaussians: Gaussians
    labels: NDArray[np.int32]
    names: tuple[str, ...]
    rows: LabelFile


def read_cut(out: Path) -> Cut:
    """Reads the PLYs of a run."""
    rows = read_labels(out / "labels.npz")
    parts, labels = [], []
    for k, path in enumerate([out / "background.ply", *(out / "objects" / f"{name}.ply" for name in rows.names)]):
        if path.is_file():
            parts.append(formats.read_splats(path).gaussians)
            labels.append(np.full(len(parts[-1]), k, np.int32))
    return Cut(concatenate(parts), np.concatenate(labels), rows.names, rows)


def partners(names: Sequence[str], truth: Mapping[str, Any]) -> dict[str, str]:
    """Name in the run -> name in the ground truth; single objects belong together whatever they are called."""
    if len(names) == 1 and len(truth) == 1:
        return {names[0]: next(iter(truth))}
    return {name: name for name in names if name in truth}


def score_cut(cut: Cut, scene: Scene, test: Sequence[View], masks: Path) -> dict[str, Any]:
    """Scores by object: mean over the test views, and each view's. ``masks``: folder of the run's final masks."""
    if scene.masks is None:
        return {}
    result: dict[str, Any] = {}
    for name, other in partners(cut.names, scene.masks).items():
        selected = cut.labels == cut.names.index(name) + 1
        scores: dict[str, dict[str, MaskScore]] = {"visible": {}, "extracted": {}}
        if scene.alone is not None:
            scores["silhouette"] = {}
        final = {view.name: masks / name / f"{view.name}.png" for view in test}
        if all(path.is_file() for path in final.values()):
            scores["final"] = {}
        for view in test:
            if view.name not in scene.masks[other]:
                continue
            truth = read_mask(scene.masks[other][view.name])
            alone = evaluate.extracted_mask(cut.gaussians, selected, view.camera)
            label = evaluate.label_mask(cut.gaussians, selected, view.camera)
            scores["visible"][view.name] = evaluate.score_masks(label, truth)
            if "final" in scores:
                scores["final"][view.name] = evaluate.score_masks(read_mask(final[view.name]), truth)
            valid = None
            if scene.alone is not None:
                whole = read_mask(scene.alone[other][view.name])
                valid = evaluate.visible_region(whole, truth)
                scores["silhouette"][view.name] = evaluate.score_masks(alone, whole)
            scores["extracted"][view.name] = evaluate.score_masks(alone, truth, valid)
        result[name] = {
            kind: {
                "mean": evaluate.mean_score(views.values()).as_dict(),
                "views": {view: score.as_dict() for view, score in views.items()},
            }
            for kind, views in scores.items()
        }
    return result


def psnr(gaussians: Gaussians, scene: Scene, test: Sequence[View]) -> dict[str, float | None]:
    """Mean PSNR of the renders of the test views against their photos, overall and along the objects' edges."""
    overall, edge = [], []
    for view in test:
        photo = load_photo(view)
        image = raster.render(gaussians, view.camera).image
        assert image is not None
        image = np.rint(np.clip(image, 0.0, 1.0) * 255.0).astype(np.uint8)
        overall.append(evaluate.psnr(image, photo))
        band = np.zeros(photo.shape[:2], bool)
        for files in (scene.masks or {}).values():
            if view.name in files:
                band |= evaluate.edge_band(read_mask(files[view.name]), evaluate.band_width(*photo.shape[:2]))
        if band.any():
            edge.append(evaluate.psnr(image, photo, band))
    return {"overall": float(np.mean(overall)), "edge": float(np.mean(edge)) if edge else None}


def score_2d_masks(out: Path, scene: Scene) -> dict[str, Any]:
    """IoU of the 2D model's masks in the training views, by object: over all of them, over the trusted ones."""
    if scene.masks is None:
        return {}
    with np.load(out / ".splatcut" / "masks.npz", allow_pickle=False) as stored:
        notes = json.loads(str(stored["__notes__"]))
        confidence, masks = stored["confidence"], [stored[f"view_{n:05d}"] for n in range(len(notes["views"]))]
    result: dict[str, Any] = {}
    for name, other in partners(notes["objects"], scene.masks).items():
        k = notes["objects"].index(name)
        scores = np.full(len(masks), math.nan)
        for number, view in enumerate(notes["views"]):
            if view in scene.masks[other]:
                truth = read_mask(scene.masks[other][view])
                mask = masks[number][k] > 127
                if mask.shape == truth.shape:
                    scores[number] = evaluate.score_masks(mask, truth).iou
        trusted = confidence[:, k] > 0
        result[name] = {
            "all": _mean(scores),
            "trusted": _mean(scores[trusted]),
            "views": len(masks),
            "left_out": int((~trusted).sum()),
            "lowest": {view: round(float(s), 3) for s, view in sorted(zip(scores, notes["views"], strict=True))[:3]},
        }
    return result


def _mean(values: NDArray[np.float64]) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else None


def score_labels(cut: Cut, scene: Scene) -> dict[str, Any]:
    """Precision and recall of the Gaussians' labels by object, children of split ones counted as their parents."""
    if scene.labels is None:
        return {}
    with np.load(scene.labels, allow_pickle=False) as stored:
        truth = stored["labels"]
    # Label k belongs to the k-th object of the prompts, counted from 1.
    names = [item.name for item in load_prompts(scene.folder / "prompts.json")]
    result: dict[str, Any] = {}
    for name, other in partners(cut.names, dict.fromkeys(names)).items():
        mine = cut.rows.labels == cut.names.index(name) + 1
        true = truth[cut.rows.parent] == names.index(other) + 1
        both = int((mine & true).sum())
        result[name] = {
            "precision": both / max(1, int(mine.sum())),
            "recall": both / max(1, int(true.sum())),
            "gaussians": int(mine.sum()),
            "true_gaussians": int(true.sum()),
        }
    return result


def bench(scene: Scene, protocol: str, variant: str, args: argparse.Namespace) -> dict[str, Any]:
    """One run and its scores."""
    model = "" if args.model is None or protocol == "A" else f"-{Path(args.model).stem}"
    out = args.out / f"{scene.name}-{protocol}{model}-{variant}"
    if args.fresh and (out / ".splatcut").is_dir():
        shutil.rmtree(out)
    line = command(scene, protocol, variant, out, args)
    print(f"splatcut {' '.join(map(str, line))}", file=sys.stderr)
    measured: Measured = splatcut(line, out.with_suffix(".log"))
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    cut = read_cut(out)
    _, test = scene.views()
    before = formats.read_splats(scene.folder / "scene.ply").gaussians
    return {
        "scene": scene.name,
        "protocol": protocol,
        "variant": variant,
        "model": report["model"],
        "command": ["splatcut", *map(str, line)],
        "test_views": len(test),
        "scores": score_cut(cut, scene, test, out / "masks"),
        "psnr_before": psnr(before, scene, test),
        "psnr_after": psnr(cut.gaussians, scene, test),
        "masks_2d": score_2d_masks(out, scene) if protocol == "B" else {},
        "gaussian_labels": score_labels(cut, scene),
        "scene_gaussians": report["scene"]["gaussians"],
        "objects": report["objects"],
        "background": report["background"]["gaussians"],
        "split": report["split"],
        "unseen": report["unseen"],
        "stages": report["stages"],
        "process": measured.as_dict(),
        "contact_sheet": str(out / "contact_sheet.png"),
        "warnings": report["warnings"],
    }


def _scores(run: dict[str, Any], name: str, kind: str) -> str:
    mean = run["scores"].get(name, {}).get(kind, {}).get("mean")
    if mean is None:
        return "-"
    return " / ".join("-" if mean[key] is None else f"{mean[key]:.3f}" for key in SHOWN)


SHOWN = ("iou", "boundary", "boundary_5px", "boundary_2px")


def markdown(runs: Sequence[dict[str, Any]]) -> str:
    """The tables."""
    parts = [machine(), ""]
    each = [(run, item) for run in runs for item in run["objects"]]
    title: Callable[[dict[str, Any]], str] = lambda run: f"{run['scene']}, {run['protocol']}, {run['variant']}"  # noqa: E731
    rows = []
    for run, item in each:
        kinds = [_scores(run, item["name"], kind) for kind in ("visible", "final", "extracted")]
        rows.append([title(run), item["name"], *kinds, f"{item['gaussians']:,}", f"{item['boundary']:,}"])
    header = ["scene, protocol, variant", "object", "visible: IoU / 2% / 5 px / 2 px"]
    header += ["final masks: the same", "extracted: the same", "Gaussians", "boundary"]
    parts.append(table(header, rows))
    if any("silhouette" in scores for run in runs for scores in run["scores"].values()):
        rows = [[title(run), item["name"], _scores(run, item["name"], "silhouette")] for run, item in each]
        parts += ["", table(["", "object", "extracted against the whole silhouette: IoU / 2% / 5 px / 2 px"], rows)]
    if any(run["gaussian_labels"] for run in runs):
        rows = [
            [
                title(run),
                name,
                f"{s['precision']:.4f}",
                f"{s['recall']:.4f}",
                f"{s['gaussians']:,}",
                f"{s['true_gaussians']:,}",
            ]
            for run in runs
            for name, s in run["gaussian_labels"].items()
        ]
        parts += ["", table(["", "object", "precision", "recall", "labelled", "true"], rows)]
    rows = [
        [title(run), name, _number(s["all"]), _number(s["trusted"]), s["views"], s["left_out"]]
        for run in runs
        for name, s in run["masks_2d"].items()
    ]
    if rows:
        parts += [
            "",
            table(["2D masks of the training views", "object", "IoU", "IoU of trusted", "views", "left out"], rows),
        ]
    rows = []
    for run in runs:
        before, after = run["psnr_before"], run["psnr_after"]
        cells = [f"{_number(before[key], 2)} to {_number(after[key], 2)}" for key in ("overall", "edge")]
        wall, cpu = (sum(stage[key] for stage in run["stages"]) for key in ("wall_seconds", "cpu_seconds"))
        peak = max(stage["peak_memory_bytes"] for stage in run["stages"])
        count = run["background"] + sum(item["gaussians"] for item in run["objects"])
        numbers = [f"{run['scene_gaussians']:,} to {count:,}", f"{wall:.0f}", f"{cpu:.0f}", f"{peak / 2**20:,.0f}"]
        rows.append([title(run), *cells, *numbers])
    header = ["", "PSNR of test views, dB", "along the edge, dB", "Gaussians", "seconds", "CPU seconds", "peak, MiB"]
    parts += ["", table(header, rows)]
    for run in runs:
        parts += ["", f"{title(run)} ({run['model'] or 'no 2D model'}), contact sheet: {run['contact_sheet']}", ""]
        parts.append(stage_table(run["stages"]))
    return "\n".join(parts)


def _number(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--protocol", nargs="+", choices=("A", "B", "C"), required=True)
    parser.add_argument("--scene", nargs="+", required=True, help="statue, goldcape, horns or demo")
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder that holds scenes/<name>")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--lift-only", action="store_true", help="lifting without splitting (the default of B and C)")
    which.add_argument("--split", action="store_true", help="with splitting (A measures both by default)")
    parser.add_argument("--model", help="weights of another 2D model, for B and C")
    parser.add_argument("--cache", type=Path, help="folder of the image embeddings")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "out" / "bench_quality", help="folder of the runs")
    parser.add_argument("--fresh", action="store_true", help="begin anew instead of continuing earlier runs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON, too")
    return parser.parse_args()


def main() -> int:
    """Entry point; 0, or 2 when a run is not possible."""
    args = parse()
    args.out = args.out.resolve()
    runs = []
    try:
        for name in args.scene:
            scene = find_scene(name, args.shared.resolve())
            for protocol in args.protocol:
                if protocol == "A" and scene.masks is None:
                    print(f"{name} has no masks, so there is no protocol A.", file=sys.stderr)
                    continue
                chosen = ["lift", "split"] if protocol == "A" else ["lift"]
                chosen = ["lift"] if args.lift_only else ["split"] if args.split else chosen
                runs += [bench(scene, protocol, variant, args) for variant in chosen]
    except (UserError, CommandFailed) as error:
        print(error, file=sys.stderr)
        return 2
    if args.json is not None:
        text = json.dumps({"machine": machine(), "runs": runs}, indent=2)
        args.json.write_text(text + "\n", encoding="utf-8")
    if runs:
        print(markdown(runs))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
