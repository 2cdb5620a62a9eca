# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SplatCut tab in the 3D view's sidebar: from import to export, from top to bottom."""

import textwrap
from typing import Any

import bpy

from splatcut.messages import OPTIONS, placed

from ..bridge import healed, labelled, matched, native, splats, state, worker
from ..core import findings, guide
from . import situation
from .lists import short

#: Width of a letter in the interface's font at scale 1, pixels, a little on the safe side.
_LETTER = 6.6


class SidebarPanel:
    """What all panels of the tab have in common."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "SplatCut"


class SplatPanel(SidebarPanel):
    """A panel that needs an active splat."""

    def draw(self, context: bpy.types.Context) -> None:
        """Draws ``fill`` for the splat, or says that there is none."""
        panel: Any = self
        obj: Any = splats.active(context)
        if obj is None:
            empty = panel.layout.column()
            empty.active = False
            empty.label(text="Needs a splat")
            return
        panel.fill(context, panel.layout, obj)


class SPLATCUT_PT_guide(SidebarPanel, bpy.types.Panel):
    """What to do next, what is going on, and what went wrong."""

    bl_idname = "SPLATCUT_PT_guide"
    bl_label = "SplatCut"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        now = situation.situation(context)
        for hint in guide.hints(now):
            box = layout.box()
            paragraph(context, box, hint.text, icon="ERROR" if hint.warning else "INFO")
            if hint.operator:
                _hint_button(box, hint)
        job = state.job
        if job is not None:
            _progress(context, layout, job)
        # What the hint says already is not said again in red.
        if state.message and not (now.engine_problem and state.message.startswith(now.engine_problem)):
            box = layout.box()
            icon = {"ERROR": "CANCEL", "WARNING": "ERROR"}.get(state.message_level, "CHECKMARK")
            column = box.column(align=True)
            column.alert = state.message_level == "ERROR"
            paragraph(context, column, state.message, icon=icon)
            row = box.row(align=True)
            if state.message_level == "ERROR":
                button(row, "splatcut.show_log", text="Show Log", icon="TEXT")
            button(row, "splatcut.dismiss", text="Dismiss", icon="X")


class SPLATCUT_PT_import(SidebarPanel, bpy.types.Panel):
    """Step 1."""

    bl_idname = "SPLATCUT_PT_import"
    bl_label = "1  Import"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        button(layout, "splatcut.import_splats", text="Import Splat", icon="IMPORT")
        obj: Any = splats.active(context)
        if obj is None:
            return
        row = layout.row()
        row.label(text=obj.name, icon="POINTCLOUD_DATA")
        side = row.row()
        side.alignment = "RIGHT"
        side.label(text=f"{short(gaussians(obj))} Gaussians")
        layout.row().prop(obj.splatcut, "display", expand=True)


class SPLATCUT_PT_objects(SplatPanel, bpy.types.Panel):
    """Step 2."""

    bl_idname = "SPLATCUT_PT_objects"
    bl_label = "2  Objects and Clicks"

    def fill(self, context: bpy.types.Context, layout: Any, obj: Any) -> None:
        """The tool, the objects, and the clicks of the chosen one."""
        settings = obj.splatcut
        active = situation.tool_is_active(context)
        tool = button(layout, guide.TOOL, text="Click on Objects", icon="RESTRICT_SELECT_OFF", depress=active)
        if tool is not None:
            tool.name, tool.space_type = situation.TOOL, "VIEW_3D"
        if active:
            keys = layout.column(align=True)
            keys.scale_y = 0.8
            for text, icon in (
                ("Click: belongs to it", "ADD"),
                ("Ctrl-click: does not belong to it", "REMOVE"),
                ("Drag: box around it", "SHADING_BBOX"),
            ):
                keys.label(text=text, icon=icon)
        row = layout.row()
        row.template_list("SPLATCUT_UL_objects", "", settings, "objects", settings, "active_object", rows=5)
        side = row.column(align=True)
        button(side, "splatcut.object_add", text="", icon="ADD")
        button(side, "splatcut.object_remove", text="", icon="REMOVE")
        side.separator()
        for direction in ("UP", "DOWN"):
            move = button(side, "splatcut.object_move", text="", icon=f"TRIA_{direction}")
            if move is not None:
                move.direction = direction
        side.separator()
        button(side, "splatcut.prompts_load", text="", icon="FILE_FOLDER")
        if not 0 <= settings.active_object < len(settings.objects):
            return
        item = settings.objects[settings.active_object]
        row = layout.row(align=True)
        for amount, icon in ((-0.1, "REMOVE"), (0.1, "ADD")):
            if amount > 0:
                row.prop(item, "grow", text="Grow", slider=True)
            grow = button(row, "splatcut.object_grow", text="", icon=icon)
            if grow is not None:
                grow.amount = amount
        if not len(item.prompts):
            return
        row = layout.row()
        row.template_list("SPLATCUT_UL_prompts", "", item, "prompts", item, "active_prompt", rows=2)
        side = row.column(align=True)
        button(side, "splatcut.prompt_delete", text="", icon="X")
        button(side, "splatcut.prompt_clear", text="", icon="TRASH")


class SPLATCUT_PT_views(SplatPanel, bpy.types.Panel):
    """Step 3."""

    bl_idname = "SPLATCUT_PT_views"
    bl_label = "3  Views"

    def fill(self, context: bpy.types.Context, layout: Any, obj: Any) -> None:
        """Where the engine looks from."""
        settings = obj.splatcut
        layout.prop(settings, "view_source", text="")
        if settings.view_source == "DATASET":
            column = layout.column()
            column.prop(settings, "cameras_path")
            column.prop(settings, "images_path")
        elif settings.view_source == "CAMERAS":
            layout.prop(settings, "camera_collection", text="")
        else:
            paragraph(context, layout, "No photos needed: the engine places views around what you click on.")
            return
        missing = situation.views_missing(settings)
        if missing:
            paragraph(context, layout, missing, icon="INFO")
        else:
            row = layout.row(align=True)
            button(row, "splatcut.load_views", text="Load Views", icon="CAMERA_DATA")
            button(row, "splatcut.check", text="Check Input", icon="VIEWZOOM")
        if settings.uid in state.findings:
            box = layout.box()
            checked = state.findings[settings.uid]
            for line in findings.lines(checked.findings, checked.looked_at):
                paragraph(context, box, line.text, icon=line.icon)


class SPLATCUT_PT_run(SplatPanel, bpy.types.Panel):
    """Step 4."""

    bl_idname = "SPLATCUT_PT_run"
    bl_label = "4  Cut"

    def fill(self, context: bpy.types.Context, layout: Any, obj: Any) -> None:
        """Quality, the button, and how far it is."""
        settings = obj.splatcut
        job = state.job
        busy = job is not None and job.kind in ("run", "heal")
        options = layout.column()
        options.enabled = not busy
        for name in placed("panel"):
            choices = bool(OPTIONS[name].choices)
            (options.row() if choices else options).prop(settings, name, expand=choices)
        if job is not None and busy:
            _progress(context, layout, job)
            return
        row = layout.row(align=True)
        row.scale_y = 1.5
        button(row, "splatcut.run", text="Cut Objects", icon="PLAY")
        source = layout.column()
        if situation.has_results(settings.uid):
            text = "Back to the Splat" if situation.is_hidden(context, obj) else "Show the Results"
            button(source, "splatcut.show_source", text=text, icon="LOOP_BACK")
            _backgrounds(context, layout, obj)
        islands = labelled.island_count(obj)
        if islands:
            column = layout.column(align=True)
            paragraph(context, column, f"Stray parts, {islands:,} Gaussians, went to the background.", icon="INFO")
            row = column.row(align=True)
            shown = settings.show_islands
            button(row, "splatcut.show_islands", text="Show", icon="HIDE_OFF" if shown else "HIDE_ON", depress=shown)
            button(row, "splatcut.keep_islands", text="Keep", icon="CHECKMARK")


def _backgrounds(context: bpy.types.Context, layout: Any, source: Any) -> None:
    """What is shown behind the objects, and a button for each hole that can be filled."""
    results = healed.latest(context, source)
    names = {obj.splatcut.result_name: obj for obj in results}
    scenes = [name for name in sorted(names) if healed.is_scene(name)]
    column = layout.column(align=True)
    if len(scenes) > 1:
        column.label(text="Behind the objects")
        shown = healed.shown(results)
        for name in scenes:
            show = button(column, "splatcut.show_scene", text=healed.label(name), depress=name == shown)
            if show is not None:
                show.name = name
    objects = sorted(name for name in names if not healed.is_scene(name))
    if not objects or not any(obj.splatcut.result_folder for obj in results):
        return
    if healed.BACKGROUND not in names:
        button(column, "splatcut.heal", text="Fill All Holes" if len(objects) > 1 else "Fill Hole", icon="BRUSH_DATA")
    # Of the object that is selected in the viewport, else in the list.
    active, listed = context.view_layer.objects.active, source.splatcut
    name = active.splatcut.result_name if active in results else ""  # type: ignore[union-attr]
    if name not in objects and 0 <= listed.active_object < len(listed.objects):
        name = listed.objects[listed.active_object].name
    if len(objects) > 1 and name in objects:
        fill = button(column, "splatcut.heal", text=f"Fill Hole of {name}", icon="BRUSH_DATA")
        if fill is not None:
            fill.name = name


class SPLATCUT_PT_run_details(SplatPanel, bpy.types.Panel):
    """Options that most people never need."""

    bl_idname = "SPLATCUT_PT_run_details"
    bl_label = "Details"
    bl_parent_id = "SPLATCUT_PT_run"
    bl_options = {"DEFAULT_CLOSED"}

    def fill(self, context: bpy.types.Context, layout: Any, obj: Any) -> None:
        """The options that few need, and a run from the start."""
        column = layout.column()
        column.use_property_split = True
        for name in placed("details"):
            column.prop(obj.splatcut, name)
            if name == "tau":
                row = column.row()
                left = labelled.read(obj)
                row.active = left is not None and left.variance is not None
                row.prop(obj.splatcut, "show_boundary")
        fresh = button(layout, "splatcut.run", text="Cut Again from Scratch", icon="FILE_REFRESH")
        if fresh is not None:
            fresh.fresh = True


class SPLATCUT_PT_export(SplatPanel, bpy.types.Panel):
    """Step 5."""

    bl_idname = "SPLATCUT_PT_export"
    bl_label = "5  Export"

    def fill(self, context: bpy.types.Context, layout: Any, obj: Any) -> None:
        """Files of the results, or of what is selected; renders."""
        column = layout.column(align=True)
        there = situation.has_results(obj.splatcut.uid)
        for what, text in (("RESULTS", "Export Results"), ("SELECTED", "Export Selected")):
            row = column.row(align=True)
            row.enabled = there or what != "RESULTS"
            export = button(row, "splatcut.export_splats", text=text, icon="EXPORT")
            if export is not None:
                export.what = what
        transform = context.scene.view_settings.view_transform
        if native.native() and transform != "Standard":
            text = f"The view transform is {transform}, which changes the capture's colours in renders."
            paragraph(context, layout, text, icon="INFO")
        if native.native():
            _light(context, layout)
        button(layout, "splatcut.render_setup", text="Set Up for Rendering", icon="RENDER_STILL")


def _light(context: bpy.types.Context, layout: Any) -> None:
    """Colours for Blender's way of blending, and back."""
    done = [matched.is_matched(obj) for obj in matched.targets(context)]
    column = layout.column(align=True)
    if not done or not all(done):
        button(column, "splatcut.match", text="Match Blender's Light", icon="LIGHT_SUN")
    if any(done):
        button(column, "splatcut.restore_colours", text="Restore Trained Colours", icon="LOOP_BACK")


def paragraph(context: bpy.types.Context, layout: Any, text: str, icon: str = "NONE") -> None:
    """Text over as many lines as the sidebar's width asks for."""
    scale = context.preferences.system.ui_scale or 1.0
    width = context.region.width if context.region is not None else 240
    letters = max(int((width / scale - (70 if icon != "NONE" else 45)) / _LETTER), 16)
    column = layout.column(align=True)
    column.scale_y = 0.8
    for number, line in enumerate(textwrap.wrap(text, letters, break_on_hyphens=False)):
        if icon == "NONE":
            column.label(text=line)
        else:
            column.label(text=line, icon=icon if number == 0 else "BLANK1")


def button(layout: Any, idname: str, **look: Any) -> Any | None:
    """An operator's button; None, and no button, where the operator does not exist."""
    module, _, name = idname.partition(".")
    try:
        getattr(getattr(bpy.ops, module), name).get_rna_type()
    except (AttributeError, KeyError):
        return None
    return layout.operator(idname, **look)


def gaussians(obj: Any) -> int:
    """How many Gaussians a splat object has."""
    data = obj.data
    return len(data.vertices if isinstance(data, bpy.types.Mesh) else data.points)


def _hint_button(layout: Any, hint: guide.Hint) -> None:
    row = layout.row(align=True)
    made = button(row, hint.operator, text=hint.button)
    if made is not None and hint.operator == guide.TOOL:
        made.name, made.space_type = situation.TOOL, "VIEW_3D"
    if hint.operator == guide.ENVIRONMENT:
        choose = button(row, "preferences.addon_show", text="", icon="PREFERENCES")
        if choose is not None:
            choose.module = worker.ADDON


def _progress(context: bpy.types.Context, layout: Any, job: state.JobStatus) -> None:
    """What is being done, how far it is, and a button that stops it."""
    column = layout.column(align=True)
    paragraph(context, column, job.message or job.stage or job.kind)
    row = column.row(align=True)
    if job.fraction is not None:
        fraction = min(max(job.fraction, 0.0), 1.0)
        row.progress(factor=fraction, type="BAR", text=f"{fraction:.0%}")
    stop = row.row(align=True)
    stop.enabled = not job.cancelling
    button(stop, "splatcut.cancel", text="" if job.fraction is not None else "Cancel", icon="X")


CLASSES = (
    SPLATCUT_PT_guide,
    SPLATCUT_PT_import,
    SPLATCUT_PT_objects,
    SPLATCUT_PT_views,
    SPLATCUT_PT_run,
    SPLATCUT_PT_run_details,
    SPLATCUT_PT_export,
)
