# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Time and memory of a refined cut with ready masks, and what they grow with.

    python scripts/bench/refine.py [--scene DIR] [--part stages growth tau size] [--quality standard]

DIR holds ``scene.ply``, ``sparse/0``, ``images`` and ``masks``. Every figure is of ``splatcut segment`` in a process of
its own; the kernels are compiled by a run that is not counted. Parts:

- stages: stage by stage;
- growth: with more and more Gaussians and the same object. Copies of the scene's background are put left and right of
  it, four pictures' widths from one another, where the cameras see little or nothing of them;
- tau: with more and less that is optimised;
- size: with smaller and larger images and masks.
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

from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.large import object_depth, seen_share
from bench.shared import (
    SHARED,
    CommandFailed,
    add_markdown_option,
    splatcut,
    stage_table,
    state,
    table,
    write_markdown,
)
from splatcut import formats
from splatcut.cameras import load_views, save_cameras
from splatcut.errors import UserError
from splatcut.evaluation.folders import read_mask
from splatcut.scene.camera import View
from splatcut.scene.gaussians import Gaussians, concatenate

PARTS = ("stages", "growth", "tau", "size")
#: What the parts go through: number of Gaussians, threshold of the mask variance, width of the images.
SIZES = (100_000, 400_000, 1_600_000)
TAUS = (0.05, 0.1, 0.2, 0.4)
SCALES = (0.5, 1.0, 1.5)
#: How many pictures' widths copies are apart.
FAR = 4.0

Run = dict[str, Any]


def segment(scene: Path, out: Path, *options: str, ply: Path | None = None) -> Run:
    """Runs ``splatcut segment`` on the scene's views and masks, or on another PLY with them; the report and what the
    process took."""
    cameras = scene / "cameras.json"
    line: list[str | Path] = ["segment", ply or scene / "scene.ply", "--device", "cpu", "--no-heal", "--out", out]
    line += options
    line += ["--cameras", cameras if cameras.is_file() else scene / "sparse" / "0"]
    measured = splatcut([*line, "--images", scene / "images", "--masks", scene / "masks"], out.with_suffix(".log"))
    return {**json.loads((out / "report.json").read_text(encoding="utf-8")), "process": measured.as_dict()}


def enlarged(gaussians: Gaussians, background: Gaussians, count: int, view: View, depth: float) -> Gaussians:
    """The scene and copies of its background, ``count`` Gaussians altogether (none are added to a larger scene)."""
    missing = count - len(gaussians)
    if missing <= 0 or not len(background):
        return gaussians
    camera = view.camera
    step = FAR * camera.width / camera.fx * depth * camera.camera_from_world[0, :3]
    copies = []
    for number in range(1, -(-missing // len(background)) + 1):
        # 1, -1, 2, -2, ...
        turn = (number + 1) // 2 * (1 if number % 2 else -1)
        copies.append(replace(background, means=background.means + (turn * step).astype("float32")))
    return concatenate([gaussians, concatenate(copies).take(slice(0, missing))])


def resized(scene: Path, scale: float, folder: Path) -> Path:
    """The scene with images and masks ``scale`` times as wide, in ``folder``."""
    views = load_views(scene / "sparse" / "0", scene / "images")
    made = []
    for view in views:
        size = (round(view.camera.width * scale), round(view.camera.height * scale))
        made.append(View(view.name, view.camera.resized(*size)))
        for kind in ("images", "masks"):
            for path in (scene / kind).glob(f"{view.name}.*"):
                (folder / kind).mkdir(parents=True, exist_ok=True)
                with Image.open(path) as image:
                    way = Image.Resampling.NEAREST if kind == "masks" else Image.Resampling.LANCZOS
                    image.resize(size, way).save(folder / kind / f"{view.name}.png")
    save_cameras(folder / "cameras.json", made)
    (folder / "scene.ply").symlink_to((scene / "scene.ply").resolve())
    return folder


def growth(scene: Path, quality: Sequence[str], folder: Path) -> str:
    """A run for every size of the scene, as a table."""
    segment(scene, folder / "lifted", "--no-refine")
    # Not refined, the background's rows are the scene's own.
    background = formats.read_splats(folder / "lifted" / "background.ply").gaussians
    gaussians = formats.read_splats(scene / "scene.ply").gaussians
    views = load_views(scene / "sparse" / "0", scene / "images")
    middle = views[len(views) // 2]
    depth = object_depth(gaussians, middle, read_mask(scene / "masks" / f"{middle.name}.png"))
    rows = []
    for count in SIZES:
        large = enlarged(gaussians, background, count, middle, depth)
        formats.write_splats(folder / "large.ply", formats.SplatFile.from_gaussians(large))
        run = segment(scene, folder / "large", *quality, ply=folder / "large.ply")
        rows.append([f"{len(large):,}", f"{seen_share(large, views):.0%}", *cost(run)])
        shutil.rmtree(folder / "large")
    return table(["Gaussians", "seen", *COST], rows)


COST = ("may move", "lift", "refine", "other stages", "all, CPU s", "by the clock, s", "peak, MiB")


def cost(run: Run) -> list[str]:
    """Cells under ``COST``: Gaussians, CPU seconds by stage, the process's CPU seconds, seconds and memory."""
    cpu = {stage["name"]: stage["cpu_seconds"] for stage in run["stages"]}
    movable = run["refine"]["movable"]
    rest = sum(seconds for name, seconds in cpu.items() if name not in ("lift", "refine"))
    process = run["process"]
    seconds = [cpu.get("lift", 0.0), cpu.get("refine", 0.0), rest, process["cpu_seconds"], process["wall_seconds"]]
    return [f"{movable:,}", *(f"{value:.1f}" for value in seconds), f"{process['peak_memory_bytes'] / 2**20:,.0f}"]


def bench(arguments: argparse.Namespace, folder: Path) -> dict[str, str]:
    """Runs the parts; their tables."""
    scene, quality = arguments.scene, ("--quality", arguments.quality)
    segment(scene, folder / "warm_up", "--quality", "draft")
    made = {}
    if "stages" in arguments.part:
        made["stages"] = stage_table(segment(scene, folder / "stages", *quality)["stages"])
    if "growth" in arguments.part:
        made["growth"] = growth(scene, quality, folder)
    if "tau" in arguments.part:
        runs = {f"{tau:g}": segment(scene, folder / f"tau{tau}", *quality, "--tau", f"{tau:g}") for tau in TAUS}
        made["tau"] = table(["tau", *COST], [[tau, *cost(run)] for tau, run in runs.items()])
    if "size" in arguments.part:
        rows = []
        for scale in SCALES:
            place = resized(scene, scale, folder / f"scale{scale}")
            camera = load_views(place / "cameras.json")[0].camera
            rows.append([f"{camera.width}x{camera.height}", *cost(segment(place, folder / f"size{scale}", *quality))])
        made["size"] = table(["images", *COST], rows)
    return made


def main() -> int:
    """Entry point; 0, or 2 when a run is not possible."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scene", type=Path, default=SHARED / "scenes" / "statue", help="the scene that is refined")
    parser.add_argument("--part", nargs="+", choices=PARTS, default=list(PARTS), help="what to run (default: all)")
    parser.add_argument("--quality", choices=("draft", "standard", "fine"), default="standard")
    add_markdown_option(parser)
    arguments = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as folder:
            sections = bench(arguments, Path(folder))
        line = state(arguments.scene.name, f"quality {arguments.quality}")
        print("\n\n".join([line, *sections.values()]))
        if arguments.markdown is not None:
            write_markdown(arguments.markdown, line, sections)
    except (UserError, CommandFailed) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
