# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cycles pictures of a splat file from given cameras, as scene-linear arrays; for ``bench/match.py``.

    .venv-bpy53/bin/python scripts/bench/match_render.py SCENE.ply CAMERAS.json OUT.npz SAMPLES RUNS

CAMERAS.json is a list of {name, width, height, fx, fy, cx, cy, near, pose}, pose [4, 4] camera_from_world (OpenCV axes)
in the file's frame. OUT.npz holds, by name, [RUNS, H, W, 4] float32: premultiplied, each run with a seed of its own.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import bpy  # pyright: ignore[reportMissingImports]
import numpy as np
from mathutils import Matrix  # pyright: ignore[reportMissingImports]

_SENSOR = 36.0


def main() -> int:
    """Renders."""
    scene, cameras, out, samples, runs = sys.argv[1:]
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.wm.ply_import(filepath=scene, forward_axis="Y", up_axis="Z")
    where: Any = bpy.context.scene
    where.render.engine = "CYCLES"
    where.cycles.samples, where.cycles.use_adaptive_sampling, where.cycles.use_denoising = int(samples), False, False
    where.render.film_transparent = True
    where.view_settings.view_transform = "Raw"
    settings = where.render.image_settings
    settings.file_format, settings.color_depth, settings.color_mode = "OPEN_EXR", "32", "RGBA"
    camera: Any = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    where.collection.objects.link(camera)
    where.camera = camera
    made = {}
    with tempfile.TemporaryDirectory() as folder:
        for view in json.loads(Path(cameras).read_text(encoding="utf-8")):
            place(where, camera, view)
            made[view["name"]] = np.stack([picture(where, Path(folder) / "run.exr", run) for run in range(int(runs))])
    np.savez(out, **made)
    return 0


def place(scene: Any, camera: Any, view: dict[str, Any]) -> None:
    """Gives the camera a view's lens and pose."""
    width, height, lens = view["width"], view["height"], camera.data
    wide = width >= height
    side = max(width, height)
    lens.sensor_fit = "HORIZONTAL" if wide else "VERTICAL"
    lens.sensor_width = lens.sensor_height = _SENSOR
    lens.lens = view["fx" if wide else "fy"] / side * _SENSOR
    lens.shift_x, lens.shift_y = (width / 2 - view["cx"]) / side, (view["cy"] - height / 2) / side
    lens.clip_start, lens.clip_end = view["near"], 1e5
    camera.matrix_world = Matrix((np.linalg.inv(np.array(view["pose"])) @ np.diag([1.0, -1, -1, 1])).tolist())
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = width, height, 100


def picture(scene: Any, path: Path, run: int) -> np.ndarray:
    """[H, W, 4] float32 of one run."""
    scene.cycles.seed, scene.render.filepath = 1013 * run + 7, str(path)
    bpy.ops.render.render(write_still=True)
    image: Any = bpy.data.images.load(str(path))
    image.colorspace_settings.name = "Non-Color"
    width, height = image.size
    values = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(values)
    bpy.data.images.remove(image)
    return values.reshape(height, width, 4)[::-1]


if __name__ == "__main__":
    sys.exit(main())
