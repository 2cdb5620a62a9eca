# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender itself draws of splats, from 5.3 on, and when the add-on draws in its place.

Blender draws its own splats and knows nothing of tints. While an object has one, Blender is told to draw only its box
(``display_type``; its data stay as they are, and renders do not look at it), and ``bridge.viewport`` draws the tinted
splats. With the tint's end, and in saved files, Blender draws again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import bpy
from bpy.app.handlers import persistent

from ..core import layout
from . import state

#: The type of point clouds that Blender draws as splats.
SPLATS = "GAUSSIAN_SPLAT"


def native() -> bool:
    """Whether this Blender knows splats itself, so that splat objects are point clouds."""
    known: Any = bpy.types.PointCloud.bl_rna
    kinds = known.properties["type"].enum_items if "type" in known.properties else ()
    return SPLATS in kinds and "resize" in known.functions


def is_native(obj: Any) -> bool:
    """Whether Blender draws the object as splats."""
    return obj.type == "POINTCLOUD" and getattr(obj.data, "type", "") == SPLATS


def is_tinted(obj: Any) -> bool:
    """Whether there is anything to tint the object with: a preview, labels, variances or islands to be seen."""
    settings, there = obj.splatcut, obj.data.attributes
    if settings.show_boundary and layout.VARIANCE in there:
        return True
    if settings.show_islands and layout.ISLAND in there and len(settings.objects) > 0:
        return True
    return state.preview(settings.uid) is not None or (len(settings.objects) > 0 and layout.OBJECT in there)


def share_drawing(obj: Any) -> None:
    """Settles whether Blender draws the object or only its box, because the add-on draws it."""
    display = obj.splatcut.display
    own = display != "OFF" and (not is_native(obj) or display == "POINTS" or is_tinted(obj))
    if own:
        wanted = "BOUNDS"
    elif is_native(obj) and obj.display_type != "BOUNDS":
        return  # as the user has it
    else:
        wanted = "TEXTURED"
    if obj.display_type != wanted:
        obj.display_type = wanted


def drawn_here(obj: Any) -> bool:
    """Whether Blender leaves it to the add-on to draw the object."""
    return not is_native(obj) or obj.display_type == "BOUNDS"


def _clouds() -> Iterator[Any]:
    """The splat objects of this file that Blender draws."""
    for obj in bpy.data.objects:
        if obj.type == "POINTCLOUD" and obj.library is None and obj.splatcut.is_splat:  # type: ignore[attr-defined]
            yield obj


def refresh() -> None:
    """Settles for all splat objects who draws them."""
    # While add-ons are being registered there are no data, and in some contexts they must not be changed.
    with contextlib.suppress(AttributeError):
        for obj in _clouds():
            share_drawing(obj)


@persistent
def _on_change(*_: object) -> None:
    refresh()


@persistent
def _on_load(*_: object) -> None:
    """A cloud that was saved by a Blender before 5.3 has forgotten that it is one of splats."""
    for obj in _clouds():
        if not is_native(obj) and obj.data.library is None:
            obj.data.type = SPLATS
    refresh()


@persistent
def _before_saving(*_: object) -> None:
    """A file shows its splats also where this add-on is not."""
    for obj in _clouds():
        if is_native(obj) and obj.display_type == "BOUNDS":
            obj.display_type = "TEXTURED"


_HANDLERS = (
    ("undo_post", _on_change),
    ("redo_post", _on_change),
    ("load_post", _on_load),
    ("blend_import_post", _on_load),
    ("save_pre", _before_saving),
    ("save_post", _on_change),
    ("save_post_fail", _on_change),
)


def register() -> None:
    """Starts to follow tints, where Blender draws splats."""
    if native():
        state.listeners.append(refresh)
        for name, handler in _HANDLERS:
            getattr(bpy.app.handlers, name).append(handler)


def unregister() -> None:
    """Stops to follow tints."""
    if refresh in state.listeners:
        state.listeners.remove(refresh)
    for name, handler in _HANDLERS:
        handlers = getattr(bpy.app.handlers, name, [])
        if handler in handlers:
            handlers.remove(handler)
