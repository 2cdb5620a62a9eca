# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tool in the 3D view's toolbar: click, Ctrl-click, drag."""

from typing import Any

import bpy

from . import overlays, situation


class SplatCutTool(bpy.types.WorkSpaceTool):
    """Points by clicking, boxes by dragging; what is dragged from a prompt moves it."""

    bl_space_type = "VIEW_3D"
    bl_context_mode = "OBJECT"
    bl_idname = situation.TOOL
    bl_label = "SplatCut Prompt"
    bl_description = (
        "Mark what to cut out of a splat.\nClick: belongs to the object. Ctrl- or Alt-click: does not belong to "
        "it.\nDrag: draw a box around the object, or move a prompt.\nShift-click: select the object under the mouse. "
        "X: delete the prompt under the mouse"
    )
    bl_icon = "ops.generic.select_lasso"
    bl_cursor = "CROSSHAIR"
    bl_keymap = (
        ("splatcut.prompt_add_point", {"type": "LEFTMOUSE", "value": "CLICK"}, {"properties": [("positive", True)]}),
        (
            "splatcut.prompt_add_point",
            {"type": "LEFTMOUSE", "value": "CLICK", "ctrl": True},
            {"properties": [("positive", False)]},
        ),
        (
            "splatcut.prompt_add_point",
            {"type": "LEFTMOUSE", "value": "CLICK", "alt": True},
            {"properties": [("positive", False)]},
        ),
        ("splatcut.object_select", {"type": "LEFTMOUSE", "value": "CLICK", "shift": True}, None),
        # The first takes drags that begin on a prompt, the second the others.
        ("splatcut.prompt_move", {"type": "LEFTMOUSE", "value": "CLICK_DRAG"}, None),
        ("splatcut.prompt_add_box", {"type": "LEFTMOUSE", "value": "CLICK_DRAG"}, None),
        ("splatcut.prompt_delete", {"type": "X", "value": "PRESS"}, None),
        ("splatcut.prompt_delete", {"type": "DEL", "value": "PRESS"}, None),
        ("splatcut.object_grow", {"type": "NUMPAD_PLUS", "value": "PRESS", "ctrl": True},
         {"properties": [("amount", 0.1)]}),
        ("splatcut.object_grow", {"type": "NUMPAD_MINUS", "value": "PRESS", "ctrl": True},
         {"properties": [("amount", -0.1)]}),
    )  # fmt: skip

    @staticmethod
    def draw_settings(context: bpy.types.Context, layout: Any, tool: Any) -> None:
        """The chosen object in the tool's header."""
        from ..bridge import prompts, splats

        obj: Any = splats.active(context)
        item = None if obj is None else prompts.active_object(obj.splatcut)
        if obj is None:
            layout.label(text="Select a splat", icon="INFO")
        elif item is None:
            layout.label(text="Click on what you want to cut out", icon="INFO")
        else:
            row = layout.row(align=True)
            row.prop(item, "colour", text="")
            row.prop(item, "name", text="")
            layout.prop(item, "grow", slider=True)

    @staticmethod
    def draw_cursor(context: bpy.types.Context, tool: Any, xy: Any) -> None:
        """Marks the prompt under the mouse."""
        overlays.draw_hover(context, xy)


def register() -> None:
    """Puts the tool below the 3D cursor's."""
    bpy.utils.register_tool(SplatCutTool, after={"builtin.cursor"}, separator=True)


def unregister() -> None:
    """Takes it out."""
    bpy.utils.unregister_tool(SplatCutTool)
