# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Splats in the viewport, as Gaussians: all before Blender 5.3, the tinted ones where Blender draws splats itself.

A draw handler never raises: what goes wrong is said once, and from then on the splats are shown as points, or, where
even that fails, not at all, until the add-on is enabled again or another .blend is opened.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import bpy
import numpy as np
from bpy.app.handlers import persistent

from .. import state
from .drawer import SETTLE, Drawer
from .shown import shown_in

_log = logging.getLogger(__name__)

_drawer = Drawer()
_handle: Any = None
#: 0: all is well; 1: splats do not work, points do; 2: nothing does.
_trouble = 0


def register() -> None:
    """Starts drawing. Without a window there is nothing to draw on."""
    global _handle, _trouble
    _trouble = 0
    bpy.app.handlers.load_pre.append(_forget)
    if not bpy.app.background:
        _handle = bpy.types.SpaceView3D.draw_handler_add(_draw, (), "WINDOW", "POST_VIEW")


def unregister() -> None:
    """Stops drawing and frees the GPU's memory."""
    global _handle
    if _handle is not None:
        bpy.types.SpaceView3D.draw_handler_remove(_handle, "WINDOW")
        _handle = None
    if _forget in bpy.app.handlers.load_pre:
        bpy.app.handlers.load_pre.remove(_forget)
    for timer in (_settle, _tell):
        if bpy.app.timers.is_registered(timer):
            bpy.app.timers.unregister(timer)
    _drawer.free()


def _draw() -> None:
    global _trouble
    if _trouble == 2:
        return
    try:
        _draw_region(bpy.context)
    except Exception:
        _trouble += 1
        _log.exception("Splats cannot be drawn in the viewport.")
        _drawer.free()
        if not bpy.app.timers.is_registered(_tell):
            bpy.app.timers.register(_tell, first_interval=0.0)


def _draw_region(context: bpy.types.Context) -> None:
    region: Any = context.region
    region_3d: Any = context.region_data
    if region is None or region_3d is None:
        return
    shown = shown_in(context)
    if _trouble:
        shown = [replace(item, as_points=True) for item in shown]
    import gpu

    width, height = gpu.state.viewport_get()[2:]
    _drawer.draw(
        (region.as_pointer(), region_3d.as_pointer()),
        shown,
        np.array(region_3d.view_matrix, dtype=np.float64),
        np.array(region_3d.window_matrix, dtype=np.float64),
        # Viewport renders draw on a buffer of their own, once.
        still=(width, height) != (region.width, region.height),
    )
    if _drawer.unsettled() and not bpy.app.timers.is_registered(_settle):
        bpy.app.timers.register(_settle, first_interval=SETTLE + 0.02)


def _settle() -> float | None:
    """A timer: when the view has come to rest, everything is drawn."""
    if not _drawer.unsettled():
        return None
    state.tag_redraw()
    return SETTLE


def _tell() -> None:
    """A timer: says what went wrong, which a draw handler should not."""
    if _trouble == 1:
        state.say(
            "This graphics card cannot draw splats, so they are shown as points. See Blender's system console for the "
            "reason.",
            "WARNING",
        )
    else:
        state.say(
            "This graphics card can draw neither splats nor points. Set the display of the splat objects to Off to "
            "see what Blender itself draws. See Blender's system console for the reason.",
            "WARNING",
        )


@persistent
def _forget(*_: Any) -> None:
    """Before another .blend is opened."""
    global _trouble
    _trouble = 0
    _drawer.forget()
