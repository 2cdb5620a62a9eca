# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lists of objects and of their prompts."""

from typing import Any

import bpy

from ..bridge import state


class SPLATCUT_UL_objects(bpy.types.UIList):
    """The objects to cut out."""

    bl_idname = "SPLATCUT_UL_objects"

    def draw_item(
        self,
        context: bpy.types.Context,
        layout: Any,
        data: Any,
        item: Any,
        icon: int,
        active_data: Any,
        active_property: str,
        index: int = 0,
        flt_flag: int = 0,
    ) -> None:
        """Colour, name, how many Gaussians or clicks, and whether it is tinted."""
        row = layout.row(align=True)
        swatch = row.row()
        swatch.ui_units_x = 1.0
        swatch.prop(item, "colour", text="")
        row.separator(factor=0.5)
        row.prop(item, "name", text="", emboss=False)
        side = row.row()
        side.alignment = "RIGHT"
        side.label(text=_count(data, item))
        row.prop(item, "visible", text="", emboss=False, icon="HIDE_OFF" if item.visible else "HIDE_ON")


class SPLATCUT_UL_prompts(bpy.types.UIList):
    """The points and boxes of an object."""

    bl_idname = "SPLATCUT_UL_prompts"

    def draw_item(
        self,
        context: bpy.types.Context,
        layout: Any,
        data: Any,
        item: Any,
        icon: int,
        active_data: Any,
        active_property: str,
        index: int = 0,
        flt_flag: int = 0,
    ) -> None:
        """What it is and where; a button that turns it into its opposite."""
        row = layout.row(align=True)
        if item.kind == "BOX":
            row.label(text="Box around it", icon="SHADING_BBOX")
            return
        where = "in space" if not item.view else "in a view"
        row.label(
            text=f"{'On it' if item.positive else 'Not on it'}, {where}", icon="ADD" if item.positive else "REMOVE"
        )
        flip: Any = row.operator("splatcut.prompt_flip", text="", icon="ARROW_LEFTRIGHT", emboss=False)
        flip.uid = item.uid


def _count(settings: Any, item: Any) -> str:
    """Gaussians by the preview, or how far the object is."""
    shown = state.preview(settings.uid)
    if shown is not None and shown.counts is not None and not shown.stale and item.name in shown.counts:
        return short(shown.counts[item.name])
    number = len(item.prompts)
    return "no clicks" if not number else f"{number} click{'s' if number != 1 else ''}"


def short(number: int) -> str:
    """A count in a few characters: 950, 12.3k, 1.2M."""
    if number < 1000:
        return str(number)
    value, unit = (number / 1e3, "k") if number < 999_500 else (number / 1e6, "M")
    return f"{value:.1f}{unit}" if value < 99.95 else f"{value:.0f}{unit}"


CLASSES = (SPLATCUT_UL_objects, SPLATCUT_UL_prompts)
