# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Time and memory of a cut out of a million Gaussians: 30 views of 504x378 with ready masks.

    python scripts/bench/large.py [--scene DIR] [--gaussians 1000000] [--views 30]

DIR holds ``scene.ply``, ``sparse/0``, ``images`` and ``masks`` of one object. Copies of the scene tile the picture's
plane at the object's distance until the count is reached, and the pictures become as much wider, at the same size in
pixels, so that all copies are seen. The masks shrink with the object they belong to.

Views are repeated where the scene has fewer than wanted. The kernels are compiled by a run on the single scene, apart;
then ``splatcut segment`` runs on the large one in a process of its own, whose CPU time and memory are printed.
"""

from __future__ import annotations

import argparse
import json
import math
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
    splatcut,
    stage_table,
    state,
    table,
    write_markdown,
)
from splatcut import formats, raster
from splatcut.cameras import load_views, save_cameras
from splatcut.errors import UserError
from splatcut.evaluation.folders import read_mask
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


def cells(count: int) -> tuple[list[Cell], int]:
    """The cells of ``count`` copies, the original's first, and how many tiles the picture is made wide."""
    across = math.ceil(math.sqrt(count))
    down = math.ceil(count / across)
    grid = [Cell(x - (across - 1) // 2, y - (down - 1) // 2) for y in range(down) for x in range(across)]
    grid.sort(key=lambda cell: (max(abs(cell.right), abs(cell.down)), cell.down, cell.right))
    return grid[:count], across


def object_depth(gaussians: Gaussians, view: View, mask: NDArray[np.bool_]) -> float:
    """Median distance of the masked surface along the camera's axis, world units."""
    depth, transmittance = raster.mean_depth(gaussians, view.camera)
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
    places, wide = cells(math.ceil(arguments.gaussians / len(gaussians)))
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
    }


def seen_share(gaussians: Gaussians, views: Sequence[View]) -> float:
    """Share of the Gaussians whose centre lies in at least one picture."""
    seen = np.zeros(len(gaussians), bool)
    for view in views:
        pixels, z = view.camera.project(gaussians.means)
        size = [view.camera.width, view.camera.height]
        seen |= ((pixels >= 0) & (pixels < size)).all(axis=1) & (z > view.camera.near)
    return float(seen.mean())


def bench(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Builds, warms up, measures."""
    source = folder / "large"
    source.mkdir(parents=True)
    result: dict[str, Any] = {"scene": build(arguments, source)}
    options = ["--no-refine", "--no-heal", "--device", "cpu", "--out"]
    scene = arguments.scene
    small: list[str | Path] = ["segment", scene / "scene.ply", "--cameras", scene / "sparse" / "0"]
    small += ["--images", scene / "images", "--masks", scene / "masks", *options]
    splatcut([*small, folder / "warm_up"], folder / "warm_up.log")
    large: list[str | Path] = ["segment", source / "scene.ply", "--cameras", source / "cameras.json"]
    large += ["--masks", source / "masks", *options]
    result["process"] = splatcut([*large, folder / "result"], folder / "result.log").as_dict()
    report = json.loads((folder / "result" / "report.json").read_text(encoding="utf-8"))
    return {**result, **{key: report[key] for key in ("stages", "objects")}}


def markdown(result: dict[str, Any]) -> str:
    """The result for people."""
    scene, process, item = result["scene"], result["process"], result["objects"][0]
    minutes, memory = process["cpu_seconds"] / 60, process["peak_memory_bytes"] / 2**30
    parts = [
        f"{scene['gaussians']:,} Gaussians ({scene['copies']} copies, {scene['seen']:.0%} with their centre in a "
        f"picture), {scene['views']} views of {scene['size'][0]}x{scene['size'][1]}; the object got "
        f"{item['gaussians']:,}.",
        table(
            ["", "measured", "target", ""],
            [
                ["CPU minutes", f"{minutes:.2f}", f"{CPU_MINUTES:.0f}", "met" if minutes < CPU_MINUTES else "missed"],
                ["peak memory, GiB", f"{memory:.2f}", f"{MEMORY_GIB:.0f}", "met" if memory < MEMORY_GIB else "missed"],
                ["seconds by the clock", f"{process['wall_seconds']:.0f}", "", ""],
            ],
        ),
        stage_table(result["stages"]),
    ]
    return "\n\n".join(parts)


def main() -> int:
    """Entry point; 0 within the targets, 1 outside, 2 when a run is not possible."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scene", type=Path, default=SHARED / "scenes" / "statue", help="the scene that is copied")
    parser.add_argument("--gaussians", type=int, default=1_000_000, help="at least so many (default 1,000,000)")
    parser.add_argument("--views", type=int, default=30, help="number of views (default 30)")
    add_markdown_option(parser)
    arguments = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as folder:
            result = bench(arguments, Path(folder))
        print(f"{state()}\n\n{markdown(result)}")
        if arguments.markdown is not None:
            write_markdown(arguments.markdown, state(), {"": markdown(result)})
    except (UserError, CommandFailed) as error:
        print(error, file=sys.stderr)
        return 2
    process = result["process"]
    return int(process["cpu_seconds"] >= 60 * CPU_MINUTES or process["peak_memory_bytes"] >= MEMORY_GIB * 2**30)


if __name__ == "__main__":
    raise SystemExit(main())
