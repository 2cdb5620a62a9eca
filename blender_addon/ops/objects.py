# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators on the list of objects."""

from typing import Any

import bpy
import numpy as np
from bpy.props import EnumProperty, FloatProperty, IntProperty, StringProperty

from splatcut.errors import UserError

from ..bridge import labelled, prompts, properties, state
from ..core import objects as core
from .click import ViewportClick
from .common import SplatOperator, active_splat, changed, chosen, refuse

#: What one step of growing or shrinking is worth.
GROW_STEP = 0.1

_renaming = False


def add(obj: Any, name: str = "") -> Any:
    """A new ``SplatCutObject`` at the end of the list, chosen, with a name and a colour of its own."""
    settings = obj.splatcut
    taken = [item.name for item in settings.objects]
    colour = core.next_colour([item.colour for item in settings.objects])
    item = settings.objects.add()
    item.uid = prompts.new_uid()
    item.colour = colour
    _set_name(item, core.unique_name(name or core.DEFAULT_NAME, taken))
    settings.active_object = len(settings.objects) - 1
    return item


def after_rename(item: Any) -> None:
    """Called after a name was typed in the panel: makes it legal and unique, and says so when that changed it."""
    if _renaming:
        return
    settings = item.id_data.splatcut
    others = [other.name for other in settings.objects if other.uid != item.uid]
    wanted = item.name
    name = core.unique_name(wanted, others)
    if name != wanted:
        problem = core.name_problem(wanted, others) or ""
        _set_name(item, name)
        state.say(f"{problem} It was renamed to {name!r}.", "WARNING")
    changed(item.id_data)


def _set_name(item: Any, name: str) -> None:
    global _renaming
    _renaming = True
    try:
        item.name = name
    finally:
        _renaming = False


class SPLATCUT_OT_object_add(SplatOperator, bpy.types.Operator):
    """Add an object to cut out, then click on it in the viewport"""

    bl_idname = "splatcut.object_add"
    bl_label = "Add Object"
    bl_options = {"REGISTER", "UNDO"}

    name: StringProperty(name="Name", description="Also used as the file name", default="")  # type: ignore[valid-type]

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            obj = active_splat(context)
        except UserError as error:
            return refuse(self, error, gently=False)
        add(obj, self.name)
        changed(obj)
        return {"FINISHED"}


class SPLATCUT_OT_object_remove(SplatOperator, bpy.types.Operator):
    """Remove the object and its prompts from the list"""

    bl_idname = "splatcut.object_remove"
    bl_label = "Remove Object"
    bl_options = {"REGISTER", "UNDO"}

    index: IntProperty(default=-1, min=-1, options={"HIDDEN", "SKIP_SAVE"})  # type: ignore[valid-type]

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            obj = active_splat(context)
            index = chosen(obj.splatcut, self.index)
        except UserError as error:
            return refuse(self, error, gently=False)
        settings = obj.splatcut
        settings.objects.remove(index)
        _relabel(obj, lambda labels: core.labels_after_removal(labels, index))
        active = settings.active_object - (settings.active_object > index)
        settings.active_object = max(min(active, len(settings.objects) - 1), 0)
        changed(obj)
        return {"FINISHED"}


class SPLATCUT_OT_object_move(SplatOperator, bpy.types.Operator):
    """Move the object up or down in the list"""

    bl_idname = "splatcut.object_move"
    bl_label = "Move Object"
    bl_options = {"REGISTER", "UNDO"}

    direction: EnumProperty(items=(("UP", "Up", ""), ("DOWN", "Down", "")))  # type: ignore[valid-type]
    index: IntProperty(default=-1, min=-1, options={"HIDDEN", "SKIP_SAVE"})  # type: ignore[valid-type]

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            obj = active_splat(context)
            index = chosen(obj.splatcut, self.index)
        except UserError as error:
            return refuse(self, error, gently=False)
        settings = obj.splatcut
        target = index + (-1 if self.direction == "UP" else 1)
        if not 0 <= target < len(settings.objects):
            return {"CANCELLED"}
        settings.objects.move(index, target)
        _relabel(obj, lambda labels: core.labels_after_move(labels, index, target))
        if settings.active_object == index:
            settings.active_object = target
        elif settings.active_object == target:
            settings.active_object = index
        changed(obj)
        return {"FINISHED"}


class SPLATCUT_OT_object_rename(SplatOperator, bpy.types.Operator):
    """Rename the object (or double-click its name in the list)"""

    bl_idname = "splatcut.object_rename"
    bl_label = "Rename Object"
    bl_options = {"REGISTER", "UNDO"}

    name: StringProperty(name="Name", default="")  # type: ignore[valid-type]
    index: IntProperty(default=-1, min=-1, options={"HIDDEN", "SKIP_SAVE"})  # type: ignore[valid-type]

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            obj = active_splat(context)
            index = chosen(obj.splatcut, self.index)
        except UserError as error:
            return refuse(self, error, gently=False)
        items = obj.splatcut.objects
        problem = core.name_problem(self.name, [item.name for k, item in enumerate(items) if k != index])
        if problem is not None:
            return refuse(self, problem, gently=False)
        _set_name(items[index], self.name)
        changed(obj)
        return {"FINISHED"}


class SPLATCUT_OT_object_grow(SplatOperator, bpy.types.Operator):
    """Include more (positive) or less (negative) of what is uncertain at the object's edge"""

    bl_idname = "splatcut.object_grow"
    bl_label = "Grow or Shrink Object"
    bl_options = {"REGISTER", "UNDO"}

    amount: FloatProperty(name="Amount", default=GROW_STEP, min=-2, max=2)  # type: ignore[valid-type]
    index: IntProperty(default=-1, min=-1, options={"HIDDEN", "SKIP_SAVE"})  # type: ignore[valid-type]

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            obj = active_splat(context)
            index = chosen(obj.splatcut, self.index)
        except UserError as error:
            return refuse(self, error, gently=False)
        item = obj.splatcut.objects[index]
        item.grow = round(min(max(item.grow + self.amount, -1.0), 1.0), 4)
        changed(obj)
        return {"FINISHED"}


class SPLATCUT_OT_object_select(ViewportClick, bpy.types.Operator):
    """Select the object under the mouse, or the one that the prompt there belongs to"""

    bl_idname = "splatcut.object_select"
    bl_label = "Select Object"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            obj = active_splat(context)
            settings = obj.splatcut
            place = prompts.find_prompt(settings, self.prompt_under(obj))
            if place is None:
                found = self.click(obj)
                index = None if found.gaussian is None else object_of(obj, found.gaussian)
            else:
                index = place[0]
        except UserError as error:
            return refuse(self, error, gently=self.by_hand)
        if index is None:
            self.report({"INFO"}, "None of the objects in the list is here yet.")
            return {"CANCELLED"}
        settings.active_object = index
        if place is not None:
            settings.objects[index].active_prompt = place[1]
        state.tag_redraw()
        return {"FINISHED"}


def object_of(obj: Any, gaussian: int) -> int | None:
    """Index in the list of the object that a Gaussian belongs to, by the preview or by the last run; or None."""
    settings = obj.splatcut
    shown = state.preview(settings.uid)
    if shown is not None and gaussian < len(shown.labels):
        label = int(shown.labels[gaussian])
        uid = shown.objects[label - 1] if 0 < label <= len(shown.objects) else ""
        return next((k for k, item in enumerate(settings.objects) if item.uid == uid), None)
    kept = labelled.read(obj)
    if kept is None or gaussian >= len(kept.labels):
        return None
    label = int(kept.labels[gaussian])
    return label - 1 if 0 < label <= len(settings.objects) else None


def _relabel(obj: Any, change: Any) -> None:
    """Labels that a run has left with the splat count the list's objects: they follow it."""
    kept = labelled.read(obj)
    if kept is None:
        return
    labels, island = change(kept.labels), kept.island
    same = np.array_equal(labels, kept.labels)
    if kept.island is not None:
        island = change(kept.island)
        same = same and np.array_equal(island, kept.island)
    if same:
        return
    probability = np.where((labels == 0) & (kept.labels > 0), np.float32(1), kept.probability)
    labelled.write(obj, kept._replace(labels=labels, probability=probability, island=island))


CLASSES = (
    SPLATCUT_OT_object_add,
    SPLATCUT_OT_object_remove,
    SPLATCUT_OT_object_move,
    SPLATCUT_OT_object_rename,
    SPLATCUT_OT_object_grow,
    SPLATCUT_OT_object_select,
)


def register() -> None:
    """Starts to check names that are typed in the panel."""
    properties.after_rename = after_rename


def unregister() -> None:
    """Stops checking them."""
    properties.after_rename = None
