# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What one click gives, with random clicks on things whose extent is known.

    python scripts/bench/clicks.py --scene goldcape bonsai --seed 2
    python scripts/bench/clicks.py --scene demo --fit
    python scripts/bench/clicks.py --scene bonsai --full 12 --seed 3

By default the 2D model's answer in the clicked view is scored: the one that SplatCut takes, next to the model's own
first choice and to the best of its answers (which needs the truth). With --full every click is a run of ``splatcut
segment`` with nothing but the PLY and the clicked view's camera (demo and bonsai, whose Gaussians are known), and the
label images in the run's own views are scored.

Clicks are drawn uniformly from the true mask without its rim, in views drawn from the training views; in the bonsai
scene, which has no photos, from all around. Equal seeds give equal clicks. --fit fits the weights of the choice to the
clicks, too, and scores every scene with those fitted on the others.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.click_cases.cases import Case, cases, load_scene
from bench.click_cases.fit import Floats, fit_weights, taken
from bench.click_cases.runs import run_click
from bench.shared import REPOSITORY, SHARED, CommandFailed, add_markdown_option, machine, state, table, write_markdown
from splatcut import raster
from splatcut.cameras.pictures import picture
from splatcut.errors import UserError
from splatcut.folders import embeddings_folder
from splatcut.masks.lone_click import WEIGHTS, candidates, choose_answer, nearness
from splatcut.segmenter import EmbeddingCache, Segmenter, load_segmenter

#: An answer this near to the truth (intersection over union) counts as what was meant.
GOOD = 0.7
FACTS = ("quality", "steadiness", "relief")


def look(case: Case, gaussians: Any, segmenter: Segmenter, cache: EmbeddingCache) -> list[dict[str, Any]]:
    """Facts and scores of the answers to every click of a case."""
    camera = case.view.view.camera
    embedding = cache.encode(segmenter, picture(case.view, gaussians))
    near = nearness(*raster.mean_depth(gaussians, camera))
    found = []
    for click in case.clicks:
        prediction, facts = candidates(segmenter, embedding, click.astype(np.float32), near, camera.fx)
        offered = np.flatnonzero(~prediction.extra)
        found.append(
            {
                "scene": case.scene,
                "thing": case.thing,
                "view": case.view.name,
                "click": [float(value) for value in click],
                "facts": facts.tolist(),
                "areas": [int((prediction.low_res[i] > 0).sum()) for i in offered],
                "scores": [case.score(prediction.logits(int(i)) > 0) for i in offered],
                "taken": int(np.flatnonzero(offered == choose_answer(prediction, facts))[0]),
            }
        )
    return found


def _arrays(found: Sequence[dict[str, Any]]) -> tuple[Floats, Floats, Floats]:
    """Facts [clicks, answers, 3], scores and areas [clicks, answers]."""
    facts, scores, areas = (np.array([click[key] for click in found]) for key in ("facts", "scores", "areas"))
    return facts, scores, areas


def _mean_and_good(scores: Floats) -> str:
    return f"{scores.mean():.3f} / {100 * (scores > GOOD).mean():.0f}%"


def answers_table(found: Sequence[dict[str, Any]]) -> str:
    """Mean score and share of good answers, by scene and thing."""
    rows = []
    things = sorted({(click["scene"], click["thing"]) for click in found})
    scenes = sorted({scene for scene, _ in things})
    groups = [(scene, thing) for scene in scenes for thing in [None, *(t for s, t in things if s == scene)]]
    for scene, thing in groups:
        if thing is None and sum(s == scene for s, _ in things) == 1:
            continue
        some = [click for click in found if click["scene"] == scene and thing in (None, click["thing"])]
        facts, scores, _ = _arrays(some)
        mine = scores[np.arange(len(some)), [click["taken"] for click in some]]
        first = scores[np.arange(len(some)), facts[..., 0].argmax(axis=1)]
        cells = [first, mine, scores.max(axis=1)]
        name = f"{scene}, {'all' if thing is None else thing}"
        views = len({click["view"] for click in some})
        rows.append([name, views, len(some), *map(_mean_and_good, cells)])
    header = ["clicked", "views", "clicks", "model's first choice: mean IoU / good", "taken: the same", "best answer"]
    return table(header, rows)


def fit_table(found: Sequence[dict[str, Any]]) -> str:
    """Weights fitted on each scene's clicks, on all but one's and on all, and the scores with them in each scene."""
    scenes = sorted({click["scene"] for click in found})
    data = {scene: _arrays([click for click in found if click["scene"] == scene]) for scene in scenes}
    groups = {scene: [scene] for scene in scenes}
    if len(scenes) > 2:
        groups |= {f"all but {scene}": [other for other in scenes if other != scene] for scene in scenes}
    if len(scenes) > 1:
        groups["all"] = scenes
    fitted = {"built in": np.array(WEIGHTS)}
    for name, some in groups.items():
        fitted[name] = fit_weights(*(np.concatenate([data[scene][part] for scene in some]) for part in (0, 1)))
    rows = []
    for name, weights in fitted.items():
        cells = [_mean_and_good(taken(*data[scene], weights)) for scene in scenes]
        rows.append([name, ", ".join(f"{weight:.2f}" for weight in weights), *cells])
    return table(["fitted on", f"weights: {', '.join(FACTS)}", *(f"scored on {scene}" for scene in scenes)], rows)


def runs_table(runs: Sequence[dict[str, Any]]) -> str:
    """One line for each whole run."""
    rows = []
    for run in runs:
        x, y = run["click"]
        name = f"{run['scene']}, {run['thing']}, {run['view']}, {x:g}, {y:g}"
        scores = f"{run['iou']:.3f}", f"{run['precision']:.3f}", f"{run['recall']:.3f}"
        rows.append([name, run["meant"], *scores, f"{run['gaussians']:,}", run["views"], f"{len(run['warnings'])}"])
    header = ["click", "nearest", "IoU", "precision", "recall", "Gaussians", "views", "warnings"]
    good = sum(run["iou"] > GOOD for run in runs)
    return f"{table(header, rows)}\n\n{good} of {len(runs)} are good (IoU above {GOOD:g})."


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scene", nargs="+", required=True, help="demo, statue, goldcape or bonsai")
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder that holds scenes/ and splats/")
    parser.add_argument("--views", type=int, default=20, help="views drawn from each scene (default 20)")
    parser.add_argument("--clicks", type=int, default=4, help="clicks on each object in each view (default 4)")
    parser.add_argument("--seed", type=int, default=0, help="of views and clicks (default 0)")
    parser.add_argument("--fit", action="store_true", help="fit the choice's weights on each scene")
    parser.add_argument("--full", type=int, metavar="N", help="whole runs of the first N clicks, one in each view")
    parser.add_argument("--model", help="weights of another 2D model")
    parser.add_argument("--cache", type=Path, default=embeddings_folder(), help="folder of the image embeddings")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "out" / "bench_clicks", help="folder of whole runs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON, too")
    add_markdown_option(parser)
    return parser.parse_args(arguments)


def main() -> int:
    """Entry point; 0, or 2 when a run is not possible."""
    args = parse()
    found: list[dict[str, Any]] = []
    runs: list[dict[str, Any]] = []
    try:
        segmenter = load_segmenter(args.model)
        cache = EmbeddingCache(args.cache)
        for name in args.scene:
            gaussians = load_scene(name, args.shared.resolve())
            begun = len(runs)
            for case in cases(name, gaussians, args.shared.resolve(), args.views, args.clicks, args.seed):
                print(f"{name}, {case.thing}, {case.view.name}", file=sys.stderr)
                if args.full is None:
                    found += look(case, gaussians, segmenter, cache)
                elif len(runs) - begun < args.full:
                    runs.append(run_click(case, gaussians, args))
    except (UserError, CommandFailed) as error:
        print(error, file=sys.stderr)
        return 2
    if args.json is not None:
        text = json.dumps({"machine": machine(), "seed": args.seed, "answers": found, "runs": runs}, indent=1)
        args.json.write_text(text + "\n", encoding="utf-8")
    sections = {"answers": answers_table(found)} if found else {}
    if found and args.fit:
        sections["fit"] = fit_table(found)
    if runs:
        sections["runs"] = runs_table(runs)
    line = state(segmenter.name, f"seed {args.seed}")
    print("\n\n".join([line, *sections.values()]))
    if args.markdown is not None:
        write_markdown(args.markdown, line, sections)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
