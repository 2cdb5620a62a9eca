# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Splats that something else brought into Blender, such as its own PLY importer, made splat objects."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from splatcut.errors import UserError
from splatcut.formats import SplatFile
from splatcut.formats.ply import new_table

from ..core import exports, layout
from . import attributes, native, splats, transforms, upgrade

#: What a file's properties are called, of which Blender's importer makes attributes.
_FILES = ("f_dc_0", "f_dc_1", "f_dc_2", "opacity", "scale_0", "scale_1", "rot_0", "rot_1", "rot_2", "rot_3")
_NATIVE = (layout.SCALE, layout.ROTATION, layout.BASE)


def can_adopt(obj: bpy.types.Object | None) -> bool:
    """Whether an object holds splats without being one of our splat objects. Cheap enough for panels."""
    if obj is None or obj.type not in ("MESH", "POINTCLOUD") or splats.is_splat(obj):
        return False
    there: Any = obj.data.attributes  # type: ignore[union-attr]
    return any(all(name in there for name in names) for names in (_NATIVE, _FILES))


def adopt(obj: Any, source: str = "AUTO") -> str:
    """Makes a splat object of one that has the attributes of native splats or of a splat file.

    Blender's importer of .spz turns the data upright; here they get the file's axes back, to which cameras refer, and
    the object the turn, so that it stays where it is.

    Args:
        source: what Blender imported it from: "PLY", "SPZ", or "AUTO" to tell by the values.

    Returns:
        "PLY" or "SPZ": what it was taken for.

    Raises:
        UserError: it has not, or its data are not its own.
    """
    if not can_adopt(obj):
        raise UserError(
            f"{obj.name!r} has no splat attributes. Import the file with File > Import > Gaussian Splats, or with "
            "Blender's PLY importer with Attributes turned on."
        )
    transforms.check_own_data(obj)
    data: Any = obj.data
    if not all(name in data.attributes for name in _NATIVE):
        new = splats.new_data(_from_file_attributes(obj), data.name)
        if native.native() and obj.type == "MESH":  # such objects hold no point clouds
            upgrade.to_point_cloud(obj)
        spare, obj.data = {data, obj.data}, new
        bpy.data.batch_remove([item for item in spare if not item.users])
        source = "PLY"
    elif source == "AUTO":
        source = "SPZ" if _is_from_spz(obj) else "PLY"
    splats.declare(obj, "spz" if source == "SPZ" else "ply")
    if upgrade.is_outdated(obj):
        upgrade.upgrade(obj)
    if source == "SPZ":
        turn = np.array(exports.world_from_file("Y_DOWN"))
        transforms.transform_data(obj, turn.T)
        obj.matrix_world = obj.matrix_world @ Matrix(turn.tolist())
    return source


def _is_from_spz(obj: Any) -> bool:
    """Whether scales and opacities are those of an .spz: exp(k / 16 - 10) and k / 255."""
    with attributes.reading(obj) as reading:
        scale: Any = reading.get(layout.SCALE)
        base: Any = reading.get(layout.BASE)
    if scale is None or base is None or not len(scale) or scale.ndim != 2 or base.ndim != 2 or (scale <= 0).any():
        return False
    steps = np.concatenate([16 * np.log(scale.astype(np.float64)).ravel(), 255 * base[:, 3].astype(np.float64)])
    return bool(np.abs(steps - np.round(steps)).max() < 0.01)


def _from_file_attributes(obj: Any) -> SplatFile:
    """The splat file whose properties stand in attributes of the same names, the foreign ones included."""
    with attributes.reading(obj) as source:
        names = [name for name, kind in source.types().items() if kind == "FLOAT" and not name.startswith(".")]
        dtype = np.dtype([(name, "<f4") for name in ("x", "y", "z", *names)])
        rows = np.zeros(source.count, dtype)
        positions = source.get(layout.POSITION)
        assert positions is not None
        for axis, name in enumerate("xyz"):
            rows[name] = positions[:, axis]
        for name in names:
            rows[name] = source.get(name)
    return SplatFile.from_table(new_table(dtype, rows), repr(obj.name))
