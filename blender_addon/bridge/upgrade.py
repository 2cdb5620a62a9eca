# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes made point clouds: splat objects of .blend files of earlier Blenders as 5.3 draws them, nothing lost.

Blender's own conversion keeps the object (its name, place, parent, prompts and animation) and the attributes; it loses
modifiers and the data's custom properties, which are put back here, and it applies modifiers, which are turned off for
it. It works on what is selected in a view layer, which hidden objects cannot be: so it is done in a scene of its own.
"""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from splatcut.errors import UserError

from ..core import layout, seen
from . import attributes, native, render, splats


def is_outdated(obj: Any) -> bool:
    """Whether Blender would draw a splat object itself if it were made a point cloud. Cheap enough for panels."""
    return native.native() and splats.is_splat(obj) and not native.is_native(obj)


def outdated() -> list[Any]:
    """All such objects of the file, those that are linked from others left out."""
    return [o for o in bpy.data.objects if is_outdated(o) and o.library is None and o.data.library is None]


def upgrade(obj: Any) -> None:
    """Makes a splat object one that Blender draws itself; others with the same data get the same new ones.

    Raises:
        UserError: it cannot be converted without a loss.
    """
    if obj.type == "MESH":
        shared = [other for other in bpy.data.objects if other.type == "MESH" and other.data == obj.data]
        for other in shared:
            _check(other)
        old = obj.data
        for other in shared:
            to_point_cloud(other)
            if other is not obj:
                spare, other.data = other.data, obj.data
                bpy.data.batch_remove([spare])
        if not old.users:
            bpy.data.batch_remove([old])
        _declare(obj.data)
    else:
        shared = [obj]
        obj.data.type = native.SPLATS
    for other in shared:
        native.share_drawing(other)


def _check(obj: Any) -> None:
    if obj.library is not None or obj.mode != "OBJECT":
        raise UserError(
            f"{obj.name!r} is linked from another file or not in object mode, so it cannot be converted. Make it "
            "local, or switch to object mode."
        )
    lost = [m.name for m in obj.modifiers if m.type not in ("NODES", "MESH_SEQUENCE_CACHE")]
    if lost or obj.data.shape_keys is not None:
        raise UserError(
            f"{obj.name!r} has {f'the modifier {lost[0]!r}' if lost else 'shape keys'}, which Blender's splats cannot "
            f"have. Apply or remove {'it' if lost else 'them'} first."
        )


def to_point_cloud(obj: Any) -> None:
    """Makes the data of a mesh object a point cloud with the same attributes and custom properties; modifiers stay."""
    render.remove(obj)
    name, kept = obj.data.name, {key: obj.data[key] for key in obj.data.keys()}  # noqa: SIM118 (no mapping)
    modifiers = [_Modifier(modifier) for modifier in obj.modifiers]
    for modifier in obj.modifiers:
        modifier.show_viewport = False
    _convert(obj)
    data = obj.data
    data.name = name
    for key, value in kept.items():
        data[key] = value
    for modifier in modifiers:
        modifier.put_back(obj)


def _convert(obj: Any) -> None:
    hidden, obj.hide_viewport = obj.hide_viewport, False
    scene = bpy.data.scenes.new("SplatCut conversion")
    try:
        scene.collection.objects.link(obj)
        layer: Any = scene.view_layers[0]
        layer.update()
        chosen = {"selected_objects": [obj], "selected_editable_objects": [obj], "active_object": obj, "object": obj}
        with bpy.context.temp_override(scene=scene, view_layer=layer, **chosen):
            bpy.ops.object.convert(target="POINTCLOUD")
    finally:
        bpy.data.scenes.remove(scene)
        obj.hide_viewport = hidden
    if obj.type != "POINTCLOUD":
        raise UserError(f"Blender could not convert {obj.name!r} to a point cloud.")


def _declare(data: Any) -> None:
    """Makes splats of the points; the attributes get the types and values in which Blender draws them."""
    data.type = native.SPLATS
    base = data.attributes.get(layout.BASE)
    if base is not None and base.data_type == "FLOAT_COLOR":
        values = np.empty((len(data.points), 4), np.float32)
        base.data.foreach_get("color", values.ravel())
        attributes.write(data, layout.BASE, "FLOAT4", values)
    rotation = data.attributes.get(layout.ROTATION)
    if rotation is not None and rotation.data_type == "QUATERNION":
        values = np.empty((len(data.points), 4), np.float32)
        rotation.data.foreach_get("value", values.ravel())
        if not values.any(axis=1).all():  # Blender draws nothing there
            attributes.write(data, layout.ROTATION, "QUATERNION", seen.normalised(values))


class _Modifier:
    """A geometry nodes modifier, to be made again."""

    _SKIPPED = frozenset({"rna_type", "name", "type", "is_active", "is_override_data", "execution_time"})

    def __init__(self, modifier: Any) -> None:
        self.name, self.type = modifier.name, modifier.type
        self.settings = {key: value for key, value in _values(modifier).items() if key not in self._SKIPPED}
        self.inputs = {name: _values(socket) for name, socket in self._sockets(modifier)}

    def put_back(self, obj: Any) -> None:
        """Makes it again, as it was."""
        made = obj.modifiers.new(self.name, self.type)
        for key, value in self.settings.items():
            setattr(made, key, value)
        for name, socket in self._sockets(made):
            for key, value in self.inputs.get(name, {}).items():
                setattr(socket, key, value)

    @staticmethod
    def _sockets(modifier: Any) -> list[tuple[str, Any]]:
        if modifier.type != "NODES" or modifier.node_group is None:
            return []
        inputs = modifier.properties.inputs
        names = [prop.identifier for prop in inputs.bl_rna.properties if prop.identifier.startswith("Socket_")]
        return [(name, socket) for name in names if hasattr(socket := getattr(inputs, name), "bl_rna")]


def _values(item: Any) -> dict[str, Any]:
    """All settings of one of Blender's structs, in copies of their own."""
    known = {p.identifier: getattr(item, p.identifier) for p in item.bl_rna.properties if not p.is_readonly}

    def own(value: Any) -> Any:
        return tuple(value) if isinstance(value, bpy.types.bpy_prop_array) or getattr(value, "is_wrapped", 0) else value

    return {key: own(value) for key, value in known.items()}
