# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Quality of the cut on real scenes and on the demo scene, scored in views that the method never sees.

    python scripts/bench_quality.py --protocol A --scene statue goldcape demo skull
    python scripts/bench_quality.py --spread --variant lift plain full [--segment "--quality draft"]
    python scripts/bench_quality.py --read one.json other.json --against full
    python scripts/bench_quality.py --protocol A --scene statue --variant lift full --tau 0.4 0.6
    python scripts/bench_quality.py --protocol B C --scene statue [--model CHECKPOINT]
    python scripts/bench_quality.py --protocol A --damage --scene statue goldcape demo
    python scripts/bench_quality.py --protocol A --fold 0 4 --seed 0 1 --scene statue
    python scripts/bench_quality.py --protocol D
    python scripts/bench_quality.py --protocol E --scene statue --under A B

- A, ready masks: the masks of the training views in. Measures the 3D part alone. With --damage they are made as bad as
  a 2D model's first: moved edges, and wrong parts in a fifth of the views (``quality/damage.py``). With --fold other
  views are the test views, every 8th (demo: 4th) by name from there on; where the scene was trained on their photos,
  PSNR says little.
- B, one prompt: the scene's prompts.json and its photos in, a 2D model makes the masks. Measures the whole product.
- C, PLY only: as B, without photos and with no camera but that of the prompted view.
- D, exact labels: scenes composed of real ones and isolated captures, so that every Gaussian's label is known; ready
  masks, as rendered from the truth, in. Takes these scenes' names, and all of them by default.
- E, ablations: every variant, and the whole method with other thresholds, under A or what --under says.

Several folds and seeds give mean and spread: the standard deviation of the folds' means and that of the seeds within a
fold. Variants are compared run by run, same fold and same seed, and the mean difference has its standard error
(--against). --spread runs protocol A on four scenes with the folds that stand for all of them, and two seeds; what
draws nothing at random gets one. Runs of several processes (--json) are put together by --read. --markdown
docs/benchmarks.md#NAME writes that page's tables.

Every run is the command ``splatcut segment`` in a process of its own, with the test views held out; it continues where
an earlier run with the same --out stopped, and its stages then keep the times of that run (--fresh begins anew). Scored
is what was written: the label image against the visible mask, and the extracted object rendered alone, each by IoU and
boundary IoU with bands of 2% of the diagonal, 5 px and 2 px. The final masks that the run itself writes are scored,
too: where a view's photo shows that floaters cover the camera, test views included, they are made without what is that
near, while the label image is rendered with everything. Where the true silhouettes are known (demo), the extracted
object is scored where nothing of the rest lies in front of it; elsewhere where no other object is seen. A scene without
masks is run for its contact sheet.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.quality.compose import COMPOSITIONS, compose
from bench.quality.running import Settings, bench
from bench.quality.scenes import SPREAD_FOLDS, Scene, find_scene, folded
from bench.quality.summary import scene_tables
from bench.quality.tables import details, overview, state_of
from bench.quality.variants import VARIANTS, Run, plan
from bench.shared import REPOSITORY, SHARED, CommandFailed, add_markdown_option, write_markdown
from splatcut.errors import UserError
from splatcut.files import atomic_path


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--protocol", nargs="+", choices=("A", "B", "C", "D", "E"), help="A with --spread")
    known = f"among {', '.join(SPREAD_FOLDS)}; for D {', '.join(COMPOSITIONS)}"
    parser.add_argument("--scene", nargs="+", default=[], metavar="NAME", help=known)
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder that holds scenes/<name>")
    names = ", ".join(VARIANTS)
    parser.add_argument("--variant", nargs="+", default=[], metavar="NAME", help=f"among {names}")
    parser.add_argument("--tau", nargs="+", type=float, default=[], help="thresholds of the mask variance")
    parser.add_argument("--under", nargs="+", choices=("A", "B", "C", "D"), default=["A"], help="what E is run under")
    parser.add_argument("--damage", action="store_true", help="A and E under A get damaged masks")
    parser.add_argument(
        "--fold", nargs="+", type=int, metavar="N", help="A and E under A: the first of the test views (0)"
    )
    parser.add_argument("--seed", nargs="+", type=int, metavar="N", help="seeds of what is drawn at random (0)")
    folds = "; ".join(f"{name} {', '.join(map(str, which))}" for name, which in SPREAD_FOLDS.items() if which)
    parser.add_argument("--spread", action="store_true", help=f"seeds 0 and 1, and the folds {folds}")
    parser.add_argument("--against", default="plain", metavar="NAME", help="variant that others are compared with")
    parser.add_argument("--model", help="weights of another 2D model, for B and C")
    parser.add_argument("--cache", type=Path, help="folder of the image embeddings")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "out" / "bench_quality", help="folder of the runs")
    parser.add_argument("--fresh", action="store_true", help="begin anew instead of continuing earlier runs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON, too")
    parser.add_argument("--read", nargs="+", type=Path, metavar="FILE", help="run nothing: tables of earlier --json")
    add_markdown_option(parser)
    parser.add_argument(
        "--segment",
        default="",
        metavar="OPTIONS",
        help='further options of every run, as in "--quality draft"',
    )
    args = parser.parse_args(arguments)
    if args.protocol is None:
        if not (args.spread or args.read):
            parser.error("name a protocol, or --spread, or --read")
        args.protocol = ["A"]
    if args.spread and not args.scene:
        args.scene = [name for name, folds in SPREAD_FOLDS.items() if folds]
    if args.seed is None:
        args.seed = [0, 1] if args.spread else [0]
    return args


def folds_of(name: str, args: argparse.Namespace) -> Sequence[int]:
    """The folds to run a scene with."""
    if args.fold is not None:
        return args.fold
    return SPREAD_FOLDS.get(name) or (0,) if args.spread else (0,)


def write(runs: Sequence[dict[str, Any]], args: argparse.Namespace) -> None:
    """Writes what is known so far, so that a broken series leaves its finished runs' figures."""
    if args.json is not None:
        with atomic_path(args.json) as temporary:
            temporary.write_text(json.dumps({"runs": runs}, indent=2) + "\n", encoding="utf-8")
    if args.markdown is not None:
        sections = overview(runs, args.against) | {"runs": scene_tables(runs)} | details(runs)
        write_markdown(args.markdown, state_of(runs), sections)


def show(runs: Sequence[dict[str, Any]], args: argparse.Namespace) -> None:
    """Prints the tables over folds and seeds, single runs among them."""
    sections = overview(runs, args.against) | {"spreads": scene_tables(runs)}
    print("\n\n".join([state_of(runs), *sections.values()]))


def series(args: argparse.Namespace) -> Iterator[tuple[Scene, Run]]:
    """The runs, scene by scene. Raises ``UserError`` when there is no such scene or variant, or nothing to do."""
    planned = plan(args.protocol, args.variant, args.tau, args.under, args.damage, args.seed)
    if (args.spread or any(args.fold or ())) and any(run.protocol != "A" for run in planned):
        raise UserError("Other test views (--fold, --spread) need ready masks of captures: protocol A, or E under A.")
    exact = any(run.protocol == "D" for run in planned)
    names = args.scene or (list(COMPOSITIONS) if exact else [])
    count = 0
    for name in names:
        composed = name in COMPOSITIONS
        mine = [run for run in planned if (run.protocol == "D") == composed]
        if not mine:
            continue
        if composed:
            scenes = [compose(COMPOSITIONS[name], args.shared.resolve(), args.out.resolve() / "composed")]
        else:
            own = find_scene(name, args.shared.resolve())
            place = args.out.resolve()
            folds = folds_of(name, args)
            scenes = [folded(own, fold, place / f"{name}-fold{fold}") if fold else own for fold in folds]
        for scene, run in itertools.product(scenes, mine):
            if run.protocol == "A" and scene.masks is None:
                print(f"{name} has no masks, so there is no protocol A.", file=sys.stderr)
                continue
            count += 1
            yield scene, run
    if not count:
        raise UserError("There is nothing to run: name scenes that the protocols are for with --scene.")


def tables_of(args: argparse.Namespace) -> int:
    """Prints and writes the tables of the runs in the files of --read; of the same run in several, the last one's."""
    runs: dict[str, dict[str, Any]] = {}
    for path in args.read:
        for run in json.loads(path.read_text(encoding="utf-8"))["runs"]:
            runs[json.dumps([run["title"], run["model"]])] = run
    write(list(runs.values()), args)
    show(list(runs.values()), args)
    return 0


def main() -> int:
    """Entry point; 0, or 2 when a run is not possible."""
    args = parse()
    if args.read:
        return tables_of(args)
    settings = Settings(args.out.resolve(), args.fresh, args.model, args.cache, tuple(args.segment.split()))
    runs: list[dict[str, Any]] = []
    try:
        for scene, run in series(args):
            runs.append(bench(scene, run, settings))
            write(runs, args)
    except (UserError, CommandFailed) as error:
        print(error, file=sys.stderr)
        return 2
    if runs:
        show(runs, args)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
