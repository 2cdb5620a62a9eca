# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prompts drawn over the 3D view: discs with a plus or minus, and boxes, in their objects' colours.

Nothing here raises: a drawing that fails is said once and left out from then on.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import bpy
import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader
from numpy.typing import NDArray

from ..bridge import prompts, splats
from ..core import overlay
from ..core.cameras import Viewport
from ..core.drawing import display_colour
from ..ops import prompts as operators

_log = logging.getLogger(__name__)

_WHITE, _DARK = (1.0, 1.0, 1.0, 1.0), (0.05, 0.05, 0.05, 0.9)
_STEPS = 24
_CIRCLE = np.stack([np.cos(a := np.linspace(0, 2 * np.pi, _STEPS, endpoint=False)), np.sin(a)], axis=1)

_handle: Any = None
_failed = False


def draw() -> None:
    """Draw handler of the 3D view (POST_PIXEL)."""
    global _failed
    if _failed:
        return
    try:
        _draw(bpy.context)
    except Exception:
        _failed = True
        _log.exception("The prompts cannot be drawn.")


def draw_hover(context: bpy.types.Context, xy: Sequence[float]) -> None:
    """Rings the prompt under the mouse. Called by the tool with the mouse's place in the window."""
    global _failed
    if _failed:
        return
    try:
        _draw_hover(context, xy)
    except Exception:
        _failed = True
        _log.exception("The prompt under the mouse cannot be marked.")


def shown_marks(context: bpy.types.Context) -> tuple[Any, list[overlay.Mark]]:
    """The active splat's settings and its prompts as the viewport shows them; (None, []) when it shows none."""
    obj: Any = splats.active(context)
    region, data, space = context.region, context.region_data, context.space_data
    if obj is None or region is None or data is None or not obj.visible_get(viewport=space):
        return None, []
    port = Viewport.of(data.view_matrix, data.window_matrix, region.width, region.height, obj.matrix_world)
    return obj.splatcut, overlay.marks(*prompts.read(obj.splatcut), port)


def _draw(context: bpy.types.Context) -> None:
    space: Any = context.space_data
    region: Any = context.region
    band = operators.rubber_band
    if band is not None and band[1] == region.as_pointer():
        x0, y0, x1, y1 = band[0]
        corners = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
        if abs(x1 - x0) + abs(y1 - y0) < 1e-6:
            corners = corners[0] + _CIRCLE * overlay.RADIUS * context.preferences.system.ui_scale
        _lines(_closed(corners), _DARK, 3.0)
        _lines(_closed(corners), _WHITE, 1.0)
    if not space.overlay.show_overlays:
        return
    settings, found = shown_marks(context)
    if not found:
        return
    scale = context.preferences.system.ui_scale
    items = {item.uid: item for item in settings.objects}
    active = prompts.active_object(settings)
    # The chosen object's prompts lie on top.
    found.sort(key=lambda mark: active is not None and mark.object_uid == active.uid)
    for mark in found:
        item = items[mark.object_uid]
        if not item.visible:
            continue
        chosen = active is not None and item.uid == active.uid
        colour = (*display_colour(item.colour[:]).tolist(), 1.0 if chosen else 0.55)
        if mark.lines is not None:
            _lines(mark.lines, (*_DARK[:3], 0.6 if chosen else 0.3), 4.0 * scale)
            _lines(mark.lines, colour, 2.0 * scale)
        elif mark.centre is not None:
            _disc(mark.centre, mark.positive, colour, scale)


def _draw_hover(context: bpy.types.Context, xy: Sequence[float]) -> None:
    region: Any = context.region
    if region is None or region.type != "WINDOW" or operators.rubber_band is not None:
        return
    corner = np.array([region.x, region.y], dtype=float)
    scale = context.preferences.system.ui_scale
    _, found = shown_marks(context)
    uid = overlay.hit(found, xy[0] - corner[0], xy[1] - corner[1], scale)
    mark = next((mark for mark in found if mark.uid == uid), None)
    if mark is None:
        return
    if mark.lines is not None:
        _lines(mark.lines + corner, _WHITE, 3.0 * scale)
    elif mark.centre is not None:
        ring = mark.centre + corner + _CIRCLE * (overlay.RADIUS + 3.0) * scale
        _lines(_closed(ring), _WHITE, 2.5 * scale)


def _disc(centre: NDArray[np.float64], positive: bool, colour: tuple[float, ...], scale: float) -> None:
    """A disc in the object's colour with a plus; a dark disc ringed in its colour with a minus."""
    radius = overlay.RADIUS * scale
    alpha = colour[3]
    rim = centre + _CIRCLE * radius
    _fill(centre, rim, colour if positive else (*_DARK[:3], 0.85 * alpha))
    _lines(_closed(rim), (*(_WHITE if positive else colour)[:3], alpha), 1.5 * scale)
    arm = 0.5 * radius
    strokes = [[(-arm, 0.0), (arm, 0.0)]] + ([[(0.0, -arm), (0.0, arm)]] if positive else [])
    ink = _DARK if positive and _brightness(colour) > 0.35 else _WHITE
    _lines(np.array(strokes) + centre, (*ink[:3], alpha), 2.0 * scale)


def _brightness(colour: Sequence[float]) -> float:
    """Relative luminance of an sRGB colour, roughly."""
    r, g, b = (value**2.2 for value in colour[:3])
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def _closed(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """[K, 2, 2] the sides of a polygon [K, 2]."""
    return np.stack([corners, np.roll(corners, -1, axis=0)], axis=1)


def _fill(centre: NDArray[np.float64], rim: NDArray[np.float64], colour: Sequence[float]) -> None:
    sides = _closed(rim)
    corners = np.concatenate([np.broadcast_to(centre, (len(rim), 1, 2)), sides], axis=1).reshape(-1, 2)
    shader: Any = gpu.shader.from_builtin("UNIFORM_COLOR")
    gpu.state.blend_set("ALPHA")
    shader.uniform_float("color", tuple(colour))
    batch_for_shader(shader, "TRIS", {"pos": _flat(corners)}).draw(shader)
    gpu.state.blend_set("NONE")


def _lines(segments: NDArray[np.float64], colour: Sequence[float], width: float) -> None:
    """Draws [L, 2, 2] segments in the region's pixels."""
    viewport = gpu.state.viewport_get()
    shader: Any = gpu.shader.from_builtin("POLYLINE_UNIFORM_COLOR")
    gpu.state.blend_set("ALPHA")
    shader.uniform_float("viewportSize", (float(viewport[2]), float(viewport[3])))
    shader.uniform_float("lineWidth", width)
    shader.uniform_float("color", tuple(colour))
    batch_for_shader(shader, "LINES", {"pos": _flat(segments.reshape(-1, 2))}).draw(shader)
    gpu.state.blend_set("NONE")


def _flat(points: NDArray[np.float64]) -> NDArray[np.float32]:
    """[N, 3] float32 of pixels [N, 2]."""
    return np.concatenate([points, np.zeros((len(points), 1))], axis=1).astype(np.float32)


def register() -> None:
    """Starts drawing."""
    global _handle, _failed
    _failed = False
    if not bpy.app.background:
        _handle = bpy.types.SpaceView3D.draw_handler_add(draw, (), "WINDOW", "POST_PIXEL")


def unregister() -> None:
    """Stops drawing."""
    global _handle
    if _handle is not None:
        bpy.types.SpaceView3D.draw_handler_remove(_handle, "WINDOW")
        _handle = None
