# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators on what is shown: the splat or what was cut from it, and messages."""

import contextlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import bpy
from bpy.props import StringProperty

from splatcut.errors import UserError

from ..bridge import healed, state
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
        results = healed.latest(context, source)
        if not show and not results:
            return {"CANCELLED"}
        for obj in results:
            healed.hide(context, obj, show or obj.splatcut.result_aside)
        healed.hide(context, source, not show)
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
            for obj in healed.latest(context, source):
                healed.hide(context, obj)
            healed.hide(context, source, False)
            _choose(context, source)
        state.tag_redraw()
        return {"FINISHED"}


class SPLATCUT_OT_show_scene(SplatOperator, bpy.types.Operator):
    """Choose what is shown behind the objects: the background as it was cut, or one with the holes filled"""

    bl_idname = "splatcut.show_scene"
    bl_label = "Show Background"
    bl_options = {"REGISTER", "UNDO"}

    name: StringProperty(name="Name", description="Empty for the background as it was cut", default="")  # type: ignore[valid-type]

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            healed.show(context, active_splat(context), self.name)
        except UserError as error:
            return refuse(self, error, gently=False)
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


def _choose(context: bpy.types.Context, obj: Any) -> None:
    for other in context.view_layer.objects.selected:
        other.select_set(False)
    obj.select_set(True)
    context.view_layer.objects.active = obj


class SPLATCUT_OT_show_log(bpy.types.Operator):
    """Open the engine's log in Blender's text editor or, if none is open, in the system's"""

    bl_idname = "splatcut.show_log"
    bl_label = "Show Log"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        path = Path(state.worker.log) if state.worker.log else None
        if path is None or not path.is_file():
            self.report({"INFO"}, "There is no log yet because the engine has not run.")
            return {"CANCELLED"}
        name = "SplatCut log"
        text: Any = bpy.data.texts.get(name) or bpy.data.texts.new(name)
        text.clear()
        text.write(path.read_text(encoding="utf-8", errors="replace")[-200_000:])
        self.report({"INFO"}, f"The log is in the text {name!r}; the file is {path}.")
        if not bpy.app.background:
            for area in context.screen.areas if context.screen else ():
                if area.type == "TEXT_EDITOR":
                    area.spaces.active.text = text  # type: ignore[union-attr]
                    return {"FINISHED"}
            _open_with_system(path)
        return {"FINISHED"}


def _open_with_system(path: Path) -> None:
    """Shows a file in whatever the system opens it with."""
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            subprocess.Popen(["explorer", "/select,", str(path)])
        elif sys.platform == "darwin":
            subprocess.Popen(["open", str(path)])
        else:
            subprocess.Popen(["xdg-open", str(path)], stderr=subprocess.DEVNULL)


CLASSES = (
    SPLATCUT_OT_show_source,
    SPLATCUT_OT_show_islands,
    SPLATCUT_OT_show_scene,
    SPLATCUT_OT_dismiss,
    SPLATCUT_OT_show_log,
)
