# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Time and memory of a cut out of a million Gaussians: 30 views of 504x378 with ready masks.

    python scripts/bench/large.py [--scene DIR] [--gaussians 1000000] [--layout grid|row] [--profile] [--json FILE]

DIR holds ``scene.ply``, ``sparse/0``, ``images`` and ``masks`` of one object. Copies of the scene are put beside it
until the count is reached. Layouts:

- grid: the copies tile the picture's plane at the object's distance, and the pictures become as much wider, at the
  same size in pixels, so that all copies are seen. The masks shrink with the object they belong to.
- row: the copies stand left and right at a picture's width from one another, cameras and masks stay as they are. Of
  most copies little or nothing is seen.

Views are repeated where the scene has fewer than wanted. The kernels are compiled by a run on the single scene, apart;
then ``splatcut segment`` runs on the large one in a process of its own, whose CPU time and memory are printed.
"""

from __future__ import annotations

import argparse
import json
import math
import pstats
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

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
from splatcut.cameras import load_views, save_cameras
from splatcut.errors import UserError
from splatcut.evaluation.folders import read_mask
from splatcut.masks.virtual import drawn_depth
from splatcut.scene.camera import View
from splatcut.scene.gaussians import Gaussians, concatenate

#: What the project wants to stay under.
CPU_MINUTES = 3.0
MEMORY_GIB = 4.0


@dataclass(frozen=True)
class Cell:
    """Where a copy stands: tiles to the right of the original and below it."""

    right: int
    down: int


def cells(count: int, layout: str) -> tuple[list[Cell], int]:
    """The cells of ``count`` copies, the original's first, and how many tiles the picture is made wide."""
    if layout == "row":
        steps = [0, *(sign * step for step in range(1, count) for sign in (1, -1))]
        return [Cell(step, 0) for step in steps[:count]], 1
    across = math.ceil(math.sqrt(count))
    down = math.ceil(count / across)
    grid = [Cell(x - (across - 1) // 2, y - (down - 1) // 2) for y in range(down) for x in range(across)]
    grid.sort(key=lambda cell: (max(abs(cell.right), abs(cell.down)), cell.down, cell.right))
    return grid[:count], across


def object_depth(gaussians: Gaussians, view: View, mask: NDArray[np.bool_]) -> float:
    """Median distance of the masked surface along the camera's axis, world units."""
    depth, transmittance = drawn_depth(gaussians, view.camera)
    return float(np.median(depth[mask & (transmittance < 0.5)]))


def tiled(gaussians: Gaussians, view: View, depth: float, places: Sequence[Cell]) -> Gaussians:
    """The scene and its copies, a picture's width or height at ``depth`` from one another."""
    camera = view.camera
    right, down = camera.camera_from_world[0, :3], camera.camera_from_world[1, :3]
    width, height = camera.width / camera.fx * depth, camera.height / camera.fy * depth
    copies = []
    for cell in places:
        offset = (cell.right * width * right + cell.down * height * down).astype(np.float32)
        copies.append(replace(gaussians, means=gaussians.means + offset))
    return concatenate(copies)


def widened(view: View, mask: NDArray[np.bool_], wide: int, name: str) -> tuple[View, NDArray[np.uint8]]:
    """The view with ``wide`` times the width and height in the same picture, and the mask in it."""
    camera = view.camera
    if wide == 1:
        return View(name, camera), mask.astype(np.uint8) * 255
    small = camera.resized(camera.width // wide, round(camera.height / wide))
    left = small.width * ((wide - 1) // 2)
    top = (camera.height - small.height) // 2
    moved = replace(small, width=camera.width, height=camera.height, cx=small.cx + left, cy=small.cy + top)
    image = Image.new("L", (camera.width, camera.height))
    shrunk = Image.fromarray(mask.astype(np.uint8) * 255).resize((small.width, small.height), Image.Resampling.BOX)
    image.paste(shrunk, (left, top))
    return View(name, moved), np.asarray(image)


def build(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Writes the large scene's PLY, cameras and masks to ``folder``; what they are, in numbers."""
    scene = arguments.scene
    gaussians = formats.read_splats(scene / "scene.ply").gaussians
    views = load_views(scene / "sparse" / "0", scene / "images")
    files = {view.name: scene / "masks" / f"{view.name}.png" for view in views}
    views = [view for view in views if files[view.name].is_file()]
    if not views:
        raise UserError(f"There are no masks of the views in {scene / 'masks'}.")
    middle = views[len(views) // 2]
    places, wide = cells(math.ceil(arguments.gaussians / len(gaussians)), arguments.layout)
    depth = object_depth(gaussians, middle, read_mask(files[middle.name]))
    large = tiled(gaussians, middle, depth, places)
    formats.write_splats(folder / "scene.ply", formats.SplatFile.from_gaussians(large))
    made = []
    (folder / "masks").mkdir()
    for number in range(arguments.views):
        view = views[number % len(views)]
        name = f"{view.name}_{number // len(views)}"
        new, mask = widened(view, read_mask(files[view.name]), wide, name)
        Image.fromarray(mask).save(folder / "masks" / f"{name}.png")
        made.append(new)
    save_cameras(folder / "cameras.json", made)
    camera = made[0].camera
    return {
        "gaussians": len(large),
        "copies": len(places),
        "views": len(made),
        "size": [camera.width, camera.height],
        "seen": seen_share(large, made),
        "layout": arguments.layout,
        "file_bytes": (folder / "scene.ply").stat().st_size,
    }


def seen_share(gaussians: Gaussians, views: Sequence[View]) -> float:
    """Share of the Gaussians whose centre lies in at least one picture."""
    seen = np.zeros(len(gaussians), bool)
    for view in views:
        pixels, z = view.camera.project(gaussians.means)
        size = [view.camera.width, view.camera.height]
        seen |= ((pixels >= 0) & (pixels < size)).all(axis=1) & (z > view.camera.near)
    return float(seen.mean())


def hot_spots(path: Path, count: int = 25) -> list[list[Any]]:
    """Functions with the most time of their own, seconds: [own, cumulative, calls, where]."""
    stats: Any = pstats.Stats(str(path))
    rows = []
    for (file, line, name), (calls, _, own, cumulative, _) in stats.stats.items():
        where = name if file == "~" else f"{Path(file).parent.name}/{Path(file).name}:{line} {name}"
        rows.append([own, cumulative, calls, where])
    return sorted(rows, reverse=True)[:count]


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scene", type=Path, default=SHARED / "scenes" / "statue", help="the scene that is copied")
    parser.add_argument("--gaussians", type=int, default=1_000_000, help="at least so many (default 1,000,000)")
    parser.add_argument("--views", type=int, default=30, help="number of views (default 30)")
    parser.add_argument("--layout", choices=("grid", "row"), default="grid")
    parser.add_argument("--profile", action="store_true", help="run once more with cProfile and print where time goes")
    parser.add_argument("--out", type=Path, help="keep the scene and the results here (default: a temporary folder)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON, too")
    add_markdown_option(parser)
    return parser.parse_args()


def bench(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Builds, warms up, measures."""
    source = folder / "large"
    source.mkdir(parents=True)
    result: dict[str, Any] = {"machine": machine(), "scene": build(arguments, source)}
    options = ["--no-refine", "--device", "cpu"]
    scene = arguments.scene
    small: list[str | Path] = ["segment", scene / "scene.ply", "--cameras", scene / "sparse" / "0"]
    small += ["--images", scene / "images", "--masks", scene / "masks", "--out", folder / "warm_up", *options]
    result["warm_up"] = splatcut(small, folder / "warm_up.log").as_dict()
    large: list[str | Path] = ["segment", source / "scene.ply", "--cameras", source / "cameras.json"]
    large += ["--masks", source / "masks", *options, "--out"]
    result["command"] = ["splatcut", *map(str, large), "OUT"]
    result["process"] = splatcut([*large, folder / "result"], folder / "result.log").as_dict()
    report = json.loads((folder / "result" / "report.json").read_text(encoding="utf-8"))
    result["report"] = {key: report[key] for key in ("stages", "objects", "split", "unseen", "versions")}
    if arguments.profile:
        splatcut([*large, folder / "profiled"], folder / "profiled.log", folder / "profile")
        result["hot_spots"] = hot_spots(folder / "profile")
    return result


def markdown(result: dict[str, Any]) -> str:
    """The result for people."""
    scene, process, report = result["scene"], result["process"], result["report"]
    item = report["objects"][0]
    minutes, memory = process["cpu_seconds"] / 60, process["peak_memory_bytes"] / 2**30
    lines = [
        f"{scene['gaussians']:,} Gaussians ({scene['copies']} copies, layout {scene['layout']}, {scene['seen']:.0%} "
        f"with their centre in a picture), {scene['views']} views of {scene['size'][0]}x{scene['size'][1]}; the object "
        f"got {item['gaussians']:,}, {item['boundary']:,} are boundary, {report['split']:,} are children of "
        f"split ones, {report['unseen']:,} are in no view.",
        "",
        table(
            ["", "measured", "target", ""],
            [
                ["CPU minutes", f"{minutes:.2f}", f"{CPU_MINUTES:.0f}", "met" if minutes < CPU_MINUTES else "missed"],
                ["peak memory, GiB", f"{memory:.2f}", f"{MEMORY_GIB:.0f}", "met" if memory < MEMORY_GIB else "missed"],
                ["seconds by the clock", f"{process['wall_seconds']:.0f}", "", ""],
            ],
        ),
        "",
        stage_table(report["stages"]),
        "",
        f"Run on the single scene that compiled the kernels: {result['warm_up']['cpu_seconds']:.0f} CPU seconds.",
    ]
    if "hot_spots" in result:
        rows = [[f"`{where}`", f"{own:.1f}", f"{total:.1f}", calls] for own, total, calls, where in result["hot_spots"]]
        lines += ["", table(["function (seconds by the clock)", "own", "with callees", "calls"], rows)]
    return "\n".join(lines)


def main() -> int:
    """Entry point; 0 within the targets, 1 outside, 2 when a run is not possible."""
    arguments = parse()
    kept = arguments.out is not None
    folder = arguments.out.resolve() if kept else Path(tempfile.mkdtemp())
    try:
        if kept and folder.exists() and any(folder.iterdir()):
            raise UserError(f"The folder {folder} is not empty. Choose a new one with --out.")
        result = bench(arguments, folder)
    except (UserError, CommandFailed) as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(f"{state()}\n\n{markdown(result)}")
    if arguments.markdown is not None:
        write_markdown(arguments.markdown, state(), {"": markdown(result)})
    process = result["process"]
    return int(process["cpu_seconds"] >= 60 * CPU_MINUTES or process["peak_memory_bytes"] >= MEMORY_GIB * 2**30)


if __name__ == "__main__":
    raise SystemExit(main())
