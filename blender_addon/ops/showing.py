# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators on what is shown: the splat or what was cut from it, and messages."""

from typing import Any

import bpy

from splatcut.errors import UserError

from ..bridge import splats, state
from .common import SplatOperator, active_splat, refuse


class SPLATCUT_OT_show_source(SplatOperator, bpy.types.Operator):
    """Switch between the splat, to correct clicks, and the objects that were cut from it"""

    bl_idname = "splatcut.show_source"
    bl_label = "Show Splat or Results"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            source = active_splat(context)
        except UserError as error:
            return refuse(self, error, gently=False)
        show = source.hide_get() or source.hide_viewport
        results = results_of(context, source)
        if not show and not results:
            return {"CANCELLED"}
        for obj in results:
            _set_hidden(obj, show)
        _set_hidden(source, not show)
        if show:
            _choose(context, source)
        return {"FINISHED"}


class SPLATCUT_OT_show_islands(SplatOperator, bpy.types.Operator):
    """Tint the stray parts that the last cut gave to the background, each in the colour of its object"""

    bl_idname = "splatcut.show_islands"
    bl_label = "Show Stray Parts"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            source = active_splat(context)
        except UserError as error:
            return refuse(self, error, gently=False)
        hidden = source.hide_get() or source.hide_viewport
        settings = source.splatcut
        settings.show_islands = hidden or not settings.show_islands
        if settings.show_islands:
            settings.show_boundary = False
        if hidden:
            for obj in results_of(context, source):
                _set_hidden(obj, True)
            _set_hidden(source, False)
            _choose(context, source)
        state.tag_redraw()
        return {"FINISHED"}


class SPLATCUT_OT_dismiss(bpy.types.Operator):
    """Dismiss the message"""

    bl_idname = "splatcut.dismiss"
    bl_label = "Dismiss Message"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        state.say("")
        return {"FINISHED"}


def results_of(context: bpy.types.Context, source: Any) -> list[Any]:
    """The splats of the latest run on ``source`` in this view layer: those of the collection that came last."""
    found: list[Any] = [
        obj
        for obj in context.view_layer.objects
        if splats.is_splat(obj) and obj.splatcut.result_of == source.splatcut.uid
    ]
    # Earlier runs' results were hidden when the latest came.
    latest = max((obj.session_uid for obj in found), default=0)
    last = next((obj for obj in found if obj.session_uid == latest), None)
    together = set() if last is None else {collection.name for collection in last.users_collection}
    return [obj for obj in found if together & {collection.name for collection in obj.users_collection}]


def _choose(context: bpy.types.Context, obj: Any) -> None:
    for other in context.view_layer.objects.selected:
        other.select_set(False)
    obj.select_set(True)
    context.view_layer.objects.active = obj


def _set_hidden(obj: Any, hidden: bool) -> None:
    obj.hide_render = hidden
    obj.hide_viewport = False
    obj.hide_set(hidden)


CLASSES = (SPLATCUT_OT_show_source, SPLATCUT_OT_show_islands, SPLATCUT_OT_dismiss)
