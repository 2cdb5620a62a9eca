# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the add-on keeps in the .blend: all of it at the splat object, so that it survives saving, undo and linking.

Everything is looked up by ``uid`` each time; references to Blender's data are not kept across undo.
"""

from collections.abc import Callable
from typing import Any

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    FloatVectorProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from splatcut.messages import OPTIONS, SCENE_OPTIONS

from . import native

VIEW_SOURCES = (
    ("VIRTUAL", "Virtual", "Views that the engine places around what you clicked; no photos needed"),
    ("DATASET", "Data set", "Cameras and photos of the capture: COLMAP, transforms.json or cameras.json"),
    ("CAMERAS", "Blender cameras", "The cameras in a collection; renders of the splat stand in for photos"),
)
DISPLAYS = (
    ("SPLATS", "Splats", "Draw the Gaussians as they are"),
    ("POINTS", "Points", "Draw each Gaussian as a coloured point, which is faster on slow machines"),
    ("OFF", "Off", "Let Blender draw the object, without tints"),
)


#: Paths may begin with "//", the folder of the .blend. Blender wants to be told that from 4.5 on, and knows no such
#: option before.
_RELATIVE: Any = {"ANIMATABLE"} | ({"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else set())


def option_property(name: str, **more: Any) -> Any:
    """Blender's property for one of the engine's options; ``more`` goes to it as it is."""
    option = OPTIONS[name]
    common = {"name": option.label, "description": sentence(option.help), **more}
    if option.choices:
        items = tuple((choice.value, choice.label, sentence(choice.help)) for choice in option.choices)
        return EnumProperty(items=items, default=option.default, **common)
    if option.type is bool:
        return BoolProperty(default=option.default, **common)
    if option.type is int:  # Blender's integers have 32 bits with a sign
        return IntProperty(default=option.default, min=int(option.low), max=int(min(option.high, 2**31 - 1)), **common)
    if option.type is float:
        least = option.low + (0.001 if option.above else 0.0)
        return FloatProperty(default=option.default, min=least, max=option.high, step=1, precision=3, **common)
    return StringProperty(default=option.default or "", **common)


def sentence(phrase: str) -> str:
    """A phrase as Blender's tooltips have it: with a capital, without a full stop."""
    return phrase[:1].upper() + phrase[1:]


class SplatCutView(bpy.types.PropertyGroup):
    """A view that something was prompted in, mostly the viewport as it was. Frames and units as messages.InlineView."""

    # Blender reads properties from annotations, which are no types (and must not be strings: no __future__ import).
    uid: StringProperty()  # type: ignore[valid-type]
    name: StringProperty()  # type: ignore[valid-type]  # of a data set's view; "" for the viewport at a click
    width: IntProperty()  # type: ignore[valid-type]
    height: IntProperty()  # type: ignore[valid-type]
    intrinsics: FloatVectorProperty(size=4)  # type: ignore[valid-type]  # fx, fy, cx, cy in px
    camera_from_file: FloatVectorProperty(size=16)  # type: ignore[valid-type]  # row by row; rigid


class SplatCutPrompt(bpy.types.PropertyGroup):
    """A click or a box in a view."""

    uid: StringProperty()  # type: ignore[valid-type]
    kind: EnumProperty(items=(("POINT", "Point", ""), ("BOX", "Box", "")))  # type: ignore[valid-type]
    view: StringProperty()  # type: ignore[valid-type]  # uid of a SplatCutView, "" for a point in space (kind POINT)
    positive: BoolProperty(default=True)  # type: ignore[valid-type]
    # POINT: x, y; BOX: x0, y0, x1, y1. Pixels of the view; y points down, centres at +0.5.
    pixels: FloatVectorProperty(size=4)  # type: ignore[valid-type]
    # POINT: the surface that was hit, in the file's frame (the object's local one).
    position: FloatVectorProperty(size=3, subtype="XYZ")  # type: ignore[valid-type]
    has_position: BoolProperty()  # type: ignore[valid-type]


#: What operators do after an object of the list was renamed in the panel (with the ``SplatCutObject``), and after a
#: setting was changed that previews depend on (with Blender's object). They put their functions here.
after_rename: Callable[[Any], None] | None = None
after_setting_change: Callable[[Any], None] | None = None


def _renamed(self: "SplatCutObject", context: bpy.types.Context) -> None:
    if after_rename is not None:
        after_rename(self)


def _changed(self: bpy.types.PropertyGroup, context: bpy.types.Context) -> None:
    if after_setting_change is not None:
        after_setting_change(self.id_data)


def _display_changed(self: "SplatCutSettings", context: bpy.types.Context) -> None:
    native.share_drawing(self.id_data)


def _boundary_changed(self: "SplatCutSettings", context: bpy.types.Context) -> None:
    if self.show_boundary:
        self.show_islands = False
    _display_changed(self, context)


class SplatCutObject(bpy.types.PropertyGroup):
    """An object to cut out. ``name`` is unique in its list and a legal file name (messages.check_object_name)."""

    name: StringProperty(name="Name", update=_renamed)  # type: ignore[valid-type]
    uid: StringProperty()  # type: ignore[valid-type]
    colour: FloatVectorProperty(name="Colour", subtype="COLOR", size=3, min=0, max=1)  # type: ignore[valid-type]
    visible: BoolProperty(name="Show", description="Tint this object in the viewport", default=True)  # type: ignore[valid-type]
    grow: FloatProperty(  # type: ignore[valid-type]
        name="Grow",
        description=(
            "Positive values include Gaussians that are less certain to belong to the object; negative values exclude "
            "more"
        ),
        min=-1,
        max=1,
        default=0,
        update=_changed,
    )
    prompts: CollectionProperty(type=SplatCutPrompt)  # type: ignore[valid-type]
    active_prompt: IntProperty()  # type: ignore[valid-type]


class SplatCutSettings(bpy.types.PropertyGroup):
    """``Object.splatcut``. A property for each of ``SCENE_OPTIONS`` is added below."""

    is_splat: BoolProperty()  # type: ignore[valid-type]
    uid: StringProperty()  # type: ignore[valid-type]
    source_path: StringProperty()  # type: ignore[valid-type]  # the file it was imported from; for information only
    source_format: StringProperty()  # type: ignore[valid-type]
    display: EnumProperty(  # type: ignore[valid-type]
        name="Display", items=DISPLAYS, default="SPLATS", update=_display_changed
    )
    show_boundary: BoolProperty(  # type: ignore[valid-type]
        name="Show boundary",
        description=(
            "Tint the Gaussians whose variance in the last cut is above the boundary threshold, instead of the objects"
        ),
        update=_boundary_changed,
    )
    show_islands: BoolProperty(  # type: ignore[valid-type]
        name="Show stray parts",
        description=(
            "Tint what the last cut gave to the background because it stands apart from its object, in that object's "
            "colour, instead of the objects"
        ),
        update=_display_changed,
    )

    objects: CollectionProperty(type=SplatCutObject)  # type: ignore[valid-type]
    active_object: IntProperty()  # type: ignore[valid-type]
    prompt_views: CollectionProperty(type=SplatCutView)  # type: ignore[valid-type]

    view_source: EnumProperty(name="Views", items=VIEW_SOURCES, default="VIRTUAL")  # type: ignore[valid-type]
    cameras_path: StringProperty(  # type: ignore[valid-type]
        name="Cameras",
        description="COLMAP folder, transforms.json or cameras.json",
        subtype="FILE_PATH",
        options=_RELATIVE,
    )
    images_path: StringProperty(name="Photos", subtype="DIR_PATH", options=_RELATIVE)  # type: ignore[valid-type]
    camera_collection: PointerProperty(name="Cameras", type=bpy.types.Collection)  # type: ignore[valid-type]

    # On results: the uid of the splat object they were cut from, and the object's name ("" for the background,
    # "healed/..." for a healed scene).
    result_of: StringProperty()  # type: ignore[valid-type]
    result_name: StringProperty()  # type: ignore[valid-type]
    # Equal for all that came from one run, which wrote it to this folder; "" in older files.
    result_run: StringProperty()  # type: ignore[valid-type]
    result_folder: StringProperty()  # type: ignore[valid-type]
    # Of a healed scene: the names of the objects that were taken out, with "/" between them, or "" for all.
    result_without: StringProperty()  # type: ignore[valid-type]
    # Another result shows the same, so that this one is neither shown nor exported with the others.
    result_aside: BoolProperty()  # type: ignore[valid-type]


SplatCutSettings.__annotations__.update({name: option_property(name) for name in SCENE_OPTIONS})

CLASSES = (SplatCutView, SplatCutPrompt, SplatCutObject, SplatCutSettings)


def register() -> None:
    """Adds ``Object.splatcut``."""
    bpy.types.Object.splatcut = PointerProperty(type=SplatCutSettings)  # type: ignore[attr-defined]


def unregister() -> None:
    """Removes ``Object.splatcut``."""
    del bpy.types.Object.splatcut  # type: ignore[attr-defined]
