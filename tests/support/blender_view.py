# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A 3D view as a user sees it, without a window: what Blender draws in it, and over it what the add-on draws."""

# pyright: reportMissingImports=false

from __future__ import annotations

import types
from typing import Any

import bpy
import gpu.state
import gpu.types
import numpy as np
from bl_ext.user_default.splatcut.bridge.viewport import drawer, shown
from mathutils import Matrix
from numpy.typing import NDArray

WIDTH, HEIGHT = 160, 120
_FOCAL, _NEAR, _FAR = 120.0, 0.01, 100.0


def space_of(shading: str = "SOLID") -> Any:
    """The 3D view's settings."""
    area = next(area for area in bpy.context.window_manager.windows[0].screen.areas if area.type == "VIEW_3D")
    space: Any = area.spaces.active
    space.shading.type = shading
    space.overlay.show_overlays = False
    return space


def viewed(distance: float = 4.0) -> NDArray[np.float32]:
    """[HEIGHT, WIDTH, 4] linear, premultiplied, the first row on top: solid shading, seen from +z at the origin."""
    space = space_of()
    area = next(area for area in bpy.context.window_manager.windows[0].screen.areas if area.type == "VIEW_3D")
    region = next(region for region in area.regions if region.type == "WINDOW")
    depth = -(_FAR + _NEAR) / (_FAR - _NEAR), -2 * _FAR * _NEAR / (_FAR - _NEAR)
    window = Matrix(((2 * _FOCAL / WIDTH, 0, 0, 0), (0, 2 * _FOCAL / HEIGHT, 0, 0), (0, 0, *depth), (0, 0, -1, 0)))
    view = Matrix.Translation((0, 0, -distance))
    layer = bpy.context.view_layer
    layer.update()
    buffer = gpu.types.GPUOffScreen(WIDTH, HEIGHT, format="RGBA16F")
    made = drawer.Drawer()
    try:
        buffer.draw_view3d(
            bpy.context.scene, layer, space, region, view, window, do_color_management=False, draw_background=False
        )
        context: Any = types.SimpleNamespace(view_layer=layer, space_data=space)
        with buffer.bind():
            made.draw(0, shown.shown_in(context), np.array(view), np.array(window), still=True)
            read = gpu.state.active_framebuffer_get().read_color(0, 0, WIDTH, HEIGHT, 4, 0, "FLOAT")
        read.dimensions = WIDTH * HEIGHT * 4
        return np.array(read, dtype=np.float32).reshape(HEIGHT, WIDTH, 4)[::-1]
    finally:
        made.free()
        buffer.free()


def pixel_of(x: float, y: float, distance: float = 4.0) -> tuple[int, int]:
    """Row and column where a point (x, y, 0) is seen."""
    return round(HEIGHT / 2 - _FOCAL * y / distance), round(WIDTH / 2 + _FOCAL * x / distance)
