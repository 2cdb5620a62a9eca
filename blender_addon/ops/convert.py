# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Splat objects from what is no splat object yet, and with their transforms in their data."""

from typing import Any

import bpy
import numpy as np

from splatcut.errors import UserError
from splatcut.scene.transform import decompose_similarity

from ..bridge import adopt, splats


class SPLATCUT_OT_apply_transform(bpy.types.Operator):
    """Apply location, rotation and scale to Gaussians and their colours; Blender's own Apply only moves the centres"""

    bl_idname = "splatcut.apply_transform"
    bl_label = "Apply Splat Transform"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Splat objects must be selected."""
        if not splats.selected(context):
            cls.poll_message_set("Select a splat object first.")  # type: ignore[attr-defined]
            return False
        return True

    def execute(self, context: bpy.types.Context) -> Any:
        """Changes all or nothing."""
        context.view_layer.update()
        objects = splats.selected(context)
        try:
            for obj in objects:
                splats.check_own_data(obj)
                decompose_similarity(np.array(obj.matrix_world))
            for obj in objects:
                splats.apply_transform(obj)
        except UserError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class SPLATCUT_OT_adopt(bpy.types.Operator):
    """Turn the selected objects, into which another importer has read splats, into splat objects"""

    bl_idname = "splatcut.adopt"
    bl_label = "Use as Splats"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An object with attributes of splats must be selected."""
        if not any(adopt.can_adopt(obj) for obj in context.view_layer.objects.selected):
            cls.poll_message_set("Select an object that was imported from a splat file together with its attributes.")  # type: ignore[attr-defined]
            return False
        return True

    def execute(self, context: bpy.types.Context) -> Any:
        """Takes all that are selected and can be used."""
        try:
            for obj in list(context.view_layer.objects.selected):
                if adopt.can_adopt(obj):
                    adopt.adopt(obj)
        except UserError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


def _apply_entry(self: Any, context: bpy.types.Context) -> None:
    self.layout.separator()
    self.layout.operator(SPLATCUT_OT_apply_transform.bl_idname)


def _adopt_entry(self: Any, context: bpy.types.Context) -> None:
    self.layout.separator()
    self.layout.operator(SPLATCUT_OT_adopt.bl_idname)


CLASSES = (SPLATCUT_OT_apply_transform, SPLATCUT_OT_adopt)

_MENUS = (("VIEW3D_MT_object_apply", _apply_entry), ("VIEW3D_MT_object_convert", _adopt_entry))


def register() -> None:
    """Adds the menu entries."""
    for menu, entry in _MENUS:
        getattr(bpy.types, menu).append(entry)


def unregister() -> None:
    """Takes the menu entries away."""
    for menu, entry in _MENUS:
        getattr(bpy.types, menu).remove(entry)
