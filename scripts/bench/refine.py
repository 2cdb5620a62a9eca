# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Time and memory of the refinement of edges, and what they grow with.

    python scripts/bench/refine.py [--scene DIR] [--part stages growth band] [--gaussians 100000 400000 1600000]
                                   [--layout beside|behind] [--quality standard] [--json FILE]

DIR holds ``scene.ply``, ``sparse/0``, ``images`` and ``masks``. Parts:

- stages: ``splatcut segment`` with ready masks, stage by stage, in a process of its own;
- growth: the same with more and more Gaussians and the same object. Copies of the scene's background are put beside it
  until the count is reached: left and right, four pictures' widths from one another, where the cameras see little or
  nothing of them (beside), or further and further behind, where they look (behind);
- band: the refinement alone for more and less that may move (``tau_move``) and for other sizes of the images.

The kernels are compiled by a run that is not counted. Seconds are CPU seconds over all threads where nothing else is
said.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.large import object_depth, seen_share
from bench.refine_case import Timed, load_case, refined
from bench.shared import (
    SHARED,
    CommandFailed,
    add_markdown_option,
    machine,
    splatcut,
    stage_table,
    state,
    table,
    write_markdown,
)
from splatcut import formats
from splatcut.cameras import load_views
from splatcut.errors import UserError
from splatcut.scene.camera import View
from splatcut.scene.gaussians import Gaussians, concatenate

PARTS = ("stages", "growth", "band")
#: Values of ``tau_move`` and of the images' size that the part "band" goes through.
TAU_MOVE = (0.4, 0.2, 0.1, 0.05)
SCALES = (0.5, 1.0, 1.5)
#: How many pictures' widths copies beside one another are apart.
FAR = 4.0


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scene", type=Path, default=SHARED / "scenes" / "statue", help="the scene that is refined")
    parser.add_argument("--part", nargs="+", choices=PARTS, default=list(PARTS), help="what to run (default: all)")
    parser.add_argument(
        "--gaussians", type=int, nargs="+", default=[100_000, 400_000, 1_600_000], help="sizes of the scene"
    )
    parser.add_argument("--layout", choices=("beside", "behind"), default="beside", help="where the copies are put")
    parser.add_argument("--quality", choices=("draft", "standard", "fine"), default="standard")
    parser.add_argument(
        "--iterations",
        type=int,
        default=100,
        help="of the part band, on views in one round, and as many between them (default 100)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON, too")
    add_markdown_option(parser)
    return parser.parse_args()


def segment(scene: Path, ply: Path, out: Path, *options: str) -> dict[str, Any]:
    """Runs ``splatcut segment`` on the scene's views and masks; what it took, and its report."""
    command: list[str | Path] = ["segment", ply, "--cameras", scene / "sparse" / "0", "--images", scene / "images"]
    command += ["--masks", scene / "masks", "--device", "cpu", *options, "--out", out]
    measured = splatcut(command, out.with_suffix(".log"))
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    return {"process": measured.as_dict(), "report": report}


def enlarged(
    gaussians: Gaussians, background: Gaussians, count: int, layout: str, view: View, depth: float
) -> Gaussians:
    """The scene and copies of its background, ``count`` Gaussians altogether (none are added to a larger scene)."""
    missing = count - len(gaussians)
    if missing <= 0 or not len(background):
        return gaussians
    camera = view.camera
    right, _, forward = camera.camera_from_world[:3, :3]
    beside = FAR * camera.width / camera.fx * depth * right
    copies = []
    for number in range(1, -(-missing // len(background)) + 1):
        # Beside: 1, -1, 2, -2, ...
        turn = (number + 1) // 2 * (1 if number % 2 else -1)
        offset = turn * beside if layout == "beside" else 2 * number * depth * forward
        copies.append(replace(background, means=background.means + offset.astype(np.float32)))
    return concatenate([gaussians, concatenate(copies).take(slice(0, missing))])


def growth(arguments: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """A run for every size of the scene."""
    scene = arguments.scene
    case = load_case(scene)
    first = folder / "plain"
    # Neither refined nor split, the background's rows are the scene's own.
    segment(scene, scene / "scene.ply", first, "--no-refine", "--quality", "draft")
    background = formats.read_splats(first / "background.ply").gaussians
    middle = len(case.views) // 2
    mask = case.masks.probability[middle].max(axis=0) > 127
    depth = object_depth(case.gaussians, case.views[middle], mask)
    views = load_views(scene / "sparse" / "0", scene / "images")
    rows = []
    for count in arguments.gaussians:
        large = enlarged(case.gaussians, background, count, arguments.layout, case.views[middle], depth)
        ply = folder / f"{count}.ply"
        formats.write_splats(ply, formats.SplatFile.from_gaussians(large))
        made = segment(scene, ply, folder / f"run_{count}", "--quality", arguments.quality)
        rows.append({"gaussians": len(large), "seen": seen_share(large, views), **made})
        ply.unlink()
        shutil.rmtree(folder / f"run_{count}")
    return rows


def band(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """The refinement for other thresholds and sizes, in this process."""
    from splatcut.refine.options import RefineOptions

    base = replace(RefineOptions(), iterations=arguments.iterations, passes=0, rounds=1)
    rows: list[dict[str, Any]] = []
    warm = False
    for scale in SCALES:
        case = load_case(arguments.scene, scale)
        labelled = case.lifted(base.tau)
        if not warm:
            refined(case, labelled, replace(base, iterations=3))
            warm = True
        for tau_move in TAU_MOVE if scale == 1.0 else (base.tau_move,):
            timed = refined(case, labelled, replace(base, tau_move=tau_move))
            camera = case.views[0].camera
            rows.append({"tau_move": tau_move, "size": [camera.width, camera.height], **figures(timed)})
    return rows


def figures(timed: Timed) -> dict[str, Any]:
    """A refinement in numbers."""
    return {
        "movable": sum(entry["movable"] for entry in timed.summary["rounds"]),
        "iterations": timed.iterations,
        "cpu_ms_per_iteration": 1e3 * timed.cpu.get("refine", 0.0) / max(1, timed.iterations),
        "cpu_seconds": {name: round(seconds, 3) for name, seconds in timed.cpu.items()},
    }


def stage(report: dict[str, Any], name: str) -> dict[str, Any]:
    """The stage's record in a report."""
    return next(record for record in report["stages"] if record["name"] == name)


def bench(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Runs the parts."""
    result: dict[str, Any] = {
        "machine": machine(),
        "scene": arguments.scene.name,
        "quality": arguments.quality,
        "layout": arguments.layout,
    }
    scene = arguments.scene
    if "stages" in arguments.part or "growth" in arguments.part:
        warm = segment(scene, scene / "scene.ply", folder / "warm_up", "--quality", "draft")
        result["warm_up"] = warm["process"]
    if "stages" in arguments.part:
        result["stages"] = segment(scene, scene / "scene.ply", folder / "stages", "--quality", arguments.quality)
    if "growth" in arguments.part:
        result["growth"] = growth(arguments, folder)
    if "band" in arguments.part:
        result["band"] = band(arguments)
    return result


def growth_table(rows: Sequence[dict[str, Any]]) -> str:
    """One line for every size of the scene."""
    lines = []
    for row in rows:
        records = row["report"]["stages"]
        rest = sum(r["cpu_seconds"] for r in records if r["name"] not in ("lift", "refine"))
        lift, refine = stage(row["report"], "lift"), stage(row["report"], "refine")
        movable = max((entry["movable"] for entry in row["report"]["refine"]["rounds"]), default=0)
        lines.append(
            [
                f"{row['gaussians']:,}",
                f"{row['seen']:.0%}",
                f"{movable:,}",
                f"{lift['cpu_seconds']:.1f}",
                f"{refine['cpu_seconds']:.1f}",
                f"{rest:.1f}",
                f"{row['process']['cpu_seconds']:.1f}",
                f"{row['process']['wall_seconds']:.1f}",
                f"{row['process']['peak_memory_bytes'] / 2**20:,.0f}",
            ]
        )
    header = ["Gaussians", "seen", "may move", "lift", "refine", "other stages", "all", "by the clock"]
    return table([*header, "peak memory, MiB"], lines)


def band_table(rows: Sequence[dict[str, Any]]) -> str:
    """One line for every threshold and size."""
    lines = []
    for row in rows:
        seconds = row["cpu_seconds"]
        before = sum(value for name, value in seconds.items() if name not in ("refine", "picture", "bands"))
        lines.append(
            [
                f"{row['tau_move']:g}",
                f"{row['size'][0]}x{row['size'][1]}",
                f"{row['movable']:,}",
                f"{row['cpu_ms_per_iteration']:.0f}",
                f"{seconds.get('bands', 0.0):.1f}",
                f"{seconds.get('refine', 0.0) + seconds.get('picture', 0.0):.1f}",
                f"{before:.1f}",
            ]
        )
    header = ["tau_move", "images", "may move", "ms an iteration", "bands, s", "optimisation, s", "the rest, s"]
    return table(header, lines)


def sections(result: dict[str, Any]) -> dict[str, str]:
    """The tables by part."""
    made = {}
    if "stages" in result:
        run, process = result["stages"], result["stages"]["process"]
        rounds = run["report"]["refine"]["rounds"]
        turns = "; ".join(f"{entry['movable']:,} may move, {entry['iterations']} iterations" for entry in rounds)
        text = (
            f"{result['scene']}, ready masks, quality {result['quality']}: {process['cpu_seconds']:.0f} CPU seconds, "
            f"{process['wall_seconds']:.0f} by the clock, {process['peak_memory_bytes'] / 2**20:,.0f} MiB at most. "
            f"Rounds: {turns}."
        )
        made["stages"] = f"{text}\n\n{stage_table(run['report']['stages'])}"
    if "growth" in result:
        where = f"{result['layout']} the scene"
        text = f"More Gaussians and the same object, copies of the background {where}; CPU seconds:"
        made["growth"] = f"{text}\n\n{growth_table(result['growth'])}"
    if "band" in result:
        made["band"] = f"The refinement alone, one round; CPU time:\n\n{band_table(result['band'])}"
    return made


def main() -> int:
    """Entry point; 0, or 2 when a run is not possible."""
    arguments = parse()
    folder = Path(tempfile.mkdtemp())
    try:
        result = bench(arguments, folder)
    except (UserError, CommandFailed) as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print("\n\n".join([state(), *sections(result).values()]))
    if arguments.markdown is not None:
        write_markdown(arguments.markdown, state(), sections(result))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
