# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators that place, move and delete prompts."""

from typing import Any

import bpy
import numpy as np
from bpy.props import BoolProperty, FloatProperty, FloatVectorProperty, IntProperty, StringProperty

from splatcut.errors import UserError

from ..bridge import prompts, state
from ..core import overlay
from ..core import prompts as core
from .click import Click, ViewportClick, ViewportView, prompt_at
from .common import SplatOperator, active_splat, changed, chosen, refuse
from .objects import add as add_object

IN_SPACE = (
    "In an orthographic view, a click becomes a point in space. Perspective views (Numpad 5) follow outlines better."
)
NOTHING_THERE = "There is no splat under the mouse. Click on the surface of what you want to cut out."

#: What is being dragged: a rectangle (x0, y0, x1, y1; for a point without extent) in region pixels, y up, and the
#: region's pointer.
rubber_band: tuple[tuple[float, float, float, float], int] | None = None


class SPLATCUT_OT_prompt_add_point(ViewportClick, bpy.types.Operator):
    """Click on what belongs to the object. Ctrl- or Alt-click on what does not"""

    bl_idname = "splatcut.prompt_add_point"
    bl_label = "Add Point"
    bl_options = {"REGISTER", "UNDO"}

    positive: BoolProperty(  # type: ignore[valid-type]
        name="On the object",
        description="When off, what is under the mouse does not belong to the object",
        default=True,
    )
    position: FloatVectorProperty(  # type: ignore[valid-type]
        description="A point in space, in the splat's local frame, instead of a pixel",
        size=3,
        options={"HIDDEN", "SKIP_SAVE"},
    )
    object: IntProperty(default=-1, min=-1, options={"HIDDEN", "SKIP_SAVE"})  # type: ignore[valid-type]

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            obj = active_splat(context)
            if self.properties.is_property_set("position"):
                found = Click(None, 0.0, 0.0, np.array(self.position[:], dtype=np.float64), None)
                if not np.isfinite(found.position).all():  # type: ignore[arg-type]
                    raise UserError("The position must be three finite numbers.")
            else:
                found = self.click(obj)
                if found.position is None and (self.positive or found.view is None):
                    raise UserError(NOTHING_THERE)
            item = _target(obj, self.object)
        except UserError as error:
            return refuse(self, error, gently=self.by_hand)
        settings = obj.splatcut
        prompts.write_prompt(
            item.prompts.add(),
            kind="POINT",
            view="" if found.view is None else prompts.place_view(settings, found.view),
            positive=self.positive,
            pixels=(found.x, found.y),
            position=found.position,
        )
        item.active_prompt = len(item.prompts) - 1
        if found.view is None and self.by_hand:
            self.report({"INFO"}, IN_SPACE)
        changed(obj)
        return {"FINISHED"}


class Dragging(ViewportView):
    """Base of operators that follow the mouse from where the button went down until it goes up."""

    def start(self, context: bpy.types.Context, event: bpy.types.Event) -> tuple[float, float]:
        """Where the button went down, region pixels, y up."""
        region: Any = context.region
        self.began = (event.mouse_prev_press_x - region.x, event.mouse_prev_press_y - region.y)
        return self.began

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Follows the mouse."""
        operator: Any = self
        if event.type in {"ESC", "RIGHTMOUSE"}:
            return self._end(context, {"CANCELLED"})
        now = (event.mouse_region_x, event.mouse_region_y)
        operator.dragged(context, *now)
        context.area.tag_redraw()
        if event.type == "LEFTMOUSE" and event.value == "RELEASE":
            self._end(context, {"FINISHED"})
            return operator.execute(context)
        return {"RUNNING_MODAL"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Called by Blender when the window closes."""
        self._end(context, set())

    def _end(self, context: bpy.types.Context, result: set[str]) -> set[str]:
        global rubber_band
        rubber_band = None
        context.workspace.status_text_set(None)
        if context.area is not None:
            context.area.tag_redraw()
        return result


class SPLATCUT_OT_prompt_add_box(Dragging, bpy.types.Operator):
    """Drag a box around the object"""

    bl_idname = "splatcut.prompt_add_box"
    bl_label = "Add Box"
    bl_options = {"REGISTER", "UNDO"}

    x0: FloatProperty(description="Pixels from the left", options={"HIDDEN", "SKIP_SAVE"})  # type: ignore[valid-type]
    y0: FloatProperty(description="Pixels from the top", options={"HIDDEN", "SKIP_SAVE"})  # type: ignore[valid-type]
    x1: FloatProperty(description="Pixels from the left", options={"HIDDEN", "SKIP_SAVE"})  # type: ignore[valid-type]
    y1: FloatProperty(description="Pixels from the top", options={"HIDDEN", "SKIP_SAVE"})  # type: ignore[valid-type]
    object: IntProperty(default=-1, min=-1, options={"HIDDEN", "SKIP_SAVE"})  # type: ignore[valid-type]

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if not self.look(context):
            return {"PASS_THROUGH"}
        try:
            obj = active_splat(context)
            # A drag that begins on a prompt moves it; keymaps do not say which of the two operators is asked first.
            if prompt_at(obj, self.viewport(obj), *self.start(context, event)):
                return {"PASS_THROUGH"}
        except UserError as error:
            return refuse(self, error, gently=True)
        self.dragged(context, event.mouse_region_x, event.mouse_region_y)
        context.window_manager.modal_handler_add(self)
        context.workspace.status_text_set("Drag a box around the object. Esc or right-click to cancel.")
        return {"RUNNING_MODAL"}

    def dragged(self, context: bpy.types.Context, x: float, y: float) -> None:
        """Draws the box up to the mouse."""
        global rubber_band
        start = self.began
        self.x0, self.y0, self.x1, self.y1 = start[0], self.height - start[1], x, self.height - y
        rubber_band = (start[0], start[1], x, y), context.region.as_pointer()

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            obj = active_splat(context)
            port = self.viewport(obj)
            if port.is_orthographic:
                raise UserError(
                    "Boxes need a perspective view. Press Numpad 5 and drag again, or click points instead."
                )
            given = (min(max(v, -1e7), 1e7) for v in (self.x0, self.y0, self.x1, self.y1))
            view, box, position = self._box(obj, *given)
            item = _target(obj, self.object)
        except UserError as error:
            return refuse(self, error, gently=self.by_hand)
        settings = obj.splatcut
        uid = prompts.place_view(settings, view)
        # The 2D model takes one box for an object in a view.
        for number in reversed(range(len(item.prompts))):
            if item.prompts[number].kind == "BOX" and item.prompts[number].view == uid:
                item.prompts.remove(number)
        prompts.write_prompt(item.prompts.add(), kind="BOX", view=uid, positive=True, pixels=box, position=position)
        item.active_prompt = len(item.prompts) - 1
        changed(obj)
        return {"FINISHED"}

    def _box(self, obj: Any, x0: float, y0: float, x1: float, y1: float) -> tuple[Any, Any, Any]:
        """The view, the box in its pixels, and the surface that the box is drawn at."""
        middle = self.look_at(obj, (x0 + x1) / 2, (y0 + y1) / 2)
        view = middle.view
        assert view is not None  # orthographic viewports have gone
        sx, sy = view.width / self.width, view.height / self.height
        box = core.box_pixels(view, x0 * sx, y0 * sy, x1 * sx, y1 * sy)
        if box is None:
            raise UserError("The box is too small or outside the view. Drag it around the object.")
        position = middle.position
        for across, down in () if position is not None else _GRID:
            position = self.look_at(obj, x0 + across * (x1 - x0), y0 + down * (y1 - y0)).position
            if position is not None:
                break
        if position is None:
            raise UserError("There is no splat inside the box. Drag it around what you want to cut out.")
        return view, box, position


#: Where in a box a surface is looked for when there is none in its middle.
_GRID = tuple((x, y) for x in (0.5, 0.3, 0.7, 0.15, 0.85) for y in (0.5, 0.3, 0.7, 0.15, 0.85))[1:]


class SPLATCUT_OT_prompt_move(Dragging, bpy.types.Operator):
    """Move a point or a box to another place"""

    bl_idname = "splatcut.prompt_move"
    bl_label = "Move Prompt"
    bl_options = {"REGISTER", "UNDO"}

    uid: StringProperty(options={"HIDDEN", "SKIP_SAVE"})  # type: ignore[valid-type]
    dx: FloatProperty(description="Pixels to the right", options={"HIDDEN", "SKIP_SAVE"})  # type: ignore[valid-type]
    dy: FloatProperty(description="Pixels down", options={"HIDDEN", "SKIP_SAVE"})  # type: ignore[valid-type]

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if not self.look(context):
            return {"PASS_THROUGH"}
        try:
            obj = active_splat(context)
            self.uid = prompt_at(obj, self.viewport(obj), *self.start(context, event))
            self.outline = self._bounds(obj) if self.uid else None
        except UserError:
            return {"PASS_THROUGH"}
        if not self.uid:
            return {"PASS_THROUGH"}
        self.dragged(context, event.mouse_region_x, event.mouse_region_y)
        context.window_manager.modal_handler_add(self)
        context.workspace.status_text_set("Drag the prompt to its new place. Esc or right-click to cancel.")
        return {"RUNNING_MODAL"}

    def dragged(self, context: bpy.types.Context, x: float, y: float) -> None:
        """Draws the prompt's outline where the mouse is."""
        global rubber_band
        self.dx, self.dy = x - self.began[0], self.began[1] - y
        if self.outline is not None:
            x0, y0, x1, y1 = self.outline
            rubber_band = (
                (x0 + self.dx, self.height - y0 - self.dy, x1 + self.dx, self.height - y1 - self.dy),
                context.region.as_pointer(),
            )

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            obj = active_splat(context)
            settings = obj.splatcut
            place = prompts.find_prompt(settings, self.uid)
            bounds = self._bounds(obj)
            if place is None or bounds is None:
                raise UserError("There is no such prompt in this view.")
            item = settings.objects[place[0]]
            prompt = item.prompts[place[1]]
            x, y = (bounds[0] + bounds[2]) / 2 + self.dx, (bounds[1] + bounds[3]) / 2 + self.dy
            found = self.look_at(obj, x, y)
            box: Any = (found.x, found.y)
            if prompt.kind == "BOX":
                if found.view is None:
                    raise UserError("Boxes can only be moved in a perspective view. Press Numpad 5.")
                sx, sy = found.view.width / self.width, found.view.height / self.height
                moved = [v + d for v, d in zip(bounds, (self.dx, self.dy) * 2, strict=True)]
                box = core.box_pixels(found.view, *(v * s for v, s in zip(moved, (sx, sy) * 2, strict=True)))
                if box is None:
                    raise UserError("The box would be outside the view there.")
            position = found.position
            if position is None and prompt.kind == "BOX":
                position = self._same_depth(obj, prompt, found)
            if position is None and (prompt.positive or found.view is None):
                raise UserError(NOTHING_THERE)
        except UserError as error:
            return refuse(self, error, gently=self.by_hand)
        view = "" if found.view is None else prompts.place_view(settings, found.view)
        prompts.write_prompt(
            prompt, kind=prompt.kind, view=view, positive=prompt.positive, pixels=box, position=position
        )
        settings.active_object, item.active_prompt = place
        changed(obj)
        return {"FINISHED"}

    def _bounds(self, obj: Any) -> tuple[float, float, float, float] | None:
        """What the prompt covers in the viewport (pixels, y down); a point covers nothing but its place."""
        objects, views = prompts.read(obj.splatcut)
        mark = next((m for m in overlay.marks(objects, views, self.viewport(obj)) if m.uid == self.uid), None)
        if mark is None:
            return None
        where = mark.centre[None] if mark.centre is not None else mark.lines.reshape(-1, 2)  # type: ignore[union-attr]
        (x0, y0), (x1, y1) = where.min(axis=0), where.max(axis=0)
        return float(x0), float(self.height - y1), float(x1), float(self.height - y0)

    def _same_depth(self, obj: Any, prompt: Any, found: Click) -> Any:
        """A box whose middle hits nothing stays as far away as it was."""
        if not prompt.has_position or found.view is None:
            return None
        depth = float(found.view.project([prompt.position[:]])[1][0])
        return found.view.unproject([(found.x, found.y)], [depth])[0] if depth > 0 else None


class SPLATCUT_OT_prompt_delete(ViewportClick, bpy.types.Operator):
    """Delete the prompt under the mouse or, from the panel, the one selected in the list"""

    bl_idname = "splatcut.prompt_delete"
    bl_label = "Delete Prompt"
    bl_options = {"REGISTER", "UNDO"}

    uid: StringProperty(options={"HIDDEN", "SKIP_SAVE"})  # type: ignore[valid-type]

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if not self.look(context):
            # A button in the panel.
            return self.execute(context)
        try:
            obj = active_splat(context)
            self.uid = prompt_at(obj, self.viewport(obj), event.mouse_region_x, event.mouse_region_y)
        except UserError:
            return {"PASS_THROUGH"}
        return self.execute(context) if self.uid else {"PASS_THROUGH"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            obj = active_splat(context)
            settings = obj.splatcut
            if self.uid:
                place = prompts.find_prompt(settings, self.uid)
            else:
                index = chosen(settings, -1)
                place = (index, settings.objects[index].active_prompt)
            if place is None or not 0 <= place[1] < len(settings.objects[place[0]].prompts):
                raise UserError("There is no prompt to delete.")
        except UserError as error:
            return refuse(self, error, gently=self.by_hand)
        item = settings.objects[place[0]]
        item.prompts.remove(place[1])
        active = item.active_prompt - (item.active_prompt > place[1])
        item.active_prompt = max(min(active, len(item.prompts) - 1), 0)
        changed(obj)
        return {"FINISHED"}


class SPLATCUT_OT_prompt_flip(SplatOperator, bpy.types.Operator):
    """Toggle whether the point belongs to the object"""

    bl_idname = "splatcut.prompt_flip"
    bl_label = "Flip Prompt"
    bl_options = {"REGISTER", "UNDO"}

    uid: StringProperty(options={"HIDDEN", "SKIP_SAVE"})  # type: ignore[valid-type]

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            obj = active_splat(context)
            place = prompts.find_prompt(obj.splatcut, self.uid)
            if place is None:
                raise UserError("There is no such prompt.")
            prompt = obj.splatcut.objects[place[0]].prompts[place[1]]
            if prompt.kind == "BOX":
                raise UserError("A box always encloses the object. Use points to mark what does not belong to it.")
            if not prompt.positive and not prompt.has_position:
                raise UserError(NOTHING_THERE)
        except UserError as error:
            return refuse(self, error, gently=False)
        prompt.positive = not prompt.positive
        changed(obj)
        return {"FINISHED"}


class SPLATCUT_OT_prompt_clear(SplatOperator, bpy.types.Operator):
    """Delete all points and boxes of the object"""

    bl_idname = "splatcut.prompt_clear"
    bl_label = "Clear Prompts"
    bl_options = {"REGISTER", "UNDO"}

    every: BoolProperty(name="All Objects", default=False, options={"SKIP_SAVE"})  # type: ignore[valid-type]

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            obj = active_splat(context)
            settings = obj.splatcut
            items = list(settings.objects) if self.every else [settings.objects[chosen(settings, -1)]]
        except UserError as error:
            return refuse(self, error, gently=False)
        for item in items:
            item.prompts.clear()
            item.active_prompt = 0
        changed(obj)
        return {"FINISHED"}


def _target(obj: Any, index: int) -> Any:
    """The object that a new prompt is for; an empty list gets its first one."""
    settings = obj.splatcut
    if not len(settings.objects) and index == -1:
        return add_object(obj)
    settings.active_object = chosen(settings, index)
    state.tag_redraw()
    return settings.objects[settings.active_object]


CLASSES = (
    SPLATCUT_OT_prompt_add_point,
    SPLATCUT_OT_prompt_add_box,
    SPLATCUT_OT_prompt_move,
    SPLATCUT_OT_prompt_delete,
    SPLATCUT_OT_prompt_flip,
    SPLATCUT_OT_prompt_clear,
)
