# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Splat objects from what is no splat object yet, and with their transforms in their data."""

from typing import Any

import bpy
import numpy as np
from bpy.props import EnumProperty

from splatcut.errors import UserError
from splatcut.scene.transform import decompose_similarity, split_mirror

from ..bridge import adopt, matched, splats, transforms, upgrade


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
                transforms.check_own_data(obj)
                decompose_similarity(split_mirror(np.array(obj.matrix_world))[1])
            for obj in objects:
                was = matched.is_matched(obj)
                transforms.apply_transform(obj)
                _tell_matched(self, obj, was)
        except UserError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


def _tell_matched(operator: bpy.types.Operator, obj: Any, was: bool) -> None:
    """Says that a change of the splat took its match to Blender's light away, where it did."""
    if was and not matched.is_matched(obj):
        operator.report({"WARNING"}, f"{obj.name!r} has its trained colours again. Match Blender's light anew.")


class SPLATCUT_OT_adopt(bpy.types.Operator):
    """Turn objects that another importer made from a splat file into splat objects"""

    bl_idname = "splatcut.adopt"
    bl_label = "Use as Splats"
    bl_options = {"REGISTER", "UNDO"}

    source: EnumProperty(  # type: ignore[valid-type]
        name="Imported From",
        description="What Blender's importer read: it turns the data of .spz files upright, and this undoes that",
        items=(
            ("AUTO", "Automatic", "Detect it from the values: those of .spz files are rounded in a characteristic way"),
            ("PLY", "PLY", "The data are as in the file"),
            ("SPZ", "SPZ", "The data were rotated: they get the file's axes back, and the object stays where it is"),
        ),
        default="AUTO",
    )

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
                    found = adopt.adopt(obj, self.source)
                    if found == "SPZ" and self.source == "AUTO":
                        self.report(
                            {"INFO"},
                            f"{obj.name!r} appears to come from an .spz file: its data got the file's axes back, and "
                            "it stays where it is. If it came from a PLY, undo this and choose PLY.",
                        )
        except UserError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class SPLATCUT_OT_repair(bpy.types.Operator):
    """Repair splats whose rotations, scales and colours did not follow Blender's Apply, Join, edit mode or nodes"""

    bl_idname = "splatcut.repair"
    bl_label = "Repair Splats"
    bl_options = {"REGISTER", "UNDO"}

    how: EnumProperty(  # type: ignore[valid-type]
        name="How",
        items=(
            ("FOLLOW", "Follow", "Make rotations, scales and view-dependent colours follow the centres"),
            ("BACK", "Put Back", "Move the centres back where they were, and an applied transform back to the object"),
        ),
        default="FOLLOW",
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Splat objects must be selected."""
        return bool(SPLATCUT_OT_apply_transform.poll(context))

    def execute(self, context: bpy.types.Context) -> Any:
        """Repairs what can be repaired; what cannot is told."""
        context.view_layer.update()
        done, problems = [], []
        for obj in splats.selected(context):
            try:
                was = matched.is_matched(obj)
                if (transforms.follow if self.how == "FOLLOW" else transforms.put_back)(obj):
                    done.append(repr(obj.name))
                    _tell_matched(self, obj, was)
            except UserError as error:
                problems.append(str(error))
        for problem in problems:
            self.report({"WARNING"} if done else {"ERROR"}, problem)
        if problems and not done:
            return {"CANCELLED"}
        self.report({"INFO"}, f"Repaired {', '.join(done)}." if done else "There is nothing to repair.")
        return {"FINISHED"}


class SPLATCUT_OT_upgrade(bpy.types.Operator):
    """Convert the splats in this file, which an earlier Blender saved, into splats that Blender draws itself"""

    bl_idname = "splatcut.upgrade"
    bl_label = "Use Blender's Splats"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There must be such splats."""
        if not upgrade.outdated():
            cls.poll_message_set("Nothing to convert: Blender draws every splat in this file itself, or draws none.")  # type: ignore[attr-defined]
            return False
        return True

    def execute(self, context: bpy.types.Context) -> Any:
        """Takes all of the file; what cannot be converted stays as it is, and the reason is told."""
        done, problems = 0, []
        for name in [obj.name for obj in upgrade.outdated()]:
            obj = bpy.data.objects.get(name)
            if obj is None or not upgrade.is_outdated(obj):
                done += obj is not None
                continue
            try:
                upgrade.upgrade(obj)
                done += 1
            except UserError as error:
                problems.append(str(error))
        for problem in problems:
            self.report({"WARNING"} if done else {"ERROR"}, problem)
        if not done:
            return {"CANCELLED"}
        self.report({"INFO"}, f"{done} splat object{'s are' if done > 1 else ' is'} now drawn by Blender itself.")
        return {"FINISHED"}


def _apply_entry(self: Any, context: bpy.types.Context) -> None:
    self.layout.separator()
    self.layout.operator(SPLATCUT_OT_apply_transform.bl_idname)
    self.layout.operator(SPLATCUT_OT_repair.bl_idname)


def _adopt_entry(self: Any, context: bpy.types.Context) -> None:
    self.layout.separator()
    self.layout.operator(SPLATCUT_OT_adopt.bl_idname)


CLASSES = (SPLATCUT_OT_apply_transform, SPLATCUT_OT_adopt, SPLATCUT_OT_repair, SPLATCUT_OT_upgrade)

_MENUS = (("VIEW3D_MT_object_apply", _apply_entry), ("VIEW3D_MT_object_convert", _adopt_entry))


def register() -> None:
    """Adds the menu entries."""
    for menu, entry in _MENUS:
        getattr(bpy.types, menu).append(entry)


def unregister() -> None:
    """Takes the menu entries away."""
    for menu, entry in _MENUS:
        getattr(bpy.types, menu).remove(entry)
