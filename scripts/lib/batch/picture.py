# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A camera and a Cycles render of what was cut out."""

# pyright: reportMissingImports=false

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector

#: Pixels of the picture's longer side where no view says otherwise.
_LONGEST_SIDE = 960


def set_up(splats: Any, objects: Sequence[Any], package: str, *, samples: int) -> None:
    """Prepares results for Cycles and gives the scene a camera, if it has none.

    Args:
        splats: what was cut; the camera stands where it was prompted.
        objects: to be rendered; those that were put aside for others are prepared and stay hidden.
        samples: a pixel.
    """
    context: Any = bpy.context
    layer = context.view_layer
    for other in list(layer.objects.selected):
        other.select_set(False)
    for obj in objects:
        obj.hide_set(False)
        obj.hide_render = False
        obj.select_set(True)
    layer.objects.active = next((obj for obj in objects if not obj.splatcut.result_aside), objects[0])
    ops: Any = bpy.ops
    ops.splatcut.render_setup()
    for obj in objects:
        if obj.splatcut.result_aside:
            obj.hide_set(True)
            obj.hide_render = True
    scene = context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples = samples
    scene.cycles.use_denoising = False
    if scene.camera is None:
        scene.camera = _camera(splats, objects, package)


def render(path: Path) -> None:
    """Renders the scene to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    settings: Any = bpy.context.scene.render
    settings.image_settings.file_format = "PNG" if path.suffix.lower() == ".png" else "JPEG"
    settings.filepath = str(path)
    bpy.ops.render.render(write_still=True)


def _camera(splats: Any, objects: Sequence[Any], package: str) -> Any:
    """A camera where the splat was prompted first or, without a view, in front of the objects."""
    data: Any = bpy.data.cameras.new("SplatCut camera")
    camera: Any = bpy.data.objects.new("SplatCut camera", data)
    scene: Any = bpy.context.scene
    scene.collection.objects.link(camera)
    views = splats.splatcut.prompt_views
    if len(views):
        view = importlib.import_module(f"{package}.core.cameras").to_inline(
            "camera", importlib.import_module(f"{package}.bridge.prompts").read_view(views[0])
        )
        pose = importlib.import_module(f"{package}.bridge.views").fit_camera(data, view)
        camera.matrix_world = splats.matrix_world @ Matrix(pose.tolist())
        factor = _LONGEST_SIDE / max(view.width, view.height)
        scene.render.resolution_x = round(view.width * factor)
        scene.render.resolution_y = round(view.height * factor)
    else:
        corners = np.array([obj.matrix_world @ Vector(corner) for obj in objects for corner in obj.bound_box])
        centre = Vector(np.median(corners, axis=0).tolist())
        extent = float(np.linalg.norm(np.percentile(corners, 75, axis=0) - np.percentile(corners, 25, axis=0)))
        camera.location = centre + Vector((0.6, -1.0, 0.5)).normalized() * max(extent, 1e-3) * 1.5
        camera.rotation_euler = (centre - camera.location).to_track_quat("-Z", "Y").to_euler()
        scene.render.resolution_x, scene.render.resolution_y = _LONGEST_SIDE, _LONGEST_SIDE * 3 // 4
    scene.render.resolution_percentage = 100
    data.clip_start, data.clip_end = 0.01, 1000.0
    return camera
